//! Validation of folder names: schemas and tables become folders of the lake, so no name may lead to another
//! place, or be invalid on some disks or stores.

use icu_normalizer::ComposingNormalizerBorrowed;

/// Device names that Windows reserves, with any extension.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];

/// Prefixes of folders that aren't tables.
const RESERVED: [&str; 2] = ["_headwater", "_delta_log"];

/// The maximum length of a folder's name in common file systems, in bytes. Companion tables add a suffix to
/// the name.
const LONGEST: usize = 255 - "_rejected_accepted".len();

/// Folds a name in the way of file systems that ignore case and Unicode normalization.
pub(in crate::manifest) fn folded(name: &str) -> String {
    ComposingNormalizerBorrowed::new_nfc().normalize(&name.to_lowercase()).into_owned()
}

/// Returns why a name can't be a folder of the lake, in words that follow the name.
pub(in crate::manifest) fn unusable(name: &str) -> Option<String> {
    let lower = name.to_lowercase();
    let stem = lower.split('.').next().unwrap_or_default();
    let is_port = |device: &str| {
        let number = stem.strip_prefix(device);
        number.is_some_and(|number| number.len() == 1 && number.bytes().all(|digit| digit.is_ascii_digit()))
    };
    let sign = name.chars().find(|sign| "/\\%".contains(*sign) || sign.is_control());
    if name.trim().is_empty() {
        Some("is empty".to_owned())
    } else if name == "." || name == ".." {
        Some("means another folder".to_owned())
    } else if let Some(sign) = sign {
        Some(format!("has the character {sign:?}, which the name of a folder can't have"))
    } else if name.ends_with(['.', ' ']) || name.starts_with(' ') {
        Some("begins or ends with a space, or ends with a dot, which Windows drops".to_owned())
    } else if DEVICES.contains(&stem) || is_port("com") || is_port("lpt") {
        Some("is the name of a device on Windows".to_owned())
    } else if let Some(reserved) = RESERVED.iter().find(|reserved| lower.starts_with(**reserved)) {
        Some(format!("begins with `{reserved}`, which is reserved"))
    } else if name.len() > LONGEST {
        Some(format!("is longer than {LONGEST} bytes"))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::unusable;

    #[test]
    fn names_of_folders_are_usable_and_places_are_not() {
        for name in
            ["orders", "größe", "日本", "a b", "a.b", "console", "com10", "_orders", "a-b", "x_rejected"]
        {
            assert_eq!(unusable(name), None, "{name}");
        }
        for name in [
            "",
            " ",
            ".",
            "..",
            "a/b",
            "a\\b",
            "%2e%2e",
            "a\nb",
            "a\0",
            "a.",
            "a ",
            " a",
            "CON",
            "nul.txt",
            "com1",
            "LPT9",
            "_headwater",
            "_headwater_runs",
            "_delta_log",
        ] {
            assert!(unusable(name).is_some(), "{name:?}");
        }
        assert!(unusable(&"x".repeat(237)).is_none() && unusable(&"x".repeat(238)).is_some());
    }
}
