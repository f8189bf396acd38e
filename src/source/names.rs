//! Column name matching between a file and the declarations, with SQL's rules: an exact match wins over a
//! case-insensitive one.

use super::drift::Deviation;

/// The counterpart of a file's column in the declarations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ColumnPlace {
    /// The declared column with this index.
    Column(usize),
    /// An undeclared column.
    New,
    /// A declared column whose values come from the path.
    Supplied,
}

/// Returns whether SQL treats two names as equal.
pub(crate) fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
        || (!(one.is_ascii() && other.is_ascii()) && one.to_lowercase() == other.to_lowercase())
}

/// Returns the index of a name in a list: an exact match, or else a case-insensitive one.
pub(crate) fn find(name: &str, names: &[String]) -> Option<usize> {
    let exact = names.iter().position(|other| other == name);
    exact.or_else(|| names.iter().position(|other| same(other, name)))
}

/// Rejects a header with a duplicate name. Unnamed columns are checked elsewhere.
pub(crate) fn distinct(own: &[String]) -> Result<(), String> {
    let mut sorted: Vec<&String> = own.iter().filter(|name| !name.trim().is_empty()).collect();
    sorted.sort_unstable();
    match sorted.iter().zip(sorted.iter().skip(1)).find(|(one, next)| one == next) {
        Some((twice, _)) => Err(format!("column `{twice}` is in the header twice")),
        None => Ok(()),
    }
}

/// Matches a file's columns with the declared ones. `supplied` marks the declared columns whose values come
/// from the path.
///
/// # Errors
/// If a column has no name, or if two are ambiguous.
pub(crate) fn places(
    own: &[String],
    declared: &[String],
    supplied: &[bool],
) -> Result<Vec<ColumnPlace>, String> {
    if let Some(at) = own.iter().position(|name| name.trim().is_empty()) {
        return Err(format!("column {} of {} in the header has no name", at + 1, own.len()));
    }
    distinct(own)?;
    let mut places = vec![ColumnPlace::New; own.len()];
    for (column, name) in declared.iter().enumerate() {
        let place = if supplied.get(column) == Some(&true) {
            ColumnPlace::Supplied
        } else {
            ColumnPlace::Column(column)
        };
        let exact = own.iter().position(|other| other == name);
        let mut alike = own.iter().enumerate().filter(|(_, other)| same(other, name)).map(|(at, _)| at);
        match (exact, alike.next(), alike.next()) {
            (Some(at), ..) | (None, Some(at), None) => places[at] = place,
            (None, Some(one), Some(two)) => {
                let (one, two) = (&own[one], &own[two]);
                return Err(format!(
                    "columns `{one}` and `{two}` in the header are both the declared `{name}`"
                ));
            }
            (None, None, _) => {}
        }
    }
    Ok(places)
}

/// Rejects undeclared columns whose names differ from one another, or from a declared one, only by case.
///
/// # Errors
/// If there are such columns. The message has both names.
pub(crate) fn alike(own: &[String], places: &[ColumnPlace], declared: &[String]) -> Result<(), String> {
    let new = own.iter().zip(places).enumerate().filter(|(_, (_, place))| **place == ColumnPlace::New);
    for (at, (name, _)) in new {
        let undeclared = own[..at].iter().zip(places).filter(|(_, place)| **place == ColumnPlace::New);
        let mut others = undeclared.map(|(other, _)| other).chain(declared);
        if let Some(other) = others.find(|other| same(other, name)) {
            return Err(format!(
                "columns `{other}` and `{name}` in the header differ only by case, and are one column to SQL: declare one \
                 of them, and set `on_new_column: ignore`"
            ));
        }
    }
    Ok(())
}

/// Returns how a file's columns differ from the declared ones. Columns at index `required` and later are
/// optional.
pub(crate) fn deviation(
    own: &[String],
    places: &[ColumnPlace],
    declared: &[String],
    supplied: &[bool],
    required: usize,
) -> Deviation {
    let mut is_there = supplied.to_vec();
    is_there.resize(declared.len(), false);
    for place in places {
        if let ColumnPlace::Column(column) = place {
            is_there[*column] = true;
        }
    }
    let missing = declared.iter().zip(&is_there).take(required).filter(|(_, there)| !**there);
    let new = own.iter().zip(places).filter(|(_, place)| **place == ColumnPlace::New);
    Deviation {
        missing: missing.map(|(name, _)| name.clone()).collect(),
        new: new.map(|(name, _)| name.clone()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matched(own: &[&str], declared: &[&str]) -> Result<Vec<ColumnPlace>, String> {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        places(&owned(own), &owned(declared), &[])
    }

    #[test]
    fn an_exact_name_wins_and_else_case_does_not_count() {
        use ColumnPlace::{Column, New};
        assert_eq!(matched(&["B", "a"], &["a", "b"]), Ok(vec![Column(1), Column(0)]));
        assert_eq!(matched(&["ID", "id"], &["id"]), Ok(vec![New, Column(0)]));
        assert_eq!(matched(&["ÄRA", "x"], &["ära"]), Ok(vec![Column(0), New]));
    }

    #[test]
    fn what_can_not_be_told_apart_is_an_error() {
        let error = |own: &[&str]| matched(own, &["id"]).unwrap_err();
        insta::assert_snapshot!(error(&["ID", "Id"]), @"columns `ID` and `Id` in the header are both the declared `id`");
        insta::assert_snapshot!(error(&["x", "x"]), @"column `x` is in the header twice");
        let own = ["Id".to_owned(), "ID".to_owned()];
        assert!(alike(&own, &[ColumnPlace::New, ColumnPlace::Column(0)], &["ID".to_owned()]).is_err());
        assert!(
            alike(&own, &[ColumnPlace::New, ColumnPlace::New], &[])
                .unwrap_err()
                .starts_with("columns `Id` and `ID`")
        );
        assert_eq!(alike(&own[..1], &[ColumnPlace::New], &["x".to_owned()]), Ok(()));
        insta::assert_snapshot!(error(&["id", " "]), @"column 2 of 2 in the header has no name");
    }
}
