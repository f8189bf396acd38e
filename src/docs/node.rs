//! Nodes of the site: what lists, search and the graph need of each node.

use serde_json::{Map, Value};

use super::{
    assembly::{Assembly, moment},
    site::{
        SiteAge, SiteColumn, SiteExposure, SiteNode, SiteResult, SiteSeverity, SiteSource,
        SiteTableStatistics, SiteTest,
    },
};
use crate::{
    lake::TableStatistics,
    manifest::{DataTest, Exposure, Model, Node, SourceFreshness, SourceTable, TestSeverity, UnitTest},
    project::Period,
    report::verdict,
    select::TestKind,
};

impl Assembly<'_> {
    pub(super) fn node(&self, node: &Node) -> SiteNode {
        let id = node.id();
        let parents = self.inputs.manifest.graph.parents(id);
        let lineage = self.inputs.lineage.nodes.get(id);
        let entry = SiteNode {
            id: id.to_string(),
            kind: node.resource_type(),
            name: node.display_name(),
            path: node.path().to_owned(),
            schema: node.relation().map(|relation| relation.schema.clone()),
            alias: node.relation().map(|relation| relation.name.clone()),
            description: node
                .documentation()
                .map(|documentation| documentation.description.text.trim().to_owned())
                .unwrap_or_default(),
            columns: self.columns_of(node),
            rows: lineage.map(|lineage| self.uses(&lineage.rows)).unwrap_or_default(),
            parents: parents.into_iter().filter_map(|parent| self.place(parent)).collect(),
            facts: self.inputs.facts.get(id).map(facts),
            ended: self.results.get(id).cloned(),
            ..SiteNode::default()
        };
        match node {
            Node::Model(model) => self.model(entry, model, model.config.all.clone()),
            Node::Seed(seed) => self.model(entry, &seed.model, seed.all()),
            Node::Snapshot(snapshot) => self.model(entry, &snapshot.model, snapshot.all()),
            Node::Source(source) => self.source(entry, source),
            Node::Test(test) => self.test(entry, test),
            Node::UnitTest(test) => self.unit_test(entry, test),
            Node::Exposure(exposure) => as_exposure(entry, exposure),
        }
    }

    fn columns_of(&self, node: &Node) -> Vec<SiteColumn> {
        let documentation = node.documentation();
        let lineage = self.inputs.lineage.nodes.get(node.id());
        let columns = lineage.into_iter().flat_map(|lineage| &lineage.columns).map(|column| SiteColumn {
            name: column.name.clone(),
            data_type: column.data_type.clone(),
            description: documentation
                .and_then(|documentation| documentation.column(&column.name))
                .map(|documentation| documentation.text.trim().to_owned())
                .unwrap_or_default(),
            values: column
                .values
                .iter()
                .filter_map(|(from, how)| self.column(from).map(|(node, column)| (node, column, how.word())))
                .collect(),
            uses: self.uses(&column.uses),
        });
        columns.collect()
    }

    fn model(&self, entry: SiteNode, model: &Model, config: Map<String, Value>) -> SiteNode {
        let group = config.get("group").and_then(Value::as_str).map(str::to_owned);
        let groups = &self.inputs.manifest.library.groups;
        let of_group =
            group.as_ref().and_then(|group| groups.values().find(|one| one.name == *group)?.owner.display());
        SiteNode {
            fqn: model.fqn.clone(),
            materialized: Some(model.config.materialized.name()).filter(|_| entry.kind == "model"),
            tags: model.config.tags.iter().cloned().collect(),
            owner: of_group
                .map(str::to_owned)
                .or_else(|| config.get("meta").and_then(|meta| owner(meta.get("owner")?))),
            group,
            config,
            ..entry
        }
    }

    fn source(&self, entry: SiteNode, source: &SourceTable) -> SiteNode {
        let external = source.external.as_ref();
        let format = external.map_or("delta", |external| external.declared.format.value.as_str());
        let age = self.inputs.ages.get(&source.id).map(|age| SiteAge {
            status: age.status.clone(),
            max_loaded_at: age.max_loaded_at.map(moment),
            asked_at: age.snapshotted_at.map(moment),
            seconds: age.seconds,
        });
        SiteNode {
            fqn: vec![self.inputs.manifest.project.clone(), source.source.clone(), source.name.clone()],
            tags: source.tags.iter().cloned().collect(),
            owner: source.meta.get("owner").and_then(owner),
            source: Some(SiteSource {
                name: source.source.clone(),
                description: source.of.description.clone(),
                loader: source.of.loader.clone(),
                format: format.to_owned(),
                // The location as declared, since the rendered one may contain secrets.
                location: external.map(|external| external.declared.location.value.clone()),
                expected: source.freshness.as_ref().map(expected).unwrap_or_default(),
                age,
            }),
            ..entry
        }
    }

    fn test(&self, entry: SiteNode, test: &DataTest) -> SiteNode {
        let generic = test.generic.as_ref();
        let judged = test.attached.iter().chain(self.inputs.manifest.graph.parents(&test.id));
        let newest = judged
            .filter_map(|id| self.inputs.history.get(id)?.first()?.0.provenance.as_ref())
            .find(|made| made.tests.contains_key(&test.id));
        let latest = verdict(&test.id, &self.statuses, newest).map(str::to_owned);
        let ended = latest.map(|status| match &entry.ended {
            Some(ended) if ended.status == status => ended.clone(),
            _ => SiteResult { status, failures: None, seconds: None, message: None },
        });
        SiteNode {
            fqn: test.fqn.clone(),
            tags: test.config.tags.iter().cloned().collect(),
            description: test.description.trim().to_owned(),
            config: test.config.all.clone(),
            test: Some(SiteTest {
                name: generic.map_or_else(|| test.name.clone(), |generic| generic.test.clone()),
                kind: test.traits().kind.as_str(),
                column: generic.and_then(|generic| Some(generic.column.as_ref()?.value.clone())),
                of: test.attached.as_ref().and_then(|id| self.place(id)),
                arguments: generic.map(|generic| generic.arguments.clone()).unwrap_or_default(),
                severity: Some(severity(test.config.severity)),
            }),
            ended,
            ..entry
        }
    }

    fn unit_test(&self, entry: SiteNode, test: &UnitTest) -> SiteNode {
        SiteNode {
            fqn: test.fqn.clone(),
            tags: test.tags.iter().cloned().collect(),
            description: test.description.trim().to_owned(),
            config: test.config.clone(),
            test: Some(SiteTest {
                name: test.name.clone(),
                kind: TestKind::Unit.as_str(),
                column: None,
                of: self.place(&test.model),
                arguments: Map::new(),
                severity: None,
            }),
            ..entry
        }
    }
}

pub(super) fn severity(of: TestSeverity) -> SiteSeverity {
    match of {
        TestSeverity::Error => "error",
        TestSeverity::Warn => "warn",
    }
}

fn as_exposure(entry: SiteNode, exposure: &Exposure) -> SiteNode {
    let declared = &exposure.declared;
    SiteNode {
        fqn: exposure.fqn.clone(),
        tags: exposure.tags.iter().cloned().collect(),
        owner: declared.owner.display().map(str::to_owned),
        description: exposure.description.trim().to_owned(),
        config: exposure.config.clone(),
        exposure: Some(SiteExposure {
            kind: declared.kind.clone(),
            label: declared.label.clone(),
            maturity: declared.maturity.clone(),
            url: declared.url.clone(),
            email: declared.owner.email.clone(),
        }),
        ..entry
    }
}

fn facts(facts: &TableStatistics) -> SiteTableStatistics {
    SiteTableStatistics {
        version: facts.version,
        rows: facts.rows,
        files: facts.files,
        bytes: facts.bytes,
        partition_by: facts.partition_by.clone(),
        at: facts.at.map(moment),
    }
}

/// Returns the owner declared in `meta`: a name, or a mapping with a name or email address.
fn owner(declared: &Value) -> Option<String> {
    declared
        .as_str()
        .or_else(|| declared.get("name")?.as_str())
        .or_else(|| declared.get("email")?.as_str())
        .map(str::to_owned)
}

fn expected(freshness: &SourceFreshness) -> Vec<String> {
    let limit = |what: &str, period: &Period| {
        let plural = if period.count == 1 { "" } else { "s" };
        format!("{what} after {} {}{plural}", period.count, period.unit.as_str())
    };
    let warn = freshness.warn_after.iter().map(|period| limit("warn", period));
    warn.chain(freshness.error_after.iter().map(|period| limit("error", period))).collect()
}
