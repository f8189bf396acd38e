//! Text similarity functions. Like DuckDB's, they compare bytes.

use std::collections::BTreeSet;

use super::{
    call::fail,
    description::{Function, takes},
    kind::ParameterKind::{BigInt, Double, Varchar},
};

/// The maximum number of pairs of letters in `damerau_levenshtein`, which holds 8 bytes for each of them.
const MOST_PAIRS: usize = 32_000_000;

/// The functions defined in this file.
pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        names: &["levenshtein", "editdist3"],
        syntax: "levenshtein(a, b)",
        doc: "Returns how many characters must be inserted, deleted or replaced to make one text of the other.",
        example: ("levenshtein('duck', 'db')", "3"),
        overloads: &[takes(&[Varchar, Varchar], BigInt, |call| {
            call.map2(|a: &str, b: &str| {
                Ok(i64::try_from(strsim::generic_levenshtein(&a.as_bytes().to_vec(), &b.as_bytes().to_vec()))
                    .ok())
            })
        })],
        ..Function::TEXT
    },
    Function {
        names: &["damerau_levenshtein"],
        syntax: "damerau_levenshtein(a, b)",
        doc: "Returns the same as `levenshtein`, where two neighbours that swap count once.",
        example: ("damerau_levenshtein('ab', 'ba')", "1"),
        overloads: &[takes(&[Varchar, Varchar], BigInt, |call| {
            call.map2(|a: &str, b: &str| {
                if a.len().saturating_mul(b.len()) > MOST_PAIRS {
                    return fail(format!(
                        "texts of {} and {} bytes are too long to compare",
                        a.len(),
                        b.len()
                    ));
                }
                Ok(i64::try_from(strsim::generic_damerau_levenshtein(a.as_bytes(), b.as_bytes())).ok())
            })
        })],
        ..Function::TEXT
    },
    Function {
        names: &["hamming", "mismatches"],
        syntax: "hamming(a, b)",
        doc: "Returns at how many places two texts of the same length differ.",
        example: ("hamming('duck', 'luck')", "1"),
        overloads: &[takes(&[Varchar, Varchar], BigInt, |call| {
            call.map2(|a: &str, b: &str| {
                if a.len() != b.len() {
                    return fail("hamming: the texts must be of the same length");
                }
                if a.is_empty() {
                    return fail("hamming: the texts must not be empty");
                }
                Ok(i64::try_from(a.bytes().zip(b.bytes()).filter(|(a, b)| a != b).count()).ok())
            })
        })],
        ..Function::TEXT
    },
    Function {
        names: &["jaccard"],
        syntax: "jaccard(a, b)",
        doc: "Returns the share of characters that two texts have in common.",
        example: ("jaccard('duck', 'luck')", "0.6"),
        overloads: &[takes(&[Varchar, Varchar], Double, |call| {
            call.map2(|a: &str, b: &str| {
                if a.is_empty() || b.is_empty() {
                    return fail("jaccard: a text is empty");
                }
                let (a, b): (BTreeSet<u8>, BTreeSet<u8>) = (a.bytes().collect(), b.bytes().collect());
                let both = a.intersection(&b).count();
                Ok(Some(both as f64 / (a.len() + b.len() - both) as f64))
            })
        })],
        ..Function::TEXT
    },
    Function {
        names: &["jaro_similarity"],
        syntax: "jaro_similarity(a, b[, least])",
        doc: "Returns the Jaro similarity between 0 and 1; 0 if it is below `least`.",
        example: ("jaro_similarity('duck', 'duck')", "1.0"),
        overloads: &[
            takes(&[Varchar, Varchar], Double, |call| call.map2(|a: &str, b: &str| Ok(Some(jaro(a, b))))),
            takes(&[Varchar, Varchar, Double], Double, |call| {
                call.map3(|a: &str, b: &str, least: f64| Ok(Some(at_least(jaro(a, b), least))))
            }),
        ],
        ..Function::TEXT
    },
    Function {
        names: &["jaro_winkler_similarity"],
        syntax: "jaro_winkler_similarity(a, b[, least])",
        doc: "Returns the Jaro-Winkler similarity between 0 and 1; 0 if it is below `least`.",
        example: ("jaro_winkler_similarity('duck', 'duck')", "1.0"),
        overloads: &[
            takes(&[Varchar, Varchar], Double, |call| call.map2(|a: &str, b: &str| Ok(Some(winkler(a, b))))),
            takes(&[Varchar, Varchar, Double], Double, |call| {
                call.map3(|a: &str, b: &str, least: f64| Ok(Some(at_least(winkler(a, b), least))))
            }),
        ],
        ..Function::TEXT
    },
];

fn jaro(a: &str, b: &str) -> f64 {
    if a.is_empty() || b.is_empty() {
        return 0.0;
    }
    strsim::generic_jaro(&a.as_bytes().to_vec(), &b.as_bytes().to_vec())
}

fn winkler(a: &str, b: &str) -> f64 {
    if a.is_empty() || b.is_empty() {
        return 0.0;
    }
    strsim::generic_jaro_winkler(&a.as_bytes().to_vec(), &b.as_bytes().to_vec())
}

fn at_least(similarity: f64, least: f64) -> f64 {
    if similarity >= least { similarity } else { 0.0 }
}
