//! Static analysis: whether an error in a node stops the whole run, or only the node.

use super::{
    keys,
    reader::{YamlReader, mismatch},
    yaml::Yaml,
};

/// The consequence of an error that is found in a node before anything runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StaticAnalysis {
    /// Nothing runs.
    Strict,
    /// The node fails, and what reads it is skipped.
    Baseline,
    /// Same as [`Self::Baseline`]: everything is always planned and type-checked.
    Off,
}

impl StaticAnalysis {
    /// The names, for messages. `on` and `unsafe` are older names of the first two.
    pub const NAMES: [&'static str; 3] = ["strict", "baseline", "off"];

    /// Returns the mode with this name, in any case.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "strict" | "on" => Some(Self::Strict),
            "baseline" | "unsafe" => Some(Self::Baseline),
            "off" => Some(Self::Off),
            _ => None,
        }
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Baseline => "baseline",
            Self::Off => "off",
        }
    }
}

/// The project's setting. A command's option comes before that of a node, which comes before the project's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnalysisSettings {
    /// The option of the command.
    pub command: Option<StaticAnalysis>,
    /// The value of `flags: static_analysis:`; without it, strict in a `project.yml` and baseline in a
    /// `dbt_project.yml`, since dbt finds an error in a node only when it runs it.
    pub project: StaticAnalysis,
}

impl AnalysisSettings {
    /// Returns the mode of a node that has this setting itself.
    #[must_use]
    pub fn of(self, own: Option<StaticAnalysis>) -> StaticAnalysis {
        self.command.or(own).unwrap_or(self.project)
    }

    /// Reads `flags:`.
    pub(super) fn read(reader: &mut YamlReader<'_, '_>, is_dbts: bool) -> Self {
        let default = if is_dbts { StaticAnalysis::Baseline } else { StaticAnalysis::Strict };
        let project = reader.take("flags").and_then(|yaml| {
            let mut flags = YamlReader::new(&keys::FLAGS, yaml, reader.diagnostics())?;
            let set = flags.take("static_analysis");
            let known = set.and_then(mode);
            if let (Some(yaml), None) = (set, known) {
                let names = StaticAnalysis::NAMES.join(", ");
                flags.diagnostics().push(mismatch(format!("`static_analysis` is one of {names}"), yaml));
            }
            flags.finish_open("a flag that dbt doesn't have has no effect");
            known
        });
        Self { command: None, project: project.unwrap_or(default) }
    }
}

/// Returns the mode that a value names. YAML may take `on` and `off` as true and false.
fn mode(yaml: &Yaml) -> Option<StaticAnalysis> {
    match yaml.as_bool() {
        Some(is_on) => StaticAnalysis::of(if is_on { "on" } else { "off" }),
        None => StaticAnalysis::of(yaml.as_str()?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{project::settings::ProjectSettings, text::Source};

    fn read(file: &str, text: &str) -> (AnalysisSettings, usize) {
        let mut findings = Vec::new();
        let settings = ProjectSettings::read(&Source::new(file, text), &mut findings).unwrap();
        (settings.static_analysis, findings.len())
    }

    #[test]
    fn the_default_depends_on_the_project_file() {
        let mode = |file: &str, text: &str| read(file, text).0.of(None);
        assert_eq!(mode("project.yml", "name: a"), StaticAnalysis::Strict);
        assert_eq!(mode("dbt_project.yml", "name: a"), StaticAnalysis::Baseline);
        let set = "name: a\nflags: { static_analysis: on, use_colors: false }";
        assert_eq!(mode("dbt_project.yml", set), StaticAnalysis::Strict);
        assert_eq!(mode("project.yml", "name: a\nflags: { static_analysis: off }"), StaticAnalysis::Off);
        let (wrong, findings) = read("project.yml", "name: a\nflags: { static_analysis: full }");
        assert_eq!((wrong.of(None), findings), (StaticAnalysis::Strict, 1));
    }

    #[test]
    fn a_command_comes_before_a_node_and_a_node_before_the_project() {
        let project = AnalysisSettings { command: None, project: StaticAnalysis::Strict };
        assert_eq!(project.of(Some(StaticAnalysis::Baseline)), StaticAnalysis::Baseline);
        let command = AnalysisSettings { command: Some(StaticAnalysis::Strict), ..project };
        assert_eq!(command.of(Some(StaticAnalysis::Baseline)), StaticAnalysis::Strict);
    }
}
