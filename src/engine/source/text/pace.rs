//! The sizes that decide how files are read.

/// How much is read at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Files up to this many bytes are read whole, in one pass.
    pub(crate) whole: u64,
    /// Bigger ones are decoded in chunks of about this many bytes.
    pub(crate) chunk: u64,
    /// How many bytes of a bigger file the first pass asks for at once.
    pub(crate) window: usize,
    /// The longest row, in bytes, of a bigger file: what the window may grow to.
    pub(crate) row: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self { whole: 8 << 20, chunk: 4 << 20, window: 1 << 20, row: 64 << 20 }
    }
}
