//! Faults of changes that the parser accepts: the table of another database, a column that is set twice, and
//! rows with too many or too few values.

use datafusion::sql::sqlparser::ast::{
    self, AssignmentTarget, FromTable, TableFactor, TableObject, TableWithJoins,
};

use super::last;

/// Returns what is wrong with a change: it is of a table in another database, or sets a column twice.
pub(super) fn fault(parsed: &ast::Statement, database: &str) -> Option<String> {
    let changed = |clause: &TableWithJoins| match &clause.relation {
        TableFactor::Table { name, .. } => Some(name.clone()),
        _ => None,
    };
    let name = match parsed {
        ast::Statement::Insert(ast::Insert { table: TableObject::TableName(name), .. }) => name.clone(),
        ast::Statement::Delete(delete) => {
            let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
            changed(from.first()?)?
        }
        ast::Statement::Update(update) => {
            if let Some(column) = set_twice(&update.assignments) {
                return Some(format!("update sets the column `{column}` twice"));
            }
            changed(&update.table)?
        }
        ast::Statement::CreateTable(table) => table.name.clone(),
        _ => return None,
    };
    let [.., catalog, _, _] = &name.0[..] else { return None };
    let catalog = &catalog.as_ident()?.value;
    let is_other = name.0.len() > 3 || !catalog.eq_ignore_ascii_case(database);
    is_other.then(|| {
        format!("{name} is not in this target's database `{database}`: write the schema and the name alone")
    })
}

/// Returns the column that several assignments set.
fn set_twice(assignments: &[ast::Assignment]) -> Option<String> {
    let column = |assignment: &ast::Assignment| match &assignment.target {
        AssignmentTarget::ColumnName(name) => last(name),
        AssignmentTarget::Tuple(_) => None,
    };
    let columns: Vec<String> = assignments.iter().filter_map(column).collect();
    let mut later = columns.iter().enumerate();
    later
        .find(|(at, name)| columns[..*at].iter().any(|other| other.eq_ignore_ascii_case(name)))
        .map(|(_, name)| name.clone())
}

/// Returns the message about an insertion of rows with another number of values than there are columns.
#[must_use]
pub fn misfit(given: usize, wanted: usize) -> String {
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    format!("each row has {given} value{} for {wanted} column{}", plural(given), plural(wanted))
}

#[cfg(test)]
mod tests {
    use crate::engine::{Engine, EngineSettings};

    #[test]
    fn tables_of_other_databases_and_columns_that_are_set_twice_are_refused() {
        let settings = EngineSettings {
            threads: 1,
            memory_limit: None,
            dialect: "duckdb".into(),
            database: "lake".into(),
            temp_dir: None,
        };
        let engine = Engine::new(&settings).unwrap();
        for sql in [
            "create table a.b.c (x int)",
            "insert into a.b.c values (1)",
            "delete from a.b.c",
            "update a.b.c as t set x = 1",
            "create table x.lake.b.c as select 1 as x",
        ] {
            let error = engine.statements(sql).unwrap_err();
            assert!(error.contains("is not in this target's database `lake`"), "{sql}: {error}");
        }
        let twice = engine.statements("update t set i = 1, j = 2, I = 3").unwrap_err();
        assert_eq!(twice, "update sets the column `I` twice");
        for sql in ["create table LAKE.b.c (x int)", "update b.c set x = 1, y = 2", "delete from c"] {
            assert!(engine.statements(sql).is_ok(), "{sql}");
        }
    }
}
