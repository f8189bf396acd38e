//! Descriptions, exposures, groups and access.

use super::*;
use crate::{
    name::PackageName,
    select::{Criteria, Indirect, Selectors},
};

const FILES: [(&str, &str); 5] = [
    ("models/a.sql", "select 1 as x"),
    ("models/sub/b.sql", "select x, {{ cents('x') }} as c from {{ ref('a') }}"),
    (
        "models/words.md",
        "{% docs x %}\nA *number*.\n{% enddocs %}\n{% docs __overview__ %}# Shop{% enddocs %}",
    ),
    (
        "macros/cents.sql",
        "{% macro cents(of) %}round({{ of }}, 2){% endmacro %}{% macro twice(of) %}{{ cents(of) }}{% endmacro %}",
    ),
    (
        "models/sub/schema.yml",
        "groups: [{name: finance, owner: {email: [f@example.com, g@example.com], slack: f}}]\n\
         macros: [{name: cents, description: \"Rounds. {{ doc('x') }}\", arguments: [{name: of, type: number}]}]\n\
         models:\n- {name: a, description: \"{{ doc('x') }} {{ doc('shop', 'x') }}\", columns: [{name: x, description: \"{{ doc('x') }}\"}]}\n\
         exposures:\n- {name: board, type: dashboard, owner: {name: Fin}, depends_on: [ref('b')], tags: [daily], label: The board}\n",
    ),
];

/// Returns a name of the project's own.
fn own(name: &str) -> PackageName {
    PackageName::new(&"shop".into(), name)
}

#[test]
fn descriptions_are_rendered_and_say_what_they_are_made_of() {
    let manifest = manifest(&FILES);
    let a = manifest.model(&NodeId::model("shop", "a")).unwrap();
    assert_eq!(a.documentation.description.text, "A *number*. A *number*.");
    assert_eq!(a.documentation.description.docs, [own("x"), own("x")]);
    assert_eq!(a.documentation.columns["x"].text, "A *number*.");
    assert_eq!(manifest.library.docs[&own("__overview__")].text, "# Shop");
    assert_eq!(manifest.library.groups[&own("finance")].owner.display(), Some("f@example.com"));
}

#[test]
fn a_unit_test_is_described_as_all_else_is() {
    let tests = "unit_tests: [{name: adds, description: \"{{ doc('x') }}\", model: a, given: [], expect: {rows: []}}]";
    let files: Vec<_> = FILES.into_iter().chain([("models/tests.yml", tests)]).collect();
    let manifest = manifest(&files);
    let adds = manifest.unit_test(&NodeId::unit_test("shop", "a", "adds")).unwrap();
    assert_eq!(adds.description, "A *number*.");
}

#[test]
fn macros_are_there_as_they_are_written() {
    let manifest = manifest(&FILES);
    let macros = &manifest.library.macros;
    assert_eq!(macros[&own("cents")].text, "{% macro cents(of) %}round({{ of }}, 2){% endmacro %}");
    assert_eq!(macros[&own("cents")].description, "Rounds. A *number*.");
    assert_eq!(macros[&own("cents")].arguments[0].data_type.as_deref(), Some("number"));
    assert_eq!(macros[&own("twice")].calls, [own("cents")]);
    assert_eq!(macros[&own("twice")].arguments[0].name, "of");
    let unique = &macros[&PackageName::new(&"dbt".into(), "test_unique")];
    assert!(
        unique.is_builtin
            && unique.text.starts_with("{% test unique(")
            && unique.text.ends_with("{% endtest %}"),
        "{}",
        unique.text
    );
    let b = manifest.model(&NodeId::model("shop", "b")).unwrap();
    assert!(b.calls.macros.contains(&own("cents")));
}

#[test]
fn an_exposure_stands_below_what_it_reads() {
    let manifest = manifest(&FILES);
    let id = NodeId::exposure("shop", "board");
    let exposure = manifest.exposure(&id).unwrap();
    assert_eq!(exposure.fqn, ["shop", "sub", "board"]);
    assert_eq!(manifest.graph.parents(&id), [&NodeId::model("shop", "b")]);
    let candidates = manifest.candidates();
    let chosen = |asked: &str| {
        let criteria = Criteria::parse((&[asked.to_owned()], &[]), None, &Selectors::default()).unwrap();
        let (selection, _) = criteria.choose(&candidates, &manifest.graph, Indirect::Eager);
        selection.chosen.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(chosen("+exposure:board"), ["exposure.shop.board", "model.shop.a", "model.shop.b"]);
    assert_eq!(chosen("tag:daily"), ["exposure.shop.board"]);
    assert_eq!(chosen("board"), ["exposure.shop.board"]);
}

#[test]
fn what_is_wrong_is_said_at_its_place() {
    check_wrong(
        &[
            ("models/a.sql", "select 1 as x"),
            ("models/w.md", "{% docs x %}{% enddocs %}"),
            ("models/s.yml", "models: [{name: a, description: \"{{ doc('y') }}\"}]"),
        ],
        &[
            "models/s.yml:1:33 | unknown-doc: no documentation block is called `y` | write it in a Markdown file: {% docs y %} … {% enddocs %}",
        ],
    );
    check_wrong(
        &[
            ("models/a.sql", "select 1 as x"),
            (
                "models/s.yml",
                "exposures: [{name: e, type: dashboard, owner: {name: F}, depends_on: [ref('b')]}]",
            ),
        ],
        &["models/s.yml:1:71 | unknown-ref: no model is called `b`"],
    );
}

#[test]
fn a_private_model_is_read_inside_its_group_only() {
    let properties = "groups: [{ name: people, owner: { name: P } }]\nmodels:\n  - { name: pay, config: { group: people, access: private }, \
        columns: [{ name: x, data_tests: [unique] }] }\n  - { name: sum, config: { group: people } }\n";
    let inside = [
        ("models/s.yml", properties),
        ("models/pay.sql", "select 1 as x"),
        ("models/sum.sql", "select * from {{ ref('pay') }}"),
    ];
    assert_eq!(manifest(&inside).counts()["model"], 2);
    let outside = ("models/out.sql", "{{ config(group='peeple') }} select * from {{ ref('pay') }}");
    check_wrong(
        &[inside[0], inside[1], inside[2], outside, ("tests/t.sql", "select * from {{ ref('pay') }}")],
        &[
            "models/out.sql:1:47 | private-access: Node model.shop.out attempted to reference node model.shop.pay, which is not \
             allowed because the referenced node is private to the 'people' group. | add `group: people` to this node, or read a \
             public model",
            "tests/t.sql:1:18 | private-access: Node test.shop.t attempted to reference node model.shop.pay, which is not allowed \
             because the referenced node is private to the 'people' group. | add `group: people` to this node, or read a public model",
            "models/out.sql:1:1 | unknown-group: Invalid group 'peeple', expected one of ['people'] | did you mean `people`?",
        ],
    );
}
