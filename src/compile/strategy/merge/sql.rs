//! The SQL of changes by key. Each query returns rows of the table, with the action for each row in the last
//! column.

use std::fmt::Write as _;

use super::{FILE, Sides};
use crate::{
    engine::rows::changes::{CHANGE, DELETED, INSERTED, KEPT, LEFT_OUT, UPDATED},
    manifest::Incremental,
    name::quoted,
};

/// The aliases in user-written conditions.
pub(super) const DEST: &str = "dbt_internal_dest";
pub(super) const SOURCE: &str = "dbt_internal_source";

/// A column of the table after the change.
pub(super) struct Column {
    /// Its quoted name.
    pub(super) name: String,
    /// The sides that have it.
    pub(super) from: From,
    /// The effect of a new row on it.
    pub(super) then: Then,
}

/// The sides that have a column.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    /// Existing and new rows.
    Both,
    /// Existing rows only.
    Old,
    /// New rows only.
    New,
}

/// The effect of a new row on a column of an existing one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// None.
    Keep,
    /// Sets the value if it differs.
    Update,
    /// Sets the value, which can't be compared.
    Replace,
}

/// The SQL of a change.
pub(super) struct Sql<'a> {
    pub(super) settings: &'a Incremental,
    pub(super) sides: &'a Sides,
    pub(super) columns: Vec<Column>,
}

impl Sql<'_> {
    /// Returns the join condition.
    fn on(&self) -> String {
        let keys = self.keys().into_iter().map(|key| format!("{DEST}.{key} = {SOURCE}.{key}"));
        let predicates = self.settings.predicates.iter().map(|text| format!("({text}\n)"));
        keys.chain(predicates).collect::<Vec<_>>().join(" and ")
    }

    fn keys(&self) -> Vec<String> {
        self.settings.unique_key.iter().map(|key| quoted(key)).collect()
    }

    /// Selects the files with a row matched by a new one.
    pub(super) fn reached(&self) -> String {
        let (files, new, on) = (self.sides.files.quoted(), self.sides.new.quoted(), self.on());
        format!(
            "select distinct {DEST}.{FILE} from {files} as {DEST} left semi join {new} as {SOURCE} on {on}"
        )
    }

    /// Selects keys that several new rows share.
    pub(super) fn repeated(&self) -> String {
        let (keys, new) = (self.keys(), self.sides.new.quoted());
        let known: Vec<String> = keys.iter().map(|key| format!("{key} is not null")).collect();
        format!(
            "select {0}, count(*) from {new} where {1} group by {0} having count(*) > 1 order by {0} limit 3",
            keys.join(", "),
            known.join(" and "),
        )
    }

    /// Selects each row of both sides once, in its final state.
    pub(super) fn merge(&self) -> String {
        let mut values = String::new();
        for Column { name, from, then } in &self.columns {
            let value = match (from, then) {
                (From::Both, Then::Keep) => {
                    format!("case when {DEST}.__old then {DEST}.{name} else {SOURCE}.{name} end")
                }
                (From::Both, Then::Update | Then::Replace) => {
                    format!("case when {SOURCE}.__new then {SOURCE}.{name} else {DEST}.{name} end")
                }
                (From::Old, _) => format!("{DEST}.{name}"),
                (From::New, _) => format!("{SOURCE}.{name}"),
            };
            // Writing to a string can't fail.
            let _ = write!(values, "{value} as {name}, ");
        }
        let deletes = self.settings.delete_condition.as_ref().map_or_else(String::new, |text| {
            format!(" when ({text}\n) then case when {DEST}.__old then {DELETED} else {LEFT_OUT} end")
        });
        let (old, new, on, differs) =
            (self.sides.old.quoted(), self.sides.new.quoted(), self.on(), self.differs());
        format!(
            "select {values}case when {SOURCE}.__new is null then {KEPT}{deletes} \
             when {DEST}.__old is null then {INSERTED} when {differs} then {UPDATED} else {KEPT} end as {CHANGE} \
             from (select *, true as __new from {new}) as {SOURCE} \
             full join (select *, true as __old from {old}) as {DEST} on {on}"
        )
    }

    /// Returns the condition that a new row changes the existing one.
    fn differs(&self) -> String {
        let differ = self.columns.iter().filter_map(|Column { name, from, then }| match (from, then) {
            (From::Old, _) | (_, Then::Keep) => None,
            (_, Then::Replace) => Some("true".to_owned()),
            (From::Both, Then::Update) => Some(format!("({DEST}.{name} is distinct from {SOURCE}.{name})")),
            (From::New, Then::Update) => Some(format!("({SOURCE}.{name} is not null)")),
        });
        let differ: Vec<String> = differ.collect();
        if differ.is_empty() { "false".to_owned() } else { format!("({})", differ.join(" or ")) }
    }

    /// Selects the existing rows, each once, followed by all new rows.
    pub(super) fn delete_and_insert(&self) -> String {
        let (mut of_old, mut of_new) = (String::new(), String::new());
        for Column { name, from, .. } in &self.columns {
            let value = if *from == From::New { "null".to_owned() } else { format!("{DEST}.{name}") };
            let _ = write!(of_old, "{value} as {name}, ");
            let _ = write!(of_new, "{name}, ");
        }
        let (old, new, on) = (self.sides.old.quoted(), self.sides.new.quoted(), self.on());
        let keys = self.keys().join(", ");
        format!(
            "select {of_old}case when {SOURCE}.__new then {DELETED} else {KEPT} end as {CHANGE} \
             from {old} as {DEST} left join (select distinct {keys}, true as __new from {new}) as {SOURCE} on {on} \
             union all select {of_new}{INSERTED} as {CHANGE} from {new}"
        )
    }
}
