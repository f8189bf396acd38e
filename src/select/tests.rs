mod fuzz;
mod indirect;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::diag::render;

fn selected(
    include: &[String],
    exclude: &[String],
    candidates: &[Candidate],
    graph: &Graph,
    indirect: Indirect,
) -> Result<(Selection, Vec<Diagnostic>), Vec<Diagnostic>> {
    let criteria = Criteria::parse((include, exclude), None, &Selectors::default())?;
    Ok(criteria.choose(candidates, graph, indirect))
}

fn model(path: &str, tags: &str, config: Value) -> Candidate {
    let (package, path) = path.split_once(':').unwrap_or(("meters", path));
    let mut fqn = vec![package.to_owned()];
    fqn.extend(path.split('/').map(str::to_owned));
    let name = fqn[fqn.len() - 1].clone();
    Candidate {
        id: NodeId::model(package, &name),
        name,
        fqn,
        is_installed: package != "meters",
        path: format!("models/{path}.sql"),
        tags: tags.split_whitespace().map(str::to_owned).collect(),
        source_name: None,
        config,
        test: None,
        version: None,
        comparison: Comparison::default(),
    }
}

fn source(source: &str, table: &str, tags: &str) -> Candidate {
    Candidate {
        id: NodeId::source("meters", source, table),
        name: table.to_owned(),
        fqn: ["meters", source, table].map(str::to_owned).to_vec(),
        is_installed: false,
        path: "sources.yml".to_owned(),
        tags: tags.split_whitespace().map(str::to_owned).collect(),
        source_name: Some(source.to_owned()),
        config: json!({}),
        test: None,
        version: None,
        comparison: Comparison::default(),
    }
}

/// ```text
/// files.readings ─▶ raw_readings ──▶ stg_readings ──┐
/// db.agreement ───▶ raw_agreements ┬▶ stg_agreements ┴▶ stg_enriched ┬▶ total ─▶ gold
/// db.product ─────▶ raw_products ──┘        └─────────▶ by_product ◀─┘  (total ─▶ ghost, no candidate)
/// utils: calendar
/// ```
fn project() -> (Vec<Candidate>, Graph) {
    let raw = || json!({"materialized": "table", "enabled": true});
    let candidates = vec![
        source("files", "readings", "raw"),
        source("db", "agreement", ""),
        source("db", "product", ""),
        model("raw/raw_readings", "raw", raw()),
        model("raw/raw_agreements", "", raw()),
        model("raw/raw_products", "", raw()),
        model("staging/stg_readings", "hourly", json!({"materialized": "table"})),
        model("staging/stg_agreements", "nightly", json!({"materialized": "table"})),
        model(
            "staging/deep/stg_enriched",
            "",
            json!({"materialized": "view", "meta": {"owner": "Ann", "pii": false}, "partition_by": ["day", "region"]}),
        ),
        model(
            "presentation/total",
            "nightly people",
            json!({"materialized": "table", "meta": {"owner": "Bob", "pii": true}, "severity": "WARN", "threads": 4}),
        ),
        model("presentation/by_product", "people", json!({"materialized": "table"})),
        model("presentation/gold", "", json!({"materialized": "table"})),
        model("utils:calendar", "", json!({})),
    ];
    let edges = [
        ("raw_readings", "stg_readings"),
        ("raw_agreements", "stg_agreements"),
        ("raw_products", "stg_agreements"),
        ("stg_readings", "stg_enriched"),
        ("stg_agreements", "stg_enriched"),
        ("stg_agreements", "by_product"),
        ("stg_enriched", "by_product"),
        ("stg_enriched", "total"),
        ("total", "gold"),
        ("total", "ghost"),
    ];
    let sources = [
        ("files", "readings", "raw_readings"),
        ("db", "agreement", "raw_agreements"),
        ("db", "product", "raw_products"),
    ];
    let edges = edges.map(|(a, b)| (NodeId::model("meters", a), NodeId::model("meters", b)));
    let sources = sources.map(|(s, t, b)| (NodeId::source("meters", s, t), NodeId::model("meters", b)));
    let nodes = candidates.iter().map(|candidate| candidate.id.clone()).collect::<Vec<_>>();
    (candidates, Graph::build(nodes, edges.into_iter().chain(sources)).unwrap())
}

fn words(text: &[&str]) -> Vec<String> {
    text.iter().map(|word| (*word).to_owned()).collect()
}

fn run(include: &[&str], exclude: &[&str]) -> Result<(Selection, Vec<Diagnostic>), Vec<Diagnostic>> {
    let (candidates, graph) = project();
    selected(&words(include), &words(exclude), &candidates, &graph, Indirect::Eager)
}

fn chosen(include: &[&str], exclude: &[&str]) -> BTreeSet<NodeId> {
    run(include, exclude).unwrap().0.chosen
}

/// Returns the name of a node without its source or the model of a unit test.
fn own_name(id: &NodeId) -> &str {
    id.source_and_table().or(id.model_and_test()).map_or(id.name(), |(_, name)| name)
}

/// Returns the name of each node; omits sources such as `db`.
fn names(nodes: &BTreeSet<NodeId>) -> String {
    nodes.iter().map(own_name).collect::<Vec<_>>().join(" ")
}

fn rendered(findings: &[Diagnostic]) -> String {
    let shown: Vec<String> = findings.iter().map(|finding| render::to_string(finding, false)).collect();
    shown.join("\n\n")
}

fn check(cases: &[(&str, &str)]) {
    for (text, expect) in cases {
        assert_eq!(names(&chosen(&[text], &[])), *expect, "{text}");
    }
}

const MODELS: &str =
    "by_product gold raw_agreements raw_products raw_readings stg_agreements stg_enriched stg_readings total";
const SOURCES: &str = "agreement product readings";

#[test]
fn names_and_folders() {
    check(&[
        ("total", "total"),
        ("fqn:total", "total"),
        ("presentation", "by_product gold total"),
        ("meters.presentation", "by_product gold total"),
        ("presentation.total", "total"),
        ("meters.presentation.total", "total"),
        ("meters.total", ""),
        ("deep", ""),
        ("staging.deep", "stg_enriched"),
        ("presentation.tot*", "total"),
        ("stg_*", "stg_agreements stg_enriched stg_readings"),
        ("staging.*", "stg_agreements stg_enriched stg_readings"),
        ("staging.**", "stg_agreements stg_enriched stg_readings"),
        ("*.staging.*", "stg_agreements stg_enriched stg_readings"),
        ("staging.*.*", "stg_enriched"),
        ("staging.stg_?eadings", "stg_readings"),
        ("[a-c]*", "by_product calendar"),
        ("raw_[!ap]*", "raw_readings"),
        ("meters", MODELS),
        ("meters.*", MODELS),
        ("*", &format!("{MODELS} calendar")),
        ("readings", ""),
        ("Total", ""),
    ]);
}

#[test]
fn paths_and_files() {
    let all = format!("{MODELS} calendar {SOURCES}");
    let staging = "stg_agreements stg_enriched stg_readings";
    check(&[
        ("path:models/staging", staging),
        ("models/staging", staging),
        ("./models/staging/", staging),
        ("models//staging", staging),
        (r"models\staging", staging),
        (r"path:.\models\staging\", staging),
        ("models/staging/*", staging),
        ("models/staging/*.sql", "stg_agreements stg_readings"),
        ("models/*/deep", "stg_enriched"),
        ("models/**/stg_enriched.sql", "stg_enriched"),
        ("**/deep", "stg_enriched"),
        ("models/stag", ""),
        ("models/*.sql", "calendar"),
        ("path:models/presentation/total.sql", "total"),
        ("path:sources.yml", SOURCES),
        ("path:.", &all),
        ("./", &all),
        ("total.sql", "total"),
        ("file:total.sql", "total"),
        ("file:total", "total"),
        ("stg_*.sql", staging),
        ("file:sources.*", SOURCES),
    ]);
}

#[test]
fn properties() {
    check(&[
        ("tag:nightly", "stg_agreements total"),
        ("tag:n*", "stg_agreements total"),
        ("tag:raw", "raw_readings readings"),
        ("source:files", "readings"),
        ("source:db", "agreement product"),
        ("source:db.product", "product"),
        ("source:*.*s", "readings"),
        ("source:meters.db.*", "agreement product"),
        ("source:utils.db.*", ""),
        ("source:*", SOURCES),
        ("resource_type:source", SOURCES),
        ("resource_type:model", &format!("{MODELS} calendar")),
        ("resource_type:seed", ""),
        ("package:utils", "calendar"),
        ("package:met*", &format!("{MODELS} {SOURCES}")),
        ("config.materialized:view", "stg_enriched"),
        ("config.materialized:v*", ""),
        ("config.enabled:TRUE", "raw_agreements raw_products raw_readings"),
        ("config.meta.pii:false", "stg_enriched"),
        ("config.meta.owner:Bob", "total"),
        ("config.meta.owner:bob", ""),
        ("config.meta:owner", "stg_enriched total"),
        ("config.partition_by:region", "stg_enriched"),
        ("config.severity:warn", "total"),
        ("config.threads:4", "total"),
    ]);
}

#[test]
fn relatives() {
    let above_total =
        "raw_agreements raw_products raw_readings stg_agreements stg_enriched stg_readings total";
    check(&[
        ("+total", &format!("{above_total} {SOURCES}")),
        ("total+", "gold total"),
        ("0+total+0", "total"),
        ("1+total", "stg_enriched total"),
        ("2+total", "stg_agreements stg_enriched stg_readings total"),
        ("stg_agreements+1", "by_product stg_agreements stg_enriched"),
        ("1+stg_enriched+1", "by_product stg_agreements stg_enriched stg_readings total"),
        ("+raw_readings+1", "raw_readings stg_readings readings"),
        ("source:db+1", "raw_agreements raw_products agreement product"),
        ("tag:nightly+1", "by_product gold stg_agreements stg_enriched total"),
        ("99999999999999999999999+gold", &format!("gold {above_total} {SOURCES}")),
        ("@gold", &format!("gold {above_total} {SOURCES}")),
        ("@raw_products", &format!("{MODELS} {SOURCES}")),
        ("@+calendar", "calendar"),
    ]);
}

#[test]
fn sets() {
    check(&[
        ("total gold", "gold total"),
        ("tag:nightly,tag:people", "total"),
        ("tag:nightly,tag:people gold", "gold total"),
        ("gold tag:nightly,tag:people", "gold total"),
        ("+total,stg_*", "stg_agreements stg_enriched stg_readings"),
        ("+total,stg_agreements+", "stg_agreements stg_enriched total"),
        ("staging,tag:people", ""),
        ("models/staging,*.sql,tag:hourly", "stg_readings"),
    ]);
    let differ = |include: &[&str], exclude: &[&str]| names(&chosen(include, exclude));
    assert_eq!(differ(&[], &[]), format!("{MODELS} calendar {SOURCES}"));
    assert_eq!(differ(&[], &["source:*"]), format!("{MODELS} calendar"));
    assert_eq!(differ(&[], &["meters", "source:db source:files"]), "calendar");
    assert_eq!(differ(&["total", "gold"], &[]), "gold total");
    assert_eq!(differ(&["presentation"], &["tag:nightly,tag:people"]), "by_product gold");
    assert_eq!(differ(&["+gold"], &["+stg_enriched"]), "gold total");
    assert_eq!(differ(&["gold"], &["gold+"]), "");
    assert_eq!(differ(&["gold"], &["", " "]), "gold");
}

#[test]
fn every_error_is_reported_in_its_place() {
    let errors = run(
        &[
            "tags:nightly metric:x state:changed version:v1",
            "total,",
            "@gold+",
            "config:view tag.x:y + source:a.b.c.d",
        ],
        &["resource_type:modle raw_[a"],
    );
    insta::assert_snapshot!(rendered(&errors.unwrap_err()));
}

#[test]
fn a_blank_select_is_not_everything() {
    insta::assert_snapshot!(rendered(&run(&["", " "], &[]).unwrap_err()), @"
    error[empty-selection]: `--select` is given, but nothing is named
     |
     = help: leave `--select` out to select everything
    ");
}

#[test]
fn a_criterion_that_matches_nothing_is_a_warning() {
    let (selection, warnings) = run(
        &[
            "stg_reading+",
            "agreement nightly staging.stg_reading models/stagin/ tag:nightley source:file xyz*",
        ],
        &["config.materialized:veiw config.grants:x"],
    )
    .unwrap();
    assert_eq!(selection, Selection::default());
    insta::assert_snapshot!(rendered(&warnings));
}

#[test]
fn ten_thousand_nodes_are_no_trouble() {
    let candidates: Vec<Candidate> =
        (0..10_000).map(|n| model(&format!("f{}/m{n:05}", n % 50), "all", json!({}))).collect();
    let edges = candidates.windows(2).map(|pair| (pair[0].id.clone(), pair[1].id.clone()));
    let graph = Graph::build([], edges).unwrap();
    let include = words(&["@f7,tag:all+", "+m0[0-4]*,models/f*/m*"]);
    let (selection, warnings) =
        selected(&include, &words(&["m0000?"]), &candidates, &graph, Indirect::Eager).unwrap();
    assert_eq!((selection.chosen.len(), warnings), (9_990, Vec::new()));
}

fn criteria() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "total",
        "+total",
        "stg_*",
        "tag:nightly",
        "source:db+2",
        "@raw_products",
        "presentation",
        "models/staging",
        "nobody",
        "config.materialized:view+",
        "1+gold",
        "package:utils",
    ])
}

proptest! {
    #[test]
    fn blanks_commas_and_exclude_are_the_set_operations(a in criteria(), b in criteria(), c in criteria()) {
        let [x, y, z] = [a, b, c].map(|text| chosen(&[text], &[]));
        let union: BTreeSet<NodeId> = &x | &y;
        prop_assert_eq!(chosen(&[a, b], &[]), union.clone());
        prop_assert_eq!(chosen(&[&format!("{b} {a}")], &[]), union);
        prop_assert_eq!(chosen(&[&format!("{a},{b}")], &[]), &x & &y);
        prop_assert_eq!(chosen(&[&format!("{a},{b} {c}")], &[]), &(&x & &y) | &z);
        prop_assert_eq!(chosen(&[a], &[b, c]), &x - &(&y | &z));
        prop_assert_eq!(chosen(&[], &[a]), &chosen(&[], &[]) - &x);
    }

    #[test]
    fn a_plus_on_either_side_adds_what_the_graph_says(pick in any::<prop::sample::Index>(), depth in 0..4usize) {
        let (candidates, graph) = project();
        let models: Vec<&Candidate> = candidates.iter().filter(|one| one.source_name.is_none()).collect();
        let Candidate { id, name, .. } = models[pick.index(models.len())];
        let itself = BTreeSet::from([id.clone()]);
        let ghost = BTreeSet::from([NodeId::model("meters", "ghost")]);
        for (limit, digits) in [(None, String::new()), (Some(depth), depth.to_string())] {
            let around = &(&graph.ancestors(id, limit) | &itself) | &graph.downstream([id], limit);
            let text = format!("{digits}+{name}+{digits}");
            prop_assert_eq!(chosen(&[&text], &[]), &around - &ghost);
        }
    }

    #[test]
    fn any_words_are_answered_without_a_panic(
        include in "[-@+,:.*?\\[\\]!/\\\\ a-c0-2é]{0,12}|(tag|path|file|fqn|source|config\\.a):[*?\\[\\]a-z./!-]{0,8}",
        exclude in any::<String>(),
    ) {
        let answer = run(&[&include], &[&exclude]);
        for finding in answer.map_or_else(|errors| errors, |(_, warnings)| warnings) {
            prop_assert!(!render::to_string(&finding, false).is_empty());
        }
    }
}
