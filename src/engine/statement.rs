//! Statements: parses the SQL of hooks, which may change rows, and writes the queries that have their effect.

mod fault;

use std::fmt::Write as _;

use datafusion::sql::sqlparser::{
    ast::{self, AssignmentTarget, FromTable, ObjectName, TableFactor, TableObject, TableWithJoins},
    dialect::{Dialect as Grammar, GenericDialect, PostgreSqlDialect},
    parser::Parser,
};

use self::fault::fault;
pub use self::fault::misfit;
use super::{Engine, SchemaRef, dialect::Dialect, grammar::DuckDbGrammar};
use crate::name::{Relation, quoted};

/// One statement of a hook.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// The statement.
    pub sql: String,
    /// The effect.
    pub kind: StatementKind,
}

/// The effect of a statement.
#[derive(Debug, Clone, PartialEq)]
pub enum StatementKind {
    /// Reads rows.
    Query,
    /// Changes the rows of a table.
    Change(Relation, RowChange),
    /// Creates a table.
    CreateTable(NewTable),
    /// Creates a schema, which is a folder and needs no statement.
    CreateSchema,
    /// Begins or ends a transaction.
    Transaction,
    /// Maintains a table's files or describes it: `vacuum`, `optimize`, `analyze`, `alter table`, `comment`.
    Maintenance(String),
    /// Anything else, by its first word in lower case.
    Other(String),
}

/// A change of a table's rows.
#[derive(Debug, Clone, PartialEq)]
pub enum RowChange {
    /// `insert into … (columns) query`
    Insert {
        /// The named columns; if none, all.
        columns: Vec<String>,
        /// The rows.
        query: String,
    },
    /// `delete from … as alias where condition`
    Delete {
        /// The table's other name.
        alias: Option<String>,
        /// The condition, if there is one.
        condition: Option<String>,
    },
    /// `update … as alias set column = value where condition`
    Update {
        /// The table's other name.
        alias: Option<String>,
        /// The columns and their new values.
        values: Vec<(String, String)>,
        /// The condition, if there is one.
        condition: Option<String>,
    },
}

/// A table to create.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTable {
    /// Its name.
    pub relation: Relation,
    /// True if an existing table stays.
    pub if_not_exists: bool,
    /// True if an existing table is replaced.
    pub or_replace: bool,
    /// The query for its columns and rows.
    pub query: String,
}

/// The schema of tables that are named without one.
const DEFAULT_SCHEMA: &str = "main";

impl Engine {
    /// Parses statements separated by `;`.
    ///
    /// # Errors
    /// The message of the parser, or the fault of a change.
    pub fn statements(&self, sql: &str) -> Result<Vec<Statement>, String> {
        let grammar: &dyn Grammar = match self.dialect() {
            Dialect::DuckDb => &DuckDbGrammar::of_statement(sql.len()),
            Dialect::Postgres => &PostgreSqlDialect {},
            Dialect::Other => &GenericDialect {},
        };
        match Parser::parse_sql(grammar, sql) {
            Ok(parsed) => match parsed.iter().find_map(|parsed| fault(parsed, self.database())) {
                Some(fault) => Err(fault),
                None => Ok(parsed.iter().map(statement).collect()),
            },
            Err(error) => {
                let kind = by_word(sql);
                let is_known =
                    !matches!(&kind, StatementKind::Other(word) if WORDS_OF_ROWS.contains(&word.as_str()));
                if is_known {
                    Ok(vec![Statement { sql: sql.trim().to_owned(), kind }])
                } else {
                    Err(error.to_string())
                }
            }
        }
    }
}

/// The first words of statements about rows, which are parsed in full.
const WORDS_OF_ROWS: [&str; 8] = ["select", "with", "insert", "delete", "update", "values", "from", ""];

fn statement(parsed: &ast::Statement) -> Statement {
    let sql = parsed.to_string();
    let kind = match parsed {
        ast::Statement::Query(_) => Some(StatementKind::Query),
        ast::Statement::Insert(insert) => inserted(insert),
        ast::Statement::Delete(delete) => deleted(delete),
        ast::Statement::Update(update) => updated(update),
        ast::Statement::CreateTable(table) => created(table),
        ast::Statement::CreateSchema { .. } => Some(StatementKind::CreateSchema),
        _ => None,
    };
    Statement { kind: kind.unwrap_or_else(|| by_word(&sql)), sql }
}

/// Returns the kind of a statement that is recognized by its first word alone.
fn by_word(sql: &str) -> StatementKind {
    let word: String = sql.trim_start().chars().take_while(char::is_ascii_alphabetic).collect();
    let word = word.to_lowercase();
    match word.as_str() {
        "begin" | "commit" | "rollback" | "start" | "end" | "abort" => StatementKind::Transaction,
        "vacuum" | "optimize" | "analyze" | "analyse" | "checkpoint" | "alter" | "comment" => {
            StatementKind::Maintenance(word)
        }
        _ => StatementKind::Other(word),
    }
}

fn relation(name: &ObjectName) -> Option<Relation> {
    let parts: Vec<&str> =
        name.0.iter().map(|part| part.as_ident().map(|ident| ident.value.as_str())).collect::<Option<_>>()?;
    match parts[..] {
        [name] => Some(Relation::new(DEFAULT_SCHEMA, name)),
        [.., schema, name] => Some(Relation::new(schema, name)),
        [] => None,
    }
}

/// Returns the table of a clause that names one without joins, and its other name.
fn one_table(clause: &TableWithJoins) -> Option<(Relation, Option<String>)> {
    let TableFactor::Table { name, alias, args: None, .. } = &clause.relation else { return None };
    clause.joins.is_empty().then_some(())?;
    Some((relation(name)?, alias.as_ref().map(|alias| alias.name.to_string())))
}

fn last(name: &ObjectName) -> Option<String> {
    Some(name.0.last()?.as_ident()?.value.clone())
}

fn inserted(insert: &ast::Insert) -> Option<StatementKind> {
    let TableObject::TableName(name) = &insert.table else { return None };
    let is_plain = insert.on.is_none()
        && insert.returning.is_none()
        && insert.assignments.is_empty()
        && !insert.overwrite
        && !insert.replace_into
        && insert.or.is_none();
    is_plain.then_some(())?;
    let columns = insert.columns.iter().map(last).collect::<Option<_>>()?;
    let query = insert.source.as_ref()?.to_string();
    Some(StatementKind::Change(relation(name)?, RowChange::Insert { columns, query }))
}

fn deleted(delete: &ast::Delete) -> Option<StatementKind> {
    let is_plain = delete.using.is_none()
        && delete.returning.is_none()
        && delete.limit.is_none()
        && delete.tables.is_empty();
    is_plain.then_some(())?;
    let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
    let [from] = &from[..] else { return None };
    let (relation, alias) = one_table(from)?;
    let condition = delete.selection.as_ref().map(ToString::to_string);
    Some(StatementKind::Change(relation, RowChange::Delete { alias, condition }))
}

fn updated(update: &ast::Update) -> Option<StatementKind> {
    let is_plain =
        update.from.is_none() && update.returning.is_none() && update.limit.is_none() && update.or.is_none();
    is_plain.then_some(())?;
    let (relation, alias) = one_table(&update.table)?;
    let value = |assignment: &ast::Assignment| {
        let AssignmentTarget::ColumnName(name) = &assignment.target else { return None };
        Some((last(name)?, assignment.value.to_string()))
    };
    let values = update.assignments.iter().map(value).collect::<Option<_>>()?;
    let condition = update.selection.as_ref().map(ToString::to_string);
    Some(StatementKind::Change(relation, RowChange::Update { alias, values, condition }))
}

fn created(table: &ast::CreateTable) -> Option<StatementKind> {
    (!table.temporary && !table.external).then_some(())?;
    // A table without its rules would take rows that they refuse.
    let has_rules = !table.constraints.is_empty()
        || table.columns.iter().any(|column| {
            column.options.iter().any(|option| !matches!(option.option, ast::ColumnOption::Null))
        });
    if has_rules {
        return Some(StatementKind::Other("create table with constraints or defaults".to_owned()));
    }
    let query = if let Some(query) = &table.query {
        query.to_string()
    } else {
        let column = |column: &ast::ColumnDef| {
            format!("cast(null as {}) as {}", column.data_type, quoted(&column.name.value))
        };
        let columns: Vec<String> = table.columns.iter().map(column).collect();
        format!("select {} where false", columns.join(", "))
    };
    Some(StatementKind::CreateTable(NewTable {
        relation: relation(&table.name)?,
        if_not_exists: table.if_not_exists,
        or_replace: table.or_replace,
        query,
    }))
}

impl RowChange {
    /// Returns the query for the table's rows after the change. An insertion adds the rows of the relation
    /// `added`, which has the table's columns.
    #[must_use]
    pub fn query(&self, table: &Relation, schema: &SchemaRef, added: &Relation) -> String {
        let from = |alias: &Option<String>| {
            let alias = alias.as_ref().map(|alias| format!(" as {alias}")).unwrap_or_default();
            format!("{}{alias}", table.quoted())
        };
        match self {
            Self::Insert { .. } => {
                let columns: Vec<String> = schema.fields().iter().map(|field| quoted(field.name())).collect();
                let columns = columns.join(", ");
                let (table, added) = (table.quoted(), added.quoted());
                format!("select {columns} from {table} union all select {columns} from {added}")
            }
            Self::Delete { alias, condition } => {
                let kept = match condition {
                    Some(condition) => format!("({condition}) is not true"),
                    None => "false".to_owned(),
                };
                format!("select * from {} where {kept}", from(alias))
            }
            Self::Update { alias, values, condition } => {
                let mut columns = String::new();
                for field in schema.fields() {
                    let name = quoted(field.name());
                    let new = values.iter().find(|(column, _)| column.eq_ignore_ascii_case(field.name()));
                    let gap = if columns.is_empty() { "" } else { ", " };
                    // Writing to a string never fails.
                    let _ = match (new, condition) {
                        (None, _) => write!(columns, "{gap}{name}"),
                        (Some((_, value)), None) => write!(columns, "{gap}{value} as {name}"),
                        (Some((_, value)), Some(condition)) => write!(
                            columns,
                            "{gap}case when ({condition}) is true then {value} else {name} end as {name}"
                        ),
                    };
                }
                format!("select {columns} from {}", from(alias))
            }
        }
    }

    /// Returns the query for the rows that an insertion adds, with the names of the table's columns.
    #[must_use]
    pub fn added(&self, schema: &SchemaRef) -> Option<String> {
        let Self::Insert { columns, query } = self else { return None };
        let all = || schema.fields().iter().map(|field| field.name().clone()).collect();
        let names: Vec<String> = if columns.is_empty() { all() } else { columns.clone() };
        let own = |name: &String| {
            let mut fields = schema.fields().iter();
            let field = fields.find(|field| field.name().eq_ignore_ascii_case(name));
            quoted(field.map_or(name, |field| field.name()))
        };
        let names: Vec<String> = names.iter().map(own).collect();
        Some(format!("select * from ({query}) as added({})", names.join(", ")))
    }

    /// Returns the query for the values of an insertion, and their number in each row.
    #[must_use]
    pub fn inserted(&self, schema: &SchemaRef) -> Option<(&str, usize)> {
        let Self::Insert { columns, query } = self else { return None };
        Some((query, if columns.is_empty() { schema.fields().len() } else { columns.len() }))
    }

    /// Returns the columns that it names and the table doesn't have.
    #[must_use]
    pub fn unknown_columns(&self, schema: &SchemaRef) -> Vec<&str> {
        let names: Vec<&str> = match self {
            Self::Insert { columns, .. } => columns.iter().map(String::as_str).collect(),
            Self::Update { values, .. } => values.iter().map(|(column, _)| column.as_str()).collect(),
            Self::Delete { .. } => Vec::new(),
        };
        let is_known =
            |name: &&str| schema.fields().iter().any(|field| field.name().eq_ignore_ascii_case(name));
        names.into_iter().filter(|name| !is_known(name)).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::datatypes::{DataType, Field, Schema};

    use super::*;
    use crate::engine::EngineSettings;

    fn engine() -> Engine {
        let settings = EngineSettings {
            threads: 1,
            memory_limit: None,
            dialect: "duckdb".into(),
            database: "lake".into(),
            temp_dir: None,
        };
        Engine::new(&settings).unwrap()
    }

    /// Returns the query of the change that a statement makes to `main.t(id, name)`.
    fn change(sql: &str) -> String {
        let fields = [Field::new("id", DataType::Int64, true), Field::new("name", DataType::Utf8, true)];
        let schema: SchemaRef = Arc::new(Schema::new(fields.to_vec()));
        match &engine().statements(sql).unwrap()[..] {
            [Statement { kind: StatementKind::Change(relation, change), .. }] => {
                assert_eq!(*relation, Relation::new("main", "t"));
                let query = change.query(relation, &schema, &Relation::new("main", "new"));
                change.added(&schema).map_or(query.clone(), |added| format!("{added}; {query}"))
            }
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn changes_are_queries() {
        let rows = r#"select "id", "name" from "main"."t" union all select "id", "name" from "main"."new""#;
        let added = |rows_added: &str| format!("select * from ({rows_added}; {rows}");
        assert_eq!(change("delete from main.t"), r#"select * from "main"."t" where false"#);
        assert_eq!(
            change(r#"delete from "main"."t" as x where x.id > 1"#),
            r#"select * from "main"."t" as x where (x.id > 1) is not true"#
        );
        assert_eq!(
            change("update t set name = upper(name) where id in (1, 2);"),
            r#"select "id", case when (id IN (1, 2)) is true then upper(name) else "name" end as "name" from "main"."t""#
        );
        assert_eq!(
            change("update lake.main.t as x set id = 1, name = null"),
            r#"select 1 as "id", NULL as "name" from "main"."t" as x"#
        );
        assert_eq!(
            change("insert into main.t values (1, 'a')"),
            added(r#"VALUES (1, 'a')) as added("id", "name")"#)
        );
        assert_eq!(change("insert into main.t (name) select 'b'"), added(r#"SELECT 'b') as added("name")"#));
    }

    #[test]
    fn other_statements_are_known_by_their_kind() {
        let kinds = |sql: &str| {
            let statements = engine().statements(sql).unwrap();
            let kind = |statement: &Statement| match &statement.kind {
                StatementKind::Maintenance(word) => format!("maintenance {word}"),
                StatementKind::Other(word) => format!("other {word}"),
                StatementKind::CreateTable(table) => format!("{} as {}", table.relation, table.query),
                kind => format!("{kind:?}"),
            };
            statements.iter().map(kind).collect::<Vec<_>>().join("; ")
        };
        assert_eq!(kinds("begin; select 1; commit"), "Transaction; Query; Transaction");
        assert_eq!(kinds("vacuum main.t; analyze main.t"), "maintenance vacuum; maintenance analyze");
        assert_eq!(kinds("optimize main.t zorder by (a)"), "maintenance optimize");
        assert_eq!(kinds("grant select on main.t to role x"), "other grant");
        assert_eq!(kinds("delete from t using u where t.id = u.id"), "other delete");
        assert_eq!(
            kinds("create table a (b integer)"),
            "main.a as select cast(null as INTEGER) as \"b\" where false"
        );
        assert!(engine().statements("delete form t").is_err());
    }
}
