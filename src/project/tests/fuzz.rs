//! Fuzz target for YAML: any text becomes a tree or a diagnostic, and so does a project with such a file.

use super::*;
use crate::{fuzz::fuzz, project::parse::yaml};

const SEEDS: [&str; 8] = [
    include_str!("../../../project.yml"),
    include_str!("../../../sources.yml"),
    include_str!("../../../models/staging/schema.yml"),
    include_str!("../../../models/presentation/exposures.yml"),
    include_str!("../../../snapshots/agreements.yml"),
    "a: &x {b: 1, c: [yes, 'no', ~, 0x1f, .nan, 2021-01-01]}\nd: {<<: *x, e: |\n  text\n  more\n}\nf: >-\n  folded\n",
    "models:\n  - name: a\n    versions: [{v: 1}, {v: 2, columns: [{include: '*', exclude: [x]}]}]\n    columns:\n      \
     - {name: x, data_tests: [unique, {accepted_values: {arguments: {values: [1]}}}]}\n",
    "selectors:\n  - name: s\n    definition:\n      union:\n        - {method: tag, value: x, children: true}\n        \
     - exclude: [a+]\n",
];

const WORDS: [&str; 36] = [
    "- ",
    ": ",
    "\n",
    "\n  ",
    "\n    ",
    "{",
    "}",
    "[",
    "]",
    ",",
    "&a ",
    "*a",
    "<<: ",
    "!!str ",
    "!x ",
    "|",
    ">-",
    "? ",
    "#",
    "---\n",
    "...\n",
    "'",
    "\"",
    "%YAML 1.1\n",
    "@",
    "`",
    "~",
    "null",
    "true",
    "1e999",
    "name: ",
    "models:\n",
    "columns:\n",
    "data_tests:\n",
    "config: {",
    "\"\\u0041\\x\"",
];

#[test]
fn fuzz_yaml() {
    let folder = tempfile::tempdir().unwrap();
    fuzz(64, &SEEDS, &WORDS, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let mut findings = Vec::new();
        let tree = yaml(&crate::text::Source::new("x.yml", text.as_ref()), &mut findings);
        if tree.is_none() && findings.is_empty() {
            return Err("neither a tree nor a diagnostic".to_owned());
        }
        let _ = tree.map(|tree| tree.to_json().to_string());
        let mut buffers = Buffers::default();
        buffers.insert("project.yml", "name: shop\n");
        for path in ["models/a.yml", "snapshots/a.yml", "sources.yml", "selectors.yml", "packages.yml"] {
            buffers.insert(path, text.as_ref());
        }
        findings.extend(Project::read(ProjectFiles::new(folder.path(), &buffers)).1);
        buffers.insert("project.yml", text.as_ref());
        findings.extend(Project::read(ProjectFiles::new(folder.path(), &buffers)).1);
        let _ = render(&findings);
        Ok(())
    });
}
