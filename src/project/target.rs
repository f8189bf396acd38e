//! `targets:`: the location of the lake, and the resource limits of a run.

use std::collections::BTreeMap;

use super::{
    keys,
    reader::{YamlReader, mismatch},
    yaml::{Yaml, YamlValue},
};
use crate::{
    diag::Diagnostic,
    secret::Secret,
    text::{Span, Spanned},
};

#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// The folder or URL that contains all tables; may contain Jinja.
    pub root: Spanned<String>,
    /// The schema of tables without one of their own, and the prefix of all others; may contain Jinja.
    pub schema: Option<Spanned<String>>,
    /// The maximum number of concurrent steps.
    pub threads: Option<usize>,
    /// The memory limit of queries, in bytes.
    pub memory_limit: Option<u64>,
    /// The folder for spilled rows, relative to the project's root; may contain Jinja.
    pub temp_dir: Option<Spanned<String>>,
    /// The settings of the object store; may contain Jinja.
    pub storage_options: BTreeMap<String, Spanned<Secret>>,
    /// The span of the target's name.
    pub span: Span,
}

impl Target {
    fn new(span: Span) -> Self {
        Self {
            root: Spanned::new("data_lake".to_owned(), span.clone()),
            schema: None,
            threads: None,
            memory_limit: None,
            temp_dir: None,
            storage_options: BTreeMap::new(),
            span,
        }
    }

    /// Returns the error about a lake in memory, given the rendered root: it would vanish after each command.
    #[must_use]
    pub fn transient(&self, root: &str) -> Option<Diagnostic> {
        const SCHEME: &str = "memory://";
        let scheme = root.trim_start().get(..SCHEME.len())?;
        scheme.eq_ignore_ascii_case(SCHEME).then(|| {
            let message =
                format!("the lake's root `{root}` is in memory, so each command would lose all its tables");
            Diagnostic::error("lake-root", message)
                .at(self.root.span.clone(), "declared here")
                .hint("set `root` to a folder or to the URL of an object store, such as `s3://bucket/lake`")
        })
    }
}

/// Reads the declared targets. If there are none, returns a `dev` target with the span `project`.
pub(super) fn read(
    declared: &[(Spanned<String>, Yaml)],
    project: &Span,
    diagnostics: &mut Vec<Diagnostic>,
) -> BTreeMap<String, Target> {
    if declared.is_empty() {
        return BTreeMap::from([("dev".to_owned(), Target::new(project.clone()))]);
    }
    declared.iter().map(|(name, yaml)| (name.value.clone(), target(name, yaml, diagnostics))).collect()
}

fn target(name: &Spanned<String>, yaml: &Yaml, diagnostics: &mut Vec<Diagnostic>) -> Target {
    let mut target = Target::new(name.span.clone());
    let Some(mut reader) = YamlReader::new(&keys::TARGET, yaml, diagnostics) else { return target };
    if let Some(root) = reader.string("root") {
        target.root = root;
    }
    target.schema = reader.string("schema");
    target.threads = reader.count("threads");
    target.memory_limit = memory_limit(&mut reader);
    target.temp_dir = reader.string("temp_dir");
    for (key, value) in reader.map("storage_options") {
        match &value.value {
            // As spelled, because object stores take every setting as text.
            YamlValue::Bool(_) | YamlValue::Int(_) | YamlValue::Float(_) => {
                let text = Spanned::new(Secret::new(value.span.text().to_owned()), value.span.clone());
                target.storage_options.insert(key.value.clone(), text);
            }
            YamlValue::String(text) => {
                let text = Spanned::new(Secret::new(text.clone()), value.span.clone());
                target.storage_options.insert(key.value.clone(), text);
            }
            _ => reader
                .diagnostics()
                .push(mismatch(format!("the storage option `{}` must be text", key.value), value)),
        }
    }
    reader.finish(None);
    target
}

fn memory_limit(reader: &mut YamlReader<'_, '_>) -> Option<u64> {
    let yaml = reader.take("memory_limit")?;
    let bytes = match &yaml.value {
        YamlValue::Int(bytes) => u64::try_from(*bytes).ok(),
        YamlValue::String(text) => bytes(text),
        _ => None,
    };
    let bytes = bytes.filter(|bytes| *bytes > 0);
    if bytes.is_none() {
        let finding = Diagnostic::error("invalid-size", "`memory_limit` must be an amount of memory")
            .at(yaml.span.clone(), "not understood")
            .hint("write it like `2GB`, `512MiB`, or as a number of bytes");
        reader.diagnostics().push(finding);
    }
    bytes
}

/// Parses a size in bytes: `2GB`, `512 MiB`, `1.5g` or `1000`.
fn bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1_000,
        "kib" => 1 << 10,
        "m" | "mb" => 1_000_000,
        "mib" => 1 << 20,
        "g" | "gb" => 1_000_000_000,
        "gib" => 1 << 30,
        "t" | "tb" => 1_000_000_000_000,
        "tib" => 1 << 40,
        _ => return None,
    };
    // The whole part and the fraction are handled separately, so that no amount is rounded through a float.
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole: u64 = whole.parse().ok()?;
    let mut bytes = whole.checked_mul(factor)?;
    if !fraction.is_empty() {
        let scale = 10u64.checked_pow(u32::try_from(fraction.len()).ok()?)?;
        let part = u128::from(fraction.parse::<u64>().ok()?) * u128::from(factor) / u128::from(scale);
        bytes = bytes.checked_add(u64::try_from(part).ok()?)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_of_memory() {
        let check = |text: &str, expect: Option<u64>| assert_eq!(bytes(text), expect, "{text}");
        check("2GB", Some(2_000_000_000));
        check("512MiB", Some(512 << 20));
        check("1.5 g", Some(1_500_000_000));
        check("1000", Some(1000));
        check("much", None);
        check("2XB", None);
        check("99999999999TiB", None);
        check("1.99999999999999999999999GB", None);
        check(".5GB", None);
    }
}
