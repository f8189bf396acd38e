//! Size thresholds for reading files.

/// The sizes of files and reads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReadSizes {
    /// Files up to this many bytes are read as a whole, in one pass.
    pub(crate) whole: u64,
    /// Larger files are decoded in chunks of about this many bytes.
    pub(crate) chunk: u64,
    /// The number of bytes that the first pass over a larger file reads at once.
    pub(crate) window: usize,
    /// The maximum size of a row in a larger file, in bytes; the window may grow to this size.
    pub(crate) row: usize,
}

impl Default for ReadSizes {
    fn default() -> Self {
        Self { whole: 8 << 20, chunk: 4 << 20, window: 1 << 20, row: 64 << 20 }
    }
}
