//! Markers: names of functions and operators that exist only between a statement's rewrite and its plan.

/// The function that a cast becomes. Its arguments are the value and the type's name.
pub(super) const CAST: &str = "$cast";

/// The function that `try_cast` becomes.
pub(super) const TRY_CAST: &str = "$try_cast";

/// The function that replaces COLUMNS among the columns of an UNPIVOT.
pub(super) const UNPIVOTED: &str = "$unpivoted";

/// The function whose single argument expands to several.
pub(super) const UNPACK: &str = "$unpack";

/// The function that marks the inequality of an ASOF JOIN. With USING, it wraps `true` in a filter of the
/// right side.
pub(super) const AS_OF: &str = "$asof";
