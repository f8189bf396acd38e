//! The keys of properties files.

use super::{Key, Section};

/// The sections, in the order of the reference.
#[cfg(test)]
pub(super) const ALL: &[&Section] = &[
    &PROPERTIES_FILE,
    &MODEL,
    &MODEL_VERSION,
    &SEED,
    &SNAPSHOT,
    &COLUMN,
    &MODEL_CONSTRAINT,
    &COLUMN_CONSTRAINT,
    &SOURCE,
    &SOURCE_TABLE,
    &EXTERNAL,
    &MAX_REJECTED,
    &FRESHNESS,
    &WARN_AFTER,
    &ERROR_AFTER,
    &TEST,
    &SINGULAR_TEST,
    &UNIT_TEST,
    &UNIT_TEST_INPUT,
    &EXPECT,
    &OVERRIDES,
    &EXPOSURE,
    &GROUP,
    &OWNER,
    &MACRO,
    &ARGUMENT,
];

/// A properties file.
pub(in crate::project) const PROPERTIES_FILE: Section = Section {
    what: "a properties file",
    groups: &[&[
        Key::active("sources", "tables that others write"),
        Key::active("models", "properties of models"),
        Key::active("seeds", "properties of seeds"),
        Key::active("snapshots", "properties of snapshots, and snapshots of a relation"),
        Key::active("data_tests", "properties of singular tests"),
        Key::active("tests", "the older name of `data_tests`"),
        Key::active("unit_tests", "runs of a model's SQL on given rows"),
        Key::active("exposures", "dashboards, notebooks and applications that use the tables"),
        Key::active("groups", "models with one owner"),
        Key::active("macros", "documentation of macros"),
        Key::descriptive("analyses", "documentation of analyses"),
        Key::descriptive("anchors", "a place for YAML anchors"),
        Key::descriptive("docs", "documentation"),
        Key::descriptive("functions", "there are no user-defined functions yet"),
        Key::descriptive("metrics", "metrics are not built"),
        Key::descriptive("saved_queries", "saved queries are not built"),
        Key::descriptive("semantic_models", "semantic models are not built"),
        Key::descriptive("version", "the format of the file, which is 2"),
    ]],
};

/// The properties of models, seeds and snapshots.
const TABLES: &[Key] = &[
    Key::active("name", "the name of the node"),
    Key::active("description", "the text of the documentation; may contain Jinja"),
    Key::active("columns", "the columns"),
    Key::active("data_tests", "generic tests of the rows"),
    Key::active("tests", "the older name of `data_tests`"),
    Key::active("constraints", "constraints; a contract enforces them"),
    Key::active("config", "configuration"),
    Key::active("access", "which nodes may read it: private, protected or public"),
    Key::active("group", "the group, whose models may read private ones"),
    Key::active("meta", "data of your own, for selection, templates and artifacts"),
    Key::active("tags", "tags for selection"),
    Key::active("docs", "`show` and `node_color`, in the artifacts"),
    Key::descriptive("agg_time_dimension", "a property of the semantic layer"),
    Key::descriptive("derived_semantics", "a property of the semantic layer"),
    Key::descriptive("metrics", "a property of the semantic layer"),
    Key::descriptive("semantic_model", "a property of the semantic layer"),
    Key::descriptive("version", "free text"),
];

const VERSIONED: &[Key] = &[
    Key::active("latest_version", "the version that `ref` without a version reads"),
    Key::active("versions", "the versions of the model"),
    Key::descriptive("deprecation_date", "the end of the model's life, in the artifacts"),
    Key::descriptive("primary_key", "the columns that identify a row, in the artifacts"),
    Key::descriptive("time_spine", "a property of the semantic layer"),
];

pub(in crate::project) const MODEL: Section = Section { what: "a model", groups: &[TABLES, VERSIONED] };

pub(in crate::project) const SEED: Section = Section { what: "a seed", groups: &[TABLES, VERSIONED] };

pub(in crate::project) const SNAPSHOT: Section = Section {
    what: "a snapshot",
    groups: &[TABLES, &[Key::active("relation", "the relation whose rows it keeps: `ref('orders')`")]],
};

/// A version of a model.
pub(in crate::project) const MODEL_VERSION: Section = Section {
    what: "a model's version",
    groups: &[&[
        Key::active("v", "the version's number or name"),
        Key::active("defined_in", "the name of its file"),
        Key::active("description", "the text of the documentation; may contain Jinja"),
        Key::active("columns", "the columns, besides `include` and `exclude` of the model's"),
        Key::active("data_tests", "generic tests, in place of the model's"),
        Key::active("tests", "the older name of `data_tests`"),
        Key::active("constraints", "constraints, in place of the model's"),
        Key::active("config", "configuration, over the model's"),
        Key::active("access", "which nodes may read it: private, protected or public"),
        Key::active("docs", "`show` and `node_color`, in the artifacts"),
        Key::active("group", "the group, whose models may read private ones"),
        Key::active("meta", "data of your own"),
        Key::active("tags", "tags for selection"),
        Key::descriptive("deprecation_date", "the end of the version's life, in the artifacts"),
        Key::descriptive("name", "free text"),
    ]],
};

pub(in crate::project) const COLUMN: Section = Section {
    what: "a column",
    groups: &[&[
        Key::active("name", "the column's name"),
        Key::active("data_type", "the SQL type: of a source's column, and of a contract"),
        Key::active("description", "the text of the documentation; may contain Jinja"),
        Key::active("data_tests", "generic tests of the column"),
        Key::active("tests", "the older name of `data_tests`"),
        Key::active("tags", "tags for selection, which the column's tests inherit"),
        Key::active("meta", "data of your own"),
        Key::active("config", "`tags` and `meta`"),
        Key::active("constraints", "constraints of the column"),
        Key::active("quote", "whether the name is case-sensitive"),
        Key::descriptive("dimension", "a property of the semantic layer"),
        Key::descriptive("entity", "a property of the semantic layer"),
        Key::descriptive("granularity", "a property of the semantic layer"),
        Key::descriptive("policy_tags", "labels of BigQuery"),
    ]],
};

const CONSTRAINT: &[Key] = &[
    Key::active("type", "the kind of constraint"),
    Key::active("name", "the constraint's name"),
    Key::active("expression", "the condition of a check"),
    Key::active("columns", "the columns of a model's constraint"),
    Key::descriptive("to", "the table of a foreign key"),
    Key::descriptive("to_columns", "the columns of a foreign key"),
    Key::descriptive("warn_unenforced", "every constraint is enforced or said not to be"),
    Key::descriptive("warn_unsupported", "every constraint is enforced or said not to be"),
];

pub(in crate::project) const MODEL_CONSTRAINT: Section =
    Section { what: "a model's constraint", groups: &[CONSTRAINT] };

pub(in crate::project) const COLUMN_CONSTRAINT: Section =
    Section { what: "a column's constraint", groups: &[CONSTRAINT] };

/// The keys that sources and their tables have in common.
const SOURCES: &[Key] = &[
    Key::active("name", "the name in templates"),
    Key::active("description", "the text of the documentation; may contain Jinja"),
    Key::active("tags", "tags for selection"),
    Key::active("meta", "data of your own"),
    Key::active("config", "configuration"),
    Key::active("freshness", "the limits of the age of its newest row"),
    Key::active("loaded_at_field", "the column with the load time of a row"),
    Key::active("loaded_at_query", "the query for the load time of the newest row"),
    Key::active("on_missing_column", "the policy for a declared column that a file lacks"),
    Key::active("on_new_column", "the policy for a column that isn't declared"),
    Key::active("max_rejected", "the largest share or number of rejected rows"),
    Key::descriptive("data_type", "free text"),
    Key::descriptive("unrendered_config", "a trace of dbt's own"),
    Key::ignored("quoting", "names are quoted where they need it, and compared without regard to case"),
];

pub(in crate::project) const SOURCE: Section = Section {
    what: "a source",
    groups: &[
        SOURCES,
        &[
            Key::active("schema", "the schema of its tables in the lake"),
            Key::active("database", "the first part of its relations in templates"),
            Key::active("loader", "the tool that writes it, in the artifacts"),
            Key::active("overrides", "the package whose source it changes"),
            Key::active("tables", "its tables"),
        ],
    ],
};

pub(in crate::project) const SOURCE_TABLE: Section = Section {
    what: "a source's table",
    groups: &[
        SOURCES,
        &[
            Key::active("identifier", "the table's name in the lake"),
            Key::active("columns", "the columns; with types, they are the table's"),
            Key::active("external", "the place and format of its files or database"),
            Key::active("data_tests", "generic tests of the rows"),
            Key::active("tests", "the older name of `data_tests`"),
            Key::descriptive("loader", "the tool that writes it"),
        ],
    ],
};

/// `external:`; the options of a format stand next to these keys, or under `options`.
pub(in crate::project) const EXTERNAL: Section = Section {
    what: "`external`",
    groups: &[&[
        Key::active("location", "a file, a folder, a pattern or a URL"),
        Key::active("format", "the format, if the extension doesn't say it"),
        Key::active("options", "the options of the format"),
        Key::active("on_missing_column", "the policy for a declared column that a file lacks"),
        Key::active("on_new_column", "the policy for a column that isn't declared"),
        Key::active("max_rejected", "the largest share or number of rejected rows"),
    ]],
};

pub(in crate::project) const MAX_REJECTED: Section = Section {
    what: "`max_rejected`",
    groups: &[&[
        Key::active("per_file", "the limit of a file"),
        Key::active("per_run", "the limit of a run"),
    ]],
};

pub(in crate::project) const FRESHNESS: Section = Section {
    what: "`freshness`",
    groups: &[&[
        Key::active("warn_after", "the age that is a warning"),
        Key::active("error_after", "the age that is an error"),
        Key::active("filter", "a condition for the rows that count"),
    ]],
};

const PERIOD: &[Key] =
    &[Key::active("count", "the number of periods"), Key::active("period", "minute, hour or day")];

pub(in crate::project) const WARN_AFTER: Section = Section { what: "`warn_after`", groups: &[PERIOD] };

pub(in crate::project) const ERROR_AFTER: Section = Section { what: "`error_after`", groups: &[PERIOD] };

/// A generic test. Keys that are neither here nor of its configuration are its arguments.
pub(in crate::project) const TEST: Section = Section {
    what: "a test",
    groups: &[&[
        Key::active("test_name", "the generic test, if it isn't the key itself"),
        Key::active("name", "the test's own name"),
        Key::active("description", "the text of the documentation"),
        Key::active("arguments", "the arguments of the generic test"),
        Key::active("config", "configuration"),
    ]],
};

pub(in crate::project) const SINGULAR_TEST: Section = Section {
    what: "a singular test",
    groups: &[&[
        Key::active("name", "the name of the test's file"),
        Key::active("description", "the text of the documentation"),
        Key::active("config", "configuration"),
        Key::active("docs", "`show` and `node_color`, in the artifacts"),
        Key::active("group", "the group, in the artifacts"),
        Key::active("meta", "data of your own"),
        Key::active("tags", "tags for selection"),
        Key::descriptive("columns", "free text"),
        Key::descriptive("data_type", "free text"),
    ]],
};

pub(in crate::project) const UNIT_TEST: Section = Section {
    what: "a unit test",
    groups: &[&[
        Key::active("name", "the test's name"),
        Key::active("model", "the tested model"),
        Key::active("description", "the text of the documentation"),
        Key::active("given", "the rows of the model's inputs"),
        Key::active("expect", "the expected rows"),
        Key::active("overrides", "macros and variables with other values"),
        Key::active("config", "configuration"),
        Key::ignored("versions", "write one test for each version: `model: dim.v2`"),
    ]],
};

const ROWS: &[Key] = &[
    Key::active("rows", "the rows"),
    Key::active("format", "dict, csv or sql"),
    Key::active("fixture", "the file with the rows"),
];

pub(in crate::project) const UNIT_TEST_INPUT: Section = Section {
    what: "a unit test's input",
    groups: &[&[Key::active("input", "`ref(…)`, `source(…)` or `this`")], ROWS],
};

pub(in crate::project) const EXPECT: Section = Section { what: "`expect`", groups: &[ROWS] };

pub(in crate::project) const OVERRIDES: Section = Section {
    what: "`overrides`",
    groups: &[&[
        Key::active("macros", "the values of macros"),
        Key::active("vars", "the values of `var()`"),
        Key::active("env_vars", "the values of `env_var()`"),
    ]],
};

pub(in crate::project) const EXPOSURE: Section = Section {
    what: "an exposure",
    groups: &[&[
        Key::active("name", "the exposure's name"),
        Key::active("type", "dashboard, notebook, analysis, ml or application"),
        Key::active("label", "the name that people see"),
        Key::active("description", "the text of the documentation; may contain Jinja"),
        Key::active("maturity", "high, medium or low"),
        Key::active("url", "its address"),
        Key::active("owner", "its owner"),
        Key::active("depends_on", "its inputs, as calls of `ref` and `source`"),
        Key::active("config", "configuration"),
        Key::active("enabled", "false excludes it from the project"),
        Key::active("meta", "data of your own"),
        Key::active("tags", "tags for selection"),
    ]],
};

pub(in crate::project) const GROUP: Section = Section {
    what: "a group",
    groups: &[&[
        Key::active("name", "the group's name"),
        Key::active("description", "the text of the documentation; may contain Jinja"),
        Key::active("owner", "its owner"),
        Key::active("meta", "data of your own"),
        Key::active("config", "`meta`"),
    ]],
};

/// The owner of an exposure or a group; keys of one's own are kept.
pub(in crate::project) const OWNER: Section = Section {
    what: "an owner",
    groups: &[&[Key::active("name", "the owner's name"), Key::active("email", "the owner's addresses")]],
};

pub(in crate::project) const MACRO: Section = Section {
    what: "a macro",
    groups: &[&[
        Key::active("name", "the macro's name"),
        Key::active("description", "the text of the documentation"),
        Key::active("arguments", "the macro's arguments"),
        Key::active("meta", "data of your own"),
        Key::active("config", "`meta`"),
        Key::descriptive("docs", "`show` and `node_color`"),
    ]],
};

pub(in crate::project) const ARGUMENT: Section = Section {
    what: "an argument",
    groups: &[&[
        Key::active("name", "the argument's name"),
        Key::active("type", "the type, as free text"),
        Key::active("description", "the text of the documentation"),
    ]],
};
