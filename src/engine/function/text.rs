//! Functions of text.

use super::{
    description::{Function, takes},
    kind::Kind::{BigInt, Varchar},
};

/// The functions of this family, by name.
pub(super) const FUNCTIONS: &[Function] = &[Function {
    names: &["repeat"],
    syntax: "repeat(text, count)",
    doc: "Repeats a text.",
    example: ("repeat('ab', 2)", "abab"),
    overloads: &[takes(&[Varchar, BigInt], Varchar, |call| {
        call.map2(|text: &str, count: i64| Ok(Some(text.repeat(usize::try_from(count).unwrap_or(0)))))
    })],
    ..Function::TEXT
}];
