//! Text functions. Characters are Unicode code points, and positions and lengths count them, unless the name
//! says otherwise.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, ListArray, UInt64Array},
        buffer::OffsetBuffer,
        compute::take,
    },
    error::{DataFusionError, Result},
};
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use unicode_segmentation::UnicodeSegmentation;

use super::{
    call::{Call, fail},
    description::{Function, takes},
    kind::ParameterKind::{Any, AnyList, AnyMap, BigInt, Blob, Boolean, Double, Integer, List, T, Varchar},
    letter::{first_code_point, is_space, lower, upper},
    list, map,
    text_slice::{LONGEST, whole},
};

/// The functions defined in this file.
pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        names: &["length", "len", "char_length", "character_length"],
        syntax: "length(value)",
        doc: "Returns the number of characters in a text, or of items in a list.",
        example: ("length('héllo')", "5"),
        overloads: &[
            takes(&[Varchar], BigInt, |call| {
                call.map1(|text: &str| {
                    let count = if text.is_ascii() { text.len() } else { text.chars().count() };
                    Ok(i64::try_from(count).ok())
                })
            }),
            takes(&[AnyList], BigInt, |call| {
                call.map1(|items: ArrayRef| Ok(i64::try_from(items.len()).ok()))
            }),
        ],
        ..Function::TEXT
    },
    Function {
        names: &["strlen"],
        syntax: "strlen(text)",
        doc: "Returns the number of bytes in a text.",
        example: ("strlen('é')", "2"),
        overloads: &[takes(&[Varchar], BigInt, |call| {
            call.map1(|text: &str| Ok(i64::try_from(text.len()).ok()))
        })],
        ..Function::TEXT
    },
    Function {
        names: &["length_grapheme"],
        syntax: "length_grapheme(text)",
        doc: "Returns the number of characters as a reader counts them: grapheme clusters.",
        example: ("length_grapheme('é')", "1"),
        overloads: &[takes(&[Varchar], BigInt, |call| {
            call.map1(|text: &str| Ok(i64::try_from(text.graphemes(true).count()).ok()))
        })],
        ..Function::TEXT
    },
    Function {
        names: &["bit_length"],
        syntax: "bit_length(text)",
        doc: "Returns the number of bits in a text.",
        example: ("bit_length('ab')", "16"),
        overloads: &[takes(&[Varchar], BigInt, |call| {
            call.map1(|text: &str| Ok(i64::try_from(text.len() * 8).ok()))
        })],
        ..Function::TEXT
    },
    Function {
        names: &["octet_length"],
        syntax: "octet_length(blob)",
        doc: "Returns the number of bytes in a blob.",
        example: ("octet_length(encode('é'))", "2"),
        overloads: &[takes(&[Blob], BigInt, |call| {
            call.map1(|bytes: &[u8]| Ok(i64::try_from(bytes.len()).ok()))
        })],
        ..Function::TEXT
    },
    Function {
        names: &["upper", "ucase"],
        syntax: "upper(text)",
        doc: "Converts a text to upper case, each character to one.",
        example: ("upper('abc')", "ABC"),
        overloads: &[takes(&[Varchar], Varchar, |call| {
            call.map1(|text: &str| Ok(Some(text.chars().map(upper).collect::<String>())))
        })],
        ..Function::TEXT
    },
    Function {
        names: &["lower", "lcase"],
        syntax: "lower(text)",
        doc: "Converts a text to lower case, each character to one.",
        example: ("lower('ABC')", "abc"),
        overloads: &[takes(&[Varchar], Varchar, |call| {
            call.map1(|text: &str| Ok(Some(text.chars().map(lower).collect::<String>())))
        })],
        ..Function::TEXT
    },
    Function {
        names: &["trim", "btrim"],
        syntax: "trim(text[, characters])",
        doc: "Removes spaces, or any of the given characters, from both ends.",
        example: ("trim('>>a>', '>')", "a"),
        overloads: &[
            takes(&[Varchar], Varchar, |call| call.map1(|text: &str| Ok(Some(text.trim_matches(is_space))))),
            takes(&[Varchar, Varchar], Varchar, |call| {
                call.map2(|text: &str, of: &str| Ok(Some(text.trim_matches(|c| of.contains(c)))))
            }),
        ],
        ..Function::TEXT
    },
    Function {
        names: &["ltrim"],
        syntax: "ltrim(text[, characters])",
        doc: "Removes spaces, or any of the given characters, from the start.",
        example: ("ltrim('>>a>', '>')", "a>"),
        overloads: &[
            takes(&[Varchar], Varchar, |call| {
                call.map1(|text: &str| Ok(Some(text.trim_start_matches(is_space))))
            }),
            takes(&[Varchar, Varchar], Varchar, |call| {
                call.map2(|text: &str, of: &str| Ok(Some(text.trim_start_matches(|c| of.contains(c)))))
            }),
        ],
        ..Function::TEXT
    },
    Function {
        names: &["rtrim"],
        syntax: "rtrim(text[, characters])",
        doc: "Removes spaces, or any of the given characters, from the end.",
        example: ("rtrim('>>a>', '>')", ">>a"),
        overloads: &[
            takes(&[Varchar], Varchar, |call| {
                call.map1(|text: &str| Ok(Some(text.trim_end_matches(is_space))))
            }),
            takes(&[Varchar, Varchar], Varchar, |call| {
                call.map2(|text: &str, of: &str| Ok(Some(text.trim_end_matches(|c| of.contains(c)))))
            }),
        ],
        ..Function::TEXT
    },
    Function {
        names: &["replace"],
        syntax: "replace(text, from, to)",
        doc: "Replaces every occurrence of a text; an empty `from` changes nothing.",
        example: ("replace('hello', 'l', '-')", "he--o"),
        overloads: &[takes(&[Varchar, Varchar, Varchar], Varchar, |call| {
            call.map3(|text: &str, from: &str, to: &str| {
                Ok(Some(if from.is_empty() { text.to_owned() } else { text.replace(from, to) }))
            })
        })],
        ..Function::TEXT
    },
    Function {
        names: &["translate"],
        syntax: "translate(text, from, to)",
        doc: "Replaces each character of `from` by the one at its place in `to`, or removes it if there is none.",
        example: ("translate('12345', '143', 'ax')", "a2x5"),
        overloads: &[takes(&[Varchar, Varchar, Varchar], Varchar, |call| {
            call.map3(|text: &str, from: &str, to: &str| {
                let translated = text.chars().filter_map(|c| match from.chars().position(|of| of == c) {
                    Some(at) => to.chars().nth(at),
                    None => Some(c),
                });
                Ok(Some(translated.collect::<String>()))
            })
        })],
        ..Function::TEXT
    },
    Function {
        names: &["contains"],
        syntax: "contains(text, part)",
        doc: "Returns whether a text contains another, a list an item, or a map a key.",
        example: ("contains('abc', 'b')", "true"),
        overloads: &[
            takes(&[Varchar, Varchar], Boolean, |call| {
                call.map2(|text: &str, part: &str| Ok(Some(text.contains(part))))
            }),
            takes(&[List(&T), T], Boolean, list::contains),
            takes(&[AnyMap, Any], Boolean, map::contains),
        ],
        ..Function::TEXT
    },
    Function {
        names: &["starts_with", "prefix"],
        syntax: "starts_with(text, start)",
        doc: "Returns whether a text begins with another.",
        example: ("starts_with('abc', 'ab')", "true"),
        overloads: &[takes(&[Varchar, Varchar], Boolean, |call| {
            call.map2(|text: &str, start: &str| Ok(Some(text.starts_with(start))))
        })],
        ..Function::TEXT
    },
    Function {
        names: &["ends_with", "suffix"],
        syntax: "ends_with(text, end)",
        doc: "Returns whether a text ends with another.",
        example: ("ends_with('abc', 'bc')", "true"),
        overloads: &[takes(&[Varchar, Varchar], Boolean, |call| {
            call.map2(|text: &str, end: &str| Ok(Some(text.ends_with(end))))
        })],
        ..Function::TEXT
    },
    Function {
        names: &["strpos", "instr"],
        syntax: "strpos(text, part)",
        doc: "Returns the position of a text in another, from 1, or 0. `position(part in text)` is the same.",
        example: ("strpos('abc', 'c')", "3"),
        overloads: &[takes(&[Varchar, Varchar], BigInt, |call| {
            call.map2(|text: &str, part: &str| {
                let before = text.find(part).map(|at| text[..at].chars().count());
                Ok(before.map_or(Some(0), |before| i64::try_from(before + 1).ok()))
            })
        })],
        ..Function::TEXT
    },
    Function {
        names: &["reverse"],
        syntax: "reverse(text)",
        doc: "Reverses a text by its grapheme clusters.",
        example: ("reverse('abc')", "cba"),
        overloads: &[takes(&[Varchar], Varchar, |call| {
            call.map1(|text: &str| {
                let ascii = text.is_ascii();
                Ok(Some(if ascii {
                    text.chars().rev().collect::<String>()
                } else {
                    text.graphemes(true).rev().collect()
                }))
            })
        })],
        ..Function::TEXT
    },
    Function {
        names: &["repeat"],
        syntax: "repeat(text, count)",
        doc: "Repeats a text, a blob or a list.",
        example: ("repeat('ab', 2)", "abab"),
        overloads: &[
            takes(&[Varchar, BigInt], Varchar, |call| {
                call.map2(|text: &str, count: i64| Ok(Some(text.repeat(repetitions(text.len(), count)?))))
            }),
            takes(&[Blob, BigInt], Blob, |call| {
                call.map2(|bytes: &[u8], count: i64| Ok(Some(bytes.repeat(repetitions(bytes.len(), count)?))))
            }),
            takes(&[List(&T), BigInt], List(&T), repeat_lists),
        ],
        ..Function::TEXT
    },
    Function {
        names: &["ascii"],
        syntax: "ascii(text)",
        doc: "Returns the code point of the first character, or 0 for an empty text.",
        example: ("ascii('A')", "65"),
        overloads: &[takes(&[Varchar], Integer, |call| {
            call.map1(|text: &str| Ok(Some(first_code_point(text).unwrap_or(0))))
        })],
        ..Function::TEXT
    },
    Function {
        names: &["unicode", "ord"],
        syntax: "unicode(text)",
        doc: "Returns the code point of the first character, or -1 for an empty text.",
        example: ("unicode('é')", "233"),
        overloads: &[takes(&[Varchar], Integer, |call| {
            call.map1(|text: &str| Ok(Some(first_code_point(text).unwrap_or(-1))))
        })],
        ..Function::TEXT
    },
    Function {
        names: &["chr"],
        syntax: "chr(code_point)",
        doc: "Returns the character with a code point.",
        example: ("chr(65)", "A"),
        overloads: &[takes(&[Integer], Varchar, |call| {
            call.map1(|code: i32| match u32::try_from(code).ok().and_then(char::from_u32) {
                Some(found) => Ok(Some(found.to_string())),
                None => fail(format!("chr: {code} is not a Unicode code point")),
            })
        })],
        ..Function::TEXT
    },
    Function {
        names: &["strip_accents"],
        syntax: "strip_accents(text)",
        doc: "Removes accents and other marks from letters.",
        example: ("strip_accents('mühle')", "muhle"),
        overloads: &[takes(&[Varchar], Varchar, |call| {
            let decompose = const { DecomposingNormalizerBorrowed::new_nfd() };
            let compose = const { ComposingNormalizerBorrowed::new_nfc() };
            let marks = super::regular_expression::marks()?;
            call.map1(|text: &str| {
                if text.is_ascii() {
                    return Ok(Some(text.to_owned()));
                }
                let decomposed = decompose.normalize(text);
                Ok(Some(compose.normalize(&marks.replace_all(&decomposed, "")).into_owned()))
            })
        })],
        ..Function::TEXT
    },
    Function {
        names: &["nfc_normalize"],
        syntax: "nfc_normalize(text)",
        doc: "Converts a text to Unicode's normal form C, so that equal texts compare as equal.",
        example: ("nfc_normalize('ardèch')", "ardèch"),
        overloads: &[takes(&[Varchar], Varchar, |call| {
            let compose = const { ComposingNormalizerBorrowed::new_nfc() };
            call.map1(|text: &str| Ok(Some(compose.normalize(text))))
        })],
        ..Function::TEXT
    },
    Function {
        names: &["bar"],
        syntax: "bar(x, min, max[, width])",
        doc: "Draws a bar whose length is proportional to `x - min`, and `width` (80) where `x` is `max`.",
        example: ("bar(5, 0, 10, 4) || '|'", "██  |"),
        overloads: &[
            takes(&[Double, Double, Double], Varchar, |call| {
                call.map3(|x: f64, min: f64, max: f64| bar(x, min, max, 80.0).map(Some))
            }),
            takes(&[Double, Double, Double, Double], Varchar, |call| {
                call.map4(|x: f64, min: f64, max: f64, width: f64| bar(x, min, max, width).map(Some))
            }),
        ],
        ..Function::TEXT
    },
];

/// Converts a repeat count, rejecting results that would be too long.
fn repetitions(bytes: usize, count: i64) -> Result<usize> {
    let count = usize::try_from(count).unwrap_or(0);
    if bytes.saturating_mul(count) > LONGEST {
        return fail("repeat: the result is longer than 512 MB");
    }
    Ok(count)
}

/// Repeats the items of lists.
fn repeat_lists(call: &Call) -> Result<ArrayRef> {
    let (lists, counts) = (call.array(0)?, call.column::<i64>(1)?);
    let lists = lists.as_list::<i32>();
    let datafusion::arrow::datatypes::DataType::List(item) = call.returns() else {
        return Err(DataFusionError::Internal("repeat: no list".into()));
    };
    let (mut picked, mut lengths, mut valid) = (Vec::<u64>::new(), Vec::new(), Vec::new());
    for row in 0..call.rows() {
        let count = counts.at(row).filter(|_| lists.is_valid(row));
        let offsets = lists.value_offsets();
        let range = u64::try_from(offsets[row]).unwrap_or(0)..u64::try_from(offsets[row + 1]).unwrap_or(0);
        let length = lists.value_length(row);
        let times = repetitions(usize::try_from(length).unwrap_or(0) * 4, count.unwrap_or(0))?;
        let before = picked.len();
        for _ in 0..if length == 0 { 0 } else { times } {
            picked.extend(range.clone());
        }
        lengths.push(picked.len() - before);
        valid.push(count.is_some());
    }
    let items = take(lists.values(), &UInt64Array::from(picked), None)?;
    let offsets = OffsetBuffer::from_lengths(lengths);
    Ok(Arc::new(ListArray::try_new(Arc::clone(item), offsets, items, Some(valid.into()))?))
}

fn bar(x: f64, min: f64, max: f64, width: f64) -> Result<String> {
    const PARTS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    if !(1.0..=1000.0).contains(&width) {
        return fail("bar: the width must be between 1 and 1000");
    }
    let length = if x.is_nan() || min.is_nan() || max.is_nan() || x <= min {
        0.0
    } else if x >= max {
        width
    } else {
        width * (x - min) / (max - min)
    };
    if !length.is_finite() {
        return fail("bar: the length of the bar is not finite");
    }
    let eighths = whole(length * 8.0);
    let mut bar: String = std::iter::repeat_n('█', eighths / 8).collect();
    if !eighths.is_multiple_of(8) {
        bar.push(PARTS[eighths % 8]);
    }
    let missing = whole(width).saturating_sub(bar.chars().count());
    bar.extend(std::iter::repeat_n(' ', missing));
    Ok(bar)
}
