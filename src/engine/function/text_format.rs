//! `format` and `printf`, which insert values into a text like the C++ library `fmt`.
//!
//! - `braces`, `percents`: the placeholders of each
//! - `style`: how a placeholder writes its value
//! - `value`: values, and the order in which placeholders pick them

mod braces;
mod percents;
mod style;
mod value;

use datafusion::{arrow::array::ArrayRef, error::Result};

use self::{
    braces::braces,
    percents::percents,
    value::{FormatValue, FormatValues, Formatted},
};
use super::{
    call::{Call, fail},
    description::{Function, takes},
    kind::ParameterKind::{Any, Varchar},
};

/// The functions defined in this file.
pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        names: &["format"],
        syntax: "format(format, value, …)",
        doc: "Sets values into the places `{}` of a text, which may have a position and a format: `{1:>8.2f}`, `{:,}`, `{:05d}`.",
        example: ("format('{:,} of {}', 1234, 'x')", "1,234 of x"),
        overloads: &[takes(&[Varchar], Varchar, |call| write(call, braces)).and(Any)],
        ..Function::TEXT
    },
    Function {
        names: &["printf"],
        syntax: "printf(format, value, …)",
        doc: "Sets values into the places of a text that `%d`, `%s`, `%.2f` and so on mark.",
        example: ("printf('%05.1f %s', 3.14159, 'x')", "003.1 x"),
        overloads: &[takes(&[Varchar], Varchar, |call| write(call, percents)).and(Any)],
        ..Function::TEXT
    },
];

fn write(call: &Call, format: impl Fn(&str, &[FormatValue]) -> Formatted) -> Result<ArrayRef> {
    let formats = call.column::<&str>(0)?;
    let columns = (1..call.len())
        .map(|argument| FormatValues::new(&call.array(argument)?))
        .collect::<Result<Vec<_>>>()?;
    call.each(|row| {
        let values: Option<Vec<FormatValue>> = columns.iter().map(|column| column.at(row)).collect();
        let (Some(text), Some(values)) = (formats.at(row), values) else { return Ok(None) };
        match format(text, &values) {
            Ok(formatted) => Ok(Some(formatted)),
            Err(reason) => fail(format!("can't use the format `{text}`: {reason}")),
        }
    })
}
