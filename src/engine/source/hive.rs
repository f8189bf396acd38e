//! Values in the names of folders (`day=2021-01-01/a.csv`), for declared columns of that name.
//!
//! As in DuckDB the folder wins over a column of the same name in the file.

use std::sync::Arc;

use percent_encoding::percent_decode_str;

use super::{
    cell::Token,
    guess::{self, Written},
    kind::Kind,
    names,
    spec::DateUnit,
};

/// What stands for NULL in the name of a folder.
const NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// The declared columns whose values the path of a file gives.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Folders(Arc<[(usize, Option<String>)]>);

/// The columns that the name of a file gives values, in the order of its folders; of two folders for one column the inner
/// one counts.
pub(crate) fn pairs(file: &str) -> Vec<(String, Option<String>)> {
    let Some((folders, _)) = file.rsplit_once('/') else { return Vec::new() };
    let mut pairs: Vec<(String, Option<String>)> = Vec::new();
    for folder in folders.split('/') {
        let Some((key, value)) = folder.split_once('=') else { continue };
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let key = decoded(key);
        pairs.retain(|(known, _)| !names::same(known, &key));
        pairs.push((key, Some(decoded(value)).filter(|value| value != NULL)));
    }
    pairs
}

impl Folders {
    /// Those that the name of a file has; of two folders for one column the inner one counts.
    pub(crate) fn of(file: &str, declared: &[String]) -> Self {
        let column = |(key, value): (String, _)| Some((names::find(&key, declared)?, value));
        Self(pairs(file).into_iter().filter_map(column).collect())
    }

    /// Each column with its value.
    pub(crate) fn values(&self) -> impl Iterator<Item = (usize, Token<'_>)> {
        self.0.iter().map(|(column, value)| (*column, value.as_deref().map_or(Token::Null, Token::Text)))
    }

    /// For each declared column, whether it is among them.
    pub(crate) fn supplied(&self, declared: usize) -> Vec<bool> {
        let mut supplied = vec![false; declared];
        self.0.iter().for_each(|(column, _)| supplied[*column] = true);
        supplied
    }

    /// Why a value is none of its column, if one is not; `kind` tells what it has to be, and whether that was inferred from
    /// files.
    pub(crate) fn fault(&self, declared: &[String], kind: impl Fn(usize) -> (Kind, bool)) -> Option<String> {
        self.values().find_map(|(column, token)| {
            let (kind, is_inferred) = kind(column);
            let holds = !is_inferred || guess::holds(kind, token, Written::Cells);
            if holds && token.fit(kind, DateUnit::default()).is_some() {
                return None;
            }
            let Token::Text(text) = token else { return None };
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
        assert_eq!(shown("in/n=__HIVE_DEFAULT_PARTITION__/a.csv"), "[(1, None)]");
        assert_eq!(shown("in/n=1/n=2/a.csv"), r#"[(1, Some("2"))]"#);
        assert_eq!(shown("in/other=1/n=3.csv"), "[]", "the file's own name is no folder");
    }

    #[test]
    fn a_value_has_to_fit_its_column() {
        let declared = ["day".to_owned()];
        let fault = |file: &str| Folders::of(file, &declared).fault(&declared, |_| (Kind::Date, false));
        assert_eq!(fault("day=2021-01-01/a"), None);
        insta::assert_snapshot!(fault("day=soon/a").unwrap(), @r#"day: "soon" in the path is not a date"#);
    }
}
