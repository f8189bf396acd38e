//! Configuration of models, seeds, snapshots and tests, merged from all layers. Settings in a file override
//! its YAML properties, which override the tree in `project.yml`, where a deeper folder overrides a shallower
//! one. Tags accumulate and `meta` merges; everything else is replaced.
//!
//! - [`model`][]: models
//! - [`hook`]: SQL before and after a build
//! - [`incremental`]: incremental models
//! - [`microbatch`]: models built in batches
//! - [`seed`]: reading a seed's file
//! - [`snapshot`]: how snapshots detect new versions of a row
//! - [`mod@test`]: when a data test fails
//! - [`layer`][]: layers of settings and how they are merged
//! - `static_analysis`: whether an error stops the run
//! - `reader`: typed access to merged settings

pub mod hook;
pub mod incremental;
pub mod layer;
pub mod microbatch;
pub mod model;
mod reader;
pub mod seed;
pub mod snapshot;
mod static_analysis;
pub mod test;

pub use self::{
    hook::Hook,
    incremental::{
        FilePolicy, Incremental, IncrementalStrategy, OnChange, OnDelete, OnSchemaChange, Updates,
    },
    layer::{Layer, Setting},
    microbatch::{Follow, Microbatch},
    model::{Materialized, ModelConfig},
    seed::SeedConfig,
    snapshot::{HardDeletes, SnapshotConfig, SnapshotStrategy},
    test::{Condition, OnViolation, TestConfig, TestSeverity},
};
pub(super) use self::{
    layer::{merged, tags},
    static_analysis::static_analysis,
};
