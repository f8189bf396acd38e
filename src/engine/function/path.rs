//! File path functions.

use datafusion::error::Result;

use super::{
    call::{Call, fail},
    description::{Function, takes},
    kind::ParameterKind::{Boolean, List, Varchar},
};

/// The functions defined in this file.
pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        names: &["parse_filename"],
        syntax: "parse_filename(path[, without_extension][, separator])",
        doc: "Returns the last part of a path, on demand without its extension. Separators: `system`, `forward_slash`, \
              `backslash`, `both_slash`.",
        example: ("parse_filename('path/to/file.csv', true)", "file"),
        overloads: &[
            takes(&[Varchar], Varchar, |call| {
                call.map1(|path: &str| Ok(Some(file_name(path, false, DEFAULT))))
            }),
            takes(&[Varchar, Boolean], Varchar, |call| {
                call.map2(|path: &str, without: Option<bool>| {
                    Ok(Some(file_name(path, without == Some(true), DEFAULT)))
                })
            }),
            takes(&[Varchar, Varchar], Varchar, |call| {
                call.map2(|path: &str, name: Option<&str>| Ok(Some(file_name(path, false, separators(name)))))
            }),
            takes(&[Varchar, Boolean, Varchar], Varchar, |call| {
                call.map3(|path: &str, without: Option<bool>, name: Option<&str>| {
                    Ok(Some(file_name(path, without == Some(true), separators(name))))
                })
            }),
        ],
        ..Function::TEXT
    },
    Function {
        names: &["parse_path"],
        syntax: "parse_path(path[, separator])",
        doc: "Returns the parts of a path.",
        example: ("parse_path('path/to/file.csv')", "[path, to, file.csv]"),
        overloads: &[
            takes(&[Varchar], List(&Varchar), |call| call.map1(|path: &str| Ok(Some(parts(path, DEFAULT))))),
            takes(&[Varchar, Varchar], List(&Varchar), |call| {
                call.map2(|path: &str, name: Option<&str>| Ok(Some(parts(path, separators(name)))))
            }),
        ],
        ..Function::TEXT
    },
    Function {
        names: &["parse_dirname"],
        syntax: "parse_dirname(path[, separator])",
        doc: "Returns the first folder of a path.",
        example: ("parse_dirname('path/to/file.csv')", "path"),
        overloads: &[
            takes(&[Varchar], Varchar, |call| of_path(call, first_folder)),
            takes(&[Varchar, Varchar], Varchar, |call| of_path(call, first_folder)),
        ],
        ..Function::TEXT
    },
    Function {
        names: &["parse_dirpath"],
        syntax: "parse_dirpath(path[, separator])",
        doc: "Returns a path without its last part.",
        example: ("parse_dirpath('path/to/file.csv')", "path/to"),
        overloads: &[
            takes(&[Varchar], Varchar, |call| of_path(call, folders)),
            takes(&[Varchar, Varchar], Varchar, |call| of_path(call, folders)),
        ],
        ..Function::TEXT
    },
];

/// The characters that separate path components.
type Separators = &'static [char];

const DEFAULT: Separators = &['/', '\\'];

/// Returns the separators with this name; like DuckDB, an unknown name or NULL means both.
fn separators(name: Option<&str>) -> Separators {
    match name {
        Some("system" | "forward_slash") => &['/'],
        Some("backslash") => &['\\'],
        _ => DEFAULT,
    }
}

fn of_path(
    call: &Call,
    f: impl Fn(&str, Separators) -> String,
) -> Result<datafusion::arrow::array::ArrayRef> {
    if call.len() == 1 {
        return call.map1(|path: &str| Ok(Some(f(path, DEFAULT))));
    }
    if call.len() > 2 {
        return fail("a path has one separator");
    }
    call.map2(|path: &str, name: Option<&str>| Ok(Some(f(path, separators(name)))))
}

fn file_name(path: &str, without_extension: bool, by: Separators) -> &str {
    let name = path.rsplit(by).next().unwrap_or(path);
    match name.rfind('.') {
        Some(dot) if without_extension => &name[..dot],
        _ => name,
    }
}

fn parts(path: &str, by: Separators) -> Vec<Option<&str>> {
    let root = path.chars().next().filter(|first| by.contains(first)).map(|first| &path[..first.len_utf8()]);
    root.into_iter().chain(path.split(by).filter(|part| !part.is_empty())).map(Some).collect()
}

fn first_folder(path: &str, by: Separators) -> String {
    if path.starts_with(by) {
        return path.chars().take(1).collect();
    }
    path.find(by).map(|end| path[..end].to_owned()).unwrap_or_default()
}

fn folders(path: &str, by: Separators) -> String {
    match path.rfind(by) {
        // The root directory is its own parent.
        Some(0) if path.len() == 1 => path.to_owned(),
        Some(end) => path[..end].to_owned(),
        None => String::new(),
    }
}
