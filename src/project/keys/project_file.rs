//! The keys of the project file, of its targets, and of the files next to it.

use super::{Key, Section};

/// The sections, in the order of the reference.
#[cfg(test)]
pub(super) const ALL: &[&Section] =
    &[&PROJECT_FILE, &FLAGS, &TARGET, &DISPATCH, &SELECTORS, &SELECTOR, &PACKAGE_LIST, &LOCK_FILE];

/// `project.yml`, or `dbt_project.yml`.
pub(in crate::project) const PROJECT_FILE: Section =
    Section { what: "the project file", groups: &[PATHS, TREES, SETTINGS] };

const PATHS: &[Key] = &[
    Key::active("model-paths", "the folders of models and their properties"),
    Key::active("source-paths", "the older name of `model-paths`"),
    Key::active("macro-paths", "the folders of macros"),
    Key::active("seed-paths", "the folders of seeds"),
    Key::active("data-paths", "the older name of `seed-paths`"),
    Key::active("snapshot-paths", "the folders of snapshots"),
    Key::active("test-paths", "the folders of singular and generic tests"),
    Key::active("analysis-paths", "the folders of SQL that is only compiled"),
    Key::active("docs-paths", "the folders of Markdown files with docs blocks"),
    Key::active("asset-paths", "the folders of assets of the page"),
    Key::active("target-path", "the folder of the artifacts"),
    Key::active("packages-install-path", "the folder of the installed packages"),
    Key::descriptive("function-paths", "there are no user-defined functions yet"),
    Key::descriptive("log-path", "logs go to standard error, or where `--log-path` says"),
    Key::descriptive(
        "clean-targets",
        "`clean` removes what Headwater wrote under the target path, and nothing else",
    ),
];

const TREES: &[Key] = &[
    Key::active("models", "configuration of models, by folder"),
    Key::active("seeds", "configuration of seeds, by folder"),
    Key::active("snapshots", "configuration of snapshots, by folder"),
    Key::active("data_tests", "configuration of data tests, by folder"),
    Key::active("tests", "the older name of `data_tests`"),
    Key::active("unit_tests", "configuration of unit tests, by folder"),
    Key::active("sources", "configuration of sources, by folder"),
    Key::active("exposures", "configuration of exposures, by folder"),
    Key::descriptive("analyses", "analyses have no settings that act"),
    Key::descriptive("docs", "docs blocks have no settings"),
    Key::descriptive("functions", "there are no user-defined functions yet"),
    Key::descriptive("groups", "groups have no settings that act"),
    Key::descriptive("macros", "macros have no settings that act"),
    Key::descriptive("metrics", "metrics are not built"),
    Key::descriptive("saved-queries", "saved queries are not built"),
    Key::descriptive("semantic-models", "semantic models are not built"),
];

const SETTINGS: &[Key] = &[
    Key::active("name", "the project's name: letters, digits and underscores"),
    Key::active("version", "free text"),
    Key::active("dialect", "the SQL dialect"),
    Key::active("vars", "variables; those under a package's name are for it"),
    Key::active("dispatch", "the packages in which `adapter.dispatch` looks, by namespace"),
    Key::active("restrict-access", "in a package: only its public models can be read from elsewhere"),
    Key::active("on-run-start", "SQL before the first node"),
    Key::active("on-run-end", "SQL after the last node"),
    Key::active("flags", "flags of the command line, for the project"),
    Key::active("hooks", "how hooks are treated: `{unsupported: warn}`"),
    Key::active("targets", "the places of the lake, by name"),
    Key::active("target", "the default target; may contain Jinja"),
    Key::descriptive("anchors", "a place for YAML anchors"),
    Key::descriptive("config-version", "the format of the file, which is 2"),
    Key::descriptive("dbt-cloud", "a setting of dbt's cloud"),
    Key::descriptive("packages", "packages are listed in `packages.yml` or `dependencies.yml`"),
    Key::descriptive("profile", "targets are in the project file"),
    Key::descriptive("query-comment", "no query leaves the process"),
    Key::descriptive("require-dbt-version", "a range of dbt's own versions"),
    Key::ignored("quoting", "names are quoted where they need it, and compared without regard to case"),
];

/// `flags:`. Most of dbt's choose between an older and a newer behavior of dbt itself.
pub(in crate::project) const FLAGS: Section =
    Section { what: "`flags`", groups: &[FLAGS_OF_RUNS, FLAGS_OF_DBT] };

const FLAGS_OF_RUNS: &[Key] = &[
    Key::active("static_analysis", "whether an error in a node stops the run: strict, baseline or off"),
    Key::ignored("debug", "set `--log-level debug` or HEADWATER_LOG_LEVEL"),
    Key::ignored("fail_fast", "set `--fail-fast` or HEADWATER_FAIL_FAST"),
    Key::ignored("indirect_selection", "set `--indirect-selection` or HEADWATER_INDIRECT_SELECTION"),
    Key::ignored("log_format", "set `--log-format` or HEADWATER_LOG_FORMAT"),
    Key::ignored("log_level", "set `--log-level` or HEADWATER_LOG_LEVEL"),
    Key::ignored(
        "require_ref_searches_node_package_before_root",
        "name the package: `ref('package', 'model')`",
    ),
    Key::ignored("state_modified_compare_vars", "`state:modified` compares what variables become in nodes"),
    Key::ignored("warn_error", "warnings don't become errors yet"),
    Key::ignored("warn_error_options", "warnings don't become errors yet"),
    Key::ignored("write_json", "artifacts are always written"),
];

const FLAGS_OF_DBT: &[Key] = &[
    Key::descriptive("allow_jinja_file_extensions", BEHAVIOR),
    Key::descriptive("cache_selected_only", "there is no cache of relations"),
    Key::descriptive("enable_grouped_warn_error_parser_logs", BEHAVIOR),
    Key::descriptive("hints_enabled", "messages have hints"),
    Key::descriptive("latest_version_pointer_enabled_by_default", BEHAVIOR),
    Key::descriptive("log_format_file", "there is no log file"),
    Key::descriptive("log_level_file", "there is no log file"),
    Key::descriptive("maximum_seed_size_mib", "seeds have no limit"),
    Key::descriptive("partial_parse", "what didn't change isn't parsed again"),
    Key::descriptive("populate_cache", "there is no cache of relations"),
    Key::descriptive("printer_width", "lines are as wide as the terminal"),
    Key::descriptive("require_all_warnings_handled_by_warn_error", BEHAVIOR),
    Key::descriptive("require_batched_execution_for_custom_microbatch_strategy", BEHAVIOR),
    Key::descriptive("require_corrected_analysis_fqns", BEHAVIOR),
    Key::descriptive("require_event_names_in_deprecations", BEHAVIOR),
    Key::descriptive("require_explicit_package_overrides_for_builtin_materializations", BEHAVIOR),
    Key::descriptive("require_generic_test_arguments_property", BEHAVIOR),
    Key::descriptive("require_nested_cumulative_type_params", BEHAVIOR),
    Key::descriptive("require_resource_names_without_spaces", BEHAVIOR),
    Key::descriptive("require_source_and_semantic_model_names_without_spaces", BEHAVIOR),
    Key::descriptive("require_sql_header_in_test_configs", BEHAVIOR),
    Key::descriptive("require_unique_project_resource_names", BEHAVIOR),
    Key::descriptive("require_valid_schema_from_generate_schema_name", BEHAVIOR),
    Key::descriptive("require_yaml_configuration_for_mf_time_spines", BEHAVIOR),
    Key::descriptive("send_anonymous_usage_stats", "nothing is sent"),
    Key::descriptive("skip_nodes_if_on_run_start_fails", "nothing runs if a hook before the run fails"),
    Key::descriptive("source_freshness_run_project_hooks", BEHAVIOR),
    Key::descriptive("state_modified_compare_more_unrendered_values", "as if it were true"),
    Key::descriptive("static_parser", BEHAVIOR),
    Key::descriptive("support_custom_ref_kwargs", BEHAVIOR),
    Key::descriptive("use_catalogs_v2", BEHAVIOR),
    Key::descriptive("use_colors", "colors are for terminals"),
    Key::descriptive("use_colors_file", "there is no log file"),
    Key::descriptive("use_experimental_parser", BEHAVIOR),
    Key::descriptive("use_v2_parser", BEHAVIOR),
    Key::descriptive("v2_parser", BEHAVIOR),
    Key::descriptive("validate_macro_args", BEHAVIOR),
    Key::descriptive("version_check", "a range of dbt's own versions isn't compared"),
];

const BEHAVIOR: &str = "a behavior of dbt itself";

/// An entry of `targets:`.
pub(in crate::project) const TARGET: Section = Section {
    what: "a target",
    groups: &[&[
        Key::active("root", "the folder or URL of the lake"),
        Key::active("schema", "the schema of tables without one, and a prefix of all others"),
        Key::active("threads", "the number of steps that run side by side"),
        Key::active("memory_limit", "the limit of memory for queries"),
        Key::active("temp_dir", "the folder where queries spill"),
        Key::active("storage_options", "settings of the object store; may contain secrets"),
    ]],
};

/// An entry of `dispatch:`.
pub(in crate::project) const DISPATCH: Section = Section {
    what: "an entry of `dispatch`",
    groups: &[&[
        Key::active("macro_namespace", "the namespace that `adapter.dispatch` asks for"),
        Key::active("search_order", "the packages, in order of preference"),
    ]],
};

/// `selectors.yml`.
pub(in crate::project) const SELECTORS: Section = Section {
    what: "selectors.yml",
    groups: &[&[
        Key::active("selectors", "named selections"),
        Key::descriptive("version", "the format of the file, which is 2"),
    ]],
};

/// A named selection.
pub(in crate::project) const SELECTOR: Section = Section {
    what: "a selector",
    groups: &[&[
        Key::active("name", "the name, for `--selector`"),
        Key::active("default", "whether it applies without `--select`, `--exclude` and `--selector`"),
        Key::active("definition", "the selection"),
        Key::descriptive("description", "free text"),
    ]],
};

/// `packages.yml` or `dependencies.yml`.
pub(in crate::project) const PACKAGE_LIST: Section = Section {
    what: "a list of packages",
    groups: &[&[
        Key::active("packages", "the packages to install"),
        Key::active("projects", "an error or a warning: they are projects of dbt's cloud"),
    ]],
};

/// `package-lock.yml`.
pub(in crate::project) const LOCK_FILE: Section = Section {
    what: "a lock file",
    groups: &[&[
        Key::active("packages", "the exact packages"),
        Key::active("sha1_hash", "the digest of the list that they were found for"),
    ]],
};
