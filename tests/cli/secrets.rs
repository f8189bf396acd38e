//! Secrets in the environment: they open the lake, and no file or output contains one.

use crate::{project::Project, ran::assert_said};

const PROJECT: &str = "name: shop\nversion: '1.0'\n";

fn project() -> Project {
    Project::new().env("DBT_ENV_SECRET_KEY", "hush-key").model("a.sql", "select 1 as x")
}

#[test]
fn secrets_are_refused_where_they_would_be_written_down() {
    let places = [
        ("models/s.yml", "models:\n  - name: a\n    description: \"{{ env_var('DBT_ENV_SECRET_KEY') }}\"\n"),
        (
            "models/s.yml",
            "models:\n  - name: a\n    config: {meta: {key: \"{{ env_var('DBT_ENV_SECRET_KEY') }}\"}}\n",
        ),
        (
            "models/s.yml",
            "models:\n  - name: a\n    config: {tags: [\"{{ env_var('DBT_ENV_SECRET_KEY') }}\"]}\n",
        ),
        (
            "sources.yml",
            "sources:\n  - name: s\n    tables:\n      - name: t\n        external: {location: \"{{ env_var('DBT_ENV_SECRET_KEY') }}.csv\", format: csv}\n",
        ),
        ("models/b.sql", "select '{{ env_var(\"DBT_ENV_SECRET_KEY\") }}' as x"),
    ];
    for (file, text) in places {
        let project = project().file(file, text);
        for command in ["build", "list"] {
            let ran = project.run([command]).refused();
            ran.says("DBT_ENV_SECRET_KEY").says(file).says_nothing_of("hush");
        }
    }
}

#[test]
fn credentials_in_a_location_are_refused_and_not_shown() {
    for location in [
        "https://me:hush-word@host/a.csv",
        "https://host/a.csv?sig=hush-sign&se=1",
        "https://me:a hush-word@host/a.csv",
        "s3://AKIA:x/hush-word@bucket/a.csv",
        "https://host/a.csv;Token=hush-word",
        "SharedAccessKey=hush-word",
    ] {
        let text = format!(
            "sources:\n  - name: s\n    tables:\n      - name: t\n        external: {{location: \"{location}\", format: csv}}\n"
        );
        let ran = project().file("sources.yml", text).run(["build"]).refused();
        assert_said!(ran.says_nothing_of("hush"));
    }
}

#[test]
fn credentials_without_a_scheme_are_refused_and_not_shown() {
    for location in [
        "me:hush-word@host",
        "//me:hush-word@h",
        "me:hush-word@",
        ":hush-word@h/x.csv",
        "me:hush-word%40h/x.csv",
        "../me:hush-word@h/x.csv",
    ] {
        let text = format!(
            "sources:\n  - name: s\n    tables:\n      - name: t\n        external: {{location: '{location}', format: csv}}\n"
        );
        let ran = project().file("sources.yml", text).run(["build"]).refused();
        ran.says("a location can't hold a password").says_nothing_of("hush");
    }
}

#[test]
fn secrets_open_the_lake() {
    let settings = format!(
        "{PROJECT}targets:\n  dev:\n    root: lake\n    storage_options: {{secret_access_key: \"{{{{ env_var('DBT_ENV_SECRET_KEY') }}}}\"}}\n"
    );
    let project = project().file("project.yml", settings);
    project.run(["build", "--log-level", "trace"]).success().says_nothing_of("hush");
    project.run(["docs", "generate"]).success();
    for folder in ["target", "lake"] {
        for file in project.files(folder) {
            let bytes = std::fs::read(project.path(&format!("{folder}/{file}"))).unwrap();
            assert!(!bytes.windows(4).any(|part| part == b"hush"), "{folder}/{file}");
        }
    }
}

#[test]
fn errors_of_storage_options_quote_no_secret() {
    for call in [
        "exceptions.raise_compiler_error(@)",
        "env_var(env_var(@))",
        "env_var(@ ~ 'x')",
        "var(@)",
        "doc(@)",
        "ref(@)",
        "source(@, 'x')",
        "fromyaml('[' ~ @)",
        "adapter.dispatch(@)()",
    ] {
        let value = call.replace('@', "env_var('DBT_ENV_SECRET_KEY')");
        let settings = format!(
            "{PROJECT}targets:\n  dev:\n    root: lake\n    storage_options: {{key: \"{{{{ {value} }}}}\"}}\n"
        );
        let project = project().file("project.yml", settings);
        for format in ["text", "json"] {
            let ran = project.run(["build", "--log-level", "trace", "--log-format", format]);
            ran.says_nothing_of("hush");
        }
    }
}

#[test]
fn the_value_of_a_secret_is_scrubbed_from_all_output() {
    // The same text as a secret and as a model's constant: only output of the process is scrubbed.
    let settings = format!(
        "{PROJECT}targets:\n  dev:\n    root: lake\n    storage_options: {{x: \"{{{{ env_var('DBT_ENV_SECRET_KEY') }}}}\"}}\n"
    );
    let project = project()
        .file("project.yml", settings)
        .model("b.sql", "select cast('hush-key' as integer) as x from {{ ref('a') }}");
    for format in ["text", "json"] {
        let ran = project.run(["build", "--log-format", format]);
        ran.says("*****").says_nothing_of("hush-key");
    }
    for file in project.files("target") {
        let bytes = std::fs::read(project.path(&format!("target/{file}"))).unwrap();
        assert!(!bytes.windows(8).any(|part| part == b"hush-key"), "{file}");
    }
}
