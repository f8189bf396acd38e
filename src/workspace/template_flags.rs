//! The value of `flags` in templates: dbt's flags, as far as the command sets them, and dbt's defaults.

use serde_json::{Map, Value, json};

use super::options::LoadOptions;

/// Returns the flags, in upper case as in dbt.
pub(super) fn flags(options: &LoadOptions, (target, threads): (&str, usize)) -> Value {
    let given = options.flags.iter().map(|(name, value)| (name.to_uppercase(), value.clone()));
    let common = json!({
        "QUIET": options.quiet,
        "TARGET": target,
        "THREADS": threads,
        "VARS": options.vars.clone().unwrap_or_default(),
        "PROJECT_DIR": options.project_dir.to_string_lossy(),
        "TARGET_PATH": options.target_path.as_ref().map(|path| path.to_string_lossy()),
    });
    let mut all = defaults();
    all.extend(given);
    if let Value::Object(common) = common {
        all.extend(common);
    }
    Value::Object(all)
}

/// Returns the flags that no option of this command line sets.
fn defaults() -> Map<String, Value> {
    const OFF: [&str; 14] = [
        "FULL_REFRESH",
        "FAIL_FAST",
        "STORE_FAILURES",
        "EMPTY",
        "DEFER",
        "FAVOR_STATE",
        "SINGLE_THREADED",
        "DEBUG",
        "LOG_CACHE_EVENTS",
        "WARN_ERROR",
        "USE_EXPERIMENTAL_PARSER",
        "CACHE_SELECTED_ONLY",
        "MACRO_DEBUGGING",
        "SEND_ANONYMOUS_USAGE_STATS",
    ];
    const ON: [&str; 9] = [
        "PRINT",
        "USE_COLORS",
        "USE_COLORS_FILE",
        "WRITE_JSON",
        "PARTIAL_PARSE",
        "STATIC_PARSER",
        "VERSION_CHECK",
        "POPULATE_CACHE",
        "INTROSPECT",
    ];
    const NONE: [&str; 9] = [
        "SELECTOR",
        "SAMPLE",
        "EVENT_TIME_START",
        "EVENT_TIME_END",
        "STATE",
        "DEFER_STATE",
        "PROFILE",
        "PROFILES_DIR",
        "TARGET_PATH",
    ];
    const EMPTY: [&str; 4] = ["SELECT", "EXCLUDE", "RESOURCE_TYPES", "EXCLUDE_RESOURCE_TYPES"];
    let others = [
        ("INDIRECT_SELECTION", json!("eager")),
        ("LOG_PATH", json!("logs")),
        ("LOG_FORMAT", json!("default")),
        ("LOG_FORMAT_FILE", json!("debug")),
        ("LOG_LEVEL", json!("info")),
        ("LOG_LEVEL_FILE", json!("debug")),
        ("PRINTER_WIDTH", json!(80)),
        ("WARN_ERROR_OPTIONS", json!({"error": [], "warn": [], "silence": []})),
    ];
    let off = OFF.map(|name| (name, json!(false)));
    let on = ON.map(|name| (name, json!(true)));
    let none = NONE.map(|name| (name, Value::Null));
    let empty = EMPTY.map(|name| (name, json!([])));
    let all = off.into_iter().chain(on).chain(none).chain(empty).chain(others);
    all.map(|(name, value)| (name.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_command_sets_comes_before_dbts_defaults() {
        let given = json!({"which": "run", "full_refresh": true});
        let options =
            LoadOptions { flags: given.as_object().cloned().unwrap_or_default(), ..LoadOptions::default() };
        let flags = flags(&options, ("dev", 4));
        assert_eq!(
            (&flags["WHICH"], &flags["FULL_REFRESH"], &flags["FAIL_FAST"], &flags["TARGET"]),
            (&json!("run"), &json!(true), &json!(false), &json!("dev"))
        );
    }
}
