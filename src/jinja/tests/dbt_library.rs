//! Tests of dbt's library: its macros, relations, messages and Python's modules.

use std::sync::{Mutex, PoisonError};

use super::*;

#[test]
fn dbts_macros_are_called_with_and_without_their_namespace() {
    check("{{ dbt.concat(['a', 'b']) }} {{ concat(['a', 'b']) }}", "a || b a || b");
    check("{{ dateadd('day', 3, 'd') }}", "(d + cast(3 as bigint) * interval '1 day')");
    check(
        "{{ dbt.dateadd('day', 1, \"'2020-01-01'\") }}",
        "(cast('2020-01-01' as timestamp) + cast(1 as bigint) * interval '1 day')",
    );
    check(
        "{{ dbt.datediff('a', 'b', 'day') }}",
        "date_diff('day', cast(a as timestamp), cast(b as timestamp))",
    );
    check("{{ dbt.safe_cast('x', dbt.type_int()) }}", "try_cast(x as integer)");
    check(
        "{{ dbt.listagg('x', \"'-'\", 'order by y', 2) }}",
        "array_to_string((array_agg(x order by y))[1:2], '-')",
    );
    check("{{ dbt.listagg('x') }}", "string_agg(x, ',')");
    check("{{ dbt.split_part('x', \"'-'\", 2) }}", "(string_split(x, '-'))[2]");
    check("{{ dbt.array_construct([]) }} {{ dbt.except() }}", "cast([] as integer[]) except");
    check("{{ dbt.get_powers_of_two(9) }}", "4");
    check(
        "{{ dbt.last_day('d', 'quarter') }}",
        "cast(((date_trunc('quarter', d) + cast(3 as bigint) * interval '1 month') + cast(-1 as bigint) * \
         interval '1 day') as date)",
    );
    check_with(
        &["{% macro duckdb__concat(fields) %}p{% endmacro %}{% macro default__length(x) %}own{% endmacro %}"],
        "{{ dbt.concat(['a']) }} {{ dbt.length('x') }}",
        "p own",
    );
}

#[test]
fn relations_are_dbts() {
    check("{{ this.include(schema=false) }} {{ this.quote(schema=false) }}", r#""m" presentation."m""#);
    check("{{ this.include(database=false).render() }} {{ this.is_table }}", r#""presentation"."m" False"#);
    check(
        "{% set t = api.Relation.create(schema='s', identifier='t', type='view') %}{{ t }} {{ t.is_view }}",
        r#""s"."t" True"#,
    );
    check(
        "{{ this.incorporate(path={'identifier': 'x'}, type='table').is_table }} {{ this.without_identifier() }}",
        r#"True "presentation""#,
    );
    check(
        "{{ ref('a') == ref('a') }} {{ ref('a') == ref('b') }} {{ adapter.quote('x y') }}",
        r#"True False "x y""#,
    );
    check_with(
        &["{% macro ref(name) %}{% do return(builtins.ref(name).include(schema=false)) %}{% endmacro %}"],
        "{{ ref('a') }}",
        r#""a""#,
    );
}

#[test]
fn a_dialects_own_macros_come_before_the_default_and_those_for_postgres_after_it() {
    let macros = "{% macro default__f() %}default{% endmacro %}{% macro postgres__f() %}postgres{% endmacro %}\
                  {% macro postgres__g() %}postgres{% endmacro %}";
    check_with(&[macros], "{{ adapter.dispatch('f')() }} {{ adapter.dispatch('g')() }}", "default postgres");
    let own = "{% macro duckdb__f() %}duckdb{% endmacro %}";
    check_with(&[macros, own], "{{ adapter.dispatch('f')() }}", "duckdb");
}

#[test]
fn columns_are_dbts() {
    check(
        "{% set c = api.Column.create('a b', 'string') %}{{ c.quoted }} {{ c.data_type }} {{ c.string_size() }}",
        r#""a b" VARCHAR 256"#,
    );
    check("{{ api.Column.create('a', 'varchar(9)').string_size() }}", "9");
    check("{{ api.Column.create('a', 'varchar(9)').can_expand_to(api.Column.create('b', 'text')) }}", "True");
    check(
        "{{ api.Column.translate_type('string') }} {{ api.Column.translate_type('date') }}",
        "VARCHAR date",
    );
    check(
        "{{ api.Column.numeric_type('numeric', 9, 2) }} {{ api.Column.string_type(3) }}",
        "numeric(9,2) VARCHAR",
    );
    let failed = fails(&[], "{{ api.Column.create('n', 'integer').string_size() }}");
    assert!(failed.contains("the column `n` isn't text"), "{failed}");
    let failed = fails(&[], "{{ api.Column.expand() }}");
    assert!(failed.contains("`api.Column.expand` is not available"), "{failed}");
}

#[test]
fn only_hooks_drop_relations() {
    let render = |node: &NodeContext, text: &str| {
        let (jinja, _) = Jinja::new(&[], globals());
        jinja.render(&Source::new("models/m.sql", text), node, Arc::new(LakeNames))
    };
    let text = "{% do adapter.drop_relation(this.incorporate(type='table')) %}";
    let dropped = |node: &NodeContext| render(node, text).unwrap().captures.dropped;
    let own = [Relation::new("presentation", "m")];
    assert_eq!(dropped(&NodeContext { is_hook: true, ..node() }), own);
    assert_eq!(dropped(&NodeContext { executing: false, ..node() }), own);
    assert_eq!(
        show(&render(&node(), text).unwrap_err()).lines().next(),
        Some("unavailable-function: `adapter.drop_relation` is not available in templates",)
    );
    let hook = NodeContext { is_hook: true, ..node() };
    let failed = show(&render(&hook, "{% do adapter.drop_relation('m') %}").unwrap_err());
    assert!(failed.contains("adapter.drop_relation takes a relation, not string"), "{failed}");
}

#[test]
fn a_test_reads_the_relation_itself_unless_it_leaves_out_rows() {
    let text = "{{ get_where_subquery(this).schema }} {{ this.database is none }}";
    check(text, "presentation True");
    let own = "{% macro default__get_where_subquery(relation) %}own{% endmacro %}";
    check_with(&[own], "{{ get_where_subquery(this) }}", "own");
    let (jinja, _) = Jinja::new(&[], Globals { target: json!({"database": "dev"}), ..globals() });
    let config = json!({"where": "x = 1"}).as_object().cloned().unwrap_or_default();
    let text = "{{ get_where_subquery(this) }} in {{ this.database }}";
    let source = Source::new("models/m.sql", text);
    let rendered = jinja.render(&source, &NodeContext { config, ..node() }, Arc::new(LakeNames)).unwrap();
    let expect = "(select * from \"presentation\".\"m\" where x = 1\n) dbt_subquery in dev";
    assert_eq!(rendered.text, expect);
}

#[test]
fn text_is_formatted_and_has_pythons_methods() {
    check("{{ '%s-%05.2f' % ('a', 3.14159) }} {{ '%d' % 3 }} {{ 7 % 3 }} {{ -7 % 3 }}", "a-03.14 3 1 2");
    check("{% set f = '%s!' %}{{ f % 'x' }} {{ 2 * 7 % 4 }}", "x! 2");
    check("{{ 'aXb'.partition('X') }} {{ '-7'.zfill(4) }} {{ 'x'.ljust(3) }}|", "('a', 'X', 'b') -007 x  |");
    check("{{ 'x' | center(4) }}| {{ 'ab' | center(5) }}|", " x  |   ab |");
    check("{{ {'b': 1, 'a': 2} | dictsort(false, 'value') }}", "[('b', 1), ('a', 2)]");
    check("{{ 'hello world' | truncate(5, true, '..', 0) }} {{ 'a b-c' | wordcount }}", "hel.. 3");
    check("{{ 'a' is sequence }} {{ {} is sequence }} {{ 1 is sequence }}", "True True False");
    check("{{ [1, 2] | random in [1, 2] }}", "True");
    check("{{ local_md5('abc') }}", "900150983cd24fb0d6963f7d28e17f72");
    check("{{ modules.itertools.combinations([1, 2, 3], 2) }}", "[(1, 2), (1, 3), (2, 3)]");
    check("{{ modules.itertools.product([1, 2], repeat=2) | length }}", "4");
    check("{{ '1' | as_number }} {{ 'true' | as_bool }} {{ 1 | as_text }}", "1 true 1");
}

#[test]
fn configuration_keeps_the_type_of_a_single_expression() {
    let (jinja, _) = Jinja::new(&[], globals());
    let source = Source::new("project.yml", "x");
    let at = source.span(0..1);
    let native = |text: &str| jinja.render_native(text, &at).map_err(|found| found.message);
    assert_eq!(native("{{ var('days') }}"), Ok(json!(3)));
    assert_eq!(native("{{ var('names') }}"), Ok(json!(["a", "b"])));
    assert_eq!(native("{{ '41' | as_number }}"), Ok(json!(41)));
    assert_eq!(native("{{ 'true' | as_bool }}"), Ok(json!(true)));
    assert_eq!(native("{{ \"['a']\" | as_native }}"), Ok(json!(["a"])));
    assert_eq!(native("{{ '41' | as_text }}"), Ok(json!("41")));
    assert_eq!(native("{{ var('days') }} days"), Ok(json!("3 days")));
    assert_eq!(native("{{ 'x' | as_bool }}"), Err("could not convert value 'x' into type 'bool'".to_owned()));
}

#[test]
fn messages_are_passed_on() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ears = Arc::clone(&heard);
    let messages = MessageListener::new(move |message| {
        ears.lock().unwrap_or_else(PoisonError::into_inner).push((message.kind, message.text.clone()));
    });
    let (jinja, _) = Jinja::new(&[], Globals { messages, ..globals() });
    let text = "{{ print([1, 'a']) }}{% do log('b', info=true) %}{% do log('c', True) %}{% do log('d') %}";
    let rendered = jinja.render(&Source::new("models/m.sql", text), &node(), Arc::new(LakeNames)).unwrap();
    assert_eq!(rendered.text, "");
    let expect = [
        (MessageKind::Print, "[1, 'a']"),
        (MessageKind::Info, "b"),
        (MessageKind::Info, "c"),
        (MessageKind::Debug, "d"),
    ];
    assert_eq!(*heard.lock().unwrap(), expect.map(|(kind, text)| (kind, text.to_owned())));
    assert!(jinja.external_inputs().volatile, "the next run must print them again");
}

#[test]
fn the_graph_is_empty_until_it_is_known() {
    let (jinja, _) = Jinja::new(&[], globals());
    let text = "{{ graph.nodes }}{{ graph is mapping }} {{ selected_resources }}";
    let render = || {
        jinja.render(&Source::new("models/m.sql", text), &node(), Arc::new(LakeNames)).map(|done| done.text)
    };
    assert_eq!(render().as_deref(), Ok("True []"));
    jinja.set_graph(|| GraphContext {
        graph: json!({"nodes": {}}).as_object().cloned().unwrap_or_default(),
        selected: vec!["model.shop.m".to_owned()],
    });
    assert_eq!(render().as_deref(), Ok("{}True ['model.shop.m']"));
}
