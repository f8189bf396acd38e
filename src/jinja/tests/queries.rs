//! Queries of templates and their answers.

use std::sync::Mutex;

use chrono::NaiveDate;

use super::*;

fn answer(columns: &[(&str, QueryType)], rows: Vec<Vec<QueryValue>>) -> QueryTable {
    let column = |(name, data_type): &(&str, QueryType)| QueryColumn {
        name: (*name).to_owned(),
        data_type: *data_type,
    };
    QueryTable { columns: columns.iter().map(column).collect(), rows }
}

fn sales() -> QueryTable {
    let row = |kind: &str, n: i128| vec![QueryValue::Text(kind.to_owned()), QueryValue::Integer(n)];
    answer(
        &[("kind", QueryType::Text), ("n", QueryType::Integer)],
        vec![row("tea", 3), row("mate", 4), row("tea", 5)],
    )
}

/// Renders a template, answering each of its questions with what `of` gives.
fn answered(
    jinja: &Jinja,
    text: &str,
    node: &NodeContext,
    of: impl Fn(&Question) -> Answer,
) -> (String, usize) {
    let source = Source::new("models/m.sql", text);
    let mut answers = jinja.no_answers(&source, node);
    loop {
        match jinja.render_asking(&source, node, Arc::new(LakeNames), &answers) {
            Ok(Asking::Rendered(rendered)) => return (rendered.text.trim().to_owned(), answers.len()),
            Ok(Asking::Question(question)) => {
                let answer = of(&question);
                answers.push(question, answer);
            }
            Err(finding) => panic!("{text}: {}", show(&finding)),
        }
    }
}

#[track_caller]
fn asks(text: &str, expect: &str) {
    let jinja = Jinja::new(&[], globals()).0;
    assert_eq!(answered(&jinja, text, &node(), |_| Answer::Rows(sales())).0, expect, "{text}");
}

#[test]
fn columns_are_those_of_a_relation() {
    let failed = fails(&[], "{{ adapter.get_columns_in_relation('main.m') }}");
    assert!(failed.contains("adapter.get_columns_in_relation takes a relation, not string"), "{failed}");
}

#[test]
fn rows_are_found_as_in_dbt() {
    asks(
        "{% set t = run_query('q') %}{{ t.columns[0].values() }} {{ t.columns['n'].values() }}",
        "('tea', 'mate', 'tea') (3, 4, 5)",
    );
    asks(
        "{% set t = run_query('q') %}{{ t.rows[1][0] }} {{ t.rows[-1]['n'] }} {{ t[0].kind }}",
        "mate 5 tea",
    );
    asks(
        "{% set t = run_query('q') %}{% for row in t %}{{ row.kind }}{{ row[1] }} {% endfor %}{{ t | length }}",
        "tea3 mate4 tea5 3",
    );
    asks(
        "{% set t = run_query('q') %}{{ t.column_names }} {{ t.columns[1].name }} {{ t.column_types[1] }}",
        "('kind', 'n') n Integer",
    );
    asks(
        "{% set t = run_query('q') %}{{ t.columns[0].values_distinct() }} {{ t.columns[1].values_sorted() }}",
        "('tea', 'mate') [3, 4, 5]",
    );
    asks(
        "{% set t = run_query('q') %}{{ t.rows[0].values() }} {{ t.rows[0].dict() }} {{ t.rows[0].get('no', 1) }}",
        "('tea', 3) {'kind': 'tea', 'n': 3} 1",
    );
    asks(
        "{% set t = run_query('q') %}{{ t.select(['n']).limit(1).rows[0].values() }} {{ t.order_by('n', reverse=true)[0][1] }}",
        "(3,) 5",
    );
    asks(
        "{% set t = run_query('q') %}{{ t.distinct('kind') | length }} {{ t.exclude('n').column_names }}",
        "2 ('kind',)",
    );
    asks(
        "{% set t = run_query('q') %}{{ t.rename({'n': 'count'}).column_names }} {{ t.rows[0] }}",
        "('kind', 'count') <agate.Row: ('tea', 3)>",
    );
}

#[test]
fn statements_store_their_results() {
    asks(
        "{% call statement('s', fetch_result=True) %}q{% endcall %}{{ load_result('s').table.columns[0].values() }}",
        "('tea', 'mate', 'tea')",
    );
    asks(
        "{% call statement('s', fetch_result=True) %}q{% endcall %}{{ load_result('s')['data'] | map(attribute=0) | list }}",
        "['tea', 'mate', 'tea']",
    );
    asks(
        "{% call statement('s') %}q{% endcall %}{{ load_result('s')['data'] }} {{ load_result('s').response }}",
        "[] OK",
    );
    asks("{{ load_result('never') }}", "None");
    asks("{% set response, rows = adapter.execute('q', fetch=true) %}{{ rows | length }}", "3");
}

#[test]
fn nothing_is_asked_while_a_template_is_parsed() {
    let (jinja, node) = (Jinja::new(&[], globals()).0, NodeContext { executing: false, ..node() });
    let text = "{% set t = run_query('q') %}{% for v in t.columns[0].values() %}x{% endfor %}{% if t %}y{% endif %}\
                {% call statement('s') %}{{ ref('a') }}{% endcall %}{{ load_result('s')['data'] }}";
    assert_eq!(answered(&jinja, text, &node, |_| panic!("it asks")), (String::new(), 0));
    let parsed = jinja.render(&Source::new("models/m.sql", text), &node, Arc::new(LakeNames)).unwrap();
    assert_eq!(parsed.captures.refs[0].name, "a", "what a statement reads is an input");
}

#[test]
fn values_print_as_in_python() {
    let at = Utc.with_ymd_and_hms(2021, 1, 2, 3, 4, 5).unwrap();
    let row = vec![
        QueryValue::Null,
        QueryValue::Boolean(true),
        QueryValue::Number(2.5),
        QueryValue::Date(NaiveDate::from_ymd_opt(2024, 2, 29).unwrap()),
        QueryValue::DateTime { at, has_zone: false },
        QueryValue::DateTime { at, has_zone: true },
    ];
    let columns = ["a", "b", "c", "d", "e", "f"].map(|name| (name, QueryType::Text));
    let rows = answer(&columns, vec![row]);
    let (jinja, text) = (Jinja::new(&[], globals()).0, "{{ run_query('q')[0].values() | join(' ') }}");
    let (text, _) = answered(&jinja, text, &node(), |_| Answer::Rows(rows.clone()));
    assert_eq!(text, "None True 2.5 2024-02-29 2021-01-02 03:04:05 2021-01-02 03:04:05+00:00");
}

#[test]
fn relations_are_known_by_their_facts() {
    let facts = RelationFacts {
        is_view: false,
        columns: vec![("id".into(), "bigint".into()), ("p".into(), "decimal(5, 2)".into())],
    };
    let of = |question: &Question| match question {
        Question::Relation(relation) if relation.name == "a" => Answer::Relation(Some(facts.clone())),
        _ => Answer::Relation(None),
    };
    let jinja = Jinja::new(&[], globals()).0;
    let text = "{{ load_relation(ref('a')).is_table }} {{ load_relation(ref('b')) is none }} \
                {% for c in adapter.get_columns_in_relation(ref('a')) %}{{ c.quoted }} {{ c.dtype }} {{ c.is_number() }} {{ c.numeric_scale }} {% endfor %}";
    assert_eq!(
        answered(&jinja, text, &node(), of).0,
        "True True \"id\" BIGINT True None \"p\" DECIMAL True 2"
    );
}

#[test]
fn a_message_is_sent_once_however_often_a_template_asks() {
    let sent = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&sent);
    let messages = MessageListener::new(move |message| heard.lock().unwrap().push(message.text.clone()));
    let jinja = Jinja::new(&[], Globals { messages, ..globals() }).0;
    let text = "{{ print('a') }}{% set t = run_query('q') %}{{ print('b') }}{% set u = run_query('r') %}{% do u.select(['n']).print_table() %}";
    let (_, asked) = answered(&jinja, text, &node(), |_| Answer::Rows(sales()));
    assert_eq!(asked, 2);
    assert_eq!(*sent.lock().unwrap(), ["a", "b", "| n |\n| - |\n| 3 |\n| 4 |\n| 5 |"]);
}
