//! The keys of configuration. Hyphens and underscores are equivalent; this table has underscores.

use super::{Key, Section};

/// The keys of every node.
const COMMON: &[Key] = &[
    Key::active("enabled", "false excludes it from the project"),
    Key::active("tags", "tags for selection; those of all layers add up"),
    Key::active("meta", "data of your own, for selection, templates and artifacts; layers are merged")
        .mapping(),
];

/// The keys of every node that has a table.
const TABLES: &[Key] = &[
    Key::active("access", "which nodes may read it: private, protected or public"),
    Key::active("alias", "the table's name"),
    Key::active("contract", "whether columns and types must be as declared").mapping(),
    Key::active("description", "the text of the documentation; may contain Jinja"),
    Key::active("event_time", "the column with the time of a row, by which microbatch models filter it"),
    Key::active("full_refresh", "true: always; false: never, whatever the command line says"),
    Key::active("group", "the group, whose models may read private ones"),
    Key::active("on_schema_change", "the policy for an incremental model's changed columns"),
    Key::active("partition_by", "the columns that partition the table"),
    Key::active("post_hook", "SQL after its rows are written, before they are tested"),
    Key::active("pre_hook", "SQL before its rows are written"),
    Key::active("schema", "the folder of the table, after the target's schema"),
    Key::active("target_file_size", "the size in bytes at which a new data file is begun"),
    Key::descriptive("docs", "`show` and `node_color` are in the artifacts").mapping(),
    Key::descriptive("file_format", "tables are Delta tables, always"),
    Key::descriptive("location_root", "tables lie under the target's `root`"),
    Key::descriptive("persist_docs", "descriptions are written into the tables, always").mapping(),
    Key::ignored("database", "a lake has no databases: set `schema`"),
    Key::ignored("grants", "rights belong to the folder or the object store").mapping(),
    Key::ignored("sql_header", "write macros instead of temporary functions, and settings into the target"),
    Key::ignored("tblproperties", "set properties in a hook: alter table {{ this }} set tblproperties (…)")
        .mapping(),
];

/// The keys of other engines' tables that concern their layout, cost or labels, and no rows.
const LAYOUT: &[Key] = &[
    Key::descriptive("auto_liquid_cluster", "a layout of Databricks"),
    Key::descriptive("automatic_clustering", "a layout of Snowflake"),
    Key::descriptive("backup", "an option of Redshift"),
    Key::descriptive("bind", "an option of Redshift"),
    Key::descriptive("buckets", "a layout of Spark"),
    Key::descriptive("cluster_by", "a layout of warehouses"),
    Key::descriptive("clustered_by", "a layout of Spark"),
    Key::descriptive("copy_grants", "an option of Snowflake"),
    Key::descriptive("databricks_compute", "an option of Databricks"),
    Key::descriptive("databricks_tags", "labels of Databricks").mapping(),
    Key::descriptive("dist", "a layout of Redshift"),
    Key::descriptive("indexes", "a Delta table has statistics of its files, and no indexes"),
    Key::descriptive("labels", "labels of BigQuery").mapping(),
    Key::descriptive("liquid_clustered_by", "a layout of Databricks"),
    Key::descriptive("query_tag", "an option of Snowflake"),
    Key::descriptive("snowflake_warehouse", "an option of Snowflake"),
    Key::descriptive("sort", "a layout of Redshift"),
    Key::descriptive("sort_type", "a layout of Redshift"),
    Key::descriptive("transient", "an option of Snowflake"),
    Key::descriptive("unlogged", "an option of PostgreSQL"),
    Key::descriptive("zorder", "a layout of Databricks"),
    Key::ignored("hours_to_expiration", "nothing expires: delete rows in a hook"),
    Key::ignored("partition_expiration_days", "nothing expires: delete rows in a hook"),
];

/// The keys of models only.
const MODELS: &[Key] = &[
    Key::active("batch_size", "the length of a batch of a microbatch model"),
    Key::active("begin", "the time of the first batch"),
    Key::active("concurrent_batches", "whether batches may run side by side"),
    Key::active("incremental_predicates", "conditions on the existing rows that a merge considers"),
    Key::active("incremental_strategy", "the strategy for combining new rows with existing ones"),
    Key::active("lookback", "the number of earlier batches to build again"),
    Key::active("materialized", "table, incremental, view or ephemeral"),
    Key::active("merge_delete_condition", "the condition under which a new row deletes its match"),
    Key::active("merge_exclude_columns", "the columns that a merge leaves alone"),
    Key::active("merge_update_columns", "the only columns that a merge updates"),
    Key::active("on_change", "the policy for a file that changed after it was loaded"),
    Key::active("on_delete", "the policy for the rows of a deleted file"),
    Key::active("on_lookup_change", "the policy for a changed input that every batch reads"),
    Key::active("on_sql_change", "the policy for an incremental model's existing rows if its SQL changes"),
    Key::active("unique_key", "the columns that identify a row"),
    Key::active("volatile", "whether the same inputs can give different rows"),
    Key::descriptive("auto_refresh", "an option of materialized views, which are an error"),
    Key::descriptive("on_configuration_change", "an option of materialized views, which are an error"),
    Key::descriptive("packages", "an option of Python models"),
    Key::ignored("freshness", "skipping is by evidence: a model whose inputs didn't change isn't built")
        .mapping(),
];

/// The configuration of models.
pub const MODEL_CONFIG: Section = Section {
    what: "the configuration of a model",
    groups: &[COMMON, TABLES, MODELS, STATIC_ANALYSIS, LAYOUT],
};

/// The configuration of seeds.
pub const SEED_CONFIG: Section = Section {
    what: "the configuration of a seed",
    groups: &[
        COMMON,
        TABLES,
        &[
            Key::active("column_types", "the SQL types of columns").mapping(),
            Key::active("delimiter", "the separator between two values"),
            Key::active("null_values", "the texts that mean NULL"),
            Key::active("quote", "the quote around values"),
            Key::active("quote_columns", "true keeps names as in the header"),
            Key::descriptive("materialized", "a seed is a table, always"),
        ],
        STATIC_ANALYSIS,
        LAYOUT,
    ],
};

/// The configuration of snapshots.
pub const SNAPSHOT_CONFIG: Section = Section {
    what: "the configuration of a snapshot",
    groups: &[
        COMMON,
        TABLES,
        &[
            Key::active("check_cols", "the columns that make a new version of a row, or `all`"),
            Key::active("dbt_valid_to_current", "the end of a current version, as SQL"),
            Key::active("hard_deletes", "the policy for deleted rows"),
            Key::active("invalidate_hard_deletes", "the older spelling of `hard_deletes: invalidate`"),
            Key::active("snapshot_meta_column_names", "the names of the columns that a snapshot adds")
                .mapping(),
            Key::active("strategy", "timestamp or check"),
            Key::active("target_schema", "the older spelling of `schema`"),
            Key::active("unique_key", "the columns that identify a row"),
            Key::active("updated_at", "the column with the time of a row's change"),
            Key::descriptive("materialized", "a snapshot is a table, always"),
            Key::ignored("target_database", "a lake has no databases: set `schema`"),
        ],
        STATIC_ANALYSIS,
        LAYOUT,
    ],
};

/// The configuration of data tests.
pub const TEST_CONFIG: Section = Section {
    what: "the configuration of a data test",
    groups: &[
        COMMON,
        &[
            Key::active("alias", "the name of the table of stored failures"),
            Key::active("error_if", "the comparison of the number of failures that is an error"),
            Key::active("fail_calc", "the number of failures, as SQL over the rows found"),
            Key::active("limit", "the largest number of rows to find"),
            Key::active(
                "on_violation",
                "the policy for rows that violate the rule: fail, warn, quarantine or drop",
            ),
            Key::active("severity", "error or warn"),
            Key::active("store_failures", "whether the rows found are kept in a table"),
            Key::active("store_failures_as", "`table` and `view` store failures, `ephemeral` doesn't"),
            Key::active("warn_if", "the comparison of the number of failures that is a warning"),
            Key::active("where", "a condition for the rows to test"),
            Key::descriptive("description", "the text of the documentation"),
            Key::descriptive("docs", "`show` and `node_color` are in the artifacts").mapping(),
            Key::descriptive("group", "the group, in the artifacts"),
            Key::descriptive("materialized", "a test is a query"),
            Key::ignored("database", "a lake has no databases"),
            Key::ignored("schema", "failures are stored next to the tested table, in `<schema>_audit`"),
            Key::ignored("sql_header", "write macros instead of temporary functions"),
        ],
        STATIC_ANALYSIS,
    ],
};

/// The configuration of unit tests.
pub const UNIT_TEST_CONFIG: Section =
    Section { what: "the configuration of a unit test", groups: &[COMMON, STATIC_ANALYSIS] };

/// The configuration of sources and their tables.
pub const SOURCE_CONFIG: Section = Section {
    what: "the configuration of a source",
    groups: &[
        COMMON,
        &[
            Key::active(
                "event_time",
                "the column with the time of a row, by which microbatch models filter it",
            ),
            Key::active(
                "external_location",
                "dbt-duckdb's place of the rows: a path, or a call such as read_csv",
            ),
            Key::active(
                "formatter",
                "the notation of names in `external_location`: newstyle, oldstyle or template",
            ),
            Key::active("freshness", "the limits of the age of its newest row").mapping(),
            Key::active("loaded_at_field", "the column with the load time of a row"),
            Key::active("loaded_at_query", "the query for the load time of the newest row"),
        ],
    ],
};

/// The configuration of exposures.
pub const EXPOSURE_CONFIG: Section = Section { what: "the configuration of an exposure", groups: &[COMMON] };

/// The key of dbt Fusion's analysis.
const STATIC_ANALYSIS: &[Key] =
    &[Key::active("static_analysis", "whether an error in the node stops the run: strict, baseline or off")];
