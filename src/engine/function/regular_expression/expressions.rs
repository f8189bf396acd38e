//! A call's regular expressions, one per row.

use std::sync::Arc;

use datafusion::error::Result;
use regex::Regex;

use crate::engine::function::{
    call::Call,
    re2::{ExpressionCache, Options},
};

/// A call's expressions, one per row.
pub(super) struct Expressions<'a> {
    pub(super) patterns: crate::engine::function::call::ArgumentColumn<'a, &'a str>,
    pub(super) options: Option<crate::engine::function::call::ArgumentColumn<'a, &'a str>>,
    pub(super) cache: ExpressionCache,
    pub(super) replacing: bool,
    pub(super) whole: bool,
}

impl<'a> Expressions<'a> {
    pub(super) fn new(call: &'a Call, options: usize, replacing: bool) -> Result<Self> {
        let options = if call.len() > options { Some(call.column(options)?) } else { None };
        Ok(Self {
            patterns: call.column(1)?,
            options,
            cache: ExpressionCache::default(),
            replacing,
            whole: false,
        })
    }

    pub(super) fn at(&self, row: usize) -> Result<Option<(Arc<Regex>, Options)>> {
        let Some(pattern) = self.patterns.at(row) else { return Ok(None) };
        let mut options = match &self.options {
            Some(letters) => Options::parse(letters.at(row), self.replacing)?,
            None => Options::default(),
        };
        options.whole = self.whole;
        Ok(Some((self.cache.get(pattern, options)?, options)))
    }
}
