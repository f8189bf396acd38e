//! Sources that declare no columns: compares their files with one another, and with the files loaded before.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use datafusion::arrow::datatypes::{DataType, Field, FieldRef};

use super::{look::FileMetadata, reading::widen};
use crate::source::{
    drift::{self, Deviation, Drift, FileColumns, OnMissingColumn, OnNewColumn},
    file::SourceFile,
    guess::{CandidateTypes, Guess},
    hive, names,
    spec::{RESCUED, is_supplied},
};

/// Returns whether the first file's columns count as declared. A policy for missing or new columns needs a
/// reference.
pub(super) fn is_held(drift: &Drift) -> bool {
    matches!(drift.on_missing_column, OnMissingColumn::Fail | OnMissingColumn::RejectFile)
        || drift.on_new_column.is_some_and(|on_new| on_new != OnNewColumn::Add)
}

/// Returns the partition columns from the files' paths, with the narrowest types that hold their values.
pub(super) fn folders(files: &[SourceFile], known: &[(String, DataType)]) -> Vec<FieldRef> {
    let mut found: Vec<(String, Guess)> = Vec::new();
    for (name, value) in files.iter().flat_map(|file| hive::pairs(&file.name)) {
        let at = found.iter().position(|(known, _)| names::same(known, &name)).unwrap_or_else(|| {
            found.push((name, Guess::new(CandidateTypes::ALL)));
            found.len() - 1
        });
        if let Some(value) = value {
            found[at].1.see(&value);
        }
    }
    let fields = found.into_iter().filter(|(name, _)| !is_supplied(name)).map(|(name, guess)| {
        let before = known.iter().find(|(known, _)| names::same(known, &name));
        let data_type = before.map_or_else(|| guess.data_type(), |(_, data_type)| data_type.clone());
        Arc::new(Field::new(name, data_type, true))
    });
    fields.collect()
}

/// Returns the first file's columns, or those known from other files, with types wide enough for the values
/// of all.
///
/// # Errors
/// If no type holds the values of all files.
pub(super) fn held(
    seen: &[FileMetadata],
    known: &[(String, DataType)],
    folders: &[FieldRef],
) -> Result<Vec<FieldRef>, String> {
    let is_folder = |name: &str| folders.iter().any(|folder| names::same(folder.name(), name));
    let is_own = |name: &str| !is_supplied(name) && name != RESCUED && !is_folder(name);
    let known = known.iter().filter(|(name, _)| is_own(name));
    let known = known.map(|(name, data_type)| (Field::new(name, data_type.clone(), true), "other files"));
    let mut columns: Vec<(Field, &str)> = known.collect();
    let is_first = columns.is_empty();
    for (at, file) in seen.iter().enumerate() {
        for field in file.schema.fields().iter().filter(|field| is_own(field.name())) {
            let is_held = columns.iter().any(|(column, _)| names::same(column.name(), field.name()));
            if is_held || (is_first && at == 0) {
                widen(&mut columns, field, file.name())?;
            }
        }
    }
    Ok(columns.into_iter().map(|(field, _)| Arc::new(field)).collect())
}

/// Compares files with one another, and returns notes on their differences.
///
/// # Errors
/// If a file has another column in the place of one that other files have.
pub(super) fn judge(drift: &Drift, files: &[FileColumns]) -> Result<Vec<String>, String> {
    if drift.on_missing_column != OnMissingColumn::Auto {
        return Ok(Vec::new());
    }
    let before = drift.earlier.iter().map(|earlier| &earlier.new).filter(|own| !own.is_empty());
    let each: BTreeSet<&Vec<String>> = before.clone().chain(files.iter().map(|file| &file.own)).collect();
    if each.len() < 2 {
        return Ok(Vec::new());
    }
    let mut all: Vec<String> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    for own in before.clone().chain(files.iter().map(|file| &file.own)) {
        for name in own {
            known.entry(name.to_lowercase()).or_insert_with(|| {
                all.push(name.clone());
                all.len() - 1
            });
        }
    }
    let deviation = |own: &Vec<String>| {
        let has: BTreeSet<usize> =
            own.iter().filter_map(|name| known.get(&name.to_lowercase()).copied()).collect();
        let (new, missing): (Vec<_>, Vec<_>) = all.iter().enumerate().partition(|(at, _)| has.contains(at));
        let names =
            |columns: Vec<(usize, &String)>| columns.into_iter().map(|(_, name)| name.clone()).collect();
        Deviation { missing: names(missing), new: names(new) }
    };
    // Many files have the same columns, so each distinct set is compared once.
    let deviations: BTreeMap<&Vec<String>, Deviation> =
        each.into_iter().map(|own| (own, deviation(own))).collect();
    let deviation = |own: &Vec<String>| deviations.get(own).cloned().unwrap_or_default();
    let drift = Drift { earlier: before.map(deviation).collect(), ..drift.clone() };
    let files = files.iter().map(|file| FileColumns { deviation: deviation(&file.own), ..file.clone() });
    let files: Vec<FileColumns> = files.collect();
    let mut notes = Vec::new();
    for column in &all {
        notes.extend(drift::missing(&drift, None, column, &files)?);
    }
    Ok(notes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, own: &[&str]) -> FileColumns {
        let own = own.iter().map(|name| (*name).to_owned()).collect();
        FileColumns { file: name.to_owned(), rows: Some(2), own, deviation: Deviation::default() }
    }

    fn judged(drift: &Drift, files: &[FileColumns]) -> String {
        judge(drift, files).map_or_else(|error| error, |notes| notes.join("\n"))
    }

    #[test]
    fn a_column_in_the_place_of_another_is_an_error() {
        let files = [file("1.parquet", &["id", "amount"]), file("2.parquet", &["ID", "amount_eur"])];
        insta::assert_snapshot!(judged(&Drift::default(), &files));
        let null = Drift { on_missing_column: OnMissingColumn::Null, ..Drift::default() };
        assert_eq!(judged(&null, &files), "");
        let earlier = Deviation { missing: Vec::new(), new: vec!["id".into(), "amount".into()] };
        let earlier = Drift { earlier: vec![earlier], ..Drift::default() };
        let error = judged(&earlier, &files[1..]);
        assert!(error.starts_with("2.parquet lacks the column `amount` that other files have"), "{error}");
    }

    #[test]
    fn a_column_that_only_some_files_have_is_counted() {
        let files =
            [file("1.parquet", &["id"]), file("2.parquet", &["id", "amount"]), file("3.parquet", &["id"])];
        insta::assert_snapshot!(judged(&Drift::default(), &files), @"the column `amount` is NULL in 4 rows of files that lack it: 2 files, such as 1.parquet");
        assert_eq!(judged(&Drift::default(), &files[..1]), "");
    }
}
