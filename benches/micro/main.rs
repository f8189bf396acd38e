//! Micro-benchmarks of inner loops: row digests, the readers of JSON and CSV, and the planning of a query.
//!
//! `cargo bench --bench micro` measures all of them, and `cargo bench --bench micro -- digest` those with a
//! name. They show which part got slower; the other folders of `benches/` measure whole commands.

#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark stops at the first error")]

mod digest;
mod planning;
mod readers;

use headwater::bench::{Engine, EngineSettings};

fn main() {
    divan::main();
}

/// Returns an engine with one thread, so that figures don't depend on the number of cores.
fn engine() -> Engine {
    Engine::new(&EngineSettings {
        threads: 1,
        memory_limit: None,
        dialect: "duckdb".to_owned(),
        temp_dir: None,
        database: "lake".to_owned(),
    })
    .unwrap()
}
