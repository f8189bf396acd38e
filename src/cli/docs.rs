//! `docs generate`: what the project is and what its tables are, as dbt's readers know it.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{Write, stdout},
    process::ExitCode,
};

use futures::{StreamExt, TryStreamExt, stream};

use super::{args::Global, artifacts, context::Context, failure::Failure};
use crate::{
    artifact::catalog::catalog,
    compile::Wanted,
    lake::{Facts, LakeError},
    manifest::Manifest,
    name::NodeId,
    report::TargetPath,
    run::tables::Tables,
};

/// Tables whose logs are read side by side.
const LOOKS: usize = 16;

pub(super) async fn generate(global: &Global) -> Result<ExitCode, Failure> {
    let context = Context::load(global)?;
    let engine = context.engine()?;
    let tables = context.tables(&engine)?;
    let all: BTreeSet<NodeId> = context.manifest.nodes.keys().cloned().collect();
    let (compiled, seen) = context.compile(&engine, &tables, &all, &Wanted::default()).await?;
    let target = TargetPath::new(context.target_path.clone());
    artifacts::write(&context, &target, &compiled)?;
    let there = context
        .manifest
        .nodes
        .iter()
        .filter(|(_, node)| node.relation().is_some_and(|relation| seen.tables.contains_key(relation)));
    let facts = facts(&tables, &context.manifest, there.map(|(id, _)| id)).await?;
    let env = BTreeMap::new();
    let catalog = catalog(&context.manifest, &compiled.schemas, &facts, &artifacts::origin(&context, &env));
    artifacts::write_json(&context, &target, "catalog.json", &catalog)?;
    if !global.quiet {
        let known = compiled.schemas.len();
        let folder = target.path().display();
        writeln!(
            stdout().lock(),
            "Wrote manifest.json, catalog.json and graph_summary.json to {folder}: {known} tables and views, {} of them in the lake",
            facts.len(),
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What is known of the tables that are there.
async fn facts(
    tables: &Tables,
    manifest: &Manifest,
    there: impl Iterator<Item = &NodeId>,
) -> Result<BTreeMap<NodeId, Facts>, LakeError> {
    let looks: Vec<_> = there
        .filter_map(|id| Some((id.clone(), manifest.nodes.get(id)?.relation()?)))
        .map(|(id, relation)| async move { Ok((id, tables.facts(relation).await?)) })
        .collect();
    stream::iter(looks)
        .buffer_unordered(LOOKS)
        .try_filter_map(|(id, facts)| async move { Ok(facts.map(|facts| (id, facts))) })
        .try_collect()
        .await
}
