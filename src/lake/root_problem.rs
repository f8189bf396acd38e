//! The reasons why a lake's root is unusable.

use std::path::PathBuf;

use deltalake::DeltaTableError;
use url::ParseError;

/// The reason why a lake's root is unusable.
#[derive(Debug, thiserror::Error)]
pub enum RootProblem {
    /// No root is configured.
    #[error("it is empty")]
    Empty,
    /// The URL contains credentials.
    #[error(
        "everyone who reads the lake's documentation and logs sees its address; give passwords, tokens and \
         signatures as `storage_options`"
    )]
    Credentials,
    /// The URL is invalid.
    #[error("{0}")]
    Url(#[source] ParseError),
    /// The path isn't absolute.
    #[error("{} is not an absolute path", .0.display())]
    Relative(PathBuf),
    /// The `file:` URL isn't a path of this system.
    #[error("it isn't a valid path on this machine")]
    NotLocal,
    /// The path has a control character, such as a tab or a line end.
    #[error(
        "its path has the character {0:?}, which paths of Delta tables can't have: rename the folder, or choose another"
    )]
    Control(char),
    /// The path isn't UTF-8.
    #[error("{} is not UTF-8", .0.display())]
    NotUtf8(PathBuf),
    /// The URL's scheme is unknown.
    #[error("{0}: isn't a supported kind of store")]
    UnknownStore(String),
    /// This build was compiled without support for the store.
    #[error("this build has no support for {scheme}:; build with `--features {feature}`")]
    MissingFeature {
        /// The URL's scheme.
        scheme: String,
        /// The feature that supports it.
        feature: &'static str,
    },
    /// The store's options are invalid, or it can't be connected to.
    #[error("{0}")]
    Store(#[source] Box<DeltaTableError>),
    /// The store commits in a way that isn't supported.
    #[error("its commits go through {0}, which is not supported")]
    LogStore(String),
    /// The root is a file.
    #[error("it is a file, not a folder")]
    File,
    /// The root, or a folder above it, is something else than a folder.
    #[error("{} is {kind}, not a folder; set `root` to a folder, which is created if it doesn't exist", path.display())]
    NoFolder {
        path: PathBuf,
        /// Its kind, with an article.
        kind: &'static str,
    },
    /// The root, or a folder above it, is a broken link: which one, why, and the fix.
    #[error("{0}")]
    Link(Box<str>),
    /// The location of an external table has no schema folder.
    #[error("a Delta table lies at least two folders deep")]
    TooShallow,
}
