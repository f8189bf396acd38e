//! `docs`: generates and serves the documentation site, and writes dbt's artifacts for other tools.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

use chrono::Utc;
use futures::{StreamExt, TryStreamExt, stream};

use super::{
    args::{GenerateArgs, Global, ServeArgs},
    artifacts,
    context::CommandContext,
    failure::{self, Failure},
    signal::StopSignals,
    streams::stdout,
    target::target_path,
};
use crate::{
    artifact::catalog::catalog,
    compile::{Compiled, CompiledModel},
    docs::{Page, SiteInputs, server::Server},
    engine::Engine,
    ingest::Ledger,
    lake::{LakeError, PastVersion, TableStatistics},
    lineage::Lineage,
    name::{NodeId, Relation},
    report::{LastRun, TargetPath, last_ages},
    run::{
        tables::{LedgerError, Tables},
        version_history::{VersionCause, causes},
    },
};

/// The site's folder in the target path.
const FOLDER: &str = "docs";

/// The number of tables whose logs are read concurrently.
const LOOKS: usize = 16;

/// The number of versions of a table on its page.
const VERSIONS: usize = 20;

pub(super) async fn generate(global: &Global, args: &GenerateArgs) -> Result<ExitCode, Failure> {
    let context = CommandContext::load(global)?;
    let engine = context.engine()?;
    let tables = context.tables(&engine)?;
    let all: BTreeSet<NodeId> = context.manifest.nodes.keys().cloned().collect();
    let (compiled, seen) = context.compile_all(&engine, &tables, &all).await?;
    let target = TargetPath::new(context.target_path.clone());
    artifacts::write(&context, &target, &compiled)?;
    let there = context.manifest.nodes.iter().filter_map(|(id, node)| Some((id, node.relation()?)));
    let there: Vec<_> = there.filter(|(_, relation)| seen.tables.contains_key(*relation)).collect();
    let table_facts = TableFacts::at(&tables, &engine, &there, &compiled).await?;

    let env = BTreeMap::new();
    let origin = artifacts::origin(&context, &env);
    let catalog =
        catalog(&context.manifest, &compiled.schemas, &table_facts.facts, &context.target_name, &origin);
    artifacts::write_json(&context, &target, "catalog.json", &catalog)?;

    let lineage = Lineage::of(&context.manifest, &compiled);
    let last_run = legible(LastRun::read(&target.path().join("run_results.json")), "the last run's results");
    let ages = legible(last_ages(&target.path().join("sources.json")), "the ages of sources");
    let known = SiteInputs {
        manifest: &context.manifest,
        vars: &context.vars,
        target: &context.target_name,
        compiled: &compiled,
        lineage: &lineage,
        facts: &table_facts.facts,
        history: &table_facts.history,
        ledgers: &table_facts.ledgers,
        last_run: last_run.as_ref(),
        ages: &ages,
        generated_at: Utc::now(),
    };
    let page = Page::new(&known.site(), args.split)?;
    artifacts::write_page(&context, &target, Path::new(FOLDER), &page)?;
    let folder = target.path().join(FOLDER);
    if !global.quiet {
        report(&context, &folder, &page, compiled.schemas.len(), table_facts.facts.len())?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn serve(global: &Global, args: &ServeArgs) -> Result<ExitCode, Failure> {
    let folder = target_path(global)?.join(FOLDER);
    if !folder.join("index.html").is_file() {
        let message = format!("there is no documentation in {}", folder.display());
        return Err(Failure::hinted(message, "write it first with `headwater docs generate`"));
    }
    let cannot = |error| Failure::message(format!("can't listen at {}:{}: {error}", args.host, args.port));
    let server = Server::bind(&folder, args.host, args.port, &args.allowed_host).await.map_err(cannot)?;
    let address = server.address()?;
    let url = format!("http://{address}");
    if address.port() != args.port && args.port != 0 {
        failure::warn(&format!("port {} is taken: another one is used", args.port));
    }
    if !global.quiet {
        let mut out = stdout();
        let shown = folder.strip_prefix(".").unwrap_or(&folder).display();
        writeln!(out, "Serving {shown} at {url} until Ctrl-C")?;
        out.flush()?;
    }
    if args.open
        && let Err(error) = open::that_detached(&url)
    {
        failure::warn(&format!("can't open a browser: {error}"));
    }
    server.serve(stopped()).await?;
    Ok(ExitCode::SUCCESS)
}

/// Returns when the user stops the server.
async fn stopped() {
    match StopSignals::install() {
        Some(mut signals) => drop(signals.next().await),
        // Then the signal ends the process by itself.
        None => std::future::pending().await,
    }
}

/// Returns an artifact of an earlier command, or a default with a warning if it can't be read.
fn legible<T: Default>(read: std::io::Result<T>, what: &str) -> T {
    read.unwrap_or_else(|error| {
        failure::warn(&format!("{what} can't be read: {error}"));
        T::default()
    })
}

/// Reports what was written and where.
fn report(
    context: &CommandContext,
    folder: &Path,
    page: &Page,
    known: usize,
    there: usize,
) -> Result<(), Failure> {
    let current = std::env::current_dir().unwrap_or_default();
    let shown = |path: PathBuf| path.strip_prefix(&current).map(Path::to_owned).unwrap_or(path);
    let bytes: usize = page.files.iter().map(|(_, bytes)| bytes.len()).sum();
    let mut out = stdout();
    writeln!(
        out,
        "Wrote {} ({}): {known} tables and views, {there} of them in the lake",
        shown(folder.join("index.html")).display(),
        indicatif::HumanBytes(bytes as u64),
    )?;
    let beside = shown(context.target_path.clone());
    writeln!(out, "Wrote manifest.json, catalog.json and graph_summary.json to {}", beside.display())?;
    Ok(())
}

/// Facts about existing tables, read from the lake.
#[derive(Default)]
struct TableFacts {
    facts: BTreeMap<NodeId, TableStatistics>,
    history: BTreeMap<NodeId, Vec<(PastVersion, VersionCause)>>,
    ledgers: BTreeMap<NodeId, Ledger>,
}

impl TableFacts {
    async fn at(
        tables: &Tables,
        engine: &Engine,
        there: &[(&NodeId, &Relation)],
        compiled: &Compiled,
    ) -> Result<Self, Failure> {
        let looks = there.iter().map(|(id, relation)| async move {
            // Read one extra version, to compare the last one shown with its predecessor.
            let (facts, past) =
                tokio::try_join!(tables.statistics(relation), tables.history(relation, VERSIONS + 1))?;
            Ok::<_, LakeError>((*id, facts, past))
        });
        // Collect first: a stream that borrows from its items isn't a `Send` future.
        let looks: Vec<_> = looks.collect();
        let mut looks = stream::iter(looks).buffer_unordered(LOOKS);
        let mut table_facts = Self::default();
        while let Some((id, facts, past)) = looks.try_next().await? {
            let causes = causes(&past, past.len() <= VERSIONS);
            table_facts.history.insert(id.clone(), past.into_iter().zip(causes).take(VERSIONS).collect());
            table_facts.facts.extend(facts.map(|facts| (id.clone(), facts)));
        }
        for (id, relation) in there {
            let loads_files = |model: &CompiledModel| model.strategy.file_load().is_some();
            if compiled.models.get(*id).is_some_and(loads_files)
                && let Some(ledger) = tables.ledger(engine, relation).await.map_err(unread)?
            {
                table_facts.ledgers.insert((*id).clone(), ledger);
            }
        }
        Ok(table_facts)
    }
}

fn unread(error: LedgerError) -> Failure {
    match error {
        LedgerError::Lake(error) => error.into(),
        other => Failure::message(other.to_string()),
    }
}
