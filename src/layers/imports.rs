//! Imports: the modules that each source file names, by its syntax tree. Tests are left out.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use syn::{
    Attribute, Item, ItemMacro, ItemMod, ItemUse, UseTree,
    visit::{self, Visit},
};

/// The path of a module below the crate: `["run", "build", "merge"]`.
pub(super) type ModulePath = Vec<String>;

/// The paths that each module names.
pub(super) struct Imports {
    /// For each module, the modules of this crate that it names.
    pub(super) modules: BTreeMap<ModulePath, BTreeSet<ModulePath>>,
    /// For each module, the first segments of all its paths; crates among them.
    pub(super) roots: BTreeMap<ModulePath, BTreeSet<String>>,
}

impl Imports {
    /// Reads all source files in a folder.
    pub(super) fn of(source: &Path) -> Self {
        let mut files = BTreeMap::new();
        collect(source, &ModulePath::new(), &mut files);
        let tests: BTreeSet<ModulePath> =
            files.iter().flat_map(|(module, text)| test_modules(module, text)).collect();
        files.retain(|module, _| !(1..=module.len()).any(|end| tests.contains(&module[..end])));
        let known: BTreeSet<ModulePath> = files.keys().cloned().collect();
        let (mut modules, mut roots) = (BTreeMap::new(), BTreeMap::new());
        for (module, text) in files {
            let paths = paths(&module, &text);
            let named = paths.iter().filter_map(|path| {
                let path = absolute(&module, path)?;
                let longest = (1..=path.len()).rev().map(|end| path[..end].to_vec());
                longest.into_iter().find(|path| known.contains(path) && *path != module)
            });
            modules.insert(module.clone(), named.collect());
            roots.insert(module, paths.into_iter().filter_map(|path| path.into_iter().next()).collect());
        }
        Self { modules, roots }
    }
}

fn collect(folder: &Path, module: &ModulePath, files: &mut BTreeMap<ModulePath, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let own = || module.iter().cloned().chain([name.clone()]).collect::<ModulePath>();
        if path.is_dir() {
            collect(&path, &own(), files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let is_root = module.is_empty() && ["lib", "main", "layers"].contains(&name.as_str());
            let own = if name == "mod" { module.clone() } else { own() };
            if !is_root && own.first().is_none_or(|first| !["fuzz", "layers"].contains(&first.as_str())) {
                files.insert(own, fs::read_to_string(&path).unwrap());
            }
        }
    }
}

/// Returns a path below the crate; `None` if it starts in another crate or a local name.
fn absolute(module: &[String], path: &[String]) -> Option<ModulePath> {
    let mut rest = path.iter();
    let mut base = match rest.next()?.as_str() {
        "crate" => ModulePath::new(),
        "self" => module.to_vec(),
        "super" => module[..module.len() - 1].to_vec(),
        _ => return None,
    };
    for segment in rest {
        match segment.as_str() {
            "super" => drop(base.pop()),
            segment => base.push(segment.to_owned()),
        }
    }
    Some(base)
}

fn parsed(module: &[String], text: &str) -> syn::File {
    syn::parse_file(text).unwrap_or_else(|error| panic!("{}: {error}", module.join("/")))
}

/// Returns the modules that a file declares for tests alone.
fn test_modules(module: &[String], text: &str) -> Vec<ModulePath> {
    let declared = parsed(module, text).items.into_iter().filter_map(|item| match item {
        Item::Mod(declared) if is_test(&declared.attrs) => Some(declared.ident.to_string()),
        _ => None,
    });
    declared.map(|name| module.iter().cloned().chain([name]).collect()).collect()
}

/// Returns all paths in a file, outside its tests.
fn paths(module: &[String], text: &str) -> Vec<ModulePath> {
    let file = parsed(module, text);
    let mut paths = Paths::default();
    if !is_test(&file.attrs) {
        paths.visit_file(&file);
    }
    paths.found
}

#[derive(Default)]
struct Paths {
    found: Vec<ModulePath>,
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let cfg = attribute.path().is_ident("cfg");
        cfg && attribute.parse_args::<syn::Ident>().is_ok_and(|word| word == "test")
    })
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            Item::Mod(ItemMod { attrs, .. })
            | Item::Use(ItemUse { attrs, .. })
            | Item::Macro(ItemMacro { attrs, .. }) => attrs.as_slice(),
            Item::Fn(function) => &function.attrs,
            Item::Impl(block) => &block.attrs,
            _ => &[],
        };
        if !is_test(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.tree(ModulePath::new(), &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1 {
            self.found.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }
}

impl Paths {
    fn tree(&mut self, mut before: ModulePath, tree: &UseTree) {
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.tree(before, &path.tree);
            }
            UseTree::Name(name) if name.ident == "self" => self.found.push(before),
            UseTree::Name(name) => {
                before.push(name.ident.to_string());
                self.found.push(before);
            }
            UseTree::Rename(rename) => {
                if rename.ident != "self" {
                    before.push(rename.ident.to_string());
                }
                self.found.push(before);
            }
            UseTree::Glob(_) => self.found.push(before),
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.tree(before.clone(), tree);
                }
            }
        }
    }
}

#[test]
fn imports_are_found_in_every_form_but_not_in_tests() {
    let text = "use crate::{a::{b, c}, d, e::f as g};\nuse super::h::*;\nfn i() { let x = crate::j::k(); }\n\
                #[cfg(test)]\nmod tests { use crate::l; }";
    let found = paths(&["m".to_owned()], text);
    let found: Vec<String> = found.into_iter().map(|path| path.join("::")).collect();
    assert_eq!(found, ["crate::a::b", "crate::a::c", "crate::d", "crate::e::f", "super::h", "crate::j::k"]);
}
