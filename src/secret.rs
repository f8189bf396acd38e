//! Secrets: values that only the code that needs them can see, and addresses that contain credentials.
//!
//! A [`Secret`] has no `Display` and can't be serialised, so Headwater's own code can't put one into an
//! output, and an address with credentials is rejected where it is declared. Other libraries quote what they
//! were given in their errors: so all text that leaves the process also passes [`scrubbed`] or a [`Scrubbed`]
//! writer.
//!
//! - `address`: finds passwords, tokens and signatures in addresses
//! - `scrub`: replaces the values that are known to be secret

mod address;
mod scrub;

use std::fmt;

pub use self::{
    address::{concealed, concealed_source, has_credentials, hide_credentials},
    scrub::{Scrubbed, hide, scrubbed, scrubbed_artifact},
};

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_told() {
        assert_eq!(format!("{:?}", Some(Secret::new("hush".to_owned()))), "Some(Secret(…))");
    }
}
