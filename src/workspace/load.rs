//! Loads a project: its files, templates, names and target.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::{
    clock::clock,
    error::WorkspaceError,
    options::LoadOptions,
    target::{self, Storage, storage, threads},
    template_flags,
};
use crate::{
    diag::Diagnostic,
    engine::{Engine, EngineSettings},
    jinja::{Globals, Jinja},
    lake::Lake,
    manifest::Manifest,
    name::PackageName,
    parse::{self, DocBlock},
    project::{Project, ProjectFiles, Target},
    run::tables::Tables,
    text::Source,
};

/// A loaded project: everything about it that doesn't depend on a command.
pub struct Workspace {
    /// The files as declared.
    pub project: Project,
    /// The templates.
    pub jinja: Jinja,
    /// The nodes, with their names resolved.
    pub manifest: Manifest,
    /// The target's name.
    pub target_name: String,
    pub target: Target,
    /// The number of models to build at once, and of cores that a model may use.
    pub threads: usize,
    /// The ID in provenance and artifacts.
    pub invocation_id: String,
    /// The start time of the invocation.
    pub started: DateTime<Utc>,
    /// The folder for artifacts.
    pub target_path: PathBuf,
    /// The variables; those of the options override the project's.
    pub vars: Map<String, Value>,
    /// The errors found while loading.
    pub(super) errors: Vec<Diagnostic>,
    /// The lake's location, or the error in it.
    storage: Result<Storage, Diagnostic>,
    temp_dir: Option<PathBuf>,
    #[cfg(feature = "failpoints")]
    fault: Option<crate::lake::FaultInjection>,
}

impl Workspace {
    /// Loads and resolves a project. Returns what could be read, and all diagnostics. There is no workspace
    /// if the project file can't be read.
    ///
    /// # Errors
    /// If the folder can't be opened, the target is unknown, or the clock was never set.
    pub fn load(options: &LoadOptions) -> Result<(Option<Self>, Vec<Diagnostic>), WorkspaceError> {
        let root = root(options)?;
        let (project, mut findings) = Project::read(ProjectFiles::new(&root, &options.buffers));
        let Some(mut project) = project else { return Ok((None, findings)) };
        project.settings.static_analysis.command = options.static_analysis;
        let (target_name, target) = target::target(&project, options)?;
        let (threads, started) = (threads(options, &target), clock()?);
        let invocation_id = uuid::Uuid::new_v4().to_string();
        let (docs, more) = parse::docs(&project);
        findings.extend(more);
        let of_package = |package: &Project| (package.name().to_owned(), vars(&project, package, options));
        let package_vars = project.packages.iter().map(of_package).collect();
        let vars = vars(&project, &project, options);
        let globals = Globals {
            project_name: project.settings.name.value.clone(),
            vars: vars.clone(),
            package_vars,
            dispatch: project.settings.dispatch.clone(),
            target: target_of_templates(&project, (&target_name, &target), threads),
            env: options.env.clone(),
            run_started_at: started,
            invocation_id: invocation_id.clone(),
            docs: docs.iter().map(|(name, block)| (name.clone(), block.text.clone())).collect(),
            flags: template_flags::flags(options, (&target_name, threads)),
            messages: options.messages.clone(),
        };
        let (jinja, manifest) = resolve(&project, &target, threads, docs, globals, &mut findings);
        let storage = storage(&jinja, &target);
        findings.extend(storage.as_ref().err().cloned());
        let temp_dir = target.temp_dir.as_ref().map(|dir| jinja.render_value(&dir.value, &dir.span));
        let temp_dir = rendered(temp_dir, &mut findings).map(|dir| root.join(dir));
        let target_path = options.target_path.clone();
        let target_path = target_path.unwrap_or_else(|| root.join(&project.settings.paths.target));
        let errors = findings.iter().filter(|found| found.is_error()).cloned().collect();
        let workspace = Self {
            project,
            jinja,
            manifest,
            target_name,
            target,
            threads,
            invocation_id,
            started,
            target_path,
            vars,
            errors,
            storage,
            temp_dir,
            #[cfg(feature = "failpoints")]
            fault: options.fault.clone(),
        };
        Ok((Some(workspace), findings))
    }

    /// Creates an engine with the target's settings.
    pub fn engine(&self) -> Result<Engine, WorkspaceError> {
        Ok(Engine::new(&EngineSettings {
            threads: self.threads,
            memory_limit: self.target.memory_limit,
            temp_dir: self.temp_dir.clone(),
            dialect: self.project.settings.dialect.clone(),
            database: self.target_name.clone(),
        })?)
    }

    /// Opens the lake.
    pub fn lake(&self, engine: &Engine) -> Result<Lake, WorkspaceError> {
        let storage = self.storage.as_ref().map_err(|found| vec![found.clone()])?;
        let lake = self.lake_in(engine, storage)?;
        #[cfg(feature = "failpoints")]
        let lake = match &self.fault {
            Some(fault) => lake.with_fault(fault.clone()),
            None => lake,
        };
        Ok(lake)
    }

    /// Opens the lake of another target; `None` if there is no such target.
    pub(super) fn lake_at(&self, engine: &Engine, target: &str) -> Result<Option<Lake>, WorkspaceError> {
        if target == self.target_name {
            return self.lake(engine).map(Some);
        }
        let Some(target) = self.project.settings.targets.get(target) else { return Ok(None) };
        let storage = storage(&self.jinja, target).map_err(|found| vec![found])?;
        self.lake_in(engine, &storage).map(Some)
    }

    fn lake_in(&self, engine: &Engine, storage: &Storage) -> Result<Lake, WorkspaceError> {
        let Storage { root, options } = storage;
        Ok(Lake::open(root, &self.project.root, options.clone(), engine.session())?)
    }

    /// Locates the project's tables.
    pub fn tables(&self, engine: &Engine) -> Result<Arc<Tables>, WorkspaceError> {
        Ok(Arc::new(Tables::new(Arc::new(self.lake(engine)?), &self.manifest, &self.project.root)?))
    }

    /// Returns the folder for artifacts for display: relative to the project if it is inside.
    #[must_use]
    pub fn shown_target_path(&self) -> PathBuf {
        let path = &self.target_path;
        path.strip_prefix(&self.project.root).unwrap_or(path).to_path_buf()
    }
}

/// Parses the templates and resolves the names.
fn resolve(
    project: &Project,
    target: &Target,
    threads: usize,
    docs: BTreeMap<PackageName, DocBlock>,
    globals: Globals,
    findings: &mut Vec<Diagnostic>,
) -> (Jinja, Manifest) {
    let macros: Vec<(Arc<str>, Vec<Source>)> = project
        .with_packages()
        .map(|package| {
            let files = package.macros.iter().map(|file| file.source.clone());
            (package.name().into(), files.collect())
        })
        .collect();
    let (jinja, more) = Jinja::with_packages(&macros, globals);
    findings.extend(more);
    let (parsed, more) = parse::parse(project, &jinja, threads);
    findings.extend(more);
    let schema = target.schema.as_ref().filter(|schema| !schema.value.is_empty());
    let target_schema = schema.map(|schema| jinja.render_value(&schema.value, &schema.span));
    let target_schema = rendered(target_schema, findings);
    let (manifest, more) = Manifest::resolve(project, &parsed, target_schema.as_deref(), docs, &jinja);
    findings.extend(more);
    findings.extend(jinja.take_undefined());
    (jinja, manifest)
}

/// Returns a rendered setting, or reports its error.
fn rendered(setting: Option<Result<String, Diagnostic>>, findings: &mut Vec<Diagnostic>) -> Option<String> {
    setting?.map_err(|found| findings.push(found)).ok()
}

/// Returns the project's folder.
fn root(options: &LoadOptions) -> Result<PathBuf, WorkspaceError> {
    let folder = &options.project_dir;
    folder.canonicalize().map_err(|error| {
        WorkspaceError::message(format!("can't open the project folder {}: {error}", folder.display()))
    })
}

/// Returns the variables of an invocation, as the project or one of its packages sees them.
fn vars(project: &Project, package: &Project, options: &LoadOptions) -> Map<String, Value> {
    let declared = project.vars_in(package).map(|(key, value)| (key.to_owned(), value.to_json()));
    declared.chain(options.vars.clone().unwrap_or_default()).collect()
}

/// Returns the value of `target` in templates.
fn target_of_templates(project: &Project, (name, target): (&str, &Target), threads: usize) -> Value {
    json!({
        "name": name, "type": project.settings.dialect, "threads": threads, "root": target.root.value,
        "schema": target.schema.as_ref().map_or("main", |schema| &schema.value),
        "profile_name": project.settings.name.value, "database": name,
    })
}
