//! Resolution of unit tests: the tested model, and the inputs that their rows replace.

use serde_json::Value;

use super::resolver::{NodeEdges, Resolver};
use crate::{
    diag::Diagnostic,
    manifest::{
        config::{Layer, merged, static_analysis, tags},
        node::Node,
        unit_test::{InputFixture, UnitTest},
    },
    name::NodeId,
    parse::{Input, ParsedUnitTest},
    project::keys,
};

impl Resolver<'_> {
    /// Adds a unit test, downstream of the model it tests.
    pub(super) fn unit_test(&mut self, parsed: &ParsedUnitTest) -> NodeEdges {
        let declared = &parsed.declared;
        let model = match self.lookup.model(&self.package, None, &declared.model.value) {
            Ok((id, _)) => id.clone(),
            Err(_) if self.lookup.is_disabled(&self.package, &declared.model.value) => {
                return NodeEdges::new();
            }
            Err(unknown) => {
                self.findings.push(unknown.diagnostic("unknown-model", &declared.model.span));
                return NodeEdges::new();
            }
        };
        let other = match self.nodes.get(&model) {
            Some(Node::Seed(_)) => {
                Some(("a seed, and has no SQL to test", "test the rows of a seed with `data_tests:`"))
            }
            Some(Node::Snapshot(_)) => Some(("a snapshot", "test the model that the snapshot reads")),
            _ => None,
        };
        if let Some((is, instead)) = other {
            let message = format!("`{}` is {is}", declared.model.value);
            let label = is.split(',').next().unwrap_or_default();
            self.findings.push(
                Diagnostic::error("no-sql-to-test", message)
                    .at(declared.model.span.clone(), label)
                    .hint(format!("a unit test is of a model; {instead}")),
            );
            return NodeEdges::new();
        }
        let folders = self.folders(declared.span.source.package_path());
        let (model_name, name) = (&declared.model.value, &declared.name.value);
        let fqn: Vec<String> = [self.package.to_string()]
            .into_iter()
            .chain(folders)
            .chain([model_name.clone(), name.clone()])
            .collect();
        let settings = self.unit_test_config(parsed, &fqn);
        let is_enabled = !settings.get("enabled").is_some_and(|setting| setting.value == Value::Bool(false));
        let given = self.reporting(is_enabled, |resolver| resolver.given(parsed, &model));
        let Some(given) = given else { return NodeEdges::new() };
        let tags = tags(&settings);
        let static_analysis = static_analysis(&settings);
        let static_analysis = static_analysis.map_err(|found| self.findings.push(found)).ok().flatten();
        let test = UnitTest {
            id: parsed.id.clone(),
            name: name.clone(),
            model: model.clone(),
            fqn,
            description: self
                .reporting(is_enabled, |resolver| resolver.described(declared.description.as_ref()).text),
            declared: declared.clone(),
            given,
            static_analysis,
            tags,
            config: settings.into_iter().map(|(key, setting)| (key, setting.value)).collect(),
        };
        if !is_enabled {
            self.disable(Node::UnitTest(Box::new(test)));
            return NodeEdges::new();
        }
        self.places.insert(test.id.clone(), declared.name.span.clone());
        let edge = (model, test.id.clone());
        self.nodes.insert(test.id.clone(), Node::UnitTest(Box::new(test)));
        vec![edge]
    }

    fn unit_test_config(&mut self, parsed: &ParsedUnitTest, fqn: &[String]) -> Layer {
        let own = self.layer(&parsed.declared.config);
        let layers = self.layers(|settings| &settings.unit_tests, fqn, [own]);
        self.warn_of_settings(&keys::UNIT_TEST_CONFIG, &layers);
        merged(layers)
    }

    /// Resolves the inputs with given rows. Returns `None` if one is unknown or a duplicate.
    fn given(&mut self, parsed: &ParsedUnitTest, model: &NodeId) -> Option<Vec<InputFixture>> {
        let mut all: Vec<InputFixture> = Vec::new();
        for (input, rows) in &parsed.given {
            let found = match &input.value {
                Input::This => Ok(model.clone()),
                Input::Ref(call) => self
                    .lookup
                    .model(&self.package, call.package.as_deref(), &call.target())
                    .map(|(id, _)| id.clone()),
                Input::Source(call) => {
                    self.lookup.source(&self.package, &call.source, &call.table).map(|(id, _)| id.clone())
                }
            };
            let input_id = found
                .map_err(|unknown| self.findings.push(unknown.diagnostic("unknown-input", &input.span)))
                .ok()?;
            if let Some(first) = all.iter().find(|given| given.input == input_id) {
                self.findings.push(
                    Diagnostic::error("given-twice", "rows are given twice for the same input")
                        .at(input.span.clone(), "again here")
                        .at(first.span.clone(), "first here"),
                );
                return None;
            }
            all.push(InputFixture { input: input_id, span: input.span.clone(), rows: rows.clone() });
        }
        Some(all)
    }
}
