//! Tests of the diagnostics for invalid templates.

use super::*;
use crate::{diag::render, secret::Secret};

#[test]
fn values_of_the_configuration_are_rendered() {
    let (jinja, _) = Jinja::new(&[], globals());
    let source = Source::new("project.yml", "root: \"{{ env_var('NO') }}\"");
    let at = source.span(6..27);
    assert_eq!(jinja.render_value("plain", &at).as_deref(), Ok("plain"));
    let secret = "{{ env_var('DBT_ENV_SECRET_KEY') }}/{{ target.name }}";
    assert_eq!(jinja.render_value(secret, &at).unwrap_err().code, "misplaced-secret");
    assert_eq!(jinja.render_secret(&Secret::new(secret.to_owned()), &at).unwrap().reveal(), "hush/dev");
    insta::assert_snapshot!(show(&jinja.render_value("{{ env_var('NO') }}", &at).unwrap_err()), @r#"
        unknown-env-var: the environment has no variable `NO`
        at project.yml:1:7 `"{{ env_var('NO') }}"`
        hint: set it, or give a default: `env_var('NO', '…')`
        "#);
}

#[test]
fn errors_of_storage_settings_quote_no_secret() {
    let (jinja, _) = Jinja::new(&[], globals());
    let source = Source::new("project.yml", "key: x");
    let at = source.span(5..6);
    let secret = "env_var('DBT_ENV_SECRET_KEY')";
    for call in [
        "env_var(@)",
        "env_var(env_var(@))",
        "var(@)",
        "doc(@)",
        "ref(@)",
        "ref('a', @)",
        "source(@, 'a')",
        "source('a', @)",
        "fromyaml('[' ~ @)",
        "fromjson('[' ~ @)",
        "adapter.dispatch(@)()",
        "dispatch(@)",
        "exceptions.raise_compiler_error(@)",
        "@.nothing",
        "nothing[@].x",
        "@ + 1",
        "@ | int + 1",
        "@ | tojson | fromjson | int + 1",
        "modules.datetime.datetime.strptime(@, '%Y')",
        "1 // (@ == 'hush' or nothing.x)",
        "target[@].x",
        "config.require(@)",
        "return(@)",
    ] {
        let text = format!("{{{{ {} }}}}", call.replace('@', secret));
        let Err(found) = jinja.render_secret(&Secret::new(text.clone()), &at) else { continue };
        assert!(!render::to_string(&found, false).contains("hush"), "{text}: {found:?}");
    }
    for statement in
        ["{% include @ %}", "{% import @ as x %}", "{% extends @ %}", "{% call @() %}{% endcall %}"]
    {
        let text = statement.replace('@', secret);
        let found = jinja.render_secret(&Secret::new(text.clone()), &at).unwrap_err();
        assert!(!render::to_string(&found, false).contains("hush"), "{text}: {found:?}");
    }
}

#[test]
fn secrets_pass_through_filters_and_conditions() {
    let (jinja, _) = Jinja::new(&[], globals());
    let source = Source::new("project.yml", "key: x");
    let rendered = |text: &str| {
        let text = text.replace('@', "env_var('DBT_ENV_SECRET_KEY')");
        jinja.render_secret(&Secret::new(text), &source.span(5..6)).map(|secret| secret.reveal().to_owned())
    };
    assert_eq!(rendered("{{ @ | upper }}").as_deref(), Ok("HUSH"));
    assert_eq!(rendered("{{ @[:2] ~ '!' }}").as_deref(), Ok("hu!"));
    assert_eq!(rendered("{{ 'yes' if @ == 'hush' else 'no' }}").as_deref(), Ok("yes"));
    // This fails with the value only.
    let found = rendered("{% if @ == 'hush' %}{{ ref(@) }}{% endif %}").unwrap_err();
    assert_eq!(found.code, "secret-value");
}

#[test]
fn the_value_of_a_secret_is_never_an_external_input() {
    let (jinja, _) = Jinja::new(&[], globals());
    let source = Source::new("project.yml", "key: x");
    let text = "{{ env_var(env_var('DBT_ENV_SECRET_KEY'), 'a') }}".to_owned();
    jinja.render_secret(&Secret::new(text), &source.span(5..6)).unwrap();
    let inputs = jinja.external_inputs();
    assert!(inputs.env_vars.iter().all(|name| !name.contains("hush")), "{inputs:?}");
}

#[test]
fn errors_name_the_cause_and_the_place() {
    let shown = |text: &str| fails(&[], text);
    insta::assert_snapshot!(shown("select {{ targte.name }}"), @r#"
        undefined-variable: `targte` is undefined
        at models/m.sql:1:11 `targte.name`
        hint: did you mean `target`?
        hint: if `targte` is a package, list it in packages.yml and run `headwater deps`
        "#);
    insta::assert_snapshot!(shown("select\n  {{ rfe('a') }}"), @r#"
        unknown-macro: there is no macro or function named `rfe`
        at models/m.sql:2:6 `rfe('a')`
        "#);
    insta::assert_snapshot!(shown("select {{ ref('missing') }}"), @r#"
        unknown-ref: there is no model `missing`
        at models/m.sql:1:11 `ref('missing')`
        "#);
    insta::assert_snapshot!(shown("select {{ var('dyas') }}"), @r#"
        unknown-var: there is no variable `dyas`
        at models/m.sql:1:11 `var('dyas')`
        hint: did you mean `days`?
        hint: set it under `vars:` in the project file, with `--vars '{dyas: …}'`, or give a default: `var('dyas', …)`
        "#);
    insta::assert_snapshot!(shown("select {{ env_var('DBT_ENV_SECRET_KEY') }}"), @r#"
        misplaced-secret: the secret `DBT_ENV_SECRET_KEY` can't be used here
        at models/m.sql:1:11 `env_var('DBT_ENV_SECRET_KEY')`
        note: values here are logged, and stored with tables and artifacts
        hint: use secrets in the `storage_options` of a target, or give the variable another name
        "#);
    insta::assert_snapshot!(shown("select {{ a b }}"), @r#"
        jinja-syntax: syntax error: unexpected identifier, expected end of variable block
        at models/m.sql:1:13 `b`
        "#);
    insta::assert_snapshot!(shown("select {% if %}"), @r#"
        jinja-syntax: syntax error: unexpected end of block
        at models/m.sql:1:14 `%}`
        "#);
    insta::assert_snapshot!(shown("select {{ 1 | nofilter }}"), @r#"
        unknown-filter: filter nofilter is unknown
        at models/m.sql:1:15 `nofilter`
        "#);
    insta::assert_snapshot!(shown("{{ return(1) }}"), @r#"
        return-outside-macro: `return` outside a macro
        at models/m.sql:1:4 `return(1)`
        hint: a template writes its text; only macros give values back
        "#);
    insta::assert_snapshot!(shown("{{ run_query('select 1') }}"), @r#"
        query-in-configuration: tables can't be queried here
        at models/m.sql:1:4 `run_query('select 1')`
        note: only models, tests, hooks and operations can query tables
        "#);
    insta::assert_snapshot!(shown("{{ modules.os.getcwd() }}"), @r#"
        unavailable-function: `modules.os` is not available in templates
        at models/m.sql:1:4 `modules.os`
        "#);
    insta::assert_snapshot!(shown("{% do 'a'.split().append('b') %}"), @r#"
        jinja-error: `.append()`: this value can't be changed; change a copy of it: `… | list`
        at models/m.sql:1:18 `.append('b')`
        "#);
    insta::assert_snapshot!(shown("{% set l = [] %}{% do l.append([l]) %}"), @r#"
        jinja-error: a list or dict can't be put into itself
        at models/m.sql:1:24 `.append([l])`
        "#);
    insta::assert_snapshot!(shown("{{ exceptions.raise_compiler_error('no!') }}"), @r#"
        raised: no!
        at models/m.sql:1:14 `.raise_compiler_error('no!')`
        "#);
}

#[test]
fn printed_undefined_values_give_a_warning_for_each_place() {
    let macros = ["{# - #}\n{% macro f(a, b) %}{{ a }}{{ b }}{{ nothing }}{% endmacro %}"];
    let sources: Vec<Source> = macros.iter().map(|text| Source::new("macros/0.sql", *text)).collect();
    let (jinja, _) = Jinja::new(&sources, globals());
    let text = "{% if targte %}{% endif %}a{{ targte }}{% for a in nil %}{{ a }}{% endfor %}\n\
        {% set a = target.nam %}{{ a }}{{ {}['k'] }}{{ 'x' if none }}{{ nil | join(',') }}{{ f(targte) }}{{ f(1) }}";
    let rendered = |text: &str| {
        let source = Source::new("models/m.sql", text);
        jinja.render(&source, &node(), Arc::new(LakeNames)).map(|rendered| rendered.text)
    };
    assert_eq!(rendered(text).as_deref(), Ok("a\n1"));
    let shown = |found: Vec<Diagnostic>| found.iter().map(show).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(shown(jinja.take_undefined()), @r#"
        undefined-variable: `targte` is undefined, and prints nothing
        at models/m.sql:1:31 `targte`
        hint: did you mean `target`?
        undefined-variable: `['k']` is undefined, and prints nothing
        at models/m.sql:2:37 `['k']`
        undefined-variable: `targte` is undefined, and prints nothing
        at models/m.sql:2:88 `targte`
        hint: did you mean `target`?
        undefined-variable: `nothing` is undefined, and prints nothing
        at macros/0.sql:2:37 `nothing`
        "#);
    assert_eq!(rendered(text).as_deref(), Ok("a\n1"));
    assert_eq!(jinja.take_undefined(), []);
    let yaml = Source::new("models/m.yml", "description: 'a {{ nil }}'");
    let described = jinja.describe("a {{ nil }}", &yaml.span(13..26)).map(|described| described.text);
    assert_eq!(described.as_deref(), Ok("a "));
    insta::assert_snapshot!(shown(jinja.take_undefined()), @r#"
        undefined-variable: `nil` is undefined, and prints nothing
        at models/m.yml:1:14 `'a {{ nil }}'`
        "#);
}

#[test]
fn undefined_values_have_undefined_attributes_while_templates_are_parsed() {
    let (jinja, _) = Jinja::new(&[], globals());
    let text = "{{ nil.a.b }}{{ nil.a() }}{% for x in nil.items() %}{{ x }}{% endfor %}{{ none.get('x') }}";
    let source = Source::new("models/m.sql", text);
    let node = NodeContext { executing: false, ..node() };
    let rendered = jinja.render(&source, &node, Arc::new(LakeNames)).map(|rendered| rendered.text);
    assert_eq!(rendered.as_deref(), Ok(""));
    assert_eq!(fails(&[], "{{ nil.a() }}").lines().next(), Some("undefined-variable: `nil` is undefined"));
}

#[test]
fn variables_are_rendered_where_they_are_read() {
    let mut globals = globals();
    let values = json!({
        "size": "{{ 500 if target.name in ['dev'] else 1 }}", "text": "{{ var('size') }} in {{ this.name }}",
        "loop": "{{ var('back') }}", "back": "{{ var('loop') }}", "bad": "{{ nofunction() }}",
        "list": ["{{ 1 }}"],
    });
    globals.vars = values.as_object().cloned().unwrap_or_default();
    let (jinja, _) = Jinja::new(&[], globals);
    let rendered = |text: &str| {
        let rendered = jinja.render(&Source::new("models/m.sql", text), &node(), Arc::new(LakeNames));
        rendered.map(|rendered| rendered.text).map_err(|found| show(&found))
    };
    let text = "{{ var('size') | int + 1 }} {{ var('size') is string }} {{ var('text') }} {{ var('list') }}";
    assert_eq!(rendered(text).as_deref(), Ok("501 True 500 in m ['{{ 1 }}']"));
    insta::assert_snapshot!(rendered("{{ var('loop') }}").unwrap_err(), @r#"
        template-recursion: the variable `loop` refers to itself
        at models/m.sql:1:4 `var('loop')`
        note: in the value of the variable `back`: {{ var('loop') }}
        note: in the value of the variable `loop`: {{ var('back') }}
        "#);
    let bad = rendered("{{ var('bad') }}").unwrap_err();
    assert!(bad.contains("at models/m.sql:1:4 `var('bad')`") && bad.contains("nofunction"), "{bad}");
}

#[test]
fn errors_in_macros_show_the_calls_that_led_there() {
    let macros = [
        "{% macro outer(a) %}\n  {{ inner(a) }}\n{% endmacro %}",
        "{% macro inner(a) %}{{ a }}{{ nothing.x }}{% endmacro %}",
    ];
    insta::assert_snapshot!(fails(&macros, "select\n{{ outer(1) }}"), @r#"
        undefined-variable: `nothing` is undefined
        at macros/1.sql:1:31 `nothing.x`
        at macros/0.sql:2:6 `inner(a)` in macro `inner`
        at models/m.sql:2:4 `outer(1)` in macro `outer`
        hint: if `nothing` is a package, list it in packages.yml and run `headwater deps`
        "#);
    insta::assert_snapshot!(fails(&macros, "{{ inner(1, 2) }}"), @r#"
        macro-arguments: macro `inner` takes 1 argument, but got 2
        at models/m.sql:1:4 `inner(1, 2)`
        note: it is declared as `inner(a)`
        "#);
    insta::assert_snapshot!(fails(&macros, "{{ inner(b=2) }}"), @r#"
        macro-arguments: macro `inner` has no parameter `b`
        at models/m.sql:1:4 `inner(b=2)`
        note: it is declared as `inner(a)`
        "#);
    insta::assert_snapshot!(fails(&["{% macro f() %}{{ g() }}{% endmacro %}"], "{{ f() }}"), @r#"
        unknown-macro: there is no macro or function named `g`
        at macros/0.sql:1:19 `g()`
        at models/m.sql:1:4 `f()` in macro `f`
        "#);
    insta::assert_snapshot!(fails(&["{% macro f() %}{{ ref('missing') }}{% endmacro %}"], "{{ f() }}"), @r#"
        unknown-ref: there is no model `missing`
        at macros/0.sql:1:19 `ref('missing')`
        at models/m.sql:1:4 `f()` in macro `f`
        "#);
    insta::assert_snapshot!(fails(&["{% macro f() %}{{ f() }}{% endmacro %}"], "{{ f() }}").lines().next().unwrap_or_default(), @"template-recursion: these macros call each other endlessly");
    insta::assert_snapshot!(fails(&["{% macro f() %}\n{{ f() }}{% endmacro %}"], "a\n{{ f() }}"), @r#"
        template-recursion: these macros call each other endlessly
        at macros/0.sql:2:4 `f()`
        at models/m.sql:2:4 `f()` in macro `f`
        hint: add a case in which the macro doesn't call itself
        "#);
    let finding = render_with(&macros, "select\n{{ outer(1) }}").unwrap_err();
    assert!(!render::to_string(&finding, false).is_empty());
}

#[test]
fn what_a_template_makes_is_paid_for_before_it_is_made() {
    let grows = |start: &str, step: &str| {
        format!("{{% set ns = namespace(x={start}) %}}{{% for i in range(60) %}}{step}{{% endfor %}}")
    };
    let set = |step: &str| format!("{{% set ns.x = {step} %}}");
    let texts = [
        grows("[1]", &set("ns.x + ns.x")),
        grows("range(9)", &set("ns.x + ns.x * 1")),
        grows("[1]", &set("[ns.x, ns.x] | sum(start=[])")),
        grows("[1]", &set("ns.x | chain(ns.x)")),
        grows("[1]", &set("(ns.x * 2) | list")),
        grows("[1]", "{% do ns.x.extend(ns.x) %}"),
        grows("'x'", &set("ns.x.replace('x', 'xx')")),
        grows("'x'", &set("ns.x.join([ns.x, ns.x])")),
        grows("'x'", &set("[ns.x, ns.x] | join")),
        grows("'x'", &set("'{0}{0}'.format(ns.x)")),
        "{% set x = [0] * 90000000 %}{{ x | list | length }}".to_owned(),
        "{{ (['x' * 1000000] * 90000000) | join | length }}".to_owned(),
        "{{ ('x' * 100000).replace('x', 'x' * 1000000) | length }}".to_owned(),
        "{{ '{:999999999}'.format(1) | length }}".to_owned(),
        "{% set s = 'x' * 90000000 %}{% for i in range(100000) %}{% do s.count('y') %}{% endfor %}"
            .to_owned(),
    ];
    for text in texts {
        let said = fails(&[], &format!("select\n{text}"));
        let ended = said.starts_with("template-budget: ") || said.contains("2 million values at most");
        assert!(ended && said.contains("at models/m.sql:2:"), "{text}: {said}");
    }
}

#[test]
fn lists_and_dicts_stay_as_large_as_can_be_printed() {
    let loops = |step: &str| {
        format!(
            "{{% set ns = namespace(x=[]) %}}{{% for i in range(300) %}}{step}{{% endfor %}}{{{{ ns.x }}}}"
        )
    };
    let said = |step: &str| fails(&[], &loops(step));
    let deep = said("{% set ns.x = [ns.x] %}");
    assert!(deep.contains("nested 200 levels deep at most"), "{deep}");
    assert!(said("{% set ns.x = {'a': ns.x} %}").contains("nested 200 levels deep at most"));
    let wide = said("{% set ns.x = [ns.x, ns.x] %}");
    assert!(wide.contains("can hold 2 million values at most"), "{wide}");
    // A deeply nested list is dropped without recursion.
    let chain = "{% set ns = namespace(x=[]) %}{% set top = ns.x %}{% for a in range(300) %}{% for b in range(100) %}\
        {% set n = [] %}{% do ns.x.append(n) %}{% set ns.x = n %}{% endfor %}{% endfor %}{{ top | length }}";
    check(chain, "1");
}

#[test]
fn faulty_macro_files_are_said() {
    let files = ["{% macro f() %}{% endmacro %}", "{% macro f() %}{% endmacro %}", "{% macro g( %}"];
    let files: Vec<_> = files
        .iter()
        .enumerate()
        .map(|(index, text)| Source::new(format!("macros/{index}.sql"), *text))
        .collect();
    let (_, findings) = Jinja::new(&files, globals());
    insta::assert_snapshot!(findings.iter().map(show).collect::<Vec<_>>().join("\n\n"), @r#"
        duplicate-macro: two macros are named `f`
        at macros/1.sql:1:10 `f` declared again here
        at macros/0.sql:1:10 `f` first declared here
        hint: rename one of them: macros are called by name from every file

        jinja-syntax: syntax error: unexpected `%`, expected identifier
        at macros/2.sql:1:13 `%`
        "#);
}
