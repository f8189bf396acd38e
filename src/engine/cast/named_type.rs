//! Conversions for functions: types given by name, and values converted as a cast would.

use datafusion::{
    arrow::{array::ArrayRef, datatypes::DataType},
    common::plan_err,
    error::Result,
    logical_expr::expr::ScalarFunction,
    sql::sqlparser::parser::Parser,
};

use super::{
    convert::convert,
    function::CastFunction,
    types::{CastTarget, TypeRule, target},
};
use crate::engine::grammar::DuckDbGrammar;

/// Returns whether an expression is a cast to JSON.
pub(in crate::engine) fn is_cast_to_json(call: &ScalarFunction) -> bool {
    let function = call.func.inner().as_ref() as &dyn std::any::Any;
    function.downcast_ref::<CastFunction>().is_some_and(CastFunction::gives_json)
}

/// A type parsed from its SQL name.
#[derive(Debug)]
pub(in crate::engine) struct NamedType(CastTarget);

impl NamedType {
    /// Parses a type name.
    ///
    /// # Errors
    /// If there is no such type.
    pub(in crate::engine) fn parse(name: &str) -> Result<Self> {
        parse_target(name).map(Self)
    }

    /// Creates a type without special rules.
    pub(in crate::engine) fn plain(data_type: DataType) -> Self {
        Self(CastTarget { data_type, rule: TypeRule::Plain })
    }

    /// Returns the Arrow type.
    pub(in crate::engine) fn data_type(&self) -> &DataType {
        &self.0.data_type
    }

    /// Returns whether values are JSON documents.
    pub(in crate::engine) fn is_json(&self) -> bool {
        self.0.rule == TypeRule::Json
    }

    /// Converts values to this type, with NULL for each value that doesn't fit.
    ///
    /// # Errors
    /// If no value of their type converts to this type.
    pub(in crate::engine) fn convert_leniently(&self, values: &ArrayRef) -> Result<ArrayRef> {
        convert(values, &self.0, true, &Default::default())
    }

    /// Converts values to this type.
    ///
    /// # Errors
    /// For the first value that doesn't fit.
    pub(in crate::engine) fn convert(&self, values: &ArrayRef) -> Result<ArrayRef> {
        convert(values, &self.0, false, &Default::default())
    }
}

/// Parses a type name.
pub(in crate::engine) fn parse_target(name: &str) -> Result<CastTarget> {
    let grammar = DuckDbGrammar::of_part();
    let parsed = Parser::new(&grammar).try_with_sql(name).and_then(|mut parser| parser.parse_data_type());
    match parsed.map_err(|error| error.to_string()).and_then(|parsed| target(&parsed)) {
        Ok(target) => Ok(target),
        Err(problem) => plan_err!("{problem}"),
    }
}
