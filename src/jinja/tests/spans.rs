//! Tests that every rendered byte maps back to the template.

use proptest::prelude::*;

use super::*;

#[test]
fn expressions_map_to_the_template() {
    let text = "select {{ ref('a') }}, é {% for i in [1, 2] %}[{{ i }}]{% endfor %}";
    let rendered = render_with(&[], text).unwrap();
    let span = |wanted: &str| {
        let at = rendered.text.find(wanted).unwrap();
        rendered.map.source_span(at..at + wanted.len())
    };
    assert_eq!(span("staging").text(), "ref('a')");
    assert_eq!(span("elect").text(), "elect");
    assert_eq!(span("2").text(), "i");
    assert_eq!(span("[2]").text(), "[{{ i }}]");
    assert_eq!(span(", é").text(), ", é");
    assert_eq!(rendered.map.source_span(999..1000).source.path(), "models/m.sql");
}

proptest! {
    #[test]
    fn raw_text_maps_to_itself(parts in proptest::collection::vec(part(), 0..12)) {
        let text = parts.concat();
        let rendered = render_with(&["{% macro f(a) %}<{{ a }}>{% endmacro %}"], &text).unwrap();
        for (at, c) in rendered.text.char_indices() {
            let span = rendered.map.source_span(at..at + c.len_utf8());
            // Only expressions produce digits and angle brackets.
            if c.is_ascii_digit() || "<>".contains(c) {
                prop_assert!(["1", "i", "f(2)", "ns.x"].contains(&span.text()), "{c}: {}", span.text());
            } else {
                prop_assert_eq!(span.text(), c.to_string());
            }
        }
    }

    #[test]
    fn no_text_breaks_it(text in "[{}%#\\[\\]()'\" a-f.,=|\\-\n]{0,40}") {
        let (jinja, _) = Jinja::new(&[Source::new("macros/a.sql", text.as_str())], globals());
        let _ = jinja.render(&Source::new("models/m.sql", text), &node(), Arc::new(LakeNames));
    }
}

fn part() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "select é ",
        "\n  ",
        "{{ 1 }}",
        "{{- 1 -}}",
        "{# note #}",
        "{% set x = [1] %}",
        "{{ f(2) }}",
        "{% for i in [1, 2] %} a {{ i }},{% endfor %}",
        "{% macro m(a, b=a) -%} zz {%- endmacro -%}",
        "{% raw %}{{ raw }}{% endraw %}",
        "{% if true -%} yes {%- endif %}",
        "{% set ns = namespace(x=1) %}{{ ns.x }}",
        "\n",
    ])
}
