//! Options for loading a project.

use std::{collections::BTreeMap, path::PathBuf};

use serde_json::{Map, Value};

use crate::{
    jinja::MessageListener,
    project::{Buffers, StaticAnalysis},
};

/// Options for loading a project. By default, the project in the current folder is loaded as it is on disk.
///
/// They have no `Debug` output: environment variables may be secret.
#[derive(Clone)]
pub struct LoadOptions {
    /// The folder with the project file.
    pub project_dir: PathBuf,
    /// Texts that replace files on disk.
    pub buffers: Buffers,
    /// The target, instead of the project's default one.
    pub target: Option<String>,
    /// The folder for artifacts, instead of the project's own.
    pub target_path: Option<PathBuf>,
    /// Variables that override the project's.
    pub vars: Option<Map<String, Value>>,
    /// The number of threads, instead of the target's.
    pub threads: Option<u16>,
    /// The mode of static analysis, instead of those of the project and its nodes.
    pub static_analysis: Option<StaticAnalysis>,
    /// The environment variables that templates may read.
    pub env: BTreeMap<String, String>,
    /// Whether only errors and warnings are of interest, which templates may ask for.
    pub quiet: bool,
    /// The command and its flags, under dbt's names in lower case, which templates see as `flags`.
    pub flags: Map<String, Value>,
    /// The receiver of what templates print and log.
    pub messages: MessageListener,
    /// A fault to inject into the lake.
    #[cfg(feature = "failpoints")]
    pub fault: Option<crate::lake::FaultInjection>,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            project_dir: PathBuf::from("."),
            buffers: Buffers::default(),
            target: None,
            target_path: None,
            vars: None,
            threads: None,
            static_analysis: None,
            env: BTreeMap::new(),
            quiet: false,
            flags: Map::new(),
            messages: MessageListener::default(),
            #[cfg(feature = "failpoints")]
            fault: None,
        }
    }
}
