//! Tables and files as OpenLineage datasets: their namespace and name, and their facets.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use serde_json::{Map, Value, json};

use super::facet;
use crate::{
    lineage::{ColumnUse, Derivation, Lineage, NodeLineage},
    manifest::{Manifest, Materialized, Node, TestSeverity},
    name::NodeId,
    outcome::{Outcome, TestStatus, Verdict},
};

/// A project's datasets, collected before the run.
#[derive(Debug)]
pub struct Datasets {
    project: String,
    dialect: String,
    nodes: BTreeMap<NodeId, Dataset>,
    assertions: BTreeMap<NodeId, Assertion>,
}

/// A node that has rows.
#[derive(Debug)]
struct Dataset {
    id: DatasetName,
    description: String,
    reads: Vec<NodeId>,
    facets: Map<String, Value>,
    /// The column lineage; null for sources.
    lineage: Value,
}

/// The location of rows, in OpenLineage's terms.
#[derive(Debug, Clone, PartialEq, Eq)]
struct DatasetName {
    namespace: String,
    name: String,
}

/// A data test, as an assertion about the tables it reads.
#[derive(Debug)]
struct Assertion {
    test: String,
    name: String,
    column: Option<String>,
    severity: &'static str,
    /// The node that declares the test; for a singular test, every node it reads.
    about: Vec<NodeId>,
    reads: Vec<NodeId>,
}

impl Datasets {
    /// Collects the nodes that have rows, and the tests.
    ///
    /// `lineage` must contain no node that [`is_ephemeral`]. `root` is the lake's absolute path or URL;
    /// `base` is the project folder, which relative locations start from.
    #[must_use]
    pub fn new(manifest: &Manifest, lineage: &Lineage, (root, base): (&str, &Path), dialect: &str) -> Self {
        let names: BTreeMap<&NodeId, DatasetName> = manifest
            .nodes
            .iter()
            .filter_map(|(id, node)| Some((id, DatasetName::of(node, root, base)?)))
            .collect();
        let nodes = names.iter().map(|(id, name)| {
            let node = &manifest.nodes[*id];
            let documentation =
                node.documentation().map(|documentation| documentation.description.text.trim().to_owned());
            let dataset = Dataset {
                id: name.clone(),
                description: documentation.unwrap_or_default(),
                reads: reads(manifest, id),
                facets: facets(node, lineage.nodes.get(*id), name, root),
                lineage: lineage.nodes.get(*id).map(|node| column_lineage(node, &names)).unwrap_or_default(),
            };
            ((*id).clone(), dataset)
        });
        let nodes = nodes.collect();
        let assertions = manifest.nodes.keys().filter_map(|id| manifest.test(id)).map(|test| {
            let reads = reads(manifest, &test.id);
            let generic = test.generic.as_ref();
            let assertion = Assertion {
                test: generic.map_or_else(|| "custom_sql".to_owned(), |generic| generic.test.clone()),
                name: test.name.clone(),
                column: generic
                    .and_then(|generic| generic.column.as_ref())
                    .map(|column| column.value.clone()),
                severity: match test.config.severity {
                    TestSeverity::Error => "error",
                    TestSeverity::Warn => "warn",
                },
                about: test.attached.clone().map_or_else(|| reads.clone(), |one| vec![one]),
                reads,
            };
            (test.id.clone(), assertion)
        });
        Self {
            project: manifest.project.clone(),
            dialect: dialect.to_owned(),
            nodes,
            assertions: assertions.collect(),
        }
    }

    pub(super) fn project(&self) -> &str {
        &self.project
    }

    pub(super) fn dialect(&self) -> &str {
        &self.dialect
    }

    /// Returns a node's description, if it isn't empty.
    pub(super) fn description(&self, id: &NodeId) -> Option<&str> {
        self.nodes.get(id).map(|dataset| dataset.description.as_str()).filter(|text| !text.is_empty())
    }

    /// Returns a step's inputs; for a test that has finished, with its verdict.
    pub(super) fn inputs(&self, id: &NodeId, outcome: Option<&Outcome>) -> Vec<Value> {
        let (reads, assertion) = match self.assertions.get(id) {
            Some(assertion) => (&assertion.reads, Some(assertion)),
            None => match self.nodes.get(id) {
                Some(dataset) => (&dataset.reads, None),
                None => return Vec::new(),
            },
        };
        let verdict = match outcome {
            Some(Outcome::Tested(verdict)) => Some(verdict),
            _ => None,
        };
        let input = |id: &NodeId| {
            let dataset = self.nodes.get(id)?;
            let mut input = dataset.dataset();
            if let (Some(assertion), Some(verdict)) = (assertion.filter(|it| it.about.contains(id)), verdict)
            {
                input["inputFacets"] = json!({ "dataQualityAssertions": assertion.judged(verdict) });
            }
            Some(input)
        };
        reads.iter().filter_map(input).collect()
    }

    /// Returns a step's output, with statistics once it has been written.
    pub(super) fn output(&self, id: &NodeId, outcome: Option<&Outcome>) -> Vec<Value> {
        let Some(dataset) = self.nodes.get(id) else { return Vec::new() };
        let mut output = dataset.dataset();
        if !dataset.lineage.is_null() {
            output["facets"]["columnLineage"] = dataset.lineage.clone();
        }
        if let Some(Outcome::Published { rows, bytes, version, .. }) = outcome {
            let statistics = json!({ "rowCount": rows, "size": bytes });
            output["outputFacets"] =
                json!({ "outputStatistics": facet(statistics, "1-0-2/OutputStatisticsOutputDatasetFacet") });
            let version = json!({ "datasetVersion": version.to_string() });
            output["facets"]["version"] = facet(version, "1-0-1/DatasetVersionDatasetFacet");
        }
        vec![output]
    }
}

/// Returns true for ephemeral nodes, which don't exist outside the project.
#[must_use]
pub fn is_ephemeral(node: &Node) -> bool {
    matches!(node, Node::Model(model) if model.config.materialized == Materialized::Ephemeral)
}

/// Returns the nodes that a node reads, and looks through ephemeral ones.
fn reads(manifest: &Manifest, id: &NodeId) -> Vec<NodeId> {
    let mut found = BTreeSet::new();
    let mut next = manifest.graph.parents(id);
    while let Some(parent) = next.pop() {
        if manifest.nodes.get(parent).is_some_and(is_ephemeral) {
            next.extend(manifest.graph.parents(parent));
        } else {
            found.insert(parent.clone());
        }
    }
    found.into_iter().collect()
}

impl Dataset {
    fn dataset(&self) -> Value {
        json!({ "namespace": self.id.namespace, "name": self.id.name, "facets": self.facets })
    }
}

impl DatasetName {
    /// Returns the location of a node's rows, or `None` if it has none.
    fn of(node: &Node, root: &str, base: &Path) -> Option<Self> {
        if let Node::Source(source) = node
            && let Some(external) = &source.external
        {
            // A database holds several tables, and its location doesn't name any of them.
            let table = if source.has_files() || source.is_delta() {
                String::new()
            } else {
                format!(".{}", source.name)
            };
            let location = &external.location;
            let whole = if location.contains("://") {
                location.clone()
            } else {
                base.join(location).display().to_string()
            };
            return Some(Self::at(&format!("{whole}{table}")));
        }
        let relation = node.relation()?;
        Some(Self::at(&format!("{}/{}/{}", root.trim_end_matches('/'), relation.schema, relation.name)))
    }

    /// `s3://bucket` and `path`, or `file` and a path.
    fn at(location: &str) -> Self {
        let (namespace, name) = match location.split_once("://") {
            Some(("file", path)) => ("file".to_owned(), path),
            Some((scheme, rest)) => {
                let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
                // Don't publish credentials.
                let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
                (format!("{scheme}://{host}"), path)
            }
            None => ("file".to_owned(), location),
        };
        Self { namespace, name: name.to_owned() }
    }
}

impl Assertion {
    fn judged(&self, verdict: &Verdict) -> Value {
        let assertion = json!({
            "assertion": self.test,
            "success": verdict.status == TestStatus::Pass,
            "column": self.column,
            "severity": self.severity,
            "name": self.name,
            "actual": verdict.failures.to_string(),
        });
        let assertion = match assertion {
            Value::Object(entries) => entries.into_iter().filter(|(_, value)| !value.is_null()).collect(),
            _ => Map::new(),
        };
        facet(json!({ "assertions": [assertion] }), "1-1-0/DataQualityAssertionsDatasetFacet")
    }
}

/// Returns the facets that hold for every reader and writer of a dataset.
fn facets(node: &Node, columns: Option<&NodeLineage>, id: &DatasetName, root: &str) -> Map<String, Value> {
    let documentation = node.documentation();
    let mut facets = Map::new();
    let fields: Vec<Value> = columns
        .into_iter()
        .flat_map(|node| &node.columns)
        .enumerate()
        .map(|(at, column)| {
            let mut field =
                json!({ "name": column.name, "type": column.data_type, "ordinal_position": at + 1 });
            let text = documentation
                .and_then(|documentation| documentation.column(&column.name))
                .map(|documentation| documentation.text.trim());
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                field["description"] = text.into();
            }
            field
        })
        .collect();
    if !fields.is_empty() {
        facets.insert("schema".to_owned(), facet(json!({ "fields": fields }), "1-2-0/SchemaDatasetFacet"));
    }
    let uri = if id.namespace == "file" {
        format!("file://{}", id.name)
    } else {
        format!("{}/{}", id.namespace, id.name)
    };
    let source = match node {
        Node::Source(source) => json!({ "name": source.source, "uri": uri }),
        _ => json!({ "name": root, "uri": uri }),
    };
    facets.insert("dataSource".to_owned(), facet(source, "1-0-1/DatasourceDatasetFacet"));
    let text = documentation.map(|documentation| documentation.description.text.trim()).unwrap_or_default();
    if !text.is_empty() {
        let documentation = json!({ "description": text, "contentType": "text/markdown" });
        facets.insert("documentation".to_owned(), facet(documentation, "1-1-0/DocumentationDatasetFacet"));
    }
    facets
}

/// Returns the input columns of each column of a dataset, or null if no other dataset contributes.
fn column_lineage(node: &NodeLineage, names: &BTreeMap<&NodeId, DatasetName>) -> Value {
    let field = |from: &crate::lineage::ColumnId, transformations: Vec<Value>| {
        let id = names.get(&from.node)?;
        Some(json!({
            "namespace": id.namespace,
            "name": id.name,
            "field": from.column,
            "transformations": transformations,
        }))
    };
    let fields = node.columns.iter().filter_map(|column| {
        let values = column.values.iter().filter_map(|(from, how)| field(from, vec![direct(*how)]));
        let uses = column.uses.iter().filter_map(|(from, kinds)| field(from, indirect(kinds)));
        let inputs: Vec<Value> = values.chain(uses).collect();
        (!inputs.is_empty()).then(|| (column.name.clone(), json!({ "inputFields": inputs })))
    });
    let fields: Map<String, Value> = fields.collect();
    let dataset: Vec<Value> =
        node.rows.iter().filter_map(|(from, kinds)| field(from, indirect(kinds))).collect();
    if fields.is_empty() && dataset.is_empty() {
        return Value::Null;
    }
    facet(json!({ "fields": fields, "dataset": dataset }), "1-2-0/ColumnLineageDatasetFacet")
}

fn direct(how: Derivation) -> Value {
    let subtype = match how {
        Derivation::Copied | Derivation::Renamed => "IDENTITY",
        Derivation::Transformed => "TRANSFORMATION",
        Derivation::Aggregated => "AGGREGATION",
    };
    json!({ "type": "DIRECT", "subtype": subtype, "description": how.word(), "masking": false })
}

fn indirect(kinds: &BTreeSet<ColumnUse>) -> Vec<Value> {
    let one = |kind: &ColumnUse| {
        let subtype = match kind {
            ColumnUse::Filter => "FILTER",
            ColumnUse::Join => "JOIN",
            ColumnUse::Group => "GROUP_BY",
            ColumnUse::Order => "SORT",
            ColumnUse::Window => "WINDOW",
            ColumnUse::Condition => "CONDITIONAL",
        };
        json!({ "type": "INDIRECT", "subtype": subtype, "description": kind.word(), "masking": false })
    };
    kinds.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(location: &str) -> (String, String) {
        let DatasetName { namespace, name } = DatasetName::at(location);
        (namespace, name)
    }

    #[test]
    fn a_place_is_a_namespace_and_a_name_in_it() {
        assert_eq!(at("/lake/raw/a"), ("file".to_owned(), "/lake/raw/a".to_owned()));
        assert_eq!(at("file:///lake/raw/a"), ("file".to_owned(), "/lake/raw/a".to_owned()));
        assert_eq!(at("s3://bucket/lake/raw/a"), ("s3://bucket".to_owned(), "lake/raw/a".to_owned()));
        assert_eq!(at("https://me:secret@host/a.csv"), ("https://host".to_owned(), "a.csv".to_owned()));
        assert_eq!(at("s3://bucket"), ("s3://bucket".to_owned(), String::new()));
    }
}
