//! Small Avro files for tests.

use std::io::Read;

use super::{MAGIC, SCHEMA, container::CODEC};

const SYNC: [u8; 16] = [9; 16];

fn zigzag(number: usize) -> Vec<u8> {
    let mut number = number << 1;
    let mut bytes = Vec::new();
    while number > 0x7f {
        bytes.push(u8::try_from(number & 0x7f).unwrap() | 0x80);
        number >>= 7;
    }
    bytes.push(u8::try_from(number).unwrap());
    bytes
}

fn sized(bytes: &[u8]) -> Vec<u8> {
    [zigzag(bytes.len()), bytes.to_vec()].concat()
}

/// Returns a file of three blocks, and the offsets at which it could end and still be valid.
pub(in super::super) fn file(codec: &str, compress: impl Fn(&[u8]) -> Vec<u8>) -> (Vec<u8>, Vec<usize>) {
    let schema =
        br#"{"type":"record","name":"r","fields":[{"name":"i","type":"long"},{"name":"s","type":"string"}]}"#;
    let entries = [sized(SCHEMA), sized(schema), sized(CODEC), sized(codec.as_bytes())].concat();
    let mut file = [MAGIC.to_vec(), zigzag(2), entries, vec![0], SYNC.to_vec()].concat();
    let mut ends = vec![file.len()];
    for block in 0..3 {
        let rows = (0..20).flat_map(|row| [zigzag(block * 100 + row), sized(b"text")].concat());
        let data = compress(&rows.collect::<Vec<u8>>());
        file.extend([zigzag(20), sized(&data), SYNC.to_vec()].concat());
        ends.push(file.len());
    }
    (file, ends)
}

pub(in super::super) fn deflate(data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    flate2::read::DeflateEncoder::new(data, flate2::Compression::default()).read_to_end(&mut bytes).unwrap();
    bytes
}
