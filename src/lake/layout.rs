//! Names of files and folders in the lake.

/// The folder of a table's Delta log.
pub(super) const LOG: &str = "_delta_log";

/// The lake's folder for Headwater's own files, below its root.
pub(super) const OWN: &str = "_headwater";

/// The prefix of marker files. A marker says that the other files in its folder are a table being created, or
/// left by a killed run. Each staging has its own marker, so that none removes another's.
pub(super) const MARKER: &str = "_headwater_staging";
