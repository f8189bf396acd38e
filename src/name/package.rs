//! Names in packages: the project itself is a package, and so is each project that it installs.

use std::{fmt, sync::Arc};

/// A name in a package, by which nodes refer to others and templates call macros.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackageName {
    pub package: Arc<str>,
    /// The name, unique in the package.
    pub name: String,
}

impl PackageName {
    /// Creates a name from its two parts.
    pub fn new(package: &Arc<str>, name: impl Into<String>) -> Self {
        Self { package: Arc::clone(package), name: name.into() }
    }
}

/// Shows `package.name`.
impl fmt::Display for PackageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.package, self.name)
    }
}
