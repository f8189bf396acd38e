//! Which nodes a command is about: dbt's selection language.
//!
//! ```text
//! "+stg_a,tag:x b" ──parse──▶ Expr<Criterion> ──resolve──▶ Expr<Target> ──evaluate──▶ Selection
//!   as typed                   as written,                  methods known,             nodes
//!                              with places                  patterns compiled
//! ```
//!
//! - [`select`]: the whole way, from the command line's words to the nodes
//! - [`Candidate`]: what the language can know of a node
//! - `expr`: the set algebra; `criterion`: one term of it, as written
//! - `method`, `resolve`: the name before the colon, and the `matcher` it stands for, which says yes or no to a
//!   candidate
//! - `pattern`: the wildcards of names, paths and qualified names
//! - `indirect`: which tests come along with what they test
//! - `evaluate`, `unmatched`: the nodes, and what to say of a criterion that matches none
//!
//! Runs nothing and reads nothing: whatever it knows is in the candidates and the graph.

mod candidate;
mod criterion;
mod evaluate;
mod expr;
mod indirect;
mod matcher;
mod method;
mod parse;
mod pattern;
mod resolve;
mod unmatched;

pub use self::{
    candidate::{Candidate, TestKind, TestTraits},
    indirect::Indirect,
};

use std::collections::BTreeSet;

use self::{evaluate::Evaluation, expr::Expr, resolve::Target};
use crate::{diag::Diagnostic, graph::Graph, name::NodeId, text::Source};

/// The nodes that a command is about. May be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// The chosen nodes: candidates, all of them.
    pub chosen: BTreeSet<NodeId>,
}

/// The nodes that the values of `--select` choose, less those that the values of `--exclude` do; no value of `--select` at all
/// chooses everything. `indirect`: which tests come along with what they test. With the nodes come warnings of criteria that
/// match nothing; the errors are all the errors there are.
pub fn select(
    select: &[String],
    exclude: &[String],
    candidates: &[Candidate],
    graph: &Graph,
    indirect: Indirect,
) -> Result<(Selection, Vec<Diagnostic>), Vec<Diagnostic>> {
    let (chosen, dropped) = match (included(select), excluded(exclude)) {
        (Ok(chosen), Ok(dropped)) => (chosen, dropped),
        (chosen, dropped) => {
            return Err([chosen.err(), dropped.err()].into_iter().flatten().flatten().collect());
        }
    };
    let mut evaluation = Evaluation::new(candidates, graph, indirect);
    let chosen = evaluation.nodes(&Expr::Difference(Box::new([chosen, dropped])));
    Ok((Selection { chosen }, evaluation.into_warnings()))
}

fn included(words: &[String]) -> Result<Expr<Target>, Vec<Diagnostic>> {
    if words.is_empty() {
        return Ok(Expr::Everything);
    }
    let text = words.join(" ");
    if text.trim().is_empty() {
        // A variable that a script left unset must not turn into a run of the whole project.
        let error = Diagnostic::error("empty-selection", "`--select` is given, but nothing is named")
            .hint("leave `--select` out to select everything");
        return Err(vec![error]);
    }
    lower(&Source::new("--select", text))
}

fn excluded(words: &[String]) -> Result<Expr<Target>, Vec<Diagnostic>> {
    lower(&Source::new("--exclude", words.join(" ")))
}

/// As typed to as resolved. An error in one criterion does not hide those in others.
fn lower(source: &Source) -> Result<Expr<Target>, Vec<Diagnostic>> {
    let (written, mut errors) = parse::parse(source);
    let resolved = written
        .resolve(&mut |criterion| resolve::resolve(criterion).map_err(|error| errors.push(error)).ok());
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
