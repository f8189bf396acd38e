//! Error messages: DataFusion's text without its internals, stacks and credentials.

use datafusion::error::DataFusionError;

use crate::secret::{concealed, scrubbed};

/// The prefixes of messages that name DataFusion's internals.
const INTERNAL: [&str; 12] = [
    "Error during planning: ",
    "Schema error: ",
    "SQL error: ",
    "This feature is not implemented: ",
    "Execution error: ",
    "External error: ",
    "External: ",
    "Arrow error: ",
    "Parquet error: ",
    "Cast error: ",
    "Io error: ",
    "IO error: ",
];

/// DataFusion's prefix of errors about memory.
const EXHAUSTED: &str = "Resources exhausted: ";

/// Arrow panics with this if the texts or lists of an array outgrow its 32-bit offsets.
const OVERFLOW: &str = "offset overflow";
/// The start of Arrow's error about the same.
const OVERFLOW_ERROR: &str = "Offset overflow error: ";

/// Returns DataFusion's message without prefixes that name its internals.
#[must_use]
pub fn message(error: &DataFusionError) -> String {
    let mut text = error.find_root().strip_backtrace();
    // The cause: operators put it behind words of their own.
    if let Some(at) = text.rfind(EXHAUSTED) {
        text.drain(..at + EXHAUSTED.len());
    }
    // Layers may add the same prefix one after the other.
    while let Some(prefix) = INTERNAL.iter().find(|prefix| text.starts_with(**prefix)) {
        text.drain(..prefix.len());
    }
    if let Some((own, _)) = text.split_once("\nThis issue was likely caused by a bug in DataFusion's code") {
        let own = own.trim_start_matches("Internal error: ").trim_end_matches('.').to_owned();
        text = own;
    }
    if let Some(own) = mismatch(&text) {
        let own = own.to_owned();
        text = own;
    }
    if let Some(own) = far_date(&text).or_else(|| too_long(&text)) {
        text = own;
    }
    let text = match text.strip_prefix("ParserError(\"").and_then(|rest| rest.strip_suffix("\")")) {
        Some(inner) => inner.replace("\\\"", "\""),
        None => text,
    };
    scrubbed(&concealed(without_stack(&text))).into_owned()
}

/// Returns a message without the stack of its cause, which DataFusion and the Delta kernel add to the text of
/// their errors if `RUST_BACKTRACE` is set. Causes may be nested, so their types can't identify them.
#[must_use]
pub fn without_stack(message: &str) -> &str {
    let starts = ["\n\nbacktrace: ", "\n   0: "].into_iter().filter_map(|start| message.find(start));
    starts.min().map_or(message, |start| message[..start].trim_end())
}

/// Returns the message for a panic, or an error of Arrow, because a column of one batch of rows is too long;
/// `None` for any other text.
#[must_use]
pub fn too_long(text: &str) -> Option<String> {
    let is_panic = text == OVERFLOW || text.contains("panicked") && text.contains(OVERFLOW);
    (is_panic || text.starts_with(OVERFLOW_ERROR)).then(|| {
        "the texts or lists of a column are longer than 2 GB in one batch of rows: make them shorter, or write fewer of them"
            .to_owned()
    })
}

/// Returns a function's own message about its arguments, without DataFusion's text around it.
fn mismatch(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once(" user-defined coercion failed with: ")?;
    let rest = rest.strip_prefix("Error during planning: ").unwrap_or(rest);
    rest.split(". No function matches the given name").next()
}

/// Returns the message about a date that a timestamp can't hold, in place of Arrow's.
fn far_date(text: &str) -> Option<String> {
    let (days, rest) = text.strip_prefix("Cannot cast Date32 value ")?.split_once(" to Timestamp(")?;
    let name = if rest.starts_with("ns)") { "TIMESTAMP_NS" } else { "TIMESTAMP" };
    Some(format!(
        "a date, {days} days after 1970-01-01, is beyond what a {name} holds: check the number that it was computed from, or use \
         try_cast to get NULL for such values"
    ))
}

#[cfg(test)]
mod tests {
    use datafusion::{arrow::error::ArrowError, parquet::errors::ParquetError};

    use super::*;

    #[test]
    fn internal_names_are_left_out() {
        let parquet =
            |text: &str| DataFusionError::ParquetError(Box::new(ParquetError::General(text.into())));
        assert_eq!(message(&parquet("Parquet error: Failed to fetch metadata")), "Failed to fetch metadata");
        let arrow = "Cannot cast Date32 value 202932896 to Timestamp(us): converted value exceeds the representable i64 range";
        insta::assert_snapshot!(
            message(&DataFusionError::ArrowError(Box::new(ArrowError::CastError(arrow.into())), None)),
            @"a date, 202932896 days after 1970-01-01, is beyond what a TIMESTAMP holds: check the number that it was computed from, or use try_cast to get NULL for such values"
        );
    }

    #[test]
    fn a_message_has_no_stack() {
        let stack = "   0: std::backtrace::Backtrace::create\n             at ./a.rs:1\n   1: main";
        let nested = DataFusionError::Execution(format!("no luck\n\nbacktrace: {stack}"));
        for error in [
            DataFusionError::External(format!("no luck\n{stack}").into()),
            DataFusionError::External(format!("no luck\n\nbacktrace: {stack}\nmore").into()),
            DataFusionError::External(Box::new(nested)),
        ] {
            assert_eq!(message(&error), "no luck");
        }
    }

    #[test]
    fn a_message_has_no_credentials() {
        let error = DataFusionError::Execution("can't open https://me:hush@host/a?sig=hush now".into());
        assert!(!message(&error).contains("hush"));
    }
}
