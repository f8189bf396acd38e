//! Query weight: limits the size of a plan. CTEs and views are planned again wherever they are read, so
//! twenty of them, each reading the previous one twice, make a million table reads. A plan also contains the
//! plans of all its views, so a chain of nested views takes quadratic time and memory.

use std::{collections::BTreeMap, ops::ControlFlow};

use datafusion::{
    common::Span,
    sql::{
        parser::Statement,
        sqlparser::ast::{ObjectName, Query, Spanned, Statement as SqlStatement, Visit, Visitor},
    },
};

use crate::{
    engine::{SqlError, error::bytes},
    name::Relation,
    text::Source,
};

/// The maximum number of table reads in a plan, unless the statement itself names more tables. Each read
/// takes some milliseconds to plan.
const MOST: u64 = 1_024;

/// The maximum depth of nested views. A view at this depth takes some milliseconds to plan in each model that
/// reads it.
const DEEPEST: u64 = 100;

/// The cost of reading a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ReadCost {
    /// The number of table reads.
    pub(crate) reads: u64,
    /// The depth of the views nested below it.
    pub(crate) depth: u64,
}

impl ReadCost {
    /// The weight of a query over tables.
    pub(crate) const TABLE: Self = Self { reads: 1, depth: 0 };
}

/// Computes the weight of a statement. `weight` returns the weight of a relation if it is a view.
///
/// # Errors
/// If the weight exceeds a limit. The error points at the name that contributes the most.
pub(crate) fn read_cost(
    statement: &Statement,
    sql: &str,
    weight: &dyn Fn(&Relation) -> Option<ReadCost>,
) -> Result<ReadCost, SqlError> {
    let Statement::Statement(inner) = statement else { return Ok(ReadCost::TABLE) };
    let SqlStatement::Query(query) = inner.as_ref() else { return Ok(ReadCost::TABLE) };
    let mut count =
        ReadCounter { weight, open: Vec::new(), named: 0, whole: 0, heaviest: None, deepest: None };
    let _ = query.visit(&mut count);
    let depth = count.deepest.as_ref().map_or(0, |(depth, _)| *depth);
    let place = |name: &ObjectName| {
        Span::try_from_sqlparser_span(name.span()).map(|span| bytes(&Source::new("", sql), span))
    };
    if let Some((_, name)) = count.deepest.filter(|_| depth > DEEPEST) {
        return Err(SqlError {
            code: "too-many-views",
            message: format!("`{name}` is a view over {DEEPEST} others, each read by the next"),
            at: place(&name),
            notes: vec!["a view is computed in every query that reads it, with all views below it".into()],
            helps: vec!["make one of them a table: `materialized: table`".into()],
        });
    }
    let Some((heavy, name)) = count.heaviest.filter(|_| count.whole > MOST.max(count.named)) else {
        return Ok(ReadCost { reads: count.whole, depth });
    };
    let at = place(&name);
    let times = if count.whole == u64::MAX {
        "more times than can be counted".to_owned()
    } else {
        format!("{} times", count.whole)
    };
    Err(SqlError {
        code: "too-many-reads",
        message: format!("this statement reads tables {times}, {heavy} of them for `{name}` here"),
        at,
        notes: vec![
            "CTEs and views are computed at each reference, and these reference each other several times"
                .into(),
        ],
        helps: vec!["make one of them a model of its own that is a table".into()],
    })
}

/// A query that is being visited.
struct OpenQuery {
    /// The names of CTEs not visited yet, in reverse order.
    coming: Vec<String>,
    /// The number of table reads of each visited CTE.
    known: BTreeMap<String, u64>,
    /// The number of table reads of the query itself.
    reads: u64,
}

struct ReadCounter<'a> {
    weight: &'a dyn Fn(&Relation) -> Option<ReadCost>,
    open: Vec<OpenQuery>,
    /// The number of table names in the text.
    named: u64,
    /// The number of table reads of the whole statement.
    whole: u64,
    heaviest: Option<(u64, ObjectName)>,
    /// The view with the deepest nesting, including itself.
    deepest: Option<(u64, ObjectName)>,
}

impl ReadCounter<'_> {
    fn of(&self, name: &ObjectName) -> ReadCost {
        let parts: Vec<String> =
            name.0.iter().filter_map(|part| Some(part.as_ident()?.value.to_lowercase())).collect();
        match parts.as_slice() {
            [cte] => {
                // Its views were counted where the CTE names them.
                let known = self.open.iter().rev().find_map(|open| open.known.get(cte));
                ReadCost { reads: known.copied().unwrap_or(1), depth: 0 }
            }
            [.., schema, table] => {
                let view = (self.weight)(&Relation::new(schema.as_str(), table.as_str()));
                view.map_or(ReadCost::TABLE, |view| ReadCost { depth: view.depth + 1, ..view })
            }
            [] => ReadCost::TABLE,
        }
    }
}

impl Visitor for ReadCounter<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let with = query.with.iter().flat_map(|with| &with.cte_tables);
        let mut coming: Vec<String> = with.map(|cte| cte.alias.name.value.to_lowercase()).collect();
        coming.reverse();
        self.open.push(OpenQuery { coming, known: BTreeMap::new(), reads: 0 });
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        let Some(done) = self.open.pop() else { return ControlFlow::Continue(()) };
        match self.open.last_mut() {
            // CTEs are visited before the rest of their query.
            Some(outer) => match outer.coming.pop() {
                Some(name) => {
                    // A query that reads no table still has to be planned.
                    outer.known.insert(name, done.reads.max(1));
                }
                None => outer.reads = outer.reads.saturating_add(done.reads),
            },
            None => self.whole = done.reads.max(1),
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, name: &ObjectName) -> ControlFlow<()> {
        let ReadCost { reads, depth } = self.of(name);
        self.named += 1;
        if self.deepest.as_ref().is_none_or(|(most, _)| depth > *most) {
            self.deepest = Some((depth, name.clone()));
        }
        if self.heaviest.as_ref().is_none_or(|(most, _)| reads > *most) {
            self.heaviest = Some((reads, name.clone()));
        }
        if let Some(open) = self.open.last_mut() {
            open.reads = open.reads.saturating_add(reads);
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use datafusion::sql::{parser::DFParser, sqlparser::dialect::DuckDbDialect};

    use super::*;

    fn of(sql: &str) -> Result<u64, SqlError> {
        weighed(sql).map(|weight| weight.reads)
    }

    fn weighed(sql: &str) -> Result<ReadCost, SqlError> {
        let statement =
            DFParser::parse_sql_with_dialect(sql, &DuckDbDialect {}).unwrap().pop_front().unwrap();
        read_cost(&statement, sql, &|relation| match relation.name.as_str() {
            "view" => Some(ReadCost { reads: 100, depth: 0 }),
            "deep" => Some(ReadCost { reads: 1, depth: DEEPEST - 1 }),
            "deeper" => Some(ReadCost { reads: 1, depth: DEEPEST }),
            _ => None,
        })
    }

    #[test]
    fn views_are_nested_so_deep_and_no_deeper() {
        assert_eq!(weighed("select * from s.a"), Ok(ReadCost::TABLE));
        let joined = "with x as (select * from s.view) select * from x join s.deep using (k)";
        assert_eq!(weighed(joined), Ok(ReadCost { reads: 101, depth: DEEPEST }));
        let error = weighed("select 1 from s.deep, (select * from s.deeper) as t").unwrap_err();
        assert_eq!((error.code, error.at), ("too-many-views", Some(37..45)));
        assert!(error.message.contains("`s.deeper` is a view over 100 others"), "{}", error.message);
    }

    #[test]
    fn ctes_and_views_count_where_they_are_read() {
        assert_eq!(of("select 1"), Ok(1));
        assert_eq!(of("with x as (select 1) select * from x, x as y"), Ok(2));
        assert_eq!(of("select * from s.a join s.b using (k)"), Ok(2));
        assert_eq!(of("with x as (select * from s.a join s.b using (k)) select * from x, x as y"), Ok(4));
        assert_eq!(
            of("with x as (select * from s.view) select * from X where exists (select 1 from x)"),
            Ok(200)
        );
        // The inner name doesn't hide the outer one.
        assert_eq!(of("select * from (with x as (select * from s.view) select * from x), x"), Ok(101));
        assert_eq!(of("with recursive x as (select 1 union all select * from x) select * from x"), Ok(1));
    }

    #[test]
    fn reads_that_double_are_refused_where_they_do() {
        let doubling = |levels: usize| {
            let ctes = (1..=levels).map(|n| format!("c{n} as (select * from c{} a, c{} b)", n - 1, n - 1));
            let ctes: Vec<String> =
                std::iter::once("c0 as (select * from s.a)".to_owned()).chain(ctes).collect();
            of(&format!("with {} select * from c{levels}", ctes.join(", ")))
        };
        assert_eq!(doubling(10), Ok(1024));
        assert!(doubling(11).unwrap_err().message.contains("2048 times"));
        assert!(doubling(100).unwrap_err().at.is_some());
    }

    #[test]
    fn as_many_reads_as_are_written_are_fine() {
        let sql = vec!["select * from s.a"; 5_000].join(" union all ");
        assert_eq!(of(&sql), Ok(5_000));
    }
}
