//! From the bytes of a text file to UTF-8: decompression, then decoding.
//!
//! [`read`] does it for small files in memory, [`open`] for any file in a stream. A file that can't be decoded gives an
//! [`Undecodable`] error, which sets the file aside; any other error is one of the disk or the network.

use std::{
    fmt,
    io::{self, Cursor, Read},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use encoding_rs::DecoderResult;
use tokio::runtime::Handle;

use super::files::SourceFile;

/// How the bytes of a text file become text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TextOptions {
    /// How files are compressed.
    pub compression: Compression,
    /// The encoding of the text in them.
    pub encoding: Encoding,
}

/// How files are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// As the extension of each says.
    #[default]
    Auto,
    /// Not at all.
    None,
    /// RFC 1952, any number of members.
    Gzip,
    /// Zstandard frames.
    Zstd,
    /// bzip2 streams.
    Bzip2,
    /// xz streams.
    Xz,
}

/// The encoding of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// UTF-8, or UTF-16 if a byte order mark says so.
    #[default]
    Auto,
    /// Each byte is the character of its number.
    Latin1,
    /// An encoding of the WHATWG standard.
    Named(&'static encoding_rs::Encoding),
}

impl TextOptions {
    /// Returns whether the bytes of a file of this name are other ones than those of its text. Of files that a byte order
    /// mark tells to be UTF-16 it is known only once they are open.
    pub(crate) fn is_encoded(&self, name: &str) -> bool {
        self.encoding != Encoding::Auto || self.compression.of(name) != Compression::None
    }

    /// For fingerprints and messages.
    #[must_use]
    pub fn describe(&self) -> String {
        format!("{:?} {:?}", self.compression, self.encoding).to_lowercase()
    }
}

impl Compression {
    /// The compression of this name.
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

    /// The name of a file without the extension of its compression, and the compression that it says.
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

    /// The compression of a file.
    fn of(self, name: &str) -> Self {
        if self == Self::Auto { Self::of_name(name).1 } else { self }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Auto | Self::None => "uncompressed",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
        }
    }

    /// The compression whose files begin so.
    fn of_bytes(bytes: &[u8]) -> Option<Self> {
        Some(match bytes {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, ..] => Self::Bzip2,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            _ => return None,
        })
    }
}

impl Encoding {
    /// The encoding of this name, in any case.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let label = name.to_ascii_lowercase();
        Some(match label.as_str() {
            "auto" | "utf-8" | "utf8" => Self::Auto,
            // The web reads these as windows-1252; elsewhere they are what they say.
            "latin-1" | "latin1" | "iso-8859-1" | "iso8859-1" | "iso_8859-1" => Self::Latin1,
            _ => Self::Named(encoding_rs::Encoding::for_label_no_replacement(label.as_bytes())?),
        })
    }
}

/// Why a file's bytes are no text, for people.
#[derive(Debug)]
struct Undecodable(String);

impl fmt::Display for Undecodable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Undecodable {}

fn undecodable(reason: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, Undecodable(reason))
}

/// Why a file can't be decoded, if that is what the error says.
pub(crate) fn reason(error: &io::Error) -> Option<&str> {
    error.get_ref()?.downcast_ref::<Undecodable>().map(|found| found.0.as_str())
}

/// What bytes that are no UTF-8 text seem to be.
pub(crate) fn not_text(bytes: &[u8]) -> String {
    const NOT_TEXT: &str = "this is not UTF-8 text";
    if let Some(compression) = Compression::of_bytes(bytes) {
        let name = compression.name();
        return format!("{NOT_TEXT}: it is compressed (set `compression: {name}`, or name the file by it)");
    }
    format!("{NOT_TEXT}: set `encoding`, such as `latin-1` or `windows-1252`")
}

/// What bytes of which every other one is NUL seem to be.
pub(crate) fn wide(bytes: &[u8]) -> Option<String> {
    let bytes = &bytes[..bytes.len().min(64)];
    let zeros = |odd: usize| bytes.iter().skip(odd).step_by(2).all(|byte| *byte == 0);
    let of = match (bytes.len() >= 4, zeros(0), zeros(1)) {
        (true, true, false) => "utf-16be",
        (true, false, true) => "utf-16le",
        _ => return None,
    };
    Some(format!("it looks like UTF-16 without a byte order mark: set `encoding: {of}`"))
}

/// A text file that is read in a stream.
pub(crate) struct Text<'a> {
    /// The beginning of the text, in UTF-8 unless the file is none.
    pub(crate) head: Vec<u8>,
    /// Returns whether the text is the file's very bytes, so that places in it are places in the file.
    pub(crate) is_direct: bool,
    rest: Box<dyn Read + 'a>,
}

impl<'a> Text<'a> {
    /// The whole text.
    pub(crate) fn reader(self) -> impl Read + 'a {
        Cursor::new(self.head).chain(self.rest)
    }
}

/// Opens a file as text, `head` bytes of which are read at once.
pub(crate) fn open<'a>(
    file: &'a SourceFile,
    options: TextOptions,
    head: usize,
    runtime: &'a Handle,
) -> io::Result<Text<'a>> {
    let bytes = file.open(runtime)?;
    let compression = options.compression.of(&file.name);
    let bytes = decompressed(bytes, compression)?;
    let (encoding, mut bytes) = encoded(bytes, options.encoding)?;
    let is_direct = encoding.is_none() && compression == Compression::None;
    if let Some(encoding) = encoding {
        bytes = Box::new(Decoding::new(bytes, encoding));
    }
    let mut text = Vec::new();
    match (&mut bytes).take(head as u64).read_to_end(&mut text) {
        Ok(_) => {}
        // Whoever reads on learns of it where it happens.
        Err(error) if reason(&error).is_some() => bytes = Box::new(Failed(Some(error))),
        Err(error) => return Err(error),
    }
    Ok(Text { head: text, is_direct, rest: bytes })
}

/// Reads a whole file as text, unless it is longer than `limit` once it is decoded; then returns false.
pub(crate) fn read(
    file: &SourceFile,
    options: TextOptions,
    limit: u64,
    into: &mut Vec<u8>,
    runtime: &Handle,
) -> io::Result<bool> {
    file.read(into, runtime)?;
    let compression = options.compression.of(&file.name);
    if compression == Compression::None && options.encoding == Encoding::Auto && mark(into).is_none() {
        return Ok(true);
    }
    let bytes = std::mem::take(into);
    let (encoding, mut bytes) = encoded(decompressed(&bytes[..], compression)?, options.encoding)?;
    if let Some(encoding) = encoding {
        bytes = Box::new(Decoding::new(bytes, encoding));
    }
    let read = bytes.take(limit + 1).read_to_end(into)?;
    Ok(read as u64 <= limit)
}

/// The encoding that a byte order mark says, unless it is UTF-8's.
fn mark(bytes: &[u8]) -> Option<&'static encoding_rs::Encoding> {
    match bytes {
        [0xff, 0xfe, ..] => Some(encoding_rs::UTF_16LE),
        [0xfe, 0xff, ..] => Some(encoding_rs::UTF_16BE),
        _ => None,
    }
}

/// The same bytes, and the encoding they are decoded from; none if they are UTF-8.
fn encoded<'a>(
    mut bytes: Box<dyn Read + 'a>,
    encoding: Encoding,
) -> io::Result<(Option<Encoding>, Box<dyn Read + 'a>)> {
    if encoding == Encoding::Latin1 {
        return Ok((Some(encoding), bytes));
    }
    let mut head = Vec::new();
    (&mut bytes).take(2).read_to_end(&mut head)?;
    // A mark wins over either byte order that is declared.
    let found = match (mark(&head), encoding) {
        (Some(found), Encoding::Auto) => Some(Encoding::Named(found)),
        (Some(found), Encoding::Named(declared))
            if declared == encoding_rs::UTF_16LE || declared == encoding_rs::UTF_16BE =>
        {
            Some(Encoding::Named(found))
        }
        (_, Encoding::Named(declared)) => Some(Encoding::Named(declared)),
        (None, _) | (Some(_), Encoding::Latin1) => None,
    };
    Ok((found, Box::new(Cursor::new(head).chain(bytes))))
}

/// The bytes that compressed ones stand for.
fn decompressed<'a>(bytes: impl Read + 'a, compression: Compression) -> io::Result<Box<dyn Read + 'a>> {
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

/// Compressed bytes: remembers whether reading them failed, so that the decompressor's own errors can be told apart.
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
            // An empty file is the empty text to some decompressors; it is no compressed file.
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

/// Fails once.
struct Failed(Option<io::Error>);

impl Read for Failed {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// How much is decoded at once.
const BLOCK: usize = 1 << 16;

/// Text in some encoding, as UTF-8.
struct Decoding<R> {
    bytes: R,
    /// None for Latin-1, and at the end of any other text.
    decoder: Option<encoding_rs::Decoder>,
    input: Vec<u8>,
    /// What of the input is not decoded yet.
    pending: std::ops::Range<usize>,
    ended: bool,
    output: Cursor<Vec<u8>>,
}

impl<R: Read> Decoding<R> {
    fn new(bytes: R, encoding: Encoding) -> Self {
        let decoder = match encoding {
            Encoding::Named(encoding) => Some(encoding.new_decoder_with_bom_removal()),
            Encoding::Auto | Encoding::Latin1 => None,
        };
        Self { bytes, decoder, input: vec![0; BLOCK], pending: 0..0, ended: false, output: Cursor::default() }
    }

    /// Decodes some more; false at the end of the text.
    fn fill(&mut self) -> io::Result<bool> {
        if self.pending.is_empty() && !self.ended {
            let read = self.bytes.read(&mut self.input)?;
            self.pending = 0..read;
            self.ended = read == 0;
        } else if self.ended && self.decoder.is_none() {
            return Ok(false);
        }
        let input = &self.input[self.pending.clone()];
        let output = self.output.get_mut();
        let Some(decoder) = &mut self.decoder else {
            output.clear();
            output.extend_from_slice(encoding_rs::mem::decode_latin1(input).as_bytes());
            self.output.set_position(0);
            self.pending = 0..0;
            return Ok(!self.ended);
        };
        output.resize(BLOCK, 0);
        let (result, read, written) = decoder.decode_to_utf8_without_replacement(input, output, self.ended);
        output.truncate(written);
        self.output.set_position(0);
        self.pending.start += read;
        match result {
            DecoderResult::InputEmpty if self.ended => {
                self.decoder = None;
                Ok(written > 0)
            }
            DecoderResult::InputEmpty | DecoderResult::OutputFull => Ok(true),
            DecoderResult::Malformed(..) => {
                Err(undecodable(format!("this is not {} text", decoder.encoding().name())))
            }
        }
    }
}

impl<R: Read> Read for Decoding<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.output.read(into)?;
            if read > 0 || into.is_empty() || !self.fill()? {
                return Ok(read);
            }
        }
    }
}
