//! Secrets: values that only the code that needs them can see, and addresses that contain credentials.
//!
//! There is no list of outputs to keep clean. A [`Secret`] has no `Display` and can't be serialised, so no
//! output can contain one, and an address with credentials is rejected where it is declared.

use std::{fmt, sync::LazyLock};

use regex::{Captures, Regex};

/// A value that can be used but not shown: it has no `Display`, can't be serialised, and its `Debug` hides
/// it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value.
    #[must_use]
    pub fn new(value: String) -> Self {
        Self(value)
    }

    /// Returns the value, for code that needs it to open something.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

/// Matches `scheme://user:password@`, `https://token@` (with or without slashes) and `scheme://…?name=value`.
/// The group `secret` is the part to hide.
static CREDENTIALS: LazyLock<[Regex; 3]> = LazyLock::new(|| {
    [
        r#"(?<before>[A-Za-z][\w+.-]*://)(?<secret>[^\s/?#'"@]*:[^\s/?#'"]*)(?<after>@)"#,
        r#"(?<before>https?:/*)(?<secret>[^\s/?#'"@]+)(?<after>@)"#,
        r#"(?<before>[A-Za-z][\w+.-]*://[^\s?#'"]*\?)(?<secret>[^\s?#'"=]+=[^\s'"]*)(?<after>)"#,
    ]
    .map(|pattern| Regex::new(pattern).expect("a constant pattern"))
});

/// Returns whether an address contains a password, a token or a signature.
#[must_use]
pub fn has_credentials(address: &str) -> bool {
    CREDENTIALS.iter().any(|pattern| pattern.is_match(address))
}

/// Replaces each byte of the passwords, tokens and signatures in a text's addresses with `*`.
#[must_use]
pub fn concealed(text: &str) -> String {
    let mut text = text.to_owned();
    for pattern in CREDENTIALS.iter() {
        if pattern.is_match(&text) {
            let hide = |found: &Captures<'_>| {
                format!("{}{}{}", &found["before"], stars(&found["secret"]), &found["after"])
            };
            text = pattern.replace_all(&text, hide).into_owned();
        }
    }
    text
}

/// Keeps the number of bytes, so that positions in the text stay valid.
fn stars(secret: &str) -> String {
    "*".repeat(secret.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_told() {
        assert_eq!(format!("{:?}", Some(Secret::new("hush".to_owned()))), "Some(Secret(…))");
    }

    #[test]
    fn passwords_tokens_and_signatures_are_credentials() {
        for address in [
            "https://me:hush@host/a.csv",
            "https://hush@host/a.csv",
            "https:me:hush@host/a.csv",
            "https://host/a.csv?sig=hush&se=1",
            "s3://bucket/a?X-Amz-Signature=hush",
        ] {
            assert!(has_credentials(address), "{address}");
            let shown = concealed(&format!("can't read '{address}' now"));
            assert!(
                !shown.contains("hush") && shown.len() == address.len() + "can't read '' now".len(),
                "{shown}"
            );
        }
    }

    #[test]
    fn places_are_none() {
        for address in [
            "data/a?.csv",
            "s3://bucket/a?.csv",
            "abfss://container@account/t",
            "file:///a@b/c",
            "a:b@c",
            "https://host/a",
        ] {
            assert!(!has_credentials(address), "{address}");
            assert_eq!(concealed(address), address);
        }
    }
}
