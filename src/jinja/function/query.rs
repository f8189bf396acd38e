//! `run_query`, `statement`, `load_result`, `store_result` and `adapter.execute`.

use std::sync::Arc;

use minijinja::{
    Error, ErrorKind, State, Value,
    value::{Kwargs, Rest, from_args},
};

use crate::{
    diag::Diagnostic,
    jinja::{
        fault::fault,
        query::{Answer, QueryTable, Question, RelationFacts},
        rendering::{QueryAccess, Rendering},
        value::{ColumnValue, Dict, List, NoResult, TableOfRows, TableValue, cost::pay_items},
    },
    name::Relation,
};

/// Evaluates `run_query(sql)`. Gives nothing while a template is only parsed, as in dbt.
pub(super) fn run_query(run: &Arc<Rendering>, state: &State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let (sql,): (Value,) = from_args(args)?;
    if !run.node.executing {
        return Ok(Value::from_object(NoResult));
    }
    table(run, state, &sql.to_string()).map(Value::from_object)
}

/// Evaluates `{% call statement('name', fetch_result=true) %} SQL {% endcall %}`.
pub(super) fn statement(
    run: &Arc<Rendering>,
    state: &mut State<'_, '_>,
    args: &[Value],
) -> Result<Value, Error> {
    let (positional, named): (Rest<Value>, Kwargs) = from_args(args)?;
    let argument = |at: usize, name| {
        Ok::<_, Error>(match positional.get(at) {
            Some(value) => Some(value.clone()),
            None => named.get::<Option<Value>>(name)?,
        })
    };
    let (name, fetch) = (argument(0, "name")?, argument(1, "fetch_result")?);
    let (_, language) = (argument(2, "auto_begin")?, argument(3, "language")?);
    let caller: Option<Value> = named.get("caller")?;
    if !run.node.executing {
        // Render the block only to capture its `ref()` calls. Without query results it may fail, so ignore
        // errors.
        if let Some(caller) = caller
            && caller.call(state, &[]).is_err()
        {
            run.take_return();
        }
        return Ok(Value::from(""));
    }
    let Some(caller) = caller else {
        let message = "statement takes its SQL from a block";
        let hint = "write {% call statement('name', fetch_result=true) %} ... {% endcall %}";
        return Err(fault(Diagnostic::error("invalid-argument", message).hint(hint)));
    };
    if let Some(language) = language.filter(|language| language.as_str() != Some("sql")) {
        let message = format!("statement runs SQL, not {language}");
        return Err(fault(Diagnostic::error("invalid-argument", message)));
    }
    let sql = caller.call(state, &[])?.to_string();
    let table = table(run, state, &sql)?;
    let fetched = fetch.is_some_and(|fetch| fetch.is_true());
    let table = if fetched { table } else { TableOfRows::new(&QueryTable::default()) };
    if let Some(name) = name.as_ref().and_then(Value::as_str) {
        store(run, name, Value::from("OK"), table);
    }
    Ok(Value::from(""))
}

/// Evaluates `load_result(name)`.
pub(super) fn load_result(run: &Arc<Rendering>, args: &[Value]) -> Result<Value, Error> {
    let (name,): (&str,) = from_args(args)?;
    if !run.node.executing {
        return Ok(Value::from_object(NoResult));
    }
    Ok(run.query_result(name).unwrap_or(Value::from(())))
}

/// Evaluates `store_result(name, response, agate_table=none)` and `store_raw_result(name, message, …)`.
pub(super) fn store_result(run: &Arc<Rendering>, args: &[Value]) -> Result<Value, Error> {
    let (name, positional, named): (&str, Rest<Value>, Kwargs) = from_args(args)?;
    let message: Option<Value> = named.get("response")?;
    let message = message.or(named.get("message")?).or_else(|| positional.first().cloned());
    let table: Option<Value> = named.get("agate_table")?;
    let table = table.or_else(|| positional.iter().skip(1).find(|value| is_table(value)).cloned());
    let table = table.as_ref().and_then(|table| table.downcast_object_ref::<TableOfRows>()).cloned();
    let table = table.unwrap_or_else(|| TableOfRows::new(&QueryTable::default()));
    store(run, name, message.unwrap_or(Value::from(())), table);
    Ok(Value::from(""))
}

fn is_table(value: &Value) -> bool {
    value.downcast_object_ref::<TableOfRows>().is_some()
}

fn store(run: &Arc<Rendering>, name: &str, response: Value, table: TableOfRows) {
    let data = table.data();
    let pairs = [("response", response), ("data", data), ("table", Value::from_object(table))];
    let pairs = pairs.into_iter().map(|(name, value)| (Value::from(name), value));
    run.store_query_result(name, Value::from_object(Dict::new(pairs)));
}

/// Returns the answer to a query, or stops the rendering until there is one.
fn table(run: &Arc<Rendering>, state: &State<'_, '_>, sql: &str) -> Result<TableOfRows, Error> {
    match ask(run, Question::Query(sql.to_owned()))? {
        Answer::Rows(rows) => {
            let table = TableOfRows::new(&rows);
            pay_items(state, table.size())?;
            Ok(table)
        }
        Answer::Relation(_) => Err(unanswered()),
    }
}

/// Returns a relation's metadata, or stops the rendering until the caller has provided it.
fn facts(run: &Arc<Rendering>, relation: &Relation) -> Result<Option<RelationFacts>, Error> {
    match ask(run, Question::Relation(relation.clone()))? {
        Answer::Relation(facts) => Ok(facts),
        Answer::Rows(_) => Err(unanswered()),
    }
}

fn ask(run: &Arc<Rendering>, question: Question) -> Result<Answer, Error> {
    if let QueryAccess::Refused = run.queries {
        let found = Diagnostic::error("query-in-configuration", "tables can't be queried here");
        return Err(fault(found.note("only models, tests, hooks and operations can query tables")));
    }
    run.ask(question).ok_or_else(unanswered)
}

fn unanswered() -> Error {
    Error::new(ErrorKind::InvalidOperation, "a question without an answer")
}

/// Evaluates `load_relation(relation)`, which gives nothing if the relation isn't there.
pub(super) fn load_relation(run: &Arc<Rendering>, args: &[Value]) -> Result<Value, Error> {
    let (wanted,): (Value,) = from_args(args)?;
    let Some(table) = wanted.downcast_object_ref::<TableValue>() else {
        return Err(Error::new(ErrorKind::InvalidOperation, "load_relation takes a relation"));
    };
    known(run, table.clone())
}

/// Evaluates `adapter.get_relation(database, schema, identifier)`.
pub(in crate::jinja) fn get_relation(run: &Arc<Rendering>, args: &[Value]) -> Result<Value, Error> {
    let (positional, named): (Rest<Value>, Kwargs) = from_args(args)?;
    let part = |at: usize, name| {
        Ok::<_, Error>(match positional.get(at) {
            Some(value) => Some(value.clone()),
            None => named.get::<Option<Value>>(name)?,
        })
    };
    let (_, schema, name) = (part(0, "database")?, part(1, "schema")?, part(2, "identifier")?);
    let text = |value: Option<Value>| value.and_then(|value| value.as_str().map(str::to_owned));
    match (text(schema), text(name)) {
        (Some(schema), Some(name)) => known(run, run.table(Relation::new(schema, name))),
        _ => Ok(Value::from(())),
    }
}

fn known(run: &Arc<Rendering>, table: TableValue) -> Result<Value, Error> {
    let Some(relation) = table.relation().filter(|_| run.node.executing) else { return Ok(Value::from(())) };
    Ok(match facts(run, &relation)? {
        Some(facts) => Value::from_object(table.of_type(if facts.is_view { "view" } else { "table" })),
        None => Value::from(()),
    })
}

/// Evaluates `adapter.get_columns_in_relation(relation)`: types are known before anything is built.
pub(in crate::jinja) fn get_columns(run: &Arc<Rendering>, args: &[Value]) -> Result<Value, Error> {
    let relation = wanted_relation("adapter.get_columns_in_relation", args)?;
    let facts = match relation.filter(|_| run.node.executing) {
        Some(relation) => facts(run, &relation)?,
        None => None,
    };
    let columns = facts.into_iter().flat_map(|facts| facts.columns);
    let columns = columns.map(|(name, data_type)| Value::from_object(ColumnValue::new(name, &data_type)));
    Ok(Value::from_object(List::new(columns.collect())))
}

/// Evaluates `adapter.drop_relation(relation)`: the hook that calls it decides about its effect.
pub(in crate::jinja) fn drop_relation(run: &Arc<Rendering>, args: &[Value]) -> Result<Value, Error> {
    let relation = wanted_relation("adapter.drop_relation", args)?;
    run.capture(|captures| captures.dropped.extend(relation));
    Ok(Value::from(""))
}

/// Returns the schema of `adapter.check_schema_exists(database, schema)`.
pub(in crate::jinja) fn wanted_schema(args: &[Value]) -> Result<String, Error> {
    let (positional, named): (Rest<Value>, Kwargs) = from_args(args)?;
    let (_, schema) = (named.get::<Option<Value>>("database")?, named.get::<Option<String>>("schema")?);
    named.assert_all_used()?;
    let at = usize::from(!named.has("database"));
    let schema = schema.or_else(|| positional.get(at).map(ToString::to_string));
    schema.ok_or_else(|| Error::new(ErrorKind::MissingArgument, "check_schema_exists takes a schema"))
}

/// Returns the relation that a method is called with, if its name is complete.
fn wanted_relation(method: &str, args: &[Value]) -> Result<Option<Relation>, Error> {
    let (wanted,): (Value,) = from_args(args)?;
    if let Some(table) = wanted.downcast_object_ref::<TableValue>() {
        return Ok(table.relation());
    }
    let message = format!("{method} takes a relation, not {}", wanted.kind());
    let found = Diagnostic::error("invalid-argument", message);
    Err(fault(found.hint("pass ref(…), source(…), `this` or api.Relation.create(…)")))
}

/// Evaluates `adapter.execute(sql, fetch=true)`: the response, and the rows.
pub(in crate::jinja) fn execute(
    run: &Arc<Rendering>,
    state: &State<'_, '_>,
    args: &[Value],
) -> Result<Value, Error> {
    let (sql, _, _): (Value, Rest<Value>, Kwargs) = from_args(args)?;
    let rows = if run.node.executing {
        table(run, state, &sql.to_string())?
    } else {
        TableOfRows::new(&QueryTable::default())
    };
    Ok(Value::from_object(List::new(vec![Value::from("OK"), Value::from_object(rows)])))
}
