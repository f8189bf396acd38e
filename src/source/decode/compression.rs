//! Compressed files: detects the compression, and decompresses.

use std::{
    io::{self, Read},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::source::undecodable::undecodable;

/// The compression of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// Chosen by each file's extension.
    #[default]
    Auto,
    /// Uncompressed.
    None,
    /// gzip (RFC 1952), with any number of members.
    Gzip,
    /// Zstandard frames.
    Zstd,
    /// bzip2 streams.
    Bzip2,
    /// xz streams.
    Xz,
}

impl Compression {
    /// Returns the compression with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "auto" => Self::Auto,
            "none" => Self::None,
            "gzip" => Self::Gzip,
            "zstd" => Self::Zstd,
            "bzip2" => Self::Bzip2,
            "xz" => Self::Xz,
            _ => return None,
        })
    }

    /// Returns a file's name without its compression extension, and the compression that the extension means.
    pub(crate) fn of_name(name: &str) -> (&str, Self) {
        let extension = Path::new(name).extension().and_then(|extension| extension.to_str());
        let of = match extension.unwrap_or_default().to_ascii_lowercase().as_str() {
            "gz" | "gzip" => Self::Gzip,
            "zst" | "zstd" => Self::Zstd,
            "bz2" => Self::Bzip2,
            "xz" => Self::Xz,
            _ => return (name, Self::None),
        };
        (&name[..name.len() - extension.map_or(0, |extension| extension.len() + 1)], of)
    }

    /// Returns the compression of a file.
    pub(super) fn of(self, name: &str) -> Self {
        if self == Self::Auto { Self::of_name(name).1 } else { self }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Auto | Self::None => "uncompressed",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
        }
    }

    /// Detects the compression from a file's first bytes.
    pub(super) fn of_bytes(bytes: &[u8]) -> Option<Self> {
        Some(match bytes {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, ..] => Self::Bzip2,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            _ => return None,
        })
    }
}

/// Decompresses a stream.
pub(super) fn decompressed<'a>(
    bytes: impl Read + 'a,
    compression: Compression,
) -> io::Result<Box<dyn Read + 'a>> {
    if matches!(compression, Compression::Auto | Compression::None) {
        return Ok(Box::new(bytes));
    }
    let failed = Arc::new(AtomicBool::new(false));
    let bytes = Watched { bytes, failed: Arc::clone(&failed), begun: false };
    let inside: Box<dyn Read + 'a> = match compression {
        Compression::Auto | Compression::None | Compression::Gzip => {
            Box::new(flate2::read::MultiGzDecoder::new(bytes))
        }
        Compression::Zstd => Box::new(zstd::stream::read::Decoder::new(bytes)?),
        Compression::Bzip2 => Box::new(bzip2::read::MultiBzDecoder::new(bytes)),
        Compression::Xz => Box::new(liblzma::read::XzDecoder::new_multi_decoder(bytes)),
    };
    Ok(Box::new(Decompressing { inside, compression, failed, read: false }))
}

/// A compressed stream that remembers whether reading failed, to tell I/O errors from the decompressor's own.
struct Watched<R> {
    bytes: R,
    failed: Arc<AtomicBool>,
    begun: bool,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.read(into);
        self.failed.store(read.is_err(), Ordering::Relaxed);
        if let Ok(read) = read {
            // Some decompressors turn an empty file into empty text, but it isn't a valid compressed file.
            if read == 0 && !self.begun && !into.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.begun = true;
        }
        read
    }
}

struct Decompressing<'a> {
    inside: Box<dyn Read + 'a>,
    compression: Compression,
    failed: Arc<AtomicBool>,
    read: bool,
}

impl Read for Decompressing<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.inside.read(into) {
            Ok(read) => {
                self.read |= read > 0;
                Ok(read)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) if self.failed.load(Ordering::Relaxed) => Err(error),
            Err(error) => {
                let name = self.compression.name();
                Err(undecodable(match (error.kind(), self.read) {
                    (io::ErrorKind::UnexpectedEof, true) => format!("the {name} data ends too early"),
                    (_, true) => format!("the {name} data is corrupt"),
                    (_, false) => format!("this is not {name} data, or it is corrupt from the start"),
                }))
            }
        }
    }
}
