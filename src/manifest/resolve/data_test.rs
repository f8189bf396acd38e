//! Resolution of data tests: their subjects and configuration.

use serde_json::Value;

use super::{
    config::in_template,
    resolver::{NodeEdges, Resolver},
};
use crate::{
    diag::Diagnostic,
    jinja::ref_target,
    manifest::{config::TestConfig, data_test::DataTest, model::Calls, node::Node},
    name::{NodeId, Relation},
    parse::{ParsedTest, ParsedTestKind, TestSubject, at_declaration},
    project::keys,
};

impl Resolver<'_> {
    /// Adds a test, and returns the edges from the nodes it reads.
    pub(super) fn data_test(&mut self, parsed: &ParsedTest) -> NodeEdges {
        let fqn = self.test_fqn(parsed);
        let (attached, config) = if let Ok(attached) = self.attached(parsed) {
            (attached, self.test_config(parsed, &fqn))
        } else {
            // The subject is disabled or unknown, which is reported elsewhere.
            let config = self.reporting(false, |resolver| resolver.test_config(parsed, &fqn));
            (None, TestConfig { enabled: false, ..config })
        };
        if !config.enabled {
            self.disabled_test(parsed, fqn, config, attached);
            return NodeEdges::new();
        }
        if let Some(first) = self.places.get(&parsed.id) {
            let message = format!("the test `{}` is declared twice", parsed.name);
            self.findings.push(
                Diagnostic::error("duplicate-test", message)
                    .at(parsed.declared.clone(), "again here")
                    .at(first.clone(), "first here")
                    .hint("remove one of them, or give it another `name:`"),
            );
            return NodeEdges::new();
        }
        let (mut parents, missing) = self.known_parents(&parsed.id, &parsed.captures);
        if !missing.is_empty() {
            let path = parsed.declared.source.package_path();
            let warnings = missing.into_iter().map(|parent| {
                let mut found = parent.warning(&parsed.id, path);
                if matches!(parsed.kind, ParsedTestKind::Generic(_)) {
                    at_declaration(&mut found, &parsed.template, &parsed.declared);
                }
                found
            });
            self.findings.extend(warnings);
            self.disabled_test(parsed, fqn, config, attached);
            return NodeEdges::new();
        }
        self.test_access(parsed, &config, attached.as_ref());
        parents.extend(attached.clone());
        let audit = self.audit(parsed, &config, attached.as_ref().or(parents.first()));
        self.usable_names(&parsed.id, &audit, &parsed.declared, &parsed.declared);
        let description = self.described(parsed.description.as_ref()).text;
        let test = Self::test_node(parsed, fqn, (config, audit), attached, description);
        self.places.insert(test.id.clone(), test.declared.clone());
        let edges = parents.into_iter().map(|parent| (parent, test.id.clone())).collect();
        self.nodes.insert(test.id.clone(), Node::Test(Box::new(test)));
        edges
    }

    /// Reports references of a test to private models. A generic test is in the group of its model.
    fn test_access(&mut self, parsed: &ParsedTest, config: &TestConfig, attached: Option<&NodeId>) {
        let own = config.all.get("group").and_then(Value::as_str);
        let group = attached.and_then(|id| self.group_of(id)).or(own).map(str::to_owned);
        let before = self.findings.len();
        self.private_refs(&parsed.id, group.as_deref(), &parsed.captures);
        if matches!(parsed.kind, ParsedTestKind::Generic(_)) {
            for found in &mut self.findings[before..] {
                at_declaration(found, &parsed.template, &parsed.declared);
            }
        }
    }

    /// Keeps a disabled test for artifacts.
    fn disabled_test(
        &mut self,
        parsed: &ParsedTest,
        fqn: Vec<String>,
        config: TestConfig,
        attached: Option<NodeId>,
    ) {
        let config = TestConfig { enabled: false, ..config };
        let audit = self.audit(parsed, &config, attached.as_ref());
        let test = Self::test_node(parsed, fqn, (config, audit), attached, String::new());
        self.disable(Node::Test(Box::new(test)));
    }

    fn test_node(
        parsed: &ParsedTest,
        fqn: Vec<String>,
        (config, audit): (TestConfig, Relation),
        attached: Option<NodeId>,
        description: String,
    ) -> DataTest {
        DataTest {
            id: parsed.id.clone(),
            name: parsed.name.clone(),
            short_name: parsed.short_name.clone(),
            file_stem: parsed.short_name.clone(),
            fqn,
            template: parsed.template.clone(),
            declared: parsed.declared.clone(),
            description,
            calls: Calls::of(&parsed.captures),
            config,
            generic: match &parsed.kind {
                ParsedTestKind::Generic(generic) => Some(generic.clone()),
                ParsedTestKind::Singular(_) => None,
            },
            attached,
            audit,
        }
    }

    /// Returns the node on which a generic test is declared.
    fn attached(&self, parsed: &ParsedTest) -> Result<Option<NodeId>, Absent> {
        let ParsedTestKind::Generic(generic) = &parsed.kind else { return Ok(None) };
        let found = match &generic.subject {
            TestSubject::Model(name) => self.lookup.own_model(&self.package, name),
            TestSubject::Version(name, version) => {
                self.lookup.own_model(&self.package, &ref_target(name, Some(version.as_str())))
            }
            TestSubject::Source(source, table) => self.lookup.own_source(&self.package, source, table),
        };
        found.map(|(id, _)| Some(id.clone())).ok_or(Absent)
    }

    /// Returns the project, the folders of the declaring file below its path, and the name.
    fn test_fqn(&self, parsed: &ParsedTest) -> Vec<String> {
        let folders = match &parsed.kind {
            ParsedTestKind::Singular(folders) => folders.clone(),
            ParsedTestKind::Generic(_) => self.folders(parsed.declared.source.package_path()),
        };
        [self.package.to_string()].into_iter().chain(folders).chain([parsed.name.clone()]).collect()
    }

    /// Returns the folders between the configured path and a properties file of the current package.
    pub(super) fn folders(&self, path: &str) -> Vec<String> {
        let paths = &self.project.settings.paths;
        let under = paths.models.iter().chain(&paths.seeds).chain(&paths.snapshots).chain(&paths.tests);
        let mut under = under;
        let inside = under.find_map(|under| path.strip_prefix(under.as_str())?.strip_prefix('/'));
        let mut folders: Vec<String> = inside.unwrap_or_default().split('/').map(str::to_owned).collect();
        folders.pop();
        folders
    }

    fn test_config(&mut self, parsed: &ParsedTest, fqn: &[String]) -> TestConfig {
        let (own, written) = (self.layer(&parsed.config), in_template(&parsed.captures));
        // A generic test's macro sets defaults for all uses; a singular test's file is about that test alone.
        let own = match parsed.kind {
            ParsedTestKind::Generic(_) => [written, own],
            ParsedTestKind::Singular(_) => [own, written],
        };
        let layers = self.layers(|settings| &settings.data_tests, fqn, own);
        self.warn_of_settings(&keys::TEST_CONFIG, &layers);
        let (mut config, findings) = TestConfig::resolve(layers);
        if config.enabled {
            self.config_findings(&parsed.id, config.static_analysis, findings);
        }
        config.tags.extend(parsed.tags.iter().cloned());
        config
    }

    /// Returns the table for stored failures, next to the schema of the tested node.
    fn audit(&self, parsed: &ParsedTest, config: &TestConfig, tested: Option<&NodeId>) -> Relation {
        let name = config.alias.as_ref().filter(|alias| !alias.is_empty()).unwrap_or(&parsed.short_name);
        let tested = tested.and_then(|id| self.nodes.get(id)).and_then(Node::relation);
        match tested {
            Some(relation) => relation.audit(name),
            None => Relation::new(self.schema(None), "").audit(name),
        }
    }
}

/// The node doesn't exist.
struct Absent;
