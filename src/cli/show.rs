//! `show`: prints the first rows of a model's or snapshot's SQL, of a seed's file, or of any query, over the
//! published tables. Writes nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufWriter, Write},
    process::ExitCode,
};

use super::{
    args::{Global, SelectArgs, ShowArgs, ShowOutput},
    context::CommandContext,
    failure::{self, Failure},
    streams::stdout,
};
use crate::{
    compile::{Wanted, inline},
    engine::{
        Engine, Query, Table,
        row_output::{OutputFormat, print},
        source::{RejectCounts, RejectSink},
    },
    name::{NodeId, Relation},
    run::{observed::ObservedState, tables::Tables},
};

pub(super) async fn run(global: &Global, args: &ShowArgs) -> Result<ExitCode, Failure> {
    let context = CommandContext::load(global)?;
    let engine = context.engine()?;
    let tables = context.tables(&engine)?;
    let (query, sources) = match (&args.select, &args.inline) {
        (Some(select), _) if args.staged => withheld(&context, &engine, &tables, select).await?,
        (Some(select), _) => selected(&context, &engine, &tables, select).await?,
        (None, Some(sql)) => written(&context, &engine, &tables, sql).await?,
        (None, None) => {
            return Err(Failure::message("name a model with --select, or give a query with --inline"));
        }
    };
    let mut bound: BTreeMap<Relation, Table> = BTreeMap::new();
    // Show invalid input leniently, and warn about what would be an error in a build.
    let (rejects, stream) = RejectSink::new(1);
    drop(stream);
    for relation in query.relations() {
        let table = match sources.get(&relation) {
            Some(spec) => {
                let mut spec = spec.clone();
                spec.drift.is_lenient = true;
                engine.source(&spec, Some(&rejects)).await?
            }
            None => tables.provider(&relation).await?.ok_or_else(|| missing(&context, &relation))?,
        };
        bound.insert(relation, table);
    }
    let limit = usize::try_from(args.limit).ok();
    let stream = engine.stream(&query.bind(&bound)?, limit).await?;
    let format = match args.output {
        ShowOutput::Table => OutputFormat::Table,
        ShowOutput::Json => OutputFormat::Json,
        ShowOutput::Csv => OutputFormat::Csv,
    };
    let mut out = BufWriter::new(stdout());
    print(stream, format, &mut out).await?;
    out.flush()?;
    drop(out);
    if !context.quiet {
        set_aside(&rejects.counts());
    }
    Ok(ExitCode::SUCCESS)
}

/// Warns about rejects in the files read, and about columns that differ from the declaration.
fn set_aside(counts: &RejectCounts) {
    for note in &counts.notes {
        failure::warn(note);
    }
    let counted = |count: u64, one: &str, many: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        count => Some(format!("{count} {many}")),
    };
    let parts = [counted(counts.rows, "row", "rows"), counted(counts.files, "file", "files")];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if !parts.is_empty() {
        let sample: String = counts.sample.iter().flat_map(|line| ["\n  ", line]).collect();
        failure::warn(&format!("{} of what was read set aside{sample}", parts.join(" and ")));
    }
}

type SourceSpecs = BTreeMap<Relation, crate::engine::source::SourceSpec>;

async fn selected(
    context: &CommandContext,
    engine: &Engine,
    tables: &Tables,
    select: &str,
) -> Result<(Query, SourceSpecs), Failure> {
    let id = one(context, select)?;
    let (mut compiled, _) =
        context.compile(engine, tables, &BTreeSet::from([id.clone()]), &Wanted::default()).await?;
    let model = compiled.models.remove(&id).ok_or_else(|| Failure::message("nothing was compiled"))?;
    Ok((model.query, by_relation(context, compiled.sources)))
}

/// Queries the kept rows of a version that failed its tests.
async fn withheld(
    context: &CommandContext,
    engine: &Engine,
    tables: &Tables,
    select: &str,
) -> Result<(Query, SourceSpecs), Failure> {
    let id = one(context, select)?;
    let model = context.manifest.refable(&id).ok_or_else(|| Failure::message("it is no model"))?;
    let kept = model.relation.kept();
    if tables.observe(&kept).await?.is_none() {
        let message = format!("no version of {} that failed its tests was kept", model.relation);
        return Err(Failure::hinted(message, format!("headwater build -s {} --keep-staged", model.name)));
    }
    written(context, engine, tables, &format!("select * from {}", kept.quoted())).await
}

/// Returns the single selected model, seed or snapshot.
fn one(context: &CommandContext, select: &str) -> Result<NodeId, Failure> {
    let args = SelectArgs { select: vec![select.to_string()], ..SelectArgs::default() };
    let chosen: BTreeSet<NodeId> =
        context.select(&args)?.into_iter().filter(|id| context.manifest.refable(id).is_some()).collect();
    let [id] = chosen.iter().collect::<Vec<_>>()[..] else {
        let message =
            format!("`show` shows one model, seed or snapshot; `{select}` selects {}", chosen.len());
        return Err(Failure::hinted(message, "see `headwater list -s ...` for what it selects"));
    };
    Ok(id.clone())
}

async fn written(
    context: &CommandContext,
    engine: &Engine,
    tables: &Tables,
    sql: &str,
) -> Result<(Query, SourceSpecs), Failure> {
    let seen = ObservedState::of(tables, &context.manifest).await?;
    let mut stored = seen.schemas();
    for relation in inline::bare_tables(engine, sql) {
        if !stored.contains_key(&relation)
            && let Some(found) = tables.observe(&relation).await?
        {
            stored.insert(relation, found.schema);
        }
    }
    let (found, wanted) = (context.found_columns(tables).await?, Wanted::default());
    let compiling = context.compiling(engine, (&stored, &seen.unreadable), &found, &wanted);
    let (query, sources) = inline::compile_query(&compiling, sql).await?;
    Ok((query, by_relation(context, sources)))
}

fn by_relation(
    context: &CommandContext,
    specs: BTreeMap<NodeId, crate::engine::source::SourceSpec>,
) -> SourceSpecs {
    specs
        .into_iter()
        .filter_map(|(id, spec)| Some((context.manifest.read_from(&id)?.clone(), spec)))
        .collect()
}

fn missing(context: &CommandContext, relation: &Relation) -> Failure {
    let message = format!("the table {relation} is not in the lake");
    match context.manifest.at(relation) {
        Some(node) => Failure::hinted(message, format!("headwater build -s +{}", node.display_name())),
        None => Failure::message(message),
    }
}
