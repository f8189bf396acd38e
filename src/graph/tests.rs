use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

fn id(name: &str) -> NodeId {
    NodeId::model("p", name)
}

/// Builds a graph from edges as `a>b`, separated by spaces; a name alone is a node without edges.
fn build(text: &str) -> Result<Graph, Cycle> {
    let (edges, nodes): (Vec<&str>, Vec<&str>) = text.split(' ').partition(|word| word.contains('>'));
    Graph::build(
        nodes.into_iter().map(id),
        edges.into_iter().filter_map(|edge| edge.split_once('>')).map(|(a, b)| (id(a), id(b))),
    )
}

fn names<'a>(ids: impl IntoIterator<Item = &'a NodeId>) -> String {
    let names: Vec<&str> = ids.into_iter().map(NodeId::name).collect();
    names.join(" ")
}

fn descendants(graph: &Graph, id: &NodeId, depth: Option<usize>) -> BTreeSet<NodeId> {
    let mut found = graph.downstream([id], depth);
    found.remove(id);
    found
}

fn edges(graph: &Graph) -> String {
    let edges: Vec<String> = graph
        .sorted()
        .iter()
        .flat_map(|a| graph.children(a).into_iter().map(move |b| names([a, b]).replace(' ', ">")))
        .collect();
    edges.join(" ")
}

fn sub(text: &str, kept: &str) -> String {
    let graph = build(text).unwrap().subgraph(&kept.split(' ').map(id).collect());
    format!("{} | {}", names(graph.sorted()), edges(&graph))
}

#[test]
fn parents_come_first_and_ties_go_by_id() {
    assert_eq!(names(build("z>a b>a c z>m").unwrap().sorted()), "b c z a m");
    assert_eq!(names(Graph::default().sorted()), "");
}

#[test]
fn neighbours_are_in_the_order_of_ids() {
    let graph = build("b>x a>x x>d x>c x>c").unwrap();
    assert_eq!(names(graph.parents(&id("x"))), "a b");
    assert_eq!(names(graph.children(&id("x"))), "c d");
    assert_eq!(names(graph.parents(&id("nobody"))), "");
    assert!(graph.contains(&id("x")) && !graph.contains(&id("nobody")));
}

#[test]
fn depth_is_the_shortest_way() {
    let graph = build("a>b b>c c>d a>c").unwrap();
    assert_eq!(names(&graph.ancestors(&id("d"), None)), "a b c");
    assert_eq!(names(&graph.ancestors(&id("d"), Some(1))), "c");
    assert_eq!(names(&graph.ancestors(&id("d"), Some(2))), "a b c");
    assert_eq!(names(&descendants(&graph, &id("a"), Some(1))), "b c");
    assert_eq!(names(&descendants(&graph, &id("a"), Some(0))), "");
    assert_eq!(names(&graph.upstream([&id("b"), &id("c")], Some(1))), "a b c");
    assert_eq!(names(&graph.downstream([&id("b"), &id("nobody")], None)), "b c d");
}

#[test]
fn cycles_start_at_the_least_id_and_are_short() {
    let cycle = |text| build(text).unwrap_err().to_string().replace("model.p.", "");
    assert_eq!(cycle("a>a"), "a → a");
    assert_eq!(cycle("c>b b>a a>c"), "a → c → b → a");
    assert_eq!(cycle("s>b b>c c>d d>b c>b d>t"), "b → c → b");
    assert_eq!(cycle("a>b x>y y>x y>z z>x"), "x → y → x");
}

#[test]
fn a_subgraph_keeps_the_order_through_what_it_drops() {
    assert_eq!(sub("a>x x>b", "a b"), "a b | a>b");
    assert_eq!(sub("a>x x>y y>b b>c", "a c"), "a c | a>c");
    assert_eq!(sub("a>x b>x x>y x>z", "a b y z"), "a b y z | a>y a>z b>y b>z");
    assert_eq!(sub("b>x x>a c", "a b c nobody"), "b a c | b>a");
    // Only the nearest: `a` comes before `b` already.
    assert_eq!(sub("a>b b>x x>c", "a b c"), "a b c | a>b b>c");
}

#[test]
fn ten_thousand_nodes_in_a_chain_are_no_trouble() {
    let names: Vec<NodeId> = (0..10_000).map(|n| id(&format!("{n:05}"))).collect();
    let chain = || names.windows(2).map(|pair| (pair[0].clone(), pair[1].clone()));
    let graph = Graph::build([], chain()).unwrap();
    assert_eq!(graph.sorted(), names);
    assert_eq!(graph.ancestors(&names[9_999], None).len(), 9_999);
    let ends = BTreeSet::from([names[0].clone(), names[9_999].clone()]);
    assert_eq!(graph.subgraph(&ends).parents(&names[9_999]), [&names[0]]);
    let back = (names[9_999].clone(), names[0].clone());
    assert_eq!(Graph::build([], chain().chain([back])).unwrap_err().path, names);
}

type Edges = Vec<(usize, usize)>;

/// Random acyclic graphs: edges go from a lower to a higher number, and a shuffle assigns the numbers to IDs.
fn dags() -> impl Strategy<Value = (Vec<NodeId>, Edges)> {
    (2..14usize)
        .prop_flat_map(|count| {
            let ids: Vec<NodeId> = (0..count).map(|n| id(&format!("n{n:02}"))).collect();
            let edges = prop::collection::vec((0..count, 0..count), 0..30);
            (Just(ids).prop_shuffle(), edges)
        })
        .prop_map(|(ids, edges)| {
            let edges = edges.into_iter().filter(|(a, b)| a != b).map(|(a, b)| (a.min(b), a.max(b)));
            (ids, edges.collect())
        })
}

fn named(ids: &[NodeId], edges: &Edges) -> Vec<(NodeId, NodeId)> {
    edges.iter().map(|(a, b)| (ids[*a].clone(), ids[*b].clone())).collect()
}

/// Returns the transitive closure, by trying every intermediate node.
fn closure(ids: &[NodeId], edges: &[(NodeId, NodeId)]) -> BTreeSet<(NodeId, NodeId)> {
    let mut above: BTreeSet<(NodeId, NodeId)> = edges.iter().cloned().collect();
    for middle in ids {
        for a in ids {
            for b in ids {
                if above.contains(&(a.clone(), middle.clone()))
                    && above.contains(&(middle.clone(), b.clone()))
                {
                    above.insert((a.clone(), b.clone()));
                }
            }
        }
    }
    above
}

proptest! {
    #[test]
    fn the_order_respects_every_edge((ids, edges) in dags()) {
        let edges = named(&ids, &edges);
        let graph = Graph::build(ids.clone(), edges.clone()).unwrap();
        let place: BTreeMap<&NodeId, usize> = graph.sorted().iter().zip(0..).collect();
        prop_assert_eq!(place.len(), ids.len());
        for (parent, child) in &edges {
            prop_assert!(place[parent] < place[child]);
        }
    }

    #[test]
    fn ancestors_and_descendants_are_the_closure((ids, edges) in dags()) {
        let edges = named(&ids, &edges);
        let graph = Graph::build(ids.clone(), edges.clone()).unwrap();
        let above = closure(&ids, &edges);
        for one in &ids {
            let ancestors = above.iter().filter(|(_, b)| b == one).map(|(a, _)| a.clone()).collect();
            prop_assert_eq!(graph.ancestors(one, None), ancestors);
            let below = above.iter().filter(|(a, _)| a == one).map(|(_, b)| b.clone()).collect();
            prop_assert_eq!(descendants(&graph, one, None), below);
        }
    }

    #[test]
    fn deeper_means_one_more_step_of_parents((ids, edges) in dags(), depth in 0..5usize) {
        let graph = Graph::build(ids.clone(), named(&ids, &edges)).unwrap();
        for one in &ids {
            let shallow = graph.upstream([one], Some(depth));
            let stepped = shallow.iter().flat_map(|id| graph.parents(id)).chain(&shallow).cloned().collect();
            prop_assert_eq!(graph.upstream([one], Some(depth + 1)), stepped);
        }
    }

    #[test]
    fn a_subgraph_has_the_closure_of_the_whole((ids, edges) in dags(), keep in any::<u16>()) {
        let edges = named(&ids, &edges);
        let graph = Graph::build(ids.clone(), edges.clone()).unwrap();
        let kept: BTreeSet<NodeId> =
            ids.iter().zip(0..).filter(|(_, bit)| keep >> bit & 1 == 1).map(|(id, _)| id.clone()).collect();
        let sub = graph.subgraph(&kept);
        prop_assert_eq!(sub.sorted().len(), kept.len());
        for one in &kept {
            let expected = graph.ancestors(one, None).intersection(&kept).cloned().collect();
            prop_assert_eq!(sub.ancestors(one, None), expected);
        }
    }

    #[test]
    fn an_edge_back_makes_a_real_cycle((ids, edges) in dags(), pick in any::<prop::sample::Index>()) {
        prop_assume!(!edges.is_empty());
        let (low, high) = edges[pick.index(edges.len())];
        let mut edges = named(&ids, &edges);
        edges.push((ids[high].clone(), ids[low].clone()));
        let path = Graph::build(ids, edges.clone()).unwrap_err().path;
        let unique: BTreeSet<&NodeId> = path.iter().collect();
        prop_assert_eq!(unique.len(), path.len());
        for (from, to) in path.iter().zip(path.iter().cycle().skip(1)) {
            prop_assert!(edges.contains(&(from.clone(), to.clone())));
        }
    }

    #[test]
    fn the_order_of_the_input_does_not_matter(
        (ids, edges, shuffled) in dags().prop_flat_map(|(ids, edges)| {
            (Just(ids), Just(edges.clone()), Just(edges).prop_shuffle())
        }),
        back in any::<bool>(),
    ) {
        let ring = back.then(|| (ids[1].clone(), ids[0].clone()));
        let ring = || ring.clone().into_iter().chain(back.then(|| (ids[0].clone(), ids[1].clone())));
        let one = Graph::build(ids.clone(), named(&ids, &edges).into_iter().chain(ring()));
        let two = Graph::build(ids.iter().rev().cloned(), ring().chain(named(&ids, &shuffled)));
        prop_assert_eq!(one.as_ref().map(Graph::sorted), two.as_ref().map(Graph::sorted));
    }
}
