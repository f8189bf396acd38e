//! The SQL of a snapshot. Its decisions match dbt's, condition by condition.

use std::fmt::Write as _;

use super::FILE;
use crate::{
    engine::{
        SchemaRef,
        arrow::datatypes::{DataType, Field, TimeUnit},
        rows::changes::{CHANGE, INSERTED, KEPT, UPDATED},
    },
    manifest::{HardDeletes, SnapshotConfig, SnapshotStrategy},
    name::{Relation, quoted},
};

/// The column of the run's timestamp.
pub(super) const AT: &str = "at";

/// The columns of a change besides the table's: the version that ends, its end, and whether a new version
/// starts.
const ENDED: &str = "_headwater_ended";
const ENDS: &str = "_headwater_ends";
const BEGINS: &str = "_headwater_begins";

/// The inputs of the SQL.
pub(super) struct Sql<'a> {
    pub(super) config: &'a SnapshotConfig,
    /// The columns of the current rows.
    pub(super) source: &'a SchemaRef,
    /// The columns that the table will have.
    pub(super) table: &'a SchemaRef,
    /// The columns that the table has.
    pub(super) stored: Option<&'a SchemaRef>,
}

impl Sql<'_> {
    /// Selects the current rows, as versions that start now or at their own `updated_at`.
    pub(super) fn arrived(&self, source: &Relation, moment: &Relation) -> String {
        let meta = &self.config.meta;
        let since = match &self.config.updated_at {
            Some(column) => format!("s.{}", quoted(column)),
            None => format!("m.{AT}"),
        };
        let mut sql = format!(
            "select s.*, {} as {}, {since} as {}, {since} as {}, {} as {}",
            self.scd_id("s", &since),
            quoted(&meta.scd_id),
            quoted(&meta.updated_at),
            quoted(&meta.valid_from),
            self.open_end().unwrap_or_else(|| "null".to_owned()),
            quoted(&meta.valid_to),
        );
        if self.config.hard_deletes == HardDeletes::NewRecord {
            // Writing to a string can't fail.
            let _ = write!(sql, ", 'False' as {}", quoted(&meta.is_deleted));
        }
        // The first side of a cross join is held in memory.
        let _ = write!(sql, " from {} as m cross join {} as s", moment.quoted(), source.quoted());
        sql
    }

    /// Returns dbt's id of a version: a digest of its key and start.
    fn scd_id(&self, of: &str, since: &str) -> String {
        let keys = self.config.unique_key.iter().map(|key| format!("{of}.{}", quoted(key)));
        let parts: Vec<String> = keys
            .chain([since.to_owned()])
            .map(|part| format!("coalesce(cast({part} as varchar), '')"))
            .collect();
        format!("md5({})", parts.join(" || '|' || "))
    }

    /// Selects duplicate keys and keys with NULLs.
    pub(super) fn repeated(&self, new: &Relation) -> String {
        let keys: Vec<String> = self.config.unique_key.iter().map(|key| quoted(key)).collect();
        let unknown: Vec<String> = keys.iter().map(|key| format!("{key} is null")).collect();
        format!(
            "select {0}, count(*) from {1} group by {0} having count(*) > 1 or {2} order by {0} limit 1",
            keys.join(", "),
            new.quoted(),
            unknown.join(" or "),
        )
    }

    /// Selects the newest start of a version and the newest end of one that has ended, if the clock gives
    /// them.
    pub(super) fn newest(&self, old_files: &Relation) -> Option<String> {
        if self.config.updated_at.is_some() {
            return None;
        }
        let (from, to) = (quoted(&self.config.meta.valid_from), quoted(&self.config.meta.valid_to));
        Some(format!(
            "select max(f.{from}) as started, max(case when {} then null else f.{to} end) as ended from {} as f",
            self.is_open("f"),
            old_files.quoted(),
        ))
    }

    /// Selects the versions that end and start, by joining each current row with the newest version of its
    /// key.
    pub(super) fn changed(&self, old_files: &Relation, new: &Relation, moment: &Relation) -> String {
        let meta = &self.config.meta;
        let (scd_id, valid_from) = (quoted(&meta.scd_id), quoted(&meta.valid_from));
        let adds_records = self.config.hard_deletes == HardDeletes::NewRecord;
        let begins = if adds_records { "true" } else { "n.__new is not null" };
        let mut columns = String::new();
        for field in self.table.fields() {
            let name = quoted(field.name());
            let _ = write!(columns, ", {} as {name}", self.begun(field.name(), &name));
        }
        let join = if self.config.sees_deletes() { "full" } else { "right" };
        let keys = self.config.unique_key.iter().map(|key| {
            let key = quoted(key);
            format!("o.{key} = n.{key}")
        });
        let mut changes = format!(
            "o.__old is null or (o.__old and n.__new and ({}{}))",
            self.differs(),
            if self.has_deleted() { format!(" or {}", self.is_deleted("o")) } else { String::new() },
        );
        if self.config.sees_deletes() {
            let already = if self.has_deleted() {
                format!(" and not coalesce({}, false)", self.is_deleted("o"))
            } else {
                String::new()
            };
            let _ = write!(changes, " or (n.__new is null{already})");
        }
        format!(
            "select o.{FILE} as {FILE}, o.{scd_id} as {ENDED}, \
             case when n.__new then n.{valid_from} else {} end as {ENDS}, {begins} as {BEGINS}{columns} \
             from {} as m cross join ((select *, true as __old from {} as f where {}) as o \
             {join} join (select *, true as __new from {}) as n on {}) where {changes}",
            self.deleted_at(),
            moment.quoted(),
            old_files.quoted(),
            self.is_open("f"),
            new.quoted(),
            keys.collect::<Vec<_>>().join(" and "),
        )
    }

    /// Returns the value of a starting version in a column: the current one or, if the row was deleted, the
    /// last one.
    fn begun(&self, column: &str, name: &str) -> String {
        if self.config.hard_deletes != HardDeletes::NewRecord {
            return format!("n.{name}");
        }
        let meta = &self.config.meta;
        let moment = self.deleted_at();
        let gone = if column == meta.scd_id {
            self.scd_id("o", &moment)
        } else if column == meta.updated_at || column == meta.valid_from {
            moment
        } else if column == meta.is_deleted {
            "'True'".to_owned()
        } else if column == meta.valid_to || (has(self.source, column) && self.is_stored(column)) {
            format!("o.{name}")
        } else {
            return format!("n.{name}");
        };
        format!("case when n.__new then n.{name} else {gone} end")
    }

    /// Returns when a version of a deleted row ends: now, or just after it began if that is later. Its start
    /// comes from the row, whose clock may be ahead.
    fn deleted_at(&self) -> String {
        let name = &self.config.meta.valid_from;
        let from = format!("o.{}", quoted(name));
        match self.table.field_with_name(name).map(Field::data_type) {
            Ok(DataType::Timestamp(unit, _)) => {
                let tick = match unit {
                    TimeUnit::Second => "second",
                    TimeUnit::Millisecond => "millisecond",
                    TimeUnit::Microsecond | TimeUnit::Nanosecond => "microsecond",
                };
                format!("case when m.{AT} > {from} then m.{AT} else {from} + interval '1 {tick}' end")
            }
            // Dates are too coarse for a version to end after the day on which it began.
            _ => format!("case when m.{AT} > {from} then m.{AT} else {from} end"),
        }
    }

    /// Returns the condition that a row differs from the newest version of its key.
    fn differs(&self) -> String {
        let meta = &self.config.meta;
        let checked: Vec<&str> = match &self.config.strategy {
            SnapshotStrategy::Timestamp => {
                return format!("(o.{} < n.{})", quoted(&meta.valid_from), quoted(&meta.updated_at));
            }
            SnapshotStrategy::Check(Some(columns)) => columns.iter().map(String::as_str).collect(),
            SnapshotStrategy::Check(None) => {
                self.source.fields().iter().map(|field| field.name().as_str()).collect()
            }
        };
        // As in dbt, a new checked column makes every row differ.
        if checked.iter().any(|column| !self.is_stored(column)) {
            return "true".to_owned();
        }
        let differ = checked.iter().map(|column| {
            let name = quoted(column);
            format!("(o.{name} is distinct from n.{name})")
        });
        differ.collect::<Vec<_>>().join(" or ")
    }

    /// Selects the files with an ending version.
    #[expect(clippy::unused_self, reason = "it is one of the snapshot's queries")]
    pub(super) fn reached(&self, changes: &Relation) -> String {
        format!("select distinct {FILE} from {} where {FILE} is not null", changes.quoted())
    }

    /// Selects each version of these files once, in its final state, and each starting version.
    pub(super) fn outcome(&self, old: &Relation, changes: &Relation) -> String {
        let meta = &self.config.meta;
        let (mut of_old, mut of_new) = (String::new(), String::new());
        for field in self.table.fields() {
            let name = quoted(field.name());
            let value = if *field.name() == meta.valid_to {
                format!("case when c.{ENDED} is not null then c.{ENDS} else o.{name} end")
            } else if self.is_stored(field.name()) {
                format!("o.{name}")
            } else {
                "null".to_owned()
            };
            let _ = write!(of_old, "{value} as {name}, ");
            let _ = write!(of_new, "{name}, ");
        }
        let (scd_id, changes, open) = (quoted(&meta.scd_id), changes.quoted(), self.is_open("o"));
        format!(
            "select {of_old}case when c.{ENDED} is not null then {UPDATED} else {KEPT} end as {CHANGE} \
             from {} as o left join (select {ENDED}, {ENDS} from {changes} where {ENDED} is not null) as c \
             on o.{scd_id} = c.{ENDED} and {open} \
             union all select {of_new}{INSERTED} as {CHANGE} from {changes} where {BEGINS}",
            old.quoted(),
        )
    }

    /// Returns the condition that a version is the newest one of its key.
    fn is_open(&self, of: &str) -> String {
        let valid_to = format!("{of}.{}", quoted(&self.config.meta.valid_to));
        match self.open_end() {
            Some(end) => format!("(({valid_to} is null) or ({valid_to} = {end}))"),
            None => format!("({valid_to} is null)"),
        }
    }

    /// Returns the configured end of current versions, if it isn't NULL, in the column's type.
    fn open_end(&self) -> Option<String> {
        let open = self.config.valid_to_current.as_ref()?;
        let field = self.table.field_with_name(&self.config.meta.valid_to).ok()?;
        Some(format!("arrow_cast(({open}\n), '{}')", field.data_type()))
    }

    /// Returns the condition that a version records a deletion.
    fn is_deleted(&self, of: &str) -> String {
        format!("({of}.{} = 'True')", quoted(&self.config.meta.is_deleted))
    }

    /// Returns whether versions that record deletions can exist.
    fn has_deleted(&self) -> bool {
        self.config.hard_deletes == HardDeletes::NewRecord && self.is_stored(&self.config.meta.is_deleted)
    }

    fn is_stored(&self, column: &str) -> bool {
        self.stored.is_some_and(|stored| has(stored, column))
    }
}

fn has(schema: &SchemaRef, column: &str) -> bool {
    schema.field_with_name(column).is_ok()
}
