//! Encoding functions for text and bytes: hexadecimal, binary, Base64, URLs and digests.

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use datafusion::error::Result;
use md5::Digest;

use super::{
    call::{Call, Digits, fail},
    description::{Function, takes},
    kind::ParameterKind::{BigInt, Blob, HugeInt, Integer, UBigInt, Varchar},
};

/// The functions defined in this file.
pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        names: &["hex", "to_hex"],
        syntax: "hex(value)",
        doc: "Converts the bytes of a text, or a number, to hexadecimal digits.",
        example: ("hex(255)", "FF"),
        overloads: &[
            takes(&[Varchar], Varchar, |call| call.map1(|text: &str| Ok(Some(hex(text.as_bytes()))))),
            takes(&[BigInt], Varchar, |call| call.map1(|number: i64| Ok(Some(format!("{number:X}"))))),
            takes(&[UBigInt], Varchar, |call| call.map1(|number: u64| Ok(Some(format!("{number:X}"))))),
            takes(&[HugeInt], Varchar, |call| {
                call.map1(|number: Digits| Ok(Some(format!("{:X}", number.0))))
            }),
            takes(&[Blob], Varchar, |call| call.map1(|bytes: &[u8]| Ok(Some(hex(bytes))))),
        ],
        ..Function::TEXT
    },
    Function {
        names: &["unhex", "from_hex"],
        syntax: "unhex(text)",
        doc: "Converts hexadecimal digits to a blob.",
        example: ("decode(unhex('6869'))", "hi"),
        overloads: &[takes(&[Varchar], Blob, |call| call.map1(|text: &str| digits(text, 16).map(Some)))],
        ..Function::TEXT
    },
    Function {
        names: &["bin", "to_binary"],
        syntax: "bin(value)",
        doc: "Converts the bytes of a text, or a number, to binary digits.",
        example: ("bin(5)", "101"),
        overloads: &[
            takes(&[Varchar], Varchar, |call| {
                call.map1(|text: &str| {
                    let mut bits = String::with_capacity(text.len() * 8);
                    for byte in text.bytes() {
                        let _ = write!(bits, "{byte:08b}");
                    }
                    Ok(Some(bits))
                })
            }),
            takes(&[BigInt], Varchar, |call| call.map1(|number: i64| Ok(Some(format!("{number:b}"))))),
            takes(&[UBigInt], Varchar, |call| call.map1(|number: u64| Ok(Some(format!("{number:b}"))))),
            takes(&[HugeInt], Varchar, |call| {
                call.map1(|number: Digits| Ok(Some(format!("{:b}", number.0))))
            }),
        ],
        ..Function::TEXT
    },
    Function {
        names: &["unbin", "from_binary"],
        syntax: "unbin(text)",
        doc: "Converts binary digits to a blob.",
        example: ("hex(unbin('0110'))", "06"),
        overloads: &[takes(&[Varchar], Blob, |call| call.map1(|text: &str| digits(text, 2).map(Some)))],
        ..Function::TEXT
    },
    Function {
        names: &["to_base64", "base64"],
        syntax: "to_base64(blob)",
        doc: "Encodes a blob in base 64.",
        example: ("to_base64(encode('A'))", "QQ=="),
        overloads: &[takes(&[Blob], Varchar, |call| {
            call.map1(|bytes: &[u8]| Ok(Some(STANDARD.encode(bytes))))
        })],
        ..Function::TEXT
    },
    Function {
        names: &["from_base64"],
        syntax: "from_base64(text)",
        doc: "Decodes base 64.",
        example: ("decode(from_base64('QQ=='))", "A"),
        overloads: &[takes(&[Varchar], Blob, |call| {
            call.map1(|text: &str| match STANDARD.decode(text) {
                Ok(bytes) => Ok(Some(bytes)),
                Err(_) => fail(format!("from_base64: `{text}` is not base 64")),
            })
        })],
        ..Function::TEXT
    },
    Function {
        names: &["to_base"],
        syntax: "to_base(number, radix[, min_length])",
        doc: "Writes a number in a base between 2 and 36, with zeros in front up to a length.",
        example: ("to_base(42, 16)", "2A"),
        overloads: &[
            takes(&[BigInt, Integer], Varchar, |call| {
                call.map2(|number: i64, radix: i32| to_base(number, radix, 0).map(Some))
            }),
            takes(&[BigInt, Integer, Integer], Varchar, |call| {
                call.map3(|number: i64, radix: i32, length: i32| to_base(number, radix, length).map(Some))
            }),
        ],
        ..Function::TEXT
    },
    Function {
        names: &["encode"],
        syntax: "encode(text)",
        doc: "Returns the bytes of a text in UTF-8.",
        example: ("hex(encode('é'))", "C3A9"),
        overloads: &[takes(&[Varchar], Blob, |call| {
            call.map1(|text: &str| Ok(Some(text.as_bytes().to_vec())))
        })],
        ..Function::TEXT
    },
    Function {
        names: &["decode"],
        syntax: "decode(blob)",
        doc: "Returns the text of which the bytes are UTF-8.",
        example: ("decode(encode('é'))", "é"),
        overloads: &[takes(&[Blob], Varchar, |call| {
            call.map1(|bytes: &[u8]| match String::from_utf8(bytes.to_vec()) {
                Ok(text) => Ok(Some(text)),
                Err(_) => fail("decode: the blob is not valid UTF-8"),
            })
        })],
        ..Function::TEXT
    },
    Function {
        names: &["url_encode"],
        syntax: "url_encode(text)",
        doc: "Escapes all but letters, digits and `_-~.` for a URL.",
        example: ("url_encode('a b')", "a%20b"),
        overloads: &[takes(&[Varchar], Varchar, |call| {
            call.map1(|text: &str| {
                let mut escaped = String::with_capacity(text.len());
                for byte in text.bytes() {
                    if byte.is_ascii_alphanumeric() || b"_-~.".contains(&byte) {
                        escaped.push(char::from(byte));
                    } else {
                        let _ = write!(escaped, "%{byte:02X}");
                    }
                }
                Ok(Some(escaped))
            })
        })],
        ..Function::TEXT
    },
    Function {
        names: &["url_decode"],
        syntax: "url_decode(text)",
        doc: "Replaces the escapes of a URL.",
        example: ("url_decode('a%20b')", "a b"),
        overloads: &[takes(&[Varchar], Varchar, |call| {
            call.map1(|text: &str| match percent_encoding::percent_decode_str(text).decode_utf8() {
                Ok(decoded) => Ok(Some(decoded)),
                Err(_) => fail(format!("url_decode: the bytes of `{text}` are not valid UTF-8")),
            })
        })],
        ..Function::TEXT
    },
    Function {
        names: &["md5"],
        syntax: "md5(value)",
        doc: "Returns the MD5 digest in hexadecimal digits.",
        example: ("md5('a')", "0cc175b9c0f1b6a831c399e269772661"),
        overloads: &[
            takes(&[Varchar], Varchar, |call| digest_text(call, |bytes| lower_hex(&md5::Md5::digest(bytes)))),
            takes(&[Blob], Varchar, |call| digest_blob(call, |bytes| lower_hex(&md5::Md5::digest(bytes)))),
        ],
        ..Function::TEXT
    },
    Function {
        names: &["sha1"],
        syntax: "sha1(value)",
        doc: "Returns the SHA-1 digest in hexadecimal digits.",
        example: ("sha1('a')", "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"),
        overloads: &[
            takes(&[Varchar], Varchar, |call| digest_text(call, |bytes| lower_hex(&sha1(bytes)))),
            takes(&[Blob], Varchar, |call| digest_blob(call, |bytes| lower_hex(&sha1(bytes)))),
        ],
        ..Function::TEXT
    },
    Function {
        names: &["sha256"],
        syntax: "sha256(value)",
        doc: "Returns the SHA-256 digest in hexadecimal digits.",
        example: ("sha256('a')", "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"),
        overloads: &[
            takes(&[Varchar], Varchar, |call| {
                digest_text(call, |bytes| lower_hex(&sha2::Sha256::digest(bytes)))
            }),
            takes(&[Blob], Varchar, |call| {
                digest_blob(call, |bytes| lower_hex(&sha2::Sha256::digest(bytes)))
            }),
        ],
        ..Function::TEXT
    },
];

type TextColumn = Result<datafusion::arrow::array::ArrayRef>;

fn digest_text(call: &Call, digest: fn(&[u8]) -> String) -> TextColumn {
    call.map1(|text: &str| Ok(Some(digest(text.as_bytes()))))
}

fn digest_blob(call: &Call, digest: fn(&[u8]) -> String) -> TextColumn {
    call.map1(|bytes: &[u8]| Ok(Some(digest(bytes))))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02X}");
        text
    })
}

fn lower_hex(bytes: &[u8]) -> String {
    hex(bytes).to_ascii_lowercase()
}

/// Decodes digits of base 16 or 2; the first byte may have fewer digits.
fn digits(text: &str, radix: u32) -> Result<Vec<u8>> {
    let width = if radix == 16 { 2 } else { 8 };
    if let Some(wrong) = text.chars().find(|c| !c.is_digit(radix)) {
        return fail(format!("`{wrong}` is not a digit of base {radix}"));
    }
    let first = text.len() % width;
    let (head, rest) = text.split_at(first);
    let mut bytes = Vec::with_capacity(text.len() / width + 1);
    for group in
        std::iter::once(head.as_bytes()).filter(|head| !head.is_empty()).chain(rest.as_bytes().chunks(width))
    {
        let value = group.iter().filter_map(|digit| char::from(*digit).to_digit(radix));
        bytes.push(u8::try_from(value.fold(0, |sum, digit| sum * radix + digit)).unwrap_or(0));
    }
    Ok(bytes)
}

fn to_base(number: i64, radix: i32, length: i32) -> Result<String> {
    let Ok(mut rest) = u64::try_from(number) else {
        return fail(format!("to_base: {number} is negative"));
    };
    let Ok(base @ 2..=36) = u32::try_from(radix) else {
        return fail(format!("to_base: the radix {radix} is not between 2 and 36"));
    };
    let Ok(length @ 0..=64) = usize::try_from(length) else {
        return fail(format!("to_base: the length {length} is not between 0 and 64"));
    };
    let mut digits = Vec::new();
    while rest > 0 || digits.is_empty() {
        let digit = u32::try_from(rest % u64::from(base)).unwrap_or(0);
        digits.push(char::from_digit(digit, base).unwrap_or('0').to_ascii_uppercase());
        rest /= u64::from(base);
    }
    digits.resize(digits.len().max(length), '0');
    Ok(digits.into_iter().rev().collect())
}

/// Computes SHA-1 (FIPS 180-4).
#[expect(clippy::many_single_char_names, reason = "the names of the standard")]
fn sha1(bytes: &[u8]) -> [u8; 20] {
    let mut state: [u32; 5] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0];
    let mut padded = bytes.to_vec();
    padded.push(0x80);
    padded.resize(padded.len().next_multiple_of(64), 0);
    if padded.len() - bytes.len() < 9 {
        padded.resize(padded.len() + 64, 0);
    }
    let end = padded.len() - 8;
    padded[end..]
        .copy_from_slice(&(u64::try_from(bytes.len()).unwrap_or(u64::MAX).wrapping_mul(8)).to_be_bytes());
    for block in padded.chunks_exact(64) {
        let mut words = [0_u32; 80];
        for (word, four) in words.iter_mut().zip(block.chunks_exact(4)) {
            *word = u32::from_be_bytes([four[0], four[1], four[2], four[3]]);
        }
        for at in 16..80 {
            words[at] = (words[at - 3] ^ words[at - 8] ^ words[at - 14] ^ words[at - 16]).rotate_left(1);
        }
        let [mut a, mut b, mut c, mut d, mut e] = state;
        for (round, word) in words.iter().enumerate() {
            let (mixed, constant) = match round / 20 {
                0 => ((b & c) | (!b & d), 0x5A82_7999),
                1 => (b ^ c ^ d, 0x6ED9_EBA1),
                2 => ((b & c) | (b & d) | (c & d), 0x8F1B_BCDC),
                _ => (b ^ c ^ d, 0xCA62_C1D6_u32),
            };
            let next = a
                .rotate_left(5)
                .wrapping_add(mixed)
                .wrapping_add(e)
                .wrapping_add(constant)
                .wrapping_add(*word);
            (e, d, c, b, a) = (d, c, b.rotate_left(30), a, next);
        }
        for (sum, part) in state.iter_mut().zip([a, b, c, d, e]) {
            *sum = sum.wrapping_add(part);
        }
    }
    let mut digest = [0; 20];
    for (four, word) in digest.chunks_exact_mut(4).zip(state) {
        four.copy_from_slice(&word.to_be_bytes());
    }
    digest
}
