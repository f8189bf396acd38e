//! Small projects in a temporary folder, loaded, prepared and run without a command line.

use std::{fs, path::Path};

use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    diag::Diagnostic,
    event::{Event, Fact},
    name::NodeId,
};

const SHOP: [(&str, &str); 4] = [
    ("project.yml", "name: shop\ntargets: { dev: { root: lake } }\n"),
    ("models/orders.sql", "select 1 as id, 2.5 as price"),
    ("models/revenue.sql", "select sum(price) as revenue from {{ ref('orders') }}"),
    ("models/customers.sql", "select 7 as id"),
];

fn project(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in SHOP.iter().chain(files) {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn options(folder: &Path) -> LoadOptions {
    LoadOptions { project_dir: folder.to_owned(), ..LoadOptions::default() }
}

fn load(options: &LoadOptions) -> (Workspace, Vec<Diagnostic>) {
    let (workspace, diagnostics) = Workspace::load(options).unwrap();
    (workspace.unwrap(), diagnostics)
}

/// Returns the code and file of each error.
fn errors(diagnostics: &[Diagnostic]) -> Vec<(&str, &str)> {
    let errors = diagnostics.iter().filter(|found| found.is_error());
    errors.map(|found| (found.code, found.labels[0].span.source.path())).collect()
}

fn planned(prepared: &Prepared) -> Vec<&str> {
    prepared.plan.steps().map(|step| step.node.name()).collect()
}

fn build() -> Request {
    Request::build(NodeSelection::default())
}

/// Loads and prepares a project with an error in a model, and returns the files with errors.
async fn broken(file: (&str, &str), at_load: bool) {
    let folder = project(&[file]);
    let (workspace, found) = load(&options(folder.path()));
    assert_eq!(workspace.manifest.refables().count(), 3, "{}", file.1);
    let prepared = workspace.prepare(&build()).await.unwrap();
    let found = if at_load { &found } else { &prepared.diagnostics };
    let places: Vec<&str> = errors(found).into_iter().map(|(_, path)| path).collect();
    assert_eq!(places, [file.0], "{}", file.1);
    assert_eq!(planned(&prepared), ["customers"], "{}", file.1);
    assert!(prepared.compiled.models.contains_key(&NodeId::model("shop", "customers")));
    let result = workspace.begin(prepared, &build(), CancellationToken::new()).await;
    assert!(matches!(result, Err(WorkspaceError::Diagnostics(_))), "{}", file.1);
    assert!(!folder.path().join("target").exists(), "nothing is written");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_model_does_not_hide_its_siblings() {
    broken(("models/orders.sql", "select 1 as id,, 2.5 as price"), false).await;
    broken(("models/orders.sql", "select missing from {{ ref('customers') }}"), false).await;
    broken(("models/orders.sql", "select {{ 1 as id"), true).await;
    broken(("models/orders.sql", "select * from {{ ref('nothing') }}"), true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn models_on_a_cycle_do_not_hide_the_others() {
    broken(("models/orders.sql", "select 1.5 as price from {{ ref('revenue') }}"), true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buffer_replaces_a_file() {
    let folder = project(&[("models/orders.sql", "this is no SQL")]);
    let mut options = options(folder.path());
    options.buffers.insert("models/orders.sql", "select 3 as id, 4 as price, 'x' as note");
    options.buffers.insert("models/new/notes.sql", "select note from {{ ref('orders') }}");
    options.buffers.insert("other/ignored.sql", "select nothing");
    let (workspace, found) = load(&options);
    assert_eq!(errors(&found), []);
    let prepared = workspace.prepare(&build()).await.unwrap();
    assert_eq!(errors(&prepared.diagnostics), []);
    let model = |name: &str| &prepared.compiled.models[&NodeId::model("shop", name)];
    let columns: Vec<&str> =
        model("orders").schema.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(columns, ["id", "price", "note"]);
    assert!(model("notes").sql.contains("note"));
    let notes = workspace.manifest.model(&NodeId::model("shop", "notes")).unwrap();
    assert_eq!(notes.fqn, ["shop", "new", "notes"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_is_run_without_a_command_line() {
    let folder = project(&[]);
    let (workspace, _) = load(&options(folder.path()));
    let request = Request::build(NodeSelection::of("+revenue"));
    let prepared = workspace.prepare(&request).await.unwrap();
    assert_eq!(planned(&prepared), ["orders", "revenue"]);
    let run = workspace.begin(prepared, &request, CancellationToken::new()).await.unwrap();
    let mut finished = Vec::new();
    run.execute(&mut |event: &Event| {
        if let Fact::StepFinished { step, outcome, .. } = &event.fact {
            finished.push((step.node.name().to_owned(), outcome.is_success()));
        }
    })
    .await;
    assert_eq!(finished, [("orders".to_owned(), true), ("revenue".to_owned(), true)]);
    let (workspace, _) = load(&options(folder.path()));
    let prepared = workspace.prepare(&request).await.unwrap();
    assert!(prepared.plan.steps().all(|step| step.reason.is_idle()), "everything is up to date");
}

#[test]
fn an_unknown_target_is_no_error_in_a_file() {
    let folder = project(&[]);
    let options = LoadOptions { target: Some("prod".into()), ..options(folder.path()) };
    let error = Workspace::load(&options).err().unwrap();
    assert_eq!(error.to_string(), "project.yml has no target `prod`");
}
