//! Time zones by name.

use std::str::FromStr;

use chrono_tz::Tz;
use datafusion::error::{DataFusionError, Result};

/// Three-letter names that the time zone database lacks and that DuckDB has from ICU.
const SHORT_NAMES: [(&str, &str); 25] = [
    ("ACT", "Australia/Darwin"),
    ("AET", "Australia/Sydney"),
    ("AGT", "America/Argentina/Buenos_Aires"),
    ("ART", "Africa/Cairo"),
    ("AST", "America/Anchorage"),
    ("BET", "America/Sao_Paulo"),
    ("BST", "Asia/Dhaka"),
    ("CAT", "Africa/Harare"),
    ("CNT", "America/St_Johns"),
    ("CST", "America/Chicago"),
    ("CTT", "Asia/Shanghai"),
    ("EAT", "Africa/Addis_Ababa"),
    ("ECT", "Europe/Paris"),
    ("IET", "America/Indiana/Indianapolis"),
    ("IST", "Asia/Kolkata"),
    ("JST", "Asia/Tokyo"),
    ("MIT", "Pacific/Apia"),
    ("NET", "Asia/Yerevan"),
    ("NST", "Pacific/Auckland"),
    ("PLT", "Asia/Karachi"),
    ("PNT", "America/Phoenix"),
    ("PRT", "America/Puerto_Rico"),
    ("PST", "America/Los_Angeles"),
    ("SST", "Pacific/Guadalcanal"),
    ("VST", "Asia/Ho_Chi_Minh"),
];

/// Looks up a zone by name, ignoring case.
pub(in crate::engine) fn parse_zone(name: &str) -> Result<Tz> {
    let short = SHORT_NAMES.iter().find(|(short, _)| short.eq_ignore_ascii_case(name));
    let name = short.map_or(name, |(_, long)| long);
    if let Ok(zone) = Tz::from_str(name) {
        return Ok(zone);
    }
    if let Some(zone) = chrono_tz::TZ_VARIANTS.iter().find(|zone| zone.name().eq_ignore_ascii_case(name)) {
        return Ok(*zone);
    }
    let near = crate::diag::near::question(name, chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()))
        .map(|question| format!(": {question}"));
    let near = near.unwrap_or_default();
    Err(DataFusionError::Execution(format!("unknown time zone `{name}`{near}")))
}
