//! Loads flags and files into a resolved project with its engine and lake.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{Arc, Mutex},
};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::{
    args::{Global, SelectArgs},
    clock::clock,
    failure::{self, Failure},
    request::{CommandRequest, retried},
    target::{storage, target, threads},
    vars::vars,
};
use crate::{
    compile::{self, Compiled, FOUND_COLUMNS, FoundColumns, Wanted},
    diag::{Diagnostic, Severity},
    engine::{Engine, EngineSettings, SchemaRef},
    jinja::{Globals, Jinja},
    lake::{FaultInjection, Lake},
    manifest::{Manifest, Node},
    name::{NodeId, Relation},
    parse,
    plan::Plan,
    project::{Project, Target},
    run::{
        observed::ObservedState,
        planning::{self, PlanOptions},
        tables::Tables,
        unchanged::conditions::{TablesState, WatchedTables},
    },
    secret::Secret,
    select,
    text::Source,
};

/// A resolved project and the command's global options.
pub(super) struct CommandContext {
    pub(super) project: Project,
    pub(super) jinja: Jinja,
    pub(super) manifest: Manifest,
    pub(super) target_name: String,
    pub(super) target: Target,
    pub(super) threads: usize,
    pub(super) invocation_id: String,
    pub(super) quiet: bool,
    /// The start time of the invocation.
    pub(super) started: DateTime<Utc>,
    pub(super) target_path: PathBuf,
    /// The variables; the command line's override the project's.
    pub(super) vars: Map<String, Value>,
    /// The warnings shown so far, one list for each time.
    pub(super) shown: Mutex<Vec<Vec<Diagnostic>>>,
    lake_root: String,
    temp_dir: Option<PathBuf>,
    lake_options: BTreeMap<String, Secret>,
}

/// A compiled and planned request.
pub(super) struct PreparedRequest {
    pub(super) chosen: BTreeSet<NodeId>,
    pub(super) engine: Engine,
    pub(super) tables: Tables,
    pub(super) compiled: Compiled,
    pub(super) seen: ObservedState,
    /// The tables and their state before any was read, if requested and observable.
    pub(super) watched: Option<(WatchedTables, TablesState)>,
    pub(super) how: PlanOptions,
    pub(super) plan: Plan,
}

impl CommandContext {
    /// Loads and resolves the project. Shows warnings at once.
    pub(super) fn load(global: &Global) -> Result<Self, Failure> {
        let root = root(global)?;
        let (project, mut findings) = Project::load(&root);
        let Some(project) = project else { return Err(findings.into()) };
        let (target_name, target) = target(&project, global)?;
        let threads = threads(global, &target);
        let started = clock()?;
        let invocation_id = uuid::Uuid::new_v4().to_string();
        let (docs, more) = parse::docs(&project);
        findings.extend(more);
        let vars = vars(&project, global)?;
        let globals = Globals {
            project_name: project.settings.name.value.clone(),
            vars: vars.clone(),
            target: target_of_templates(&project, (&target_name, &target), threads),
            env: std::env::vars_os()
                .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)))
                .collect(),
            run_started_at: started,
            invocation_id: invocation_id.clone(),
            docs: docs.iter().map(|(name, block)| (name.clone(), block.text.clone())).collect(),
            flags: json!({ "FULL_REFRESH": false, "FAIL_FAST": false, "QUIET": global.quiet }),
        };
        let macros: Vec<Source> = project.macros.iter().map(|file| file.source.clone()).collect();
        let (jinja, more) = Jinja::new(&macros, globals);
        findings.extend(more);
        let (parsed, more) = parse::parse(&project, &jinja, threads);
        findings.extend(more);
        let prefix = schema_prefix(&target, &jinja)?;
        let manifest = match Manifest::resolve(&project, &parsed, prefix.as_deref(), docs, &jinja) {
            Ok((manifest, more)) => {
                findings.extend(more);
                Some(manifest)
            }
            Err(more) => {
                findings.extend(more);
                None
            }
        };
        let (lake_root, lake_options) = storage(&jinja, &target)?;
        let temp_dir = target.temp_dir.as_ref().map(|dir| jinja.render_value(&dir.value, &dir.span));
        let temp_dir = temp_dir.transpose().map_err(|found| vec![found])?.map(|dir| root.join(dir));
        let target_path = match &global.target_path {
            Some(path) => std::path::absolute(path)?,
            None => root.join(&project.settings.paths.target),
        };
        match manifest {
            Some(manifest) if findings.iter().all(|found| found.severity == Severity::Warning) => {
                failure::show(&findings, global.quiet);
                Ok(Self {
                    shown: Mutex::new(vec![findings]),
                    project,
                    jinja,
                    manifest,
                    target_name,
                    target,
                    threads,
                    invocation_id,
                    quiet: global.quiet,
                    started,
                    target_path,
                    vars,
                    lake_root,
                    temp_dir,
                    lake_options,
                })
            }
            _ => Err(findings.into()),
        }
    }

    /// Returns the selected nodes. Warns on stderr about criteria that match nothing.
    pub(super) fn select(&self, args: &SelectArgs) -> Result<BTreeSet<NodeId>, Failure> {
        let candidates = self.manifest.candidates();
        let (selection, warnings) = select::select(
            &args.select,
            &args.exclude,
            &candidates,
            &self.manifest.graph,
            args.indirect_selection.into(),
        )?;
        self.warn(&warnings);
        Ok(selection.chosen)
    }

    /// Shows warnings on stderr.
    fn warn(&self, warnings: &[Diagnostic]) {
        failure::show(warnings, self.quiet);
        if let Ok(mut shown) = self.shown.lock() {
            shown.push(warnings.to_vec());
        }
    }

    /// Selects, compiles and plans the requested nodes. With `watch`, records the state of tables and sources
    /// before they are read.
    pub(super) async fn prepare(
        &self,
        request: &CommandRequest<'_>,
        watch: bool,
    ) -> Result<PreparedRequest, Failure> {
        if request.event_time.is_some_and(|time| time.start >= time.end) {
            let message =
                "--event-time-start must be before --event-time-end, which is not in the time asked for";
            return Err(Failure::hinted(
                message.to_owned(),
                "one day: --event-time-start 2021-01-02 --event-time-end 2021-01-03",
            ));
        }
        let mut selected = self.select(request.select)?;
        if let Some(last) = request.again {
            selected = retried(&last.unfinished(), selected, &self.manifest);
        }
        let chosen = request.nodes(&selected, &self.manifest);
        let engine = self.engine()?;
        let tables = self.tables(&engine)?;
        let wanted = Wanted { watch, ..request.wanted() };
        let watched = WatchedTables::new(&tables, &self.manifest).filter(|_| watch);
        let watched = watched.and_then(|tables| Some((tables.state(self.threads)?, tables)));
        let watched = watched.map(|(state, tables)| (tables, state));
        let (compiled, seen) = self.compile(&engine, &tables, &chosen, &wanted).await?;
        let seen = seen.and_sources(&engine, &compiled).await;
        let how =
            PlanOptions { gate: request.builds(), rebuild: request.rebuild, set_aside: request.set_aside };
        let plan = planning::plan(&self.manifest, &chosen, &compiled, &seen, how);
        Ok(PreparedRequest { chosen, engine, tables, compiled, seen, watched, how, plan })
    }

    pub(super) fn engine(&self) -> Result<Engine, Failure> {
        Ok(Engine::new(&EngineSettings {
            threads: self.threads,
            memory_limit: self.target.memory_limit,
            temp_dir: self.temp_dir.clone(),
            dialect: self.project.settings.dialect.clone(),
            database: self.target_name.clone(),
        })?)
    }

    pub(super) fn lake(&self) -> Result<Lake, Failure> {
        let lake = Lake::open(&self.lake_root, &self.project.root, self.lake_options.clone())?;
        Ok(match killed_at() {
            Some(instant) => lake.with_fault(FaultInjection::new(instant, || std::process::abort())),
            None => lake,
        })
    }

    pub(super) fn tables(&self, engine: &Engine) -> Result<Tables, Failure> {
        let lake = self.lake()?.with_session(engine.session()).with_run(&self.invocation_id);
        Ok(Tables::new(Arc::new(lake), &self.manifest, &self.project.root)?)
    }

    /// Observes the lake and type-checks the chosen nodes against it.
    pub(super) async fn compile(
        &self,
        engine: &Engine,
        tables: &Tables,
        chosen: &BTreeSet<NodeId>,
        wanted: &Wanted,
    ) -> Result<(Compiled, ObservedState), Failure> {
        let seen = ObservedState::of(tables, &self.manifest).await?;
        let stored = seen.schemas();
        let found = self.found_columns(tables).await?;
        let context = self.compiling(engine, (&stored, &seen.unreadable), &found, wanted);
        let compiled = compile::compile(&context, chosen).await?;
        self.warn(&compiled.warnings);
        Ok((compiled, seen))
    }

    /// Same as [`CommandContext::compile`], but fails if a source can't be read.
    pub(super) async fn compile_all(
        &self,
        engine: &Engine,
        tables: &Tables,
        chosen: &BTreeSet<NodeId>,
    ) -> Result<(Compiled, ObservedState), Failure> {
        let (compiled, seen) = self.compile(engine, tables, chosen, &Wanted::default()).await?;
        Ok((compiled.whole()?, seen))
    }

    /// Returns the recorded columns of sources that declare none.
    pub(super) async fn found_columns(
        &self,
        tables: &Tables,
    ) -> Result<BTreeMap<NodeId, FoundColumns>, Failure> {
        let mut found = BTreeMap::new();
        for source in self.manifest.nodes.values() {
            let Node::Source(source) = source else { continue };
            if !source.may_be_undeclared() {
                continue;
            }
            let text = tables.lake().recorded(FOUND_COLUMNS, source.id.as_str()).await?;
            found.extend(
                text.and_then(|text| FoundColumns::of_text(&text)).map(|known| (source.id.clone(), known)),
            );
        }
        Ok(found)
    }

    pub(super) fn compiling<'a>(
        &'a self,
        engine: &'a Engine,
        (stored, unreadable): (&'a BTreeMap<Relation, SchemaRef>, &'a BTreeMap<Relation, String>),
        found: &'a BTreeMap<NodeId, FoundColumns>,
        wanted: &'a Wanted,
    ) -> compile::Context<'a> {
        compile::Context {
            manifest: &self.manifest,
            jinja: &self.jinja,
            engine,
            root: &self.project.root,
            stored,
            unreadable,
            found,
            now: self.started,
            wanted,
        }
    }
}

/// Returns the instant at which crash tests kill this process: `HEADWATER_FAULT=kill:7` is just before its
/// fourth write.
fn killed_at() -> Option<u64> {
    std::env::var("HEADWATER_FAULT").ok()?.strip_prefix("kill:")?.parse().ok()
}

/// Returns the project's folder.
fn root(global: &Global) -> Result<PathBuf, Failure> {
    let folder = &global.project_dir;
    folder.canonicalize().map_err(|error| {
        Failure::message(format!("can't open the project folder {}: {error}", folder.display()))
    })
}

/// Returns the value of `target` in templates.
fn target_of_templates(project: &Project, (name, target): (&str, &Target), threads: usize) -> Value {
    json!({
        "name": name, "type": "headwater", "threads": threads, "root": target.root.value,
        "schema": target.schema.as_ref().map(|schema| schema.value.clone()),
        "profile_name": project.settings.name.value, "database": Value::Null,
    })
}

/// Returns the target's schema, which is prepended to every schema, if it has one.
fn schema_prefix(target: &Target, jinja: &Jinja) -> Result<Option<String>, Vec<Diagnostic>> {
    let schema = target.schema.as_ref().filter(|schema| !schema.value.is_empty());
    schema
        .map(|schema| jinja.render_value(&schema.value, &schema.span).map_err(|found| vec![found]))
        .transpose()
}
