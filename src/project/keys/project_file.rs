//! The keys of the project file, of its targets, and of the files next to it.

use super::{Key, Section};

/// The sections, in the order of the reference.
#[cfg(test)]
pub(super) const ALL: &[&Section] =
    &[&PROJECT_FILE, &TARGET, &DISPATCH, &SELECTORS, &SELECTOR, &PACKAGE_LIST, &LOCK_FILE];

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
    Key::descriptive("flags", "flags are given on the command line or in the environment"),
    Key::ignored("quoting", "names are quoted where they need it, and compared without regard to case"),
];

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
