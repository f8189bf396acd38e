//! Node selection: dbt's selection language.
//!
//! ```text
//! "+stg_a,tag:x b" ──parse──▶ Expr<Criterion> ──resolve──▶ Expr<ResolvedCriterion> ──evaluate──▶ Selection
//!   as typed                   as written,                  methods known,             nodes
//!                              with spans                   patterns compiled
//! ```
//!
//! - [`Criteria`]: the entry point, from command-line words to nodes
//! - [`Candidate`]: the properties of a node that the language can use
//! - `expr`: the set algebra; `criterion`: one of its terms, as written
//! - `method`, `resolve`: look up the name before the colon, and compile the `matcher` that tests candidates
//! - `selectors`: the named selections of `selectors.yml`
//! - `comparison`, `version_stage`: the values of `state:`, `result:`, `source_status:` and `version:`
//! - `pattern`: wildcards in names, paths and qualified names
//! - `indirect`: the tests selected along with the nodes they test
//! - `vocabulary`: the words of the language, for the documentation page
//! - `evaluate`, `unmatched`: the nodes, and the warnings for criteria that match none
//!
//! Runs nothing and reads nothing: everything it knows is in the candidates and the graph.

mod candidate;
mod comparison;
mod criterion;
mod evaluate;
mod expr;
mod indirect;
mod matcher;
mod method;
mod parse;
mod pattern;
mod resolve;
mod selectors;
mod unmatched;
mod version_stage;
mod vocabulary;

pub use self::{
    candidate::{Candidate, TestKind, TestTraits},
    comparison::{Comparison, NodeChange, StateFile},
    indirect::Indirect,
    selectors::Selectors,
    version_stage::VersionStage,
    vocabulary::Vocabulary,
};

use std::collections::{BTreeMap, BTreeSet};

use self::{evaluate::Evaluation, expr::Expr, matcher::Matcher, resolve::ResolvedCriterion};
use crate::{
    diag::Diagnostic,
    graph::Graph,
    name::NodeId,
    text::{Source, Span},
};

/// The nodes selected for a command, possibly none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// The selected nodes, all of them candidates.
    pub chosen: BTreeSet<NodeId>,
}

/// The criteria of a command.
#[derive(Debug)]
pub struct Criteria {
    expr: Expr<ResolvedCriterion>,
}

impl Criteria {
    /// Parses the nodes that match `select`, without those that match `exclude`, or those of the named
    /// `selector`. An empty `select` selects everything.
    ///
    /// # Errors
    /// All errors in the criteria, and an unknown selector.
    pub fn parse(
        (select, exclude): (&[String], &[String]),
        selector: Option<&str>,
        selectors: &Selectors,
    ) -> Result<Self, Vec<Diagnostic>> {
        let expr = match selector {
            Some(name) => selectors.get(name).cloned().ok_or_else(|| vec![selectors.unknown(name)])?,
            None => match (included(select, selectors), excluded(exclude, selectors)) {
                (Ok(chosen), Ok(dropped)) => Expr::Difference(Box::new([chosen, dropped])),
                (chosen, dropped) => {
                    return Err([chosen.err(), dropped.err()].into_iter().flatten().flatten().collect());
                }
            },
        };
        Ok(Self { expr })
    }

    /// Returns the files of an earlier state that candidates must be compared with, each with a criterion
    /// that asks for it.
    #[must_use]
    pub fn needed_files(&self) -> BTreeMap<StateFile, Span> {
        let mut needed = BTreeMap::new();
        self.expr.visit(&mut |criterion| {
            if let Matcher::Compared(test) = &criterion.matcher {
                needed.entry(test.needs()).or_insert_with(|| criterion.span.clone());
            }
        });
        needed
    }

    /// Selects nodes. `indirect` decides which tests are selected along with the nodes they test. Warns
    /// about criteria that match nothing.
    #[must_use]
    pub fn choose(
        &self,
        candidates: &[Candidate],
        graph: &Graph,
        indirect: Indirect,
    ) -> (Selection, Vec<Diagnostic>) {
        let mut evaluation = Evaluation::new(candidates, graph, indirect);
        let chosen = evaluation.nodes(&self.expr);
        (Selection { chosen }, evaluation.into_warnings())
    }
}

fn included(words: &[String], selectors: &Selectors) -> Result<Expr<ResolvedCriterion>, Vec<Diagnostic>> {
    if words.is_empty() {
        return Ok(Expr::Everything);
    }
    let text = words.join(" ");
    if text.trim().is_empty() {
        // An unset variable in a script must not run the whole project.
        let error = Diagnostic::error("empty-selection", "`--select` is given, but nothing is named")
            .hint("leave `--select` out to select everything");
        return Err(vec![error]);
    }
    lower(&Source::new("--select", text), selectors)
}

fn excluded(words: &[String], selectors: &Selectors) -> Result<Expr<ResolvedCriterion>, Vec<Diagnostic>> {
    lower(&Source::new("--exclude", words.join(" ")), selectors)
}

/// Parses and resolves the criteria, and reports the errors of all of them.
fn lower(source: &Source, selectors: &Selectors) -> Result<Expr<ResolvedCriterion>, Vec<Diagnostic>> {
    let (written, mut errors) = parse::parse(source);
    let resolved = written
        .resolve(&mut |criterion| selectors.resolved(criterion).map_err(|error| errors.push(error)).ok());
    match resolved {
        Some(resolved) if errors.is_empty() => Ok(resolved),
        _ => {
            errors.sort_by_key(|error| error.labels.first().map(|label| label.span.start));
            Err(errors)
        }
    }
}

#[cfg(test)]
mod tests;
