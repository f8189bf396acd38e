//! Integrity checks of Avro files: each block must have its declared length, end with the file's sync marker
//! and hold the declared number of values.
//!
//! DataFusion's reader stops silently at a truncated block, doesn't compare sync markers, and never returns
//! from a block with more bytes than values (apache/arrow-rs#10495). So each file is checked before it is
//! read. Delete the marker comparison once `arrow-avro` makes it, and the rest once it has those checks, too.

use std::{
    borrow::Cow,
    io::{self, BufRead, BufReader, Read},
};

use serde_json::Value;
use tokio::runtime::Handle;

use super::{
    MAGIC, SCHEMA,
    values::{AvroValues, long},
};
use crate::source::file::SourceFile;

/// The key of the header entry that holds the blocks' codec.
pub(super) const CODEC: &[u8] = b"avro.codec";

/// The length of a sync marker, in bytes.
const MARKER: u64 = 16;

/// The read buffer's size, in bytes.
const BUFFER: usize = 1 << 18;

/// The first damage in a file: its position and cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Break {
    pub(in super::super) offset: u64,
    pub(in super::super) reason: String,
}

enum AvroStop {
    Failed(io::Error),
    Broken(Break),
}

impl From<io::Error> for AvroStop {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

/// Reads a file to its end. Returns its row count, or the first damage.
///
/// # Errors
/// If the file can't be read.
pub(in super::super) fn check(file: &SourceFile, runtime: &Handle) -> io::Result<Result<u64, Break>> {
    walked(file.open(runtime)?)
}

fn walked(bytes: impl Read) -> io::Result<Result<u64, Break>> {
    let mut walk = AvroWalk { bytes: BufReader::with_capacity(BUFFER, bytes), at: 0 };
    match walk.file() {
        Ok(rows) => Ok(Ok(rows)),
        Err(AvroStop::Broken(found)) => Ok(Err(found)),
        Err(AvroStop::Failed(error)) => Err(error),
    }
}

struct AvroWalk<R> {
    bytes: BufReader<R>,
    at: u64,
}

/// The parsed header.
struct AvroHeader {
    /// `None` if the schema has a construct that isn't supported here.
    values: Option<AvroValues>,
    codec: Codec,
    marker: Vec<u8>,
}

impl<R: Read> AvroWalk<R> {
    fn file(&mut self) -> Result<u64, AvroStop> {
        let header = self.header()?;
        let mut rows = 0_u64;
        let (mut data, mut marker) = (Vec::new(), Vec::new());
        while !self.bytes.fill_buf()?.is_empty() {
            let start = self.at;
            let broken = |reason: String| AvroStop::Broken(Break { offset: start, reason });
            let (count, size) = (self.long()?, self.long()?);
            let (Ok(count), Ok(size)) = (u64::try_from(count), u64::try_from(size)) else {
                return Err(broken("a block has a negative size".to_owned()));
            };
            self.take(size, &mut data)?;
            self.take(MARKER, &mut marker)?;
            if marker != header.marker {
                return Err(broken("a block doesn't end with the file's sync marker".to_owned()));
            }
            let inside = header.codec.decompressed(&data).map_err(|error| {
                broken(format!("a block can't be decompressed as {}: {error}", header.codec.name()))
            })?;
            let whole = |values: &AvroValues| values.skip(count, &inside).is_some_and(<[u8]>::is_empty);
            if !header.values.as_ref().is_none_or(whole) {
                return Err(broken(format!("a block doesn't hold the {count} rows that it should")));
            }
            rows = rows.saturating_add(count);
        }
        Ok(rows)
    }

    fn header(&mut self) -> Result<AvroHeader, AvroStop> {
        let mut held = Vec::new();
        let broken = |reason: &str| AvroStop::Broken(Break { offset: 0, reason: reason.to_owned() });
        if self.bytes.fill_buf()?.is_empty() {
            return Err(broken("the file is empty"));
        }
        self.take(MAGIC.len() as u64, &mut held)?;
        if held != MAGIC {
            return Err(broken("it doesn't begin as Avro files do"));
        }
        let (mut schema, mut codec) = (None, Codec::Null);
        loop {
            let mut entries = self.long()?;
            if entries < 0 {
                // After a negative count comes the block's size in bytes.
                self.long()?;
                entries = entries.saturating_neg();
            }
            if entries == 0 {
                break;
            }
            for _ in 0..entries {
                let (mut name, mut value) = (Vec::new(), Vec::new());
                self.bytes(&mut name)?;
                self.bytes(&mut value)?;
                if name == SCHEMA {
                    schema = serde_json::from_slice::<Value>(&value).ok();
                } else if name == CODEC {
                    codec = Codec::named(&value).ok_or_else(|| {
                        let name = String::from_utf8_lossy(&value);
                        broken(&format!("its blocks are compressed as `{name}`, which isn't known"))
                    })?;
                }
            }
        }
        let mut marker = Vec::new();
        self.take(MARKER, &mut marker)?;
        Ok(AvroHeader { values: schema.as_ref().and_then(AvroValues::of), codec, marker })
    }

    /// Reads exactly `length` bytes.
    fn take(&mut self, length: u64, into: &mut Vec<u8>) -> Result<(), AvroStop> {
        into.clear();
        // Memory grows with the bytes actually read, whatever length the file declares.
        let read = (&mut self.bytes).take(length).read_to_end(into)? as u64;
        self.at += read;
        if read < length { Err(self.cut()) } else { Ok(()) }
    }

    fn bytes(&mut self, into: &mut Vec<u8>) -> Result<(), AvroStop> {
        let at = self.at;
        let length = u64::try_from(self.long()?).map_err(|_| {
            AvroStop::Broken(Break { offset: at, reason: "its header has a negative length".to_owned() })
        })?;
        self.take(length, into)
    }

    fn long(&mut self) -> Result<i64, AvroStop> {
        let (at, mut digits) = (self.at, Vec::new());
        loop {
            let mut byte = [0];
            if self.bytes.read(&mut byte)? == 0 {
                return Err(self.cut());
            }
            self.at += 1;
            digits.extend(byte);
            if byte[0] & 0x80 == 0 {
                break;
            }
            if digits.len() > 9 {
                return Err(AvroStop::Broken(Break { offset: at, reason: "a number has no end".to_owned() }));
            }
        }
        long(&mut digits.as_slice()).ok_or_else(|| self.cut())
    }

    fn cut(&self) -> AvroStop {
        AvroStop::Broken(Break { offset: self.at, reason: "the file ends too early".to_owned() })
    }
}

/// The codec of the blocks.
#[derive(Debug, Clone, Copy)]
enum Codec {
    Null,
    Deflate,
    Snappy,
    Zstandard,
    Bzip2,
    Xz,
}

impl Codec {
    fn named(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"null" => Self::Null,
            b"deflate" => Self::Deflate,
            b"snappy" => Self::Snappy,
            b"zstandard" => Self::Zstandard,
            b"bzip2" => Self::Bzip2,
            b"xz" => Self::Xz,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Deflate => "deflate",
            Self::Snappy => "snappy",
            Self::Zstandard => "zstandard",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
        }
    }

    fn decompressed(self, data: &[u8]) -> io::Result<Cow<'_, [u8]>> {
        let mut inside = Vec::new();
        match self {
            Self::Null => return Ok(Cow::Borrowed(data)),
            Self::Deflate => {
                flate2::read::DeflateDecoder::new(data).read_to_end(&mut inside)?;
            }
            Self::Snappy => return snappy(data).map(Cow::Owned),
            Self::Zstandard => {
                zstd::stream::read::Decoder::new(data)?.read_to_end(&mut inside)?;
            }
            Self::Bzip2 => {
                bzip2::read::MultiBzDecoder::new(data).read_to_end(&mut inside)?;
            }
            Self::Xz => {
                liblzma::read::XzDecoder::new_multi_decoder(data).read_to_end(&mut inside)?;
            }
        }
        Ok(Cow::Owned(inside))
    }
}

/// Decompresses Avro's variant of Snappy, in which a checksum of the uncompressed data follows.
fn snappy(data: &[u8]) -> io::Result<Vec<u8>> {
    let wrong = |reason: &str| io::Error::new(io::ErrorKind::InvalidData, reason.to_owned());
    let (data, checksum) = data.split_last_chunk::<4>().ok_or_else(|| wrong("it has no checksum"))?;
    let inside = snap::raw::Decoder::new().decompress_vec(data).map_err(io::Error::from)?;
    let mut own = flate2::Crc::new();
    own.update(&inside);
    if own.sum() == u32::from_be_bytes(*checksum) { Ok(inside) } else { Err(wrong("its checksum differs")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::columnar::avro::testing::{deflate, file};

    fn files() -> Vec<(&'static str, Vec<u8>, Vec<usize>)> {
        let snappy = |data: &[u8]| {
            let mut crc = flate2::Crc::new();
            crc.update(data);
            let inside = snap::raw::Encoder::new().compress_vec(data).unwrap();
            [inside, crc.sum().to_be_bytes().to_vec()].concat()
        };
        let bzip2 = |data: &[u8]| {
            let mut bytes = Vec::new();
            bzip2::read::BzEncoder::new(data, bzip2::Compression::fast()).read_to_end(&mut bytes).unwrap();
            bytes
        };
        let xz = |data: &[u8]| {
            let mut bytes = Vec::new();
            liblzma::read::XzEncoder::new(data, 1).read_to_end(&mut bytes).unwrap();
            bytes
        };
        let all = [
            ("null", file("null", <[u8]>::to_vec)),
            ("deflate", file("deflate", deflate)),
            ("snappy", file("snappy", snappy)),
            ("zstandard", file("zstandard", |data| zstd::encode_all(data, 1).unwrap())),
            ("bzip2", file("bzip2", bzip2)),
            ("xz", file("xz", xz)),
        ];
        all.into_iter().map(|(name, (file, ends))| (name, file, ends)).collect()
    }

    #[test]
    fn every_cut_is_noticed_but_those_between_blocks() {
        for (codec, file, ends) in files() {
            assert_eq!(walked(file.as_slice()).unwrap(), Ok(60), "{codec}");
            for cut in 0..file.len() {
                let found = walked(&file[..cut]).unwrap();
                match ends.iter().position(|end| *end == cut) {
                    Some(blocks) => assert_eq!(found, Ok(20 * blocks as u64), "{codec} at {cut}"),
                    None => assert!(found.is_err(), "{codec} at {cut}"),
                }
            }
        }
    }

    #[test]
    fn bytes_that_differ_are_noticed_where_anything_tells() {
        for (codec, file, ends) in files() {
            let mut silent = 0;
            for at in 0..file.len() {
                let mut other = file.clone();
                other[at] ^= 0x10;
                let found = walked(other.as_slice()).unwrap();
                let is_marker = ends.iter().any(|end| (end - 16..*end).contains(&at));
                assert!(!is_marker || found.is_err(), "{codec} at {at}: {found:?}");
                silent += usize::from(at > ends[0] && found.is_ok());
            }
            // Without a checksum, damage to the values themselves can go unnoticed.
            assert!(codec != "snappy" || silent == 0, "{silent}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let (mut file, ends) = file("deflate", deflate);
        let said = |file: &[u8]| {
            let Break { offset, reason } = walked(file).unwrap().unwrap_err();
            format!("{reason} at {offset}")
        };
        assert_eq!(said(&[]), "the file is empty at 0");
        assert_eq!(said(b"PAR1"), "it doesn't begin as Avro files do at 0");
        assert_eq!(said(&file[..ends[1] + 9]), format!("the file ends too early at {}", ends[1] + 9));
        file[ends[2] - 1] = 0;
        let marker = format!("a block doesn't end with the file's sync marker at {}", ends[1]);
        assert_eq!(said(&file), marker);
        file[ends[2] - 1] = 9;
        // A count that is too small: DataFusion's reader would never return.
        file[ends[0]] = 4;
        assert_eq!(said(&file), format!("a block doesn't hold the 2 rows that it should at {}", ends[0]));
    }
}
