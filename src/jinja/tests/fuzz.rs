//! Fuzz target for templates: whatever their text, they render or fail with a diagnostic that can be shown.

use super::*;
use crate::{diag::render, fuzz::fuzz};

const SEEDS: [&str; 6] = [
    "select {{ ref('a') }}.x, é {% for i in [1, 2] %}[{{ i }}]{% endfor %} from {{ source('s', 't') }}",
    "{{ config(materialized='incremental', unique_key=['a', 'b'], tags={'x': 1}) }}\n\
     select * from {{ ref('p', 'a') }} {% if is_incremental() %} where a > {{ this }} {% endif %}",
    "{% macro f(a, b=a + 1, *args) -%} {{ a }} {{ caller() }} {%- endmacro -%}{% call f(1) %}x{% endcall %}",
    "{% set ns = namespace(x=1) %}{% set l = [] %}{% do l.append({'k': (1, 2)}) %}{{ l[0].k | join(',') }}\
     {% set ns.x = l | length %}{{ '%s-%d' % ('a', ns.x) }}",
    "{% test t(model, column_name) %} select {{ column_name }} from {{ model }} {% endtest %}\
     {% docs d %}text{% enddocs %}{% snapshot s %} select 1 {% endsnapshot %}{# note #}{% raw %}{{ x }}{% endraw %}",
    "{% set rows = run_query('select 1') %}{% if execute %}{{ var('days', 1) ~ env_var('HOME_TOWN') }}{% endif %}\
     {{ dbt_utils.star(from=ref('a')) }}{{ adapter.dispatch('f', 'p')() }}{{ return(1) }}",
];

const WORDS: [&str; 40] = [
    "{{",
    "}}",
    "{%",
    "%}",
    "{#",
    "#}",
    "-",
    "~",
    "|",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ".",
    ":",
    "=",
    "'a'",
    " if ",
    " else ",
    " for i in ",
    "{% endfor %}",
    "{% endif %}",
    "{% endmacro %}",
    "{% macro f() %}",
    "{% set x = ",
    "ref(",
    "source(",
    "config(",
    "{{ f() }}",
    "not ",
    " is none",
    "range(9)",
    "**",
    "//",
    "loop.index",
    "{% raw %}",
    "{% endraw %}",
];

#[test]
fn fuzz_templates() {
    fuzz(128, &SEEDS, &WORDS, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let (jinja, mut findings) = Jinja::new(&[Source::new("macros/a.sql", text.as_ref())], globals());
        match jinja.render(&Source::new("models/m.sql", text.as_ref()), &node(), Arc::new(LakeNames)) {
            Ok(rendered) => {
                for (at, letter) in rendered.text.char_indices() {
                    let span = rendered.map.source_span(at..at + letter.len_utf8());
                    span.source.text().get(span.range()).ok_or("a span outside of its file")?;
                }
            }
            Err(finding) => findings.push(finding),
        }
        for finding in &findings {
            drop(render::to_string(finding, false));
        }
        Ok(())
    });
}
