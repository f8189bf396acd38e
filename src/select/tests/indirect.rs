//! Tests that are selected along with the nodes they test.

use super::*;

/// Returns `a` → `b` and an isolated `c`; a test of each, one of `a` and `b`, one of `a` and `c`, and a unit
/// test of `b`.
pub(super) fn tested() -> (Vec<Candidate>, Graph) {
    let models = ["a", "b", "c"].map(|name| model(name, "", json!({})));
    let test = |name: &str, kind: TestKind, test_name: &str| Candidate {
        id: match kind {
            TestKind::Unit => NodeId::unit_test("meters", "b", name),
            _ => NodeId::singular_test("meters", name),
        },
        test: Some(TestTraits { test_name: test_name.to_owned(), kind }),
        ..model(name, "", json!({ "severity": "WARN" }))
    };
    let tests = [
        (test("unique_a", TestKind::Generic, "unique"), vec![0]),
        (test("unique_b", TestKind::Generic, "unique"), vec![1]),
        (test("a_and_b", TestKind::Singular, "a_and_b"), vec![0, 1]),
        (test("a_and_c", TestKind::Generic, "relationships"), vec![0, 2]),
        (test("adds_up", TestKind::Unit, "adds_up"), vec![1]),
    ];
    let mut edges = vec![(models[0].id.clone(), models[1].id.clone())];
    for (test, of) in &tests {
        edges.extend(of.iter().map(|at| (models[*at].id.clone(), test.id.clone())));
    }
    let candidates: Vec<Candidate> = models.into_iter().chain(tests.map(|(test, _)| test)).collect();
    let graph = Graph::build(candidates.iter().map(|it| it.id.clone()), edges).unwrap();
    (candidates, graph)
}

fn with_tests(include: &[&str], exclude: &[&str], mode: Indirect) -> String {
    let (candidates, graph) = tested();
    let (selection, _) = selected(&words(include), &words(exclude), &candidates, &graph, mode).unwrap();
    names(&selection.chosen)
}

#[test]
fn tests_come_along_as_dbt_lets_them() {
    use Indirect::{Buildable, Cautious, Eager, Empty};
    let check = |include: &[&str], mode, expect: &str| assert_eq!(with_tests(include, &[], mode), expect);
    check(&["b"], Eager, "b a_and_b unique_b adds_up");
    check(&["b"], Cautious, "b unique_b adds_up");
    check(&["b"], Buildable, "b a_and_b unique_b adds_up");
    check(&["b"], Empty, "b");
    check(&["a"], Cautious, "a unique_a");
    // A waiting test is selected once the rest of its nodes is.
    check(&["a", "b"], Cautious, "a b a_and_b unique_a unique_b adds_up");
    check(&["a", "c"], Cautious, "a c a_and_c unique_a");
    // A test selected by name is selected in every mode.
    check(&["a_and_c"], Empty, "a_and_c");
    check(&[], Empty, "a b c a_and_b a_and_c unique_a unique_b adds_up");
}

#[test]
fn tests_leave_with_what_they_test() {
    assert_eq!(with_tests(&[], &["a"], Indirect::Eager), "b c unique_b adds_up");
    assert_eq!(with_tests(&["a"], &["unique_a"], Indirect::Eager), "a a_and_b a_and_c");
    assert_eq!(with_tests(&["a", "c"], &["a_and_c"], Indirect::Cautious), "a c unique_a");
}

#[test]
fn tests_have_methods_of_their_own() {
    let check =
        |include: &str, expect: &str| assert_eq!(with_tests(&[include], &[], Indirect::Eager), expect);
    check("test_name:unique", "unique_a unique_b");
    check("test_type:generic", "a_and_c unique_a unique_b");
    check("test_type:schema", "a_and_c unique_a unique_b");
    check("test_type:singular", "a_and_b");
    check("test_type:data", "a_and_b a_and_c unique_a unique_b");
    check("test_type:unit", "adds_up");
    check("unit_test:adds_*", "adds_up");
    check("resource_type:test", "a_and_b a_and_c unique_a unique_b");
    check("config.severity:warn", "a_and_b a_and_c unique_a unique_b adds_up");
    check("a,test_name:unique", "unique_a");
    check("a+,test_type:unit", "adds_up");
    let (candidates, graph) = tested();
    let findings =
        selected(&words(&["test_type:genric"]), &[], &candidates, &graph, Indirect::Eager).unwrap_err();
    assert_eq!(findings[0].code, "unknown-test-type");
    assert_eq!(findings[0].hints, ["did you mean `generic`?"]);
}

proptest! {
    #[test]
    fn each_mode_chooses_no_more_than_the_one_before(
        edges in proptest::collection::vec((0usize..12, 0usize..12), 0..30),
        tests in proptest::collection::vec(proptest::collection::btree_set(0usize..12, 1..4), 0..12),
        picks in proptest::collection::btree_set(0usize..12, 1..5),
    ) {
        let models: Vec<Candidate> = (0..12).map(|at| model(&format!("m{at:02}"), "", json!({}))).collect();
        let mut all = models.clone();
        let mut lines: Vec<(NodeId, NodeId)> = edges
            .into_iter()
            .filter(|(from, to)| from < to)
            .map(|(from, to)| (models[from].id.clone(), models[to].id.clone()))
            .collect();
        for (at, of) in tests.iter().enumerate() {
            let id = NodeId::singular_test("meters", &format!("t{at}"));
            let traits = TestTraits { test_name: format!("t{at}"), kind: TestKind::Singular };
            lines.extend(of.iter().map(|of| (models[*of].id.clone(), id.clone())));
            all.push(Candidate { id, test: Some(traits), ..model(&format!("t{at}"), "", json!({})) });
        }
        let graph = Graph::build(all.iter().map(|it| it.id.clone()), lines).unwrap();
        let include: Vec<String> = picks.iter().map(|at| format!("m{at:02}")).collect();
        let of = |mode| selected(&include, &[], &all, &graph, mode).unwrap().0.chosen;
        let sets = [Indirect::Eager, Indirect::Buildable, Indirect::Cautious, Indirect::Empty].map(of);
        for pair in sets.windows(2) {
            prop_assert!(pair[1].is_subset(&pair[0]));
        }
        let without: BTreeSet<NodeId> = picks.iter().map(|at| models[*at].id.clone()).collect();
        prop_assert_eq!(&sets[3], &without);
    }
}
