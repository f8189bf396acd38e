//! Assembly of the site: converts what is known about a project to the form that the page reads.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value};

use super::{
    detail,
    site::{self, PART, Site, SiteEntry, Used},
};
use crate::{
    compile::Compiled,
    ingest::Ledger,
    lake::{Facts, Past},
    lineage::{ColumnId, ColumnUses, Lineage},
    manifest::{
        DataTest, Exposure, Manifest, Model, Node, SourceFreshness, SourceTable, TestSeverity, UnitTest,
    },
    name::NodeId,
    project::Period,
    report::{LastAge, LastRun, verdict},
    run::came_of::CameOf,
};

/// The name of the documentation block used as the project's overview.
const OVERVIEW: &str = "__overview__";

/// Everything known about a project and its tables.
pub struct Known<'a> {
    /// The project's manifest.
    pub manifest: &'a Manifest,
    /// The variables and their values.
    pub vars: &'a Map<String, Value>,
    /// The name of the target whose tables are described.
    pub target: &'a str,
    /// The SQL and columns of every node.
    pub compiled: &'a Compiled,
    /// The column lineage.
    pub lineage: &'a Lineage,
    /// The sizes of the tables that exist.
    pub facts: &'a BTreeMap<NodeId, Facts>,
    /// The newest versions of each table, newest first, with their causes.
    pub history: &'a BTreeMap<NodeId, Vec<(Past, CameOf)>>,
    /// The files that each table was loaded from.
    pub ledgers: &'a BTreeMap<NodeId, Ledger>,
    /// The results of the last run.
    pub last_run: Option<&'a LastRun>,
    /// The source ages found by the last freshness check.
    pub ages: &'a BTreeMap<NodeId, LastAge>,
    /// The time at which the page is generated.
    pub generated_at: DateTime<Utc>,
}

/// Indexes used throughout assembly.
pub(super) struct Assembly<'a> {
    pub(super) known: &'a Known<'a>,
    /// The index of each node.
    places: BTreeMap<&'a NodeId, usize>,
    /// The index of each column within its node.
    columns: BTreeMap<&'a NodeId, BTreeMap<&'a str, usize>>,
    statuses: BTreeMap<NodeId, String>,
    endings: BTreeMap<&'a NodeId, site::SiteEnded>,
}

impl Known<'_> {
    /// Builds the site.
    #[must_use]
    pub fn site(&self) -> Site {
        let assembly = Assembly::new(self);
        let library = &self.manifest.library;
        let nodes = self.manifest.nodes.values();
        Site {
            project: self.manifest.project.clone(),
            generated_at: moment(self.generated_at),
            tool_version: env!("CARGO_PKG_VERSION"),
            target: self.target.to_owned(),
            overview: library.docs.get(OVERVIEW).map(|block| block.text.clone()).unwrap_or_default(),
            vars: self.vars.clone(),
            last_run: self.last_run.map(|last| site::SiteLastRun {
                at: last.ended_at().map(moment),
                command: last.args.get("which").and_then(Value::as_str).map(str::to_owned),
            }),
            nodes: nodes.clone().map(|node| assembly.entry(node)).collect(),
            macros: assembly.macros(),
            groups: library
                .groups
                .values()
                .map(|group| site::SiteGroup {
                    name: group.name.clone(),
                    description: group.description.clone(),
                    owner: group.owner.display().map(str::to_owned),
                })
                .collect(),
            part: PART,
            details: nodes.map(|node| detail::detail(&assembly, node)).collect(),
        }
    }
}

impl<'a> Assembly<'a> {
    fn new(known: &'a Known<'a>) -> Self {
        let places = known.manifest.nodes.keys().enumerate().map(|(at, id)| (id, at)).collect();
        let columns = known.lineage.nodes.iter().map(|(id, node)| {
            (id, node.columns.iter().enumerate().map(|(at, column)| (column.name.as_str(), at)).collect())
        });
        let endings = known.last_run.into_iter().flat_map(LastRun::endings).map(|ended| {
            let well = ["success", "pass", "reused", "no-op"].contains(&ended.status.as_str());
            let shown = site::SiteEnded {
                status: ended.status.clone(),
                failures: ended.failures,
                seconds: Some(ended.execution_time).filter(|seconds| *seconds > 0.0),
                message: ended.message.clone().filter(|_| !well),
            };
            (&ended.unique_id, shown)
        });
        Self {
            known,
            places,
            columns: columns.collect(),
            statuses: known.last_run.map(LastRun::statuses).unwrap_or_default(),
            endings: endings.collect(),
        }
    }

    /// Returns a node's index.
    pub(super) fn place(&self, id: &NodeId) -> Option<usize> {
        self.places.get(id).copied()
    }

    fn column(&self, id: &ColumnId) -> Option<(usize, usize)> {
        Some((self.place(&id.node)?, *self.columns.get(&id.node)?.get(id.column.as_str())?))
    }

    fn uses(&self, uses: &ColumnUses) -> Vec<Used> {
        let found = uses.iter().filter_map(|(id, kinds)| {
            let (node, column) = self.column(id)?;
            Some((node, column, kinds.iter().map(|kind| kind.word()).collect()))
        });
        found.collect()
    }

    fn entry(&self, node: &Node) -> SiteEntry {
        let id = node.id();
        let parents = self.known.manifest.graph.parents(id);
        let lineage = self.known.lineage.nodes.get(id);
        let entry = SiteEntry {
            id: id.to_string(),
            kind: node.resource_type(),
            name: node.display_name(),
            path: node.path().to_owned(),
            schema: node.relation().map(|relation| relation.schema.clone()),
            alias: node.relation().map(|relation| relation.name.clone()),
            description: node
                .documentation()
                .map(|said| said.description.text.trim().to_owned())
                .unwrap_or_default(),
            columns: self.columns_of(node),
            rows: lineage.map(|lineage| self.uses(&lineage.rows)).unwrap_or_default(),
            parents: parents.into_iter().filter_map(|parent| self.place(parent)).collect(),
            facts: self.known.facts.get(id).map(facts),
            ended: self.endings.get(id).cloned(),
            ..SiteEntry::default()
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

    fn columns_of(&self, node: &Node) -> Vec<site::SiteColumn> {
        let said = node.documentation().map(|said| &said.columns);
        let lineage = self.known.lineage.nodes.get(node.id());
        let columns =
            lineage.into_iter().flat_map(|lineage| &lineage.columns).map(|column| site::SiteColumn {
                name: column.name.clone(),
                data_type: column.data_type.clone(),
                description: said
                    .and_then(|columns| columns.get(&column.name))
                    .map(|said| said.text.trim().to_owned())
                    .unwrap_or_default(),
                values: column
                    .values
                    .iter()
                    .filter_map(|(from, how)| {
                        self.column(from).map(|(node, column)| (node, column, how.word()))
                    })
                    .collect(),
                uses: self.uses(&column.uses),
            });
        columns.collect()
    }

    fn model(&self, entry: SiteEntry, model: &Model, config: Map<String, Value>) -> SiteEntry {
        let group = config.get("group").and_then(Value::as_str).map(str::to_owned);
        let groups = &self.known.manifest.library.groups;
        let of_group = group.as_ref().and_then(|group| groups.get(group)?.owner.display());
        SiteEntry {
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

    fn source(&self, entry: SiteEntry, source: &SourceTable) -> SiteEntry {
        let external = source.external.as_ref();
        let format = external.map_or("delta", |external| external.declared.format.value.as_str());
        let age = self.known.ages.get(&source.id).map(|age| site::SiteAge {
            status: age.status.clone(),
            max_loaded_at: age.max_loaded_at.map(moment),
            asked_at: age.snapshotted_at.map(moment),
            seconds: age.seconds,
        });
        SiteEntry {
            fqn: vec![source.id.package().to_owned(), source.source.clone(), source.name.clone()],
            tags: source.tags.iter().cloned().collect(),
            owner: source.meta.get("owner").and_then(owner),
            source: Some(site::SiteSource {
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

    fn test(&self, entry: SiteEntry, test: &DataTest) -> SiteEntry {
        let generic = test.generic.as_ref();
        let judged = test.attached.iter().chain(self.known.manifest.graph.parents(&test.id));
        let newest = judged
            .filter_map(|id| self.known.history.get(id)?.first()?.0.provenance.as_ref())
            .find(|made| made.tests.contains_key(&test.id));
        let said = verdict(&test.id, &self.statuses, newest).map(str::to_owned);
        let ended = said.map(|status| match &entry.ended {
            Some(ended) if ended.status == status => ended.clone(),
            _ => site::SiteEnded { status, failures: None, seconds: None, message: None },
        });
        SiteEntry {
            fqn: test.fqn.clone(),
            tags: test.config.tags.iter().cloned().collect(),
            description: test.description.trim().to_owned(),
            config: test.config.all.clone(),
            test: Some(site::SiteTest {
                name: generic.map_or_else(|| test.name.clone(), |generic| generic.test.clone()),
                kind: if generic.is_some() { "generic" } else { "singular" },
                column: generic.and_then(|generic| Some(generic.column.as_ref()?.value.clone())),
                of: test.attached.as_ref().and_then(|id| self.place(id)),
                arguments: generic.map(|generic| generic.arguments.clone()).unwrap_or_default(),
                severity: Some(match test.config.severity {
                    TestSeverity::Error => "error",
                    TestSeverity::Warn => "warn",
                }),
            }),
            ended,
            ..entry
        }
    }

    fn unit_test(&self, entry: SiteEntry, test: &UnitTest) -> SiteEntry {
        SiteEntry {
            fqn: test.fqn.clone(),
            tags: test.tags.iter().cloned().collect(),
            description: test.description.trim().to_owned(),
            config: test.config.clone(),
            test: Some(site::SiteTest {
                name: test.name.clone(),
                kind: "unit",
                column: None,
                of: self.place(&test.model),
                arguments: Map::new(),
                severity: None,
            }),
            ..entry
        }
    }

    fn macros(&self) -> Vec<site::SiteMacro> {
        let mut users: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, node) in self.known.manifest.nodes.values().enumerate() {
            for name in node.calls().into_iter().flat_map(|calls| &calls.macros) {
                users.entry(name).or_default().push(at);
            }
        }
        let own = self.known.manifest.library.macros.values().filter(|one| !one.is_builtin);
        own.map(|one| site::SiteMacro {
            name: one.name.clone(),
            path: one.file.path().to_owned(),
            description: one.description.trim().to_owned(),
            arguments: one
                .arguments
                .iter()
                .map(|argument| {
                    (argument.name.clone(), argument.data_type.clone(), argument.description.clone())
                })
                .collect(),
            calls: one.calls.clone(),
            used_by: users.get(one.name.as_str()).cloned().unwrap_or_default(),
            text: one.text.clone(),
        })
        .collect()
    }
}

fn as_exposure(entry: SiteEntry, exposure: &Exposure) -> SiteEntry {
    let declared = &exposure.declared;
    SiteEntry {
        fqn: exposure.fqn.clone(),
        tags: exposure.tags.iter().cloned().collect(),
        owner: declared.owner.display().map(str::to_owned),
        description: exposure.description.trim().to_owned(),
        config: exposure.config.clone(),
        exposure: Some(site::SiteExposure {
            kind: declared.kind.clone(),
            label: declared.label.clone(),
            maturity: declared.maturity.clone(),
            url: declared.url.clone(),
            email: declared.owner.email.clone(),
        }),
        ..entry
    }
}

/// Formats a timestamp for the page.
pub(super) fn moment(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn facts(facts: &Facts) -> site::SiteFacts {
    site::SiteFacts {
        version: facts.version,
        rows: facts.rows,
        files: facts.files,
        bytes: facts.bytes,
        partition_by: facts.partition_by.clone(),
        at: facts.at.map(moment),
    }
}

/// Returns the owner declared in `meta`: a name, or a mapping with a name or email address.
fn owner(said: &Value) -> Option<String> {
    said.as_str()
        .or_else(|| said.get("name")?.as_str())
        .or_else(|| said.get("email")?.as_str())
        .map(str::to_owned)
}

fn expected(freshness: &SourceFreshness) -> Vec<String> {
    let say = |what: &str, period: &Period| {
        let plural = if period.count == 1 { "" } else { "s" };
        format!("{what} after {} {}{plural}", period.count, period.unit.as_str())
    };
    let warn = freshness.warn_after.iter().map(|period| say("warn", period));
    warn.chain(freshness.error_after.iter().map(|period| say("error", period))).collect()
}
