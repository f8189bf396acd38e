//! The binary as people use it: one process a command, in a folder of its own.
//!
//! Each test is a sentence: a [`project::Project`], what is run in it, and what is to be seen afterwards
//! ([`ran::Ran`]). What people read is held in snapshots, with all that differs from run to run masked.
//!
//! | file | what |
//! |---|---|
//! | `smart_meters` | this repository's own project, against totals computed by hand in `expected` |
//! | `commands` | every command but `build` |
//! | `postgres` | projects of PostgreSQL's dialect |
//! | `sql_errors`, `template_errors`, `yaml_errors`, `usage_errors` | what is said of mistakes, before anything is written |
//! | `failures` | models that fail while they run |
//! | `incremental`, `ingestion` | models that take new rows in, and files that are loaded once |
//! | `batches` | models that are built batch by batch of time |
//! | `changes` | what models read of what changed above them |
//! | `rebuilds` | what is built again, and what stands |
//! | `scd` | snapshots: tables that keep every version of a row (their folder is for what is said) |
//! | `seeds` | CSV files that become tables |
//! | `audits` | what failing tests withhold, and that nobody sees it |
//! | `data_tests`, `unit_tests`, `contracts`, `freshness` | what judges, and how |
//! | `narrowed` | tests over versions of which little changed |
//! | `test_errors` | what is said of mistakes in tests |
//! | `describe` | what a model is, and how it came to be that |
//! | `lineage` | where columns come from and where they go |
//! | `unchanged` | runs that find nothing changed, answered by the record of the last one |
//! | `views`, `settings`, `data` | what can be built, and how it is set |
//! | `machine` | JSON lines and `run_results.json` |
//! | `lineage_events` | what a run tells OpenLineage |
//! | `artifacts` | the other files that tools for dbt read |
//! | `site` | the documentation page |
//! | `signals` | Ctrl-C and readers that go away |
//! | `retry` | what a run left undone, done |
//! | `damage` | tables and sources that can't be read |
//! | `secrets` | what must not be written down |
//! | `runaway` | texts that would take for ever |
//! | `crashes` | runs that are killed, and what the next one makes of it |

mod artifacts;
mod audits;
mod batches;
mod changes;
mod commands;
mod contracts;
mod crashes;
mod damage;
mod data;
mod data_tests;
mod describe;
mod drift;
mod expected;
mod failures;
mod freshness;
mod incremental;
mod ingestion;
mod lineage;
mod lineage_events;
mod machine;
mod narrowed;
mod postgres;
mod project;
mod ran;
mod rebuilds;
mod retry;
mod runaway;
mod scd;
mod secrets;
mod seeds;
mod settings;
mod signals;
mod site;
mod smart_meters;
mod source_files;
mod sql_errors;
mod template_errors;
mod test_errors;
mod unchanged;
mod unit_tests;
mod usage_errors;
mod views;
mod yaml_errors;

#[path = "../../examples/smart_meter_data/generate.rs"]
mod generate;
