//! Relations in templates: the value of `ref`, `source`, `this` and `api.Relation.create`.

use std::{cmp::Ordering, fmt, sync::Arc};

use minijinja::{
    Error, ErrorKind, State, Value,
    value::{DynObject, Kwargs, Object, ObjectRepr, Rest, from_args},
};

use super::Dict;
use crate::name::{Relation, quoted};

/// The parts of a relation's name, outermost first.
const PARTS: [&str; 3] = ["database", "schema", "identifier"];

/// A relation in a template: prints as SQL, and has dbt's attributes and methods.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::jinja) struct TableValue {
    /// The parts of the name. The database is the target's name: a lake has none above its schemas.
    parts: [Option<String>; 3],
    /// The parts that are printed.
    included: [bool; 3],
    /// The parts that are printed in quotes.
    quoted: [bool; 3],
    /// `table`, `view`, `cte` and so on, if known.
    kind: Option<String>,
}

impl TableValue {
    /// Returns a table of the lake; `database` is the value of `target.database`, which isn't printed.
    pub(in crate::jinja) fn new(relation: Relation, database: Option<&str>) -> Self {
        Self {
            parts: [database.map(str::to_owned), Some(relation.schema), Some(relation.name)],
            included: [false, true, true],
            quoted: [true; 3],
            kind: None,
        }
    }

    /// Evaluates `api.Relation.create(database=…, schema=…, identifier=…, type=…)`.
    pub(in crate::jinja) fn create(args: &[Value]) -> Result<Self, Error> {
        let empty = Self { parts: [None, None, None], included: [true; 3], quoted: [true; 3], kind: None };
        let (_, named): (Rest<Value>, Kwargs) = from_args(args)?;
        let created = empty.renamed(&named)?;
        // dbt's other arguments say how names are quoted, and are of no use here.
        Ok(Self { kind: named.get("type")?, ..created })
    }

    /// Returns the relation with a type: `table`, `view`.
    pub(in crate::jinja) fn of_type(self, kind: &str) -> Self {
        Self { kind: Some(kind.to_owned()), ..self }
    }

    /// Returns the table of the lake, if the name is complete.
    pub(in crate::jinja) fn relation(&self) -> Option<Relation> {
        let [_, Some(schema), Some(name)] = &self.parts else { return None };
        Some(Relation::new(schema.as_str(), name.as_str()))
    }

    fn renamed(mut self, named: &Kwargs) -> Result<Self, Error> {
        for (part, name) in self.parts.iter_mut().zip(PARTS) {
            if named.has(name) {
                *part = named.get(name)?;
            }
        }
        Ok(self)
    }

    /// Evaluates the arguments of `include` and `quote`: switches by part.
    fn switched(switches: &mut [bool; 3], args: &[Value]) -> Result<(), Error> {
        let (positional, named): (Rest<Option<bool>>, Kwargs) = from_args(args)?;
        for (index, (switch, name)) in switches.iter_mut().zip(PARTS).enumerate() {
            let given = positional.get(index).copied().flatten();
            *switch = given.or(named.get(name)?).unwrap_or(*switch);
        }
        named.assert_all_used()
    }

    /// Evaluates `incorporate(path={…}, type=…)`.
    fn incorporated(&self, args: &[Value]) -> Result<Self, Error> {
        let (named,): (Kwargs,) = from_args(args)?;
        let mut changed = self.clone();
        if let Some(path) = named.get::<Option<Value>>("path")? {
            for (part, name) in changed.parts.iter_mut().zip(PARTS) {
                if let Some(text) = path.get_item(&Value::from(name))?.as_str() {
                    *part = Some(text.to_owned());
                }
            }
        }
        if named.has("type") {
            changed.kind = named.get("type")?;
        }
        Ok(changed)
    }

    fn policy(switches: [bool; 3]) -> Value {
        let pairs = PARTS.iter().zip(switches).map(|(name, on)| (Value::from(*name), Value::from(on)));
        Value::from_object(Dict::new(pairs))
    }

    fn sql(&self) -> String {
        let parts = self.parts.iter().zip(self.included).zip(self.quoted);
        let shown = parts.filter_map(|((part, included), is_quoted)| {
            let part = part.as_ref().filter(|_| included)?;
            Some(if is_quoted { quoted(part) } else { part.clone() })
        });
        shown.collect::<Vec<_>>().join(".")
    }

    fn is(&self, kind: &str) -> Value {
        Value::from(self.kind.as_deref() == Some(kind))
    }

    fn attribute(&self, name: &str) -> Option<Value> {
        let [database, schema, identifier] = &self.parts;
        let text = |part: &Option<String>| part.as_deref().map_or(Value::from(()), Value::from);
        Some(match name {
            "database" => text(database),
            "schema" => text(schema),
            "identifier" | "name" | "table" => text(identifier),
            "type" => text(&self.kind),
            "is_table" => self.is("table"),
            "is_view" => self.is("view"),
            "is_cte" => self.is("cte"),
            "is_materialized_view" => self.is("materialized_view"),
            "path" => {
                let parts =
                    PARTS.iter().zip(&self.parts).map(|(name, part)| (Value::from(*name), text(part)));
                Value::from_object(Dict::new(parts))
            }
            "include_policy" => Self::policy(self.included),
            "quote_policy" => Self::policy(self.quoted),
            // By this, packages recognize a relation.
            "metadata" => {
                let pair = (Value::from("type"), Value::from("HeadwaterRelation"));
                Value::from_object(Dict::new([pair]))
            }
            _ => return None,
        })
    }
}

impl Object for TableValue {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.attribute(key.as_str()?)
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        method: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        let mut changed = Self::clone(self);
        match method {
            "render" => {
                let () = from_args(args)?;
                return Ok(Value::from(self.sql()));
            }
            "quoted" => {
                let (name,): (&str,) = from_args(args)?;
                return Ok(Value::from(quoted(name)));
            }
            "get" => {
                let (name, default): (&str, Option<Value>) = from_args(args)?;
                return Ok(self.attribute(name).unwrap_or_else(|| default.unwrap_or(Value::from(()))));
            }
            "include" => Self::switched(&mut changed.included, args)?,
            "quote" => Self::switched(&mut changed.quoted, args)?,
            "incorporate" => changed = self.incorporated(args)?,
            "information_schema" => {
                let (view,): (Option<String>,) = from_args(args)?;
                changed.parts = [self.parts[0].clone(), Some("INFORMATION_SCHEMA".to_owned()), view];
                changed.included = [self.included[0], true, changed.parts[2].is_some()];
                changed.quoted = [self.quoted[0], false, false];
                changed.kind = Some("view".to_owned());
            }
            "replace_path" => {
                let (named,): (Kwargs,) = from_args(args)?;
                changed = changed.renamed(&named)?;
                named.assert_all_used()?;
            }
            "without_identifier" => {
                let () = from_args(args)?;
                changed.included[2] = false;
            }
            _ => return Err(Error::from(ErrorKind::UnknownMethod)),
        }
        Ok(Value::from_object(changed))
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        other.downcast_ref::<Self>().map(|other| self.as_ref().cmp(other))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sql())
    }
}
