//! Decoding: converts the bytes of a text file to UTF-8, by decompression and then decoding.
//!
//! [`read`] decodes small files in memory, [`open()`] streams files of any size. A file that can't be decoded
//! gives an `Undecodable` error, which rejects the file; all other errors come from the disk or the
//! network.

mod compression;

use std::io::{self, Cursor, Read};

use encoding_rs::DecoderResult;
use tokio::runtime::Handle;

pub use self::compression::Compression;
use self::compression::decompressed;
use super::{
    file::SourceFile,
    undecodable::{reason, undecodable},
};

/// The compression and encoding of text files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TextOptions {
    /// The compression of the files.
    pub compression: Compression,
    /// The encoding of their text.
    pub encoding: Encoding,
}

/// A text encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// UTF-8, or UTF-16 if there is a byte order mark.
    #[default]
    Auto,
    /// Each byte is the Unicode character with its number.
    Latin1,
    /// An encoding from the WHATWG standard.
    Named(&'static encoding_rs::Encoding),
}

impl TextOptions {
    /// Returns whether the bytes of a file with this name differ from those of its text. For UTF-16 with a
    /// byte order mark, this is known only after opening the file, so it returns false.
    pub(crate) fn is_encoded(&self, name: &str) -> bool {
        self.encoding != Encoding::Auto || self.compression.of(name) != Compression::None
    }

    /// Returns a description for fingerprints and messages.
    #[must_use]
    pub fn describe(&self) -> String {
        format!("{:?} {:?}", self.compression, self.encoding).to_lowercase()
    }
}

impl Encoding {
    /// Returns the encoding with this name, ignoring case.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let label = name.to_ascii_lowercase();
        Some(match label.as_str() {
            // ASCII is a subset of UTF-8.
            "auto" | "utf-8" | "utf8" | "ascii" | "us-ascii" | "ansi_x3.4-1968" => Self::Auto,
            // The WHATWG standard maps these to windows-1252; elsewhere they mean Latin-1.
            "latin-1" | "latin1" | "iso-8859-1" | "iso8859-1" | "iso_8859-1" | "iso88591"
            | "iso_8859-1:1987" | "iso-ir-100" | "csisolatin1" | "l1" | "cp819" | "ibm819" => Self::Latin1,
            _ => Self::Named(encoding_rs::Encoding::for_label_no_replacement(label.as_bytes())?),
        })
    }
}

/// Returns a message that guesses the format of bytes that aren't UTF-8 text.
pub(crate) fn not_text(bytes: &[u8]) -> String {
    const NOT_TEXT: &str = "this is not UTF-8 text";
    if let Some(wide) = wide(bytes) {
        return format!("{NOT_TEXT}: {wide}");
    }
    if let Some(compression) = Compression::of_bytes(bytes) {
        let name = compression.name();
        return format!("{NOT_TEXT}: it is compressed (set `compression: {name}`, or name the file by it)");
    }
    format!("{NOT_TEXT}: set `encoding`, such as `latin-1` or `windows-1252`")
}

/// Recognizes UTF-16 without a byte order mark: many bytes are NUL in either odd or even positions, and none
/// in the others.
pub(crate) fn wide(bytes: &[u8]) -> Option<String> {
    // Even non-Latin text has digits, delimiters and line ends.
    const SHARE: usize = 4;
    let bytes = &bytes[..bytes.len().min(4096)];
    let zeros = |odd: usize| bytes.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    let are_many = |zeros: usize| zeros > 2 && zeros * 2 * SHARE >= bytes.len();
    let of = match (zeros(0), zeros(1)) {
        (even, 0) if are_many(even) => "utf-16be",
        (0, odd) if are_many(odd) => "utf-16le",
        _ => return None,
    };
    Some(format!("it looks like UTF-16 without a byte order mark: set `encoding: {of}`"))
}

/// A text file that is read as a stream.
pub(crate) struct Text<'a> {
    /// The beginning of the text, in UTF-8 unless the file isn't text.
    pub(crate) head: Vec<u8>,
    /// True if the text consists of the file's own bytes, so that offsets in both are the same.
    pub(crate) is_direct: bool,
    rest: Box<dyn Read + 'a>,
}

impl<'a> Text<'a> {
    /// Returns a reader of the whole text.
    pub(crate) fn reader(self) -> impl Read + 'a {
        Cursor::new(self.head).chain(self.rest)
    }
}

/// Opens a file as text, and reads the first `head` bytes.
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
        // Report the error to the reader when it gets there.
        Err(error) if reason(&error).is_some() => bytes = Box::new(Failed(Some(error))),
        Err(error) => return Err(error),
    }
    Ok(Text { head: text, is_direct, rest: bytes })
}

/// Reads a whole file as text. Returns false if its decoded text is longer than `limit`.
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

/// Returns the encoding of a byte order mark, unless it is UTF-8.
fn mark(bytes: &[u8]) -> Option<&'static encoding_rs::Encoding> {
    match bytes {
        [0xff, 0xfe, ..] => Some(encoding_rs::UTF_16LE),
        [0xfe, 0xff, ..] => Some(encoding_rs::UTF_16BE),
        _ => None,
    }
}

/// Returns the same bytes with their encoding, or `None` if they are UTF-8.
fn encoded<'a>(
    mut bytes: Box<dyn Read + 'a>,
    encoding: Encoding,
) -> io::Result<(Option<Encoding>, Box<dyn Read + 'a>)> {
    if encoding == Encoding::Latin1 {
        return Ok((Some(encoding), bytes));
    }
    let mut head = Vec::new();
    (&mut bytes).take(2).read_to_end(&mut head)?;
    // A byte order mark overrides the declared byte order.
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

/// A reader that fails once.
struct Failed(Option<io::Error>);

impl Read for Failed {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// The number of bytes that are decoded at once.
const BLOCK: usize = 1 << 16;

/// A reader that decodes text to UTF-8.
struct Decoding<R> {
    bytes: R,
    /// `None` for Latin-1, and after the end of any other text.
    decoder: Option<encoding_rs::Decoder>,
    input: Vec<u8>,
    /// The range of input that isn't decoded yet.
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

    /// Decodes the next block; false at the end of the text.
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
