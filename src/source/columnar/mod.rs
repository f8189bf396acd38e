//! Parquet and Avro sources: runs DataFusion's own readers over the files, and casts to the declared types.
//!
//! ```text
//! opening      reads the metadata of the files and decides the table's columns
//! table        the table and its scans
//! damage_search   reads files to their ends, to find damaged ones
//! look         each file's own schema
//! files        how it matches the declared columns; files with equal schemas are scanned together
//! undeclared   sources that declare no columns
//! avro         integrity checks of Avro files, and their UUID columns
//! reading      how a file's column becomes a source column: as is, cast, or value by value
//! judged       rows that may not fit: validates them, and rejects those that don't
//! value        a value as a token and as JSON
//! ```
//!
//! Undeclared columns keep the files' types, widened where these differ. Filters are pushed down to the
//! files' statistics only if no row can be rejected, because a row that was pruned can't be validated.

mod avro;
mod column_rules;
mod damage_search;
mod files;
mod judged;
mod look;
mod opening;
mod reading;
mod refused_files;
mod table;
#[cfg(test)]
mod tests;
mod undeclared;
mod value;

pub(super) use damage_search::find_damage;
pub(super) use opening::table;
