//! Tests of resolution and installation, from folders and from a hub on disk.

use std::{collections::BTreeMap, fs, path::Path};

use flate2::{Compression, write::GzEncoder};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use super::*;
use crate::{
    diag::render,
    jinja::{Globals, MessageListener},
    text::Source,
};

/// Runs `deps` on a project, and returns what it says.
fn deps(root: &Path, origins: &PackageOrigins, options: DepsOptions) -> Result<Vec<String>, String> {
    let globals = Globals {
        project_name: "shop".to_owned(),
        vars: Map::new(),
        package_vars: BTreeMap::new(),
        dispatch: BTreeMap::new(),
        target: json!({}),
        env: BTreeMap::from([("PLACE".to_owned(), "../shared".to_owned())]),
        run_started_at: chrono::DateTime::UNIX_EPOCH,
        messages: MessageListener::default(),
        invocation_id: "test".to_owned(),
        flags: json!({}),
        docs: BTreeMap::new(),
    };
    let (jinja, _) = Jinja::new(&[], globals);
    let mut said = Vec::new();
    let mut tell = |line: &str| said.push(line.to_owned());
    let mut dependencies = Dependencies {
        root,
        project: "shop",
        install_path: "dbt_packages",
        jinja: &jinja,
        origins: origins.clone(),
        tell: &mut tell,
    };
    let done = dependencies.install(options);
    done.map_err(|found| {
        found.iter().map(|found| render::to_string(found, false)).collect::<Vec<_>>().join("\n")
    })?;
    Ok(said)
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Creates a folder with a project and its list of packages.
fn project(list: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("shop/project.yml"), "name: shop\n");
    write(&folder.path().join("shop/packages.yml"), list);
    folder
}

/// Writes the archive of a package, as the hub has it.
fn archive(path: &Path, name: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut builder = tar::Builder::new(GzEncoder::new(fs::File::create(path).unwrap(), Compression::fast()));
    let text = format!("name: {name}\n");
    let mut header = tar::Header::new_gnu();
    header.set_size(text.len() as u64);
    header.set_mode(0o644);
    builder.append_data(&mut header, format!("{name}-abc/dbt_project.yml"), text.as_bytes()).unwrap();
    builder.into_inner().unwrap().finish().unwrap();
}

/// Creates a hub on disk, with two packages, one of which asks for the other.
fn hub(folder: &Path) -> PackageOrigins {
    let version = |name: &str, version: &str, more: Value| {
        let path = folder.join(format!("archives/{name}-{version}.tar.gz"));
        archive(&path, name);
        let mut entry = json!({
            "name": name,
            "packages": [],
            "downloads": {"tarball": format!("file://{}", path.display())},
        });
        entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        (version.to_owned(), entry)
    };
    let utils = [
        version("utils", "1.0.0", json!({})),
        version("utils", "1.2.0", json!({})),
        version("utils", "1.3.0", json!({"require_dbt_version": [">=2.0.0"]})),
        version("utils", "1.4.0-b1", json!({})),
    ];
    let needs = json!([{"package": "me/utils", "version": [">=1.0.0", "<1.2.0"]}]);
    let dates = [version("dates", "0.1.0", json!({"packages": needs}))];
    for (name, versions) in [("utils", utils.to_vec()), ("dates", dates.to_vec())] {
        let index = json!({"name": name, "versions": Map::from_iter(versions)});
        write(&folder.join(format!("hub/api/v1/me/{name}.json")), &index.to_string());
    }
    PackageOrigins {
        hub: format!("file://{}", folder.join("hub").display()),
        cache: Some(folder.join("cache")),
    }
}

fn installed(root: &Path) -> Vec<String> {
    let entries =
        fs::read_dir(root.join("dbt_packages")).map(Iterator::collect::<Vec<_>>).unwrap_or_default();
    let mut names: Vec<String> =
        entries.into_iter().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| !name.starts_with('.'));
    names.sort();
    names
}

#[test]
fn the_newest_fitting_version_is_installed_and_once_more_without_the_hub() {
    let folder =
        project("packages: [{package: me/utils, version: '>=1.0.0'}, {package: me/dates, version: 0.1.0}]");
    let root = folder.path().join("shop");
    let origins = hub(folder.path());
    deps(&root, &origins, DepsOptions::default()).unwrap();
    assert_eq!(installed(&root), ["dates", "utils"]);
    let lock = fs::read_to_string(root.join(LOCK)).unwrap();
    assert!(
        lock.starts_with(
            "packages:\n  - name: utils\n    package: me/utils\n    version: 1.0.0\n  - name: dates\n    \
             package: me/dates\n    version: 0.1.0\nsha1_hash: "
        ),
        "{lock}"
    );
    for gone in ["hub", "archives", "shop/dbt_packages"] {
        fs::remove_dir_all(folder.path().join(gone)).unwrap();
    }
    let said = deps(&root, &origins, DepsOptions::default()).unwrap();
    assert_eq!(
        said,
        [
            "Installing me/utils",
            "Installed from version 1.0.0",
            "Updated version available: 1.2.0",
            "Installing me/dates",
            "Installed from version 0.1.0",
            "Up to date!",
            "Updates available for packages: ['utils']",
            "Update your versions in packages.yml, then run headwater deps",
        ]
    );
    assert_eq!(installed(&root), ["dates", "utils"]);
}

#[test]
fn what_cannot_be_had_leaves_the_packages_as_they_are() {
    let folder = project("packages: [{package: me/utils, version: '>=5.0.0'}]");
    let root = folder.path().join("shop");
    let origins = hub(folder.path());
    write(&root.join("dbt_packages/old/dbt_project.yml"), "name: old\n");
    write(&root.join("dbt_packages/.headwater-installed"), "old");
    let error = deps(&root, &origins, DepsOptions::default()).unwrap_err();
    insta::assert_snapshot!(error);
    assert_eq!(installed(&root), ["old"]);
    write(&root.join("packages.yml"), "packages: [{gti: x}, {git: y, tag: z}, {private: a/b}]");
    insta::assert_snapshot!(deps(&root, &origins, DepsOptions::default()).unwrap_err());
}

#[test]
fn a_folder_is_linked_and_a_list_may_hold_jinja() {
    let folder = project("packages: [{local: \"{{ env_var('PLACE') }}\"}]");
    let root = folder.path().join("shop");
    write(&folder.path().join("shared/dbt_project.yml"), "name: shared\n");
    let origins = hub(folder.path());
    deps(&root, &origins, DepsOptions { lock_only: true, ..DepsOptions::default() }).unwrap();
    assert_eq!(installed(&root), Vec::<String>::new());
    deps(&root, &origins, DepsOptions::default()).unwrap();
    assert_eq!(installed(&root), ["shared"]);
    write(&folder.path().join("shared/macros/m.sql"), "");
    assert!(root.join("dbt_packages/shared/macros/m.sql").exists());
    // Removing installed packages must not remove the target of a link.
    deps(&root, &origins, DepsOptions { upgrade: true, ..DepsOptions::default() }).unwrap();
    assert!(folder.path().join("shared/macros/m.sql").exists());
}

#[test]
fn only_what_was_installed_is_removed() {
    let folder = project("packages: [{local: ../shared}]");
    let root = folder.path().join("shop");
    write(&folder.path().join("shared/dbt_project.yml"), "name: shared\n");
    let origins = hub(folder.path());
    write(&root.join("dbt_packages/mine/dbt_project.yml"), "name: mine\n");
    let refused = deps(&root, &origins, DepsOptions::default()).unwrap_err();
    assert!(refused.contains("`mine` in it wasn't installed by `deps`"), "{refused}");
    fs::remove_dir_all(root.join("dbt_packages")).unwrap();
    deps(&root, &origins, DepsOptions::default()).unwrap();
    write(&root.join("dbt_packages/mine/dbt_project.yml"), "name: mine\n");
    assert!(deps(&root, &origins, DepsOptions::default()).is_err());
    assert!(root.join("dbt_packages/mine/dbt_project.yml").exists());
}

#[cfg(unix)]
#[test]
fn a_link_in_the_place_of_the_packages_is_refused() {
    let folder = project("packages: [{local: ../shared}]");
    let root = folder.path().join("shop");
    write(&folder.path().join("shared/dbt_project.yml"), "name: shared\n");
    write(&folder.path().join("elsewhere/victim/dbt_project.yml"), "name: victim\n");
    std::os::unix::fs::symlink(folder.path().join("elsewhere"), root.join("dbt_packages")).unwrap();
    let refused = deps(&root, &hub(folder.path()), DepsOptions::default()).unwrap_err();
    assert!(refused.contains("`dbt_packages` is a link"), "{refused}");
    assert!(folder.path().join("elsewhere/victim/dbt_project.yml").exists());
}

#[test]
fn a_list_has_dbts_digest() {
    let at = Source::new("packages.yml", "x").span(0..1);
    let spec = |value: Value| Spec::read(&value, &value, &at).unwrap();
    let specs = [
        spec(json!({"package": "dbt-labs/dbt_utils", "version": [">=1.0.0", "<2.0.0"]})),
        spec(json!({"local": "../größe"})),
        spec(json!({"package": "a/c", "version": 1.0})),
    ];
    assert_eq!(lock::hash(&specs), "a677d691bbd7f4ad67e917178ab9e331429c4580");
}

#[test]
fn a_package_is_added_in_place_of_the_same() {
    let added = |list: &str, name: &str, version: Option<&str>, source: &str| {
        let folder = project(list);
        let root = folder.path().join("shop");
        let package = NewPackage {
            name: name.to_owned(),
            version: version.map(str::to_owned),
            source: source.to_owned(),
        };
        add::add(&root, &package).unwrap();
        fs::read_to_string(root.join("packages.yml")).unwrap()
    };
    let list = "# ours\npackages:\n  - git: https://x/dbt-utils.git\n    revision: v1\n  - local: ../a # a\n";
    assert_eq!(
        added(list, "dbt-labs/dbt_utils", Some(">=1.0.0,<2.0.0"), "hub"),
        "# ours\npackages:\n  - local: ../a # a\n  - package: dbt-labs/dbt_utils\n    version: ['>=1.0.0', '<2.0.0']\n"
    );
    assert_eq!(
        added("packages:\n- local: ../a\n", "https://x/y", Some("v1"), "git"),
        "packages:\n- local: ../a\n- git: https://x/y\n  revision: v1\n"
    );
    assert_eq!(added("packages: []\n", "../b", None, "local"), "packages:\n  - local: ../b\n");
}
