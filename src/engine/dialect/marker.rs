//! Markers: names of functions and operators that exist only between a statement's rewrite and its plan.

/// The function that a cast becomes. Its arguments are the value and the type's name.
pub(super) const CAST: &str = "$cast";

/// The function that `try_cast` becomes.
pub(super) const TRY_CAST: &str = "$try_cast";

/// The function that replaces COLUMNS among the columns of an UNPIVOT.
pub(super) const UNPIVOTED: &str = "$unpivoted";

/// The name of the operator `**` in a parsed statement.
pub(super) const POWER: &str = "**";

/// The name of the operator GLOB in a parsed statement.
pub(super) const GLOB: &str = "GLOB";

/// The function whose single argument expands to several.
pub(super) const UNPACK: &str = "$unpack";

/// The function that marks the inequality of an ASOF JOIN. With USING, it wraps `true` in a filter of the
/// right side.
pub(super) const AS_OF: &str = "$asof";

/// The function that carries ORDER BY within a window function call. Its arguments are the call's first
/// argument, the directions and the sort keys.
pub(in crate::engine) const SORTED: &str = "$sorted";
