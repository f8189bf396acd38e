//! Types of regular-expression functions, and checks of their constants.

use datafusion::{
    arrow::{
        array::{Array, AsArray},
        datatypes::{DataType, Field},
    },
    common::ScalarValue,
    error::{DataFusionError, Result},
};

use crate::engine::function::{
    description::Typing,
    kind::list_of,
    re2::{Options, compile},
};

/// Validates a literal expression while the query is planned.
fn check(typing: &Typing) -> Result<()> {
    match typing.text(1) {
        Some(pattern) => compile(pattern, Options::default())
            .map(drop)
            .map_err(|error| DataFusionError::Plan(crate::engine::message(&error))),
        None => Ok(()),
    }
}

/// Rejects options that vary by row.
fn constant_options(typing: &Typing, options: usize) -> Result<()> {
    typing.constant(options, "the options of a regular expression")?;
    if let Some(letters) = typing.text(options) {
        Options::parse(Some(letters), true)
            .map_err(|error| DataFusionError::Plan(crate::engine::message(&error)))?;
    }
    Ok(())
}

pub(super) fn boolean(typing: &Typing) -> Result<DataType> {
    check(typing)?;
    constant_options(typing, 2)?;
    Ok(DataType::Boolean)
}

pub(super) fn text(typing: &Typing) -> Result<DataType> {
    check(typing)?;
    constant_options(typing, 3)?;
    Ok(DataType::Utf8)
}

/// Returns the type of a group's text, after checking that the group is constant.
pub(super) fn group_text(typing: &Typing) -> Result<DataType> {
    typing.constant(2, "the group of a regular expression")?;
    text(typing)
}

pub(super) fn all_texts(typing: &Typing) -> Result<DataType> {
    constant_options(typing, 3)?;
    texts(typing)
}

pub(super) fn split_texts(typing: &Typing) -> Result<DataType> {
    constant_options(typing, 2)?;
    texts(typing)
}

pub(super) fn texts(typing: &Typing) -> Result<DataType> {
    check(typing)?;
    Ok(list_of(DataType::Utf8))
}

/// Returns a struct type with the field names listed in the third argument.
pub(super) fn groups(typing: &Typing) -> Result<DataType> {
    check(typing)?;
    let Some(Some(ScalarValue::List(names))) = typing.literals.get(2) else {
        return Err(DataFusionError::Plan(
            "the names of groups must be a list of constants, such as ['year', 'month']".into(),
        ));
    };
    let names = names.value(0);
    let names = names.as_string_opt::<i32>().filter(|names| names.null_count() == 0);
    let Some(names) = names else {
        return Err(DataFusionError::Plan("the names of groups must be texts".into()));
    };
    for (at, name) in names.iter().flatten().enumerate() {
        if names.iter().take(at).flatten().any(|other| other.eq_ignore_ascii_case(name)) {
            return Err(DataFusionError::Plan(format!("two groups are called `{name}`")));
        }
    }
    typing.constant(1, "the regular expression of named groups")?;
    if typing.literals.get(1).copied().flatten().is_some_and(ScalarValue::is_null) {
        return Err(DataFusionError::Plan("the regular expression of named groups must not be NULL".into()));
    }
    if let Some(pattern) = typing.text(1) {
        let groups = compile(pattern, Options::default())?.captures_len() - 1;
        if groups < names.len() {
            return Err(DataFusionError::Plan(format!(
                "the regular expression `{pattern}` has fewer groups ({groups}) than names are given ({})",
                names.len()
            )));
        }
    }
    let fields: Vec<Field> =
        names.iter().flatten().map(|name| Field::new(name, DataType::Utf8, true)).collect();
    Ok(DataType::Struct(fields.into()))
}

pub(super) fn all_groups(typing: &Typing) -> Result<DataType> {
    groups(typing).map(list_of)
}
