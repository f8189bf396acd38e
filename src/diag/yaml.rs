//! The YAML parser's errors in words for users.

use serde_saphyr::{DefaultMessageFormatter, Error, budget::BudgetBreach};

/// Returns the message of a YAML error, without its position.
#[must_use]
pub fn message(error: &Error) -> String {
    let error = error.without_snippet();
    match error {
        Error::Budget { breach, .. } => exceeded(breach),
        error => serde_saphyr::MessageFormatter::format_message(&DefaultMessageFormatter, error).into_owned(),
    }
}

/// Says which limit a document exceeds.
fn exceeded(breach: &BudgetBreach) -> String {
    match breach {
        BudgetBreach::Depth { depth } => {
            format!("lists and mappings may be nested {} levels deep", depth - 1)
        }
        BudgetBreach::Nodes { nodes } => format!("a document may have {} values", nodes - 1),
        BudgetBreach::Events { events } => format!("a document may have {} values", events / 2),
        BudgetBreach::Aliases { .. }
        | BudgetBreach::Anchors { .. }
        | BudgetBreach::AliasAnchorRatio { .. }
        | BudgetBreach::RecordedAnchorEvents { .. } => "aliases (`*name`) repeat too much".to_owned(),
        BudgetBreach::MergeKeys { .. } => "too many mappings are merged (`<<`)".to_owned(),
        _ => "the document is too large".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        message(&serde_saphyr::from_str::<serde_json::Value>(text).unwrap_err())
    }

    #[test]
    fn limits_are_told_in_words() {
        let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
        assert!(refused(&deep).starts_with("lists and mappings may be nested "), "{}", refused(&deep));
        let long = format!("[{}]", "1,".repeat(300_000));
        assert_eq!(refused(&long), "a document may have 250000 values");
        for text in [deep, long, "a: [".into(), "a: &a [1]\nb: *c".into()] {
            assert!(!refused(&text).contains('{'), "{}", refused(&text));
        }
    }
}
