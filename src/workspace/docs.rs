//! The documentation site: gathers everything that it shows, and writes it with dbt's artifacts.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
};

use super::{
    artifacts, clock::generated_at, error::WorkspaceError, load::Workspace, table_facts::TableFacts,
};
use crate::{
    artifact::catalog::catalog,
    compile::Compiled,
    docs::{Page, SiteInputs},
    engine::Engine,
    lineage::Lineage,
    name::NodeId,
    report::{LastRun, TargetPath, last_ages},
    run::{observed::ObservedState, tables::Tables},
};

/// The site's folder in the target path.
pub const DOCS_FOLDER: &str = "docs";

/// The number of versions of a table on its page.
const VERSIONS: usize = 20;

/// The outcome of writing the site.
pub struct DocsSummary {
    /// The site's folder.
    pub folder: PathBuf,
    /// The size of its files.
    pub bytes: usize,
    /// The number of tables and views in it.
    pub known: usize,
    /// The number of tables in the lake.
    pub existing: usize,
    /// Artifacts of earlier commands that couldn't be read.
    pub warnings: Vec<String>,
}

impl Workspace {
    /// Writes the documentation site of all nodes, compiled as in [`Workspace::compile`], with
    /// `manifest.json`, `catalog.json` and `graph_summary.json`. With `split`, the page loads its large parts
    /// on demand.
    pub async fn write_docs(
        &self,
        (engine, tables): (&Engine, &Tables),
        (compiled, observed): (&Compiled, &ObservedState),
        split: bool,
    ) -> Result<DocsSummary, WorkspaceError> {
        let target = TargetPath::new(self.target_path.clone());
        artifacts::write(self, &target, compiled)?;
        let existing = self.manifest.nodes.iter().filter_map(|(id, node)| Some((id, node.relation()?)));
        let existing: Vec<_> =
            existing.filter(|(_, relation)| observed.tables.contains_key(*relation)).collect();
        let TableFacts { facts, history, ledgers } =
            TableFacts::read(tables, engine, &existing, compiled, VERSIONS).await?;

        let env = BTreeMap::new();
        let origin = artifacts::origin(self, &env);
        let catalog = catalog(&self.manifest, &compiled.schemas, &facts, &self.target_name, &origin);
        artifacts::write_json(self, &target, "catalog.json", &catalog)?;

        let lineage = Lineage::of(&self.manifest, compiled);
        let mut warnings = Vec::new();
        let results = target.path().join("run_results.json");
        let last_run = legible(LastRun::read(&results), ("the last run's results", &results), &mut warnings);
        let sources = target.path().join("sources.json");
        let ages = legible(last_ages(&sources), ("the ages of sources", &sources), &mut warnings);
        let inputs = SiteInputs {
            manifest: &self.manifest,
            vars: &self.vars,
            target: &self.target_name,
            compiled,
            lineage: &lineage,
            facts: &facts,
            history: &history,
            ledgers: &ledgers,
            last_run: last_run.as_ref(),
            ages: &ages,
            generated_at: generated_at(),
        };
        let page = Page::new(&inputs.site(), split)?;
        artifacts::write_page(self, &target, Path::new(DOCS_FOLDER), &page)?;
        Ok(DocsSummary {
            folder: target.path().join(DOCS_FOLDER),
            bytes: page.files.iter().map(|(_, bytes)| bytes.len()).sum(),
            known: compiled.schemas.len(),
            existing: facts.len(),
            warnings,
        })
    }

    /// Returns the IDs of all nodes.
    #[must_use]
    pub fn all_nodes(&self) -> BTreeSet<NodeId> {
        self.manifest.nodes.keys().cloned().collect()
    }
}

/// Returns an artifact of an earlier command, or a default with a warning if it can't be read.
fn legible<T: Default>(read: io::Result<T>, (what, path): (&str, &Path), warnings: &mut Vec<String>) -> T {
    read.unwrap_or_else(|error| {
        let path = path.display();
        warnings.push(format!("{what} can't be read: {path}: {error}; remove the file"));
        T::default()
    })
}
