//! Hive-style partition values in folder names (`day=2021-01-01/a.csv`), for declared columns of that name.
//!
//! As in DuckDB, the folder overrides a column of the same name in the file.

use std::{borrow::Cow, sync::Arc};

use percent_encoding::percent_decode_str;

use super::{
    cell::CellToken,
    guess::{self, Notation},
    kind::ColumnKind,
    names,
    spec::DateUnit,
};

/// The marker for NULL in a folder name.
const NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// The declared columns whose values come from a file's path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Folders(Arc<[(usize, Option<String>)]>);

/// Returns the partition columns and values of a file's path, in folder order. If two folders set one column,
/// the inner one wins.
pub(crate) fn pairs(file: &str) -> Vec<(String, Option<String>)> {
    let Some((folders, _)) = file.rsplit_once('/') else { return Vec::new() };
    let mut pairs: Vec<(String, Option<String>)> = Vec::new();
    for folder in folders.split('/') {
        let Some((key, value)) = folder.split_once('=') else { continue };
        let decoded = |text: &str| {
            percent_decode_str(text).decode_utf8().map_or_else(|_| text.to_owned(), Cow::into_owned)
        };
        let key = decoded(key);
        pairs.retain(|(known, _)| !names::same(known, &key));
        pairs.push((key, Some(decoded(value)).filter(|value| value != NULL)));
    }
    pairs
}

impl Folders {
    /// Parses the partition columns of a file's path that are declared. If two folders set one column, the
    /// inner one wins.
    pub(crate) fn of(file: &str, declared: &[String]) -> Self {
        let column = |(key, value): (String, _)| Some((names::find(&key, declared)?, value));
        Self(pairs(file).into_iter().filter_map(column).collect())
    }

    /// Iterates over the columns and their values.
    pub(crate) fn values(&self) -> impl Iterator<Item = (usize, CellToken<'_>)> {
        self.0
            .iter()
            .map(|(column, value)| (*column, value.as_deref().map_or(CellToken::Null, CellToken::Text)))
    }

    /// Returns for each declared column whether the path supplies it.
    pub(crate) fn supplied(&self, declared: usize) -> Vec<bool> {
        let mut supplied = vec![false; declared];
        self.0.iter().for_each(|(column, _)| supplied[*column] = true);
        supplied
    }

    /// Returns why a value doesn't fit its column, if one doesn't. `kind` returns the column's kind, and
    /// whether it was inferred from files.
    pub(crate) fn fault(
        &self,
        declared: &[String],
        kind: impl Fn(usize) -> (ColumnKind, bool),
    ) -> Option<String> {
        self.values().find_map(|(column, token)| {
            let (kind, is_inferred) = kind(column);
            let holds = !is_inferred || guess::holds(kind, token, Notation::Cells);
            if holds && token.fit(kind, DateUnit::default()).is_some() {
                return None;
            }
            let CellToken::Text(text) = token else { return None };
            Some(format!("{}: \"{text}\" in the path is not {kind}", declared[column]))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_name_columns_and_values() {
        let declared = ["day".to_owned(), "n".to_owned()];
        let shown = |file: &str| format!("{:?}", Folders::of(file, &declared).0);
        assert_eq!(shown("in/day=2021-01-01/N=1/a.csv"), r#"[(0, Some("2021-01-01")), (1, Some("1"))]"#);
        assert_eq!(shown("in/n=a%2Fb%20c/a.csv"), r#"[(1, Some("a/b c"))]"#);
        assert_eq!(
            shown("in/n=%FF/a.csv"),
            r#"[(1, Some("%FF"))]"#,
            "bytes that are no text stay as written"
        );
        assert_eq!(shown("in/n=__HIVE_DEFAULT_PARTITION__/a.csv"), "[(1, None)]");
        assert_eq!(shown("in/n=1/n=2/a.csv"), r#"[(1, Some("2"))]"#);
        assert_eq!(shown("in/other=1/n=3.csv"), "[]", "the file's own name is no folder");
    }

    #[test]
    fn a_value_has_to_fit_its_column() {
        let declared = ["day".to_owned()];
        let fault = |file: &str| Folders::of(file, &declared).fault(&declared, |_| (ColumnKind::Date, false));
        assert_eq!(fault("day=2021-01-01/a"), None);
        insta::assert_snapshot!(fault("day=soon/a").unwrap(), @r#"day: "soon" in the path is not a date"#);
    }
}
