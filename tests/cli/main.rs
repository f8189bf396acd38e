//! Tests of the binary as people use it: one process per command, in its own folder.
//!
//! Each test creates a [`project::Project`], runs commands in it and checks the result ([`ran::Ran`]). Output
//! for people is compared with snapshots, with everything masked that differs between runs.
//!
//! | file | topic |
//! |---|---|
//! | `smart_meters` | this repository's own project, against totals computed independently in `expected` |
//! | `commands` | every command except `build` |
//! | `postgres` | projects in PostgreSQL's dialect |
//! | `sql_errors`, `template_errors`, `yaml_errors`, `usage_errors` | errors before anything is written |
//! | `failures` | models that fail at run time |
//! | `incremental`, `ingestion` | incremental models, and files loaded exactly once |
//! | `batches` | microbatch models |
//! | `changes` | change feeds of upstream tables |
//! | `rebuilds` | staleness: what is rebuilt and what is reused |
//! | `unchanged` | no-op runs that are answered from the record of the last run |
//! | `without_rows`, `deferral` | `--empty` and `--defer` |
//! | `scd` | snapshots: every version of a row (the folder `snapshots` holds expected output) |
//! | `seeds` | CSV files as tables |
//! | `audits` | versions withheld by failing tests, invisible to readers |
//! | `data_tests`, `unit_tests`, `contracts`, `freshness` | tests and their verdicts |
//! | `narrowed` | tests that examine only changes |
//! | `test_errors` | errors in tests |
//! | `describe` | a model and its history |
//! | `lineage` | column lineage |
//! | `views`, `settings`, `data` | materializations, settings and kinds of data |
//! | `machine` | JSON lines and `run_results.json` |
//! | `lineage_events` | OpenLineage events |
//! | `artifacts` | dbt's other artifacts |
//! | `site` | the documentation site |
//! | `queries`, `hooks`, `operations` | templates that query the lake, hooks and operations |
//! | `signals` | Ctrl-C and readers that close the pipe |
//! | `retry` | repeating what a run left undone |
//! | `damage` | unreadable tables and sources |
//! | `clocks` | clocks that go back |
//! | `secrets` | secrets stay out of files and output |
//! | `runaway` | inputs that would take forever |
//! | `crashes` | concurrent runs, and killed runs that can't be repaired |
//! | `killed` | runs killed at their writes and their repair, with the feature `failpoints` |

#![allow(clippy::disallowed_methods, reason = "tests read clocks and set the scene")]

mod artifacts;
mod audits;
mod batches;
mod changes;
mod clocks;
mod commands;
mod contracts;
mod crashes;
mod damage;
mod data;
mod data_tests;
mod deferral;
mod describe;
mod drift;
mod earlier_states;
mod expected;
mod failures;
mod freshness;
mod hooks;
mod incremental;
mod ingestion;
#[cfg(feature = "failpoints")]
mod killed;
mod lineage;
mod lineage_events;
mod machine;
mod narrowed;
mod operations;
mod other_writers;
mod packages;
mod postgres;
mod project;
mod queries;
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
mod without_rows;
mod yaml_errors;

#[path = "../../examples/smart_meter_data/generate.rs"]
mod generate;
