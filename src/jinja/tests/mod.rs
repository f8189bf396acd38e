//! Tests of the language as a whole; `findings`, `spans`, `queries` and `dbt_library` have their own files.

mod dbt_library;
mod findings;
mod fuzz;
mod queries;
mod spans;

use std::sync::Arc;

use chrono::{TimeZone, Utc};
use serde_json::json;

use super::*;
use crate::{
    diag::Diagnostic,
    name::{PackageName, Relation},
    text::Source,
};

struct LakeNames;

impl NameResolver for LakeNames {
    fn reference(&self, _: &str, package: Option<&str>, name: &str) -> Result<Relation, String> {
        match name {
            "missing" => Err("there is no model `missing`".to_owned()),
            name => Ok(Relation::new(package.unwrap_or("staging"), name)),
        }
    }

    fn source(&self, _: &str, source: &str, table: &str) -> Result<Relation, String> {
        Ok(Relation::new(source, table))
    }
}

/// Returns a name of the project's own.
fn own(name: &str) -> PackageName {
    PackageName::new(&"shop".into(), name)
}

fn globals() -> Globals {
    let object = |value: serde_json::Value| value.as_object().cloned().unwrap_or_default();
    Globals {
        docs: std::collections::BTreeMap::from([(own("meters"), "What is measured.".to_owned())]),
        project_name: "shop".to_owned(),
        package_vars: std::collections::BTreeMap::new(),
        dispatch: std::collections::BTreeMap::new(),
        vars: object(json!({"days": 3, "names": ["a", "b"], "as_of_date": "2021-01-01"})),
        target: json!({"name": "dev", "schema": "main"}),
        env: [("HOME_TOWN", "Kiel"), ("DBT_ENV_SECRET_KEY", "hush")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        run_started_at: Utc.with_ymd_and_hms(2021, 1, 2, 3, 4, 5).unwrap(),
        messages: MessageListener::default(),
        invocation_id: "an-id".to_owned(),
        flags: json!({"FULL_REFRESH": false}),
    }
}

fn node() -> NodeContext {
    NodeContext {
        name: "m".to_owned(),
        unique_id: "model.shop.m".to_owned(),
        this: Some(Relation::new("presentation", "m")),
        config: json!({"tags": ["x"]}).as_object().cloned().unwrap_or_default(),
        executing: true,
        ..NodeContext::default()
    }
}

fn render_with(macros: &[&str], text: &str) -> Result<Rendered, Diagnostic> {
    let files = macros.iter().enumerate();
    let files: Vec<_> =
        files.map(|(index, text)| Source::new(format!("macros/{index}.sql"), *text)).collect();
    let (jinja, findings) = Jinja::new(&files, globals());
    assert_eq!(findings, []);
    jinja.render(&Source::new("models/m.sql", text), &node(), Arc::new(LakeNames))
}

fn check(text: &str, expect: &str) {
    check_with(&[], text, expect);
}

#[track_caller]
fn check_with(macros: &[&str], text: &str, expect: &str) {
    match render_with(macros, text) {
        Ok(rendered) => assert_eq!(rendered.text, expect, "{text}"),
        Err(finding) => panic!("{text}\n{finding:#?}"),
    }
}

fn fails(macros: &[&str], text: &str) -> String {
    match render_with(macros, text) {
        Ok(rendered) => format!("rendered: {}", rendered.text),
        Err(finding) => show(&finding),
    }
}

/// Formats a diagnostic briefly, independent of its terminal rendering.
fn show(finding: &Diagnostic) -> String {
    let mut lines = vec![format!("{}: {}", finding.code, finding.message)];
    for label in &finding.labels {
        lines.push(format!("at {} `{}` {}", label.span, label.span.text(), label.message).trim().to_owned());
    }
    lines.extend(finding.notes.iter().map(|note| format!("note: {note}")));
    lines.extend(finding.hints.iter().map(|hint| format!("hint: {hint}")));
    lines.join("\n")
}

#[test]
fn dbts_names_mean_what_they_mean_in_dbt() {
    check("{{ ref('a') }} {{ ref('p', 'a', v=2) }}", r#""staging"."a" "p"."a.v2""#);
    check("{{ source('files', 'readings') }}", r#""files"."readings""#);
    check("{{ ref('a').schema }}.{{ ref('a').identifier }} {{ ref('a').database }}", "staging.a None");
    check("{{ this }} {{ this.name }}", r#""presentation"."m" m"#);
    check("{{ config(materialized='view') }}x", "x");
    check(
        "{{ config.get('tags')[0] }} {{ config.get('no', 'd') }} {{ config.get('no', default=1) }}",
        "x d 1",
    );
    check("{{ config.require('tags') | join }}", "x");
    check(
        "{{ var('days') + 1 }} {{ var('no', 'd') }} {{ var('no', none) }} {{ var.has_var('no') }}",
        "4 d None False",
    );
    check("{{ env_var('HOME_TOWN') }} {{ env_var('NO', 'd') }}", "Kiel d");
    check("{{ target.name }} {{ project_name }} {{ execute }} {{ is_incremental() }}", "dev shop True False");
    check(
        "{{ run_started_at }} {{ run_started_at.strftime('%d.%m.%y %f') }}",
        "2021-01-02 03:04:05+00:00 02.01.21 000000",
    );
    check(
        "{{ run_started_at.isoformat() }} {{ modules.datetime.date.today() }}",
        "2021-01-02T03:04:05+00:00 2021-01-02",
    );
    check("{{ tojson({'a': [1, none]}) }} {{ fromjson('[1]')[0] }}", r#"{"a": [1, null]} 1"#);
    check(
        "{{ fromyaml('a: 1').a }} {{ set([2, 2, 1]) }} {{ zip([1, 2], 'ab') }}",
        "1 {2, 1} [(1, 'a'), (2, 'b')]",
    );
    check("{{ log('x', info=true) }}{% do exceptions.warn('w') %}{{ flags.FULL_REFRESH }}", "False");
    check("{{ builtins.ref('a') }} {{ context['project_name'] }}", r#""staging"."a" shop"#);
    check("{% if nothing %}a{% endif %}{{ nothing is defined }}{{ nothing | default('d') }}", "Falsed");
    check("a\n{% set x = 1 %}\nb\n", "a\n\nb");
}

#[test]
fn lists_and_dicts_can_change() {
    check(
        "{% set l = [] %}{% do l.append(1) %}{% set _ = l.extend([2, 3]) %}{{ l }} {{ l | length }}",
        "[1, 2, 3] 3",
    );
    check(
        "{% set l = [3, 1, 2] %}{% do l.sort() %}{% do l.insert(0, 9) %}{% do l.remove(2) %}{{ l }}{{ l.pop() }}",
        "[9, 1, 3]3",
    );
    check(
        "{% set d = {'a': 1} %}{% do d.update({'b': 2}) %}{% do d.update(c=3) %}{{ d }}",
        "{'a': 1, 'b': 2, 'c': 3}",
    );
    check(
        "{% set d = {'a': 1} %}{{ d.pop('a') }}{{ d.pop('a', none) }}{{ d.setdefault('x', 5) }}{{ d.items() | list }}",
        "1None5[('x', 5)]",
    );
    check("{% for i in [1, 2] %}{% set l = [] %}{% do l.append(i) %}{{ l }}{% endfor %}", "[1][2]");
    check(
        "{{ [1, 2] == [1, 2] }} {{ 1 in [1] }} {{ [1] + [2] }} {{ [1, 2][1:] }} {{ [2, 1] | sort | first }}",
        "True True [1, 2] [2] 1",
    );
    check("{% set l = 'a,b'.split(',') | list %}{% do l.append('c') %}{{ l | join('-') }}", "a-b-c");
    check("{% set l = var('names') %}{% do l.append('c') %}{{ l | join }}{{ var('names') | join }}", "abcab");
    check("{% for k, v in {'a': 1}.items() %}{{ k }}{{ v }}{% endfor %}{{ dict([('a', 1)]).a }}", "a11");
    check(
        "{% if [] %}a{% endif %}{% if {} %}b{% endif %}{{ [1] is sequence }}{{ {} is mapping }}",
        "TrueTrue",
    );
}

#[test]
fn sets_have_no_order() {
    check(
        "{{ set(['a', 'b']) == set(['b', 'a']) }} {{ set([1]) == set([2]) }} {{ 1 in set([1]) }}",
        "True False True",
    );
    check(
        "{% set s = set([1]) %}{% do s.add(2) %}{% do s.add(1) %}{{ s }} {{ s | length }} {{ s | list }}",
        "{1, 2} 2 [1, 2]",
    );
    check("{{ set([1, 2]).union([3], [2]) }} {{ set([1, 2]).intersection([2]) }}", "{1, 2, 3} {2}");
    check("{{ set([1, 2]).difference([2]) }} {{ set([1, 2]).symmetric_difference([2, 3]) }}", "{1} {1, 3}");
    check(
        "{{ set([1]).issubset([1, 2]) }} {{ set([1]).isdisjoint([1]) }} {{ set([]) }}{% if set([]) %}x{% endif %}",
        "True False set()",
    );
    check("{{ set([[1]]) }} {{ set([{}], 'd') }} {{ set(['x']) }}", "None d {'x'}");
    let failed = fails(&[], "{{ set_strict([[1]]) }}");
    assert!(failed.contains("a set can't hold a list"), "{failed}");
}

#[test]
fn names_of_dbts_own_package_and_context_are_known() {
    check(
        "{{ dbt.is_incremental() }} {{ is_incremental() }} {{ dbt.run_query is defined }}",
        "False False True",
    );
    check(
        "{{ context.get('project_name') }} {{ context.get('no', 3) }} {{ context.get('no') }} {{ context.model.name }}",
        "shop 3 None m",
    );
    check("{{ shop.get('no', {}).get('zz') }}", "None");
    check("{{ dbt_metadata_envs }} {{ model.resource_type }}", "{} model");
    check(
        "{{ adapter.check_schema_exists(target.database, 'main') }} {{ adapter.check_schema_exists(database=none, schema='no') }}",
        "True False",
    );
    check(
        "{{ this.information_schema('columns') }} {{ this.path.schema }}",
        "INFORMATION_SCHEMA.columns presentation",
    );
}

#[test]
fn a_missing_argument_is_undefined_and_prints_nothing() {
    let outer = "{% macro outer(a) %}{{ return(inner(a)) }}{% endmacro %}";
    let inner = "{% macro inner(b) %}[{{ b ~ '+' ~ (b is defined) }}{{ b }}]{% endmacro %}";
    check_with(&[outer, inner], "{{ outer() }}{{ outer(1) }}", "[+False][1+True1]");
}

#[test]
fn macros_are_called_across_files() {
    let cents = "{% macro cents(column, places=2) %}round({{ column }}, {{ places }}){% endmacro %}";
    check_with(&[cents], "{{ cents('a') }} {{ cents(column='b', places=0) }}", "round(a, 2) round(b, 0)");
    let other = "{% macro both(a, b=a) %}{{ cents(a) }}, {{ cents(b) }}{% endmacro %}";
    check_with(&[other, cents], "{{ both('x') }}", "round(x, 2), round(x, 2)");
    check_with(&[cents], "{{ shop.cents('a') }}", "round(a, 2)");
    check_with(
        &["{% macro _p() %}p{% endmacro %}{% set k = 1 %}{% macro q() %}{{ _p() }}{{ k }}{% endmacro %}"],
        "{{ q() }}",
        "p1",
    );
    // A macro doesn't see the model's variables.
    check_with(&["{% macro f() %}{{ x is defined }}{% endmacro %}"], "{% set x = 1 %}{{ f() }}", "False");
    check_with(
        &["{% macro f() %}{{ ref('a') }}{{ this }}{% endmacro %}"],
        "{{ f() }}",
        r#""staging"."a""presentation"."m""#,
    );
}

#[test]
fn macros_follow_jinjas_calling_rules() {
    let f = "{% macro f(a) %}{{ a }} {{ varargs }} {{ kwargs }}{% endmacro %}";
    check_with(&[f], "{{ f(1, 2, 3, x=4) }}", "1 [2, 3] {'x': 4}");
    check_with(
        &["{% macro f() %}{{ kwargs.pop('x', none) }}{{ kwargs }}{% endmacro %}"],
        "{{ f(x=1) }}",
        "1{}",
    );
    check_with(
        &["{% macro f(a) %}<{{ caller(a) }}>{% endmacro %}"],
        "{% call(x) f(1) %}{{ x }}{{ this.name }}{% endcall %}",
        "<1m>",
    );
    check_with(
        &["{% macro f(l=[]) %}{% do l.append(1) %}{{ l }}{% endmacro %}"],
        "{{ f() }}{{ f() }}",
        "[1][1]",
    );
    check("{% macro f(a, b=a) -%} {{ a }}{{ b }} {%- endmacro -%} \n {{ f(1) }}{{ f(1, b=2) }}", "1112");
    check(
        "{% macro f(n) %}{{ n }}{% if n %}{{ g(n) }}{% endif %}{% endmacro %}{% macro g(n) %}{{ f(n - 1) }}{% endmacro %}{{ f(2) }}",
        "210",
    );
}

#[test]
fn macros_return_any_value() {
    check(
        "{% macro f() %}{{ return(no) }}{% endmacro %}{% macro g() %}{{ return() }}{% endmacro %}{{ f()|length }} {{ g() }}",
        "0 None",
    );
    let f = "{% macro f(x) %}text{% if x %}{{ return([x, x]) }}{% endif %}{% endmacro %}";
    check_with(&[f], "{% for i in f(1) %}{{ i }}{% endfor %}{{ f(0) }}", "11text");
    check_with(
        &[
            "{% macro f() %}{% do return({'a': 1}) %}{% endmacro %}",
            "{% macro g() %}{{ return(f().a + 1) }}{% endmacro %}",
        ],
        "{{ g() + 1 }}",
        "3",
    );
    check(
        "{% macro f() %}{% for i in [1, 2] %}{% do return(i) %}{% endfor %}{% endmacro %}{% for x in [1] %}{{ f() }}{{ x }}{% endfor %}",
        "11",
    );
    check_with(&["{% macro f(a) %}{{ caller() }}{% endmacro %}"], "{% call f(1) %}x{% endcall %}", "x");
}

#[test]
fn adapters_and_other_blocks() {
    let dispatch = "{% macro f(a) %}{{ return(adapter.dispatch('f', 'shop')(a)) }}{% endmacro %}\
        {% macro default__f(a) %}d{{ a }}{% endmacro %}";
    check_with(&[dispatch], "{{ f(1) }}{{ dbt.f(2) }}", "d1d2");
    check_with(&[dispatch, "{% macro headwater__f(a) %}h{{ a }}{% endmacro %}"], "{{ f(1) }}", "h1");
    let blocks = "{% docs d %}{{ [ }{% enddocs %}{% snapshot s %}select{% endsnapshot %}\
        {% test positive(model, column_name) %}{{ model }}.{{ column_name }}{% endtest %}\
        {% materialization odd, adapter='x' -%} select {%- endmaterialization %}";
    check_with(&[blocks], "{{ test_positive('m', 'c') }} {{ materialization_odd_x() }}", "m.c select");
}

#[test]
fn what_a_template_does_is_captured() {
    let macros = ["{% macro f() %}{{ ref('b', v=1) }}{% endmacro %}"];
    let text = "{{ config(materialized='table', tags=['x']) }}\n{% for i in [1, 2] %}{{ ref('a') }}{% endfor %}{{ f() }}\
        {{ source('s', 't') }}{{ var('days') }}{{ config({'a': {'b': 1}}) }}{{ invocation_id }}{{ log('said') }}\
        {% do exceptions.warn('beware') %}";
    let captures = render_with(&macros, text).unwrap().captures;
    let refs: Vec<_> =
        captures.refs.iter().map(|call| format!("{} {} {:?}", call.name, call.span, call.version)).collect();
    assert_eq!(
        refs,
        ["a models/m.sql:2:25 None", "a models/m.sql:2:25 None", "b macros/0.sql:1:19 Some(\"1\")"]
    );
    assert_eq!(captures.refs[0].span.text(), "ref('a')");
    assert_eq!(captures.sources[0].span.text(), "source('s', 't')");
    let config: Vec<_> =
        captures.config.iter().map(|set| (set.key.as_str(), set.value.to_string())).collect();
    assert_eq!(
        config,
        [("materialized", "\"table\"".into()), ("tags", "[\"x\"]".into()), ("a", "{\"b\":1}".into())]
    );
    assert!(captures.config[0].span.text().starts_with("config(materialized"));
    assert!(captures.macros.contains(&own("f")) && captures.vars.contains("days") && captures.volatile);
    assert_eq!(captures.logs, ["said"]);
    assert_eq!(captures.warnings[0].message, "beware");
    assert!(!render_with(&[], "{{ this }}").unwrap().captures.volatile);
}

/// Also by a template that then fails: another that takes its place may not.
#[test]
fn what_is_asked_of_the_surroundings_is_noted() {
    let (jinja, _) = Jinja::new(&[], globals());
    let render = |text: &str| {
        drop(jinja.render(&Source::new("models/m.sql", text), &node(), Arc::new(LakeNames)));
        (
            jinja.external_inputs().env_vars.into_iter().collect::<Vec<_>>().join(" "),
            jinja.external_inputs().volatile,
        )
    };
    assert_eq!(render("{{ this }}"), (String::new(), false));
    assert_eq!(render("{{ env_var('B', 'b') }}"), ("B".to_owned(), false));
    assert_eq!(render("{{ env_var('A') }} {{ nothing() }}"), ("A B".to_owned(), false));
    assert_eq!(render("{{ modules.datetime.datetime.now().year }}"), ("A B".to_owned(), true));
}

#[test]
fn jinja_is_shared_by_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Jinja>();
}

#[test]
fn regular_expressions_are_pythons() {
    let check = |text: &str, expect: &str| check(&format!("{{{{ modules.re.{text} }}}}"), expect);
    check("sub('[^a-z]+', '_', 'a B c1')", "a_c_");
    check("sub('(a)(b)', '\\\\2\\\\1', 'ab ab', 1)", "ba ab");
    check("sub('A', 'x', 'aA', flags=modules.re.IGNORECASE)", "xx");
    check("sub('(a)(?=b)', '<\\\\1>', 'ab ac')", "<a>b ac");
    check("fullmatch('(.)\\\\1', 'aa') is not none", "True");
    check("match('[[a]+', '[a') is not none", "True");
    check("findall('(?<!distinct )(from|join) ({' ~ '{x)', 'from {' ~ '{x') | length", "1");
    check("match('b', 'ab')", "None");
    check("search('(?P<x>b+)', 'äbb').group('x')", "bb");
    check("search('b+', 'äbb').span()", "[1, 3]");
    check("fullmatch('a.', 'ab') is not none", "True");
    check("findall('a(.)', 'ab ac')", "['b', 'c']");
    check("split(', *', 'a, b,c', 1)", "['a', 'b,c']");
    check("compile('a+').sub('x', 'aab')", "xb");
}

#[test]
fn a_relation_is_a_mapping_with_a_type() {
    let text = "{% set r = ref('m') %}{{ r is mapping and r.get('metadata', {}).get('type', '').endswith('Relation') }}";
    check(text, "True");
    check("{{ {} is mapping and 'a' is not mapping }}", "True");
}

#[test]
fn a_variable_that_no_branch_assigned_prints_nothing() {
    check("{% if false %}{% set x = 1 %}{% endif %}[{{ x }}]", "[]");
}
