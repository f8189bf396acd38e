//! Fuzz target for the selection language: whatever is typed selects nodes of the project or is an error.

use super::*;
use crate::fuzz::fuzz;

const SEEDS: [&str; 7] = [
    "stg_readings+ 2+total+1 @raw_products",
    "tag:nightly,path:models/staging config.materialized:table",
    "source:files.readings+ fqn:meters.staging.* *_a?re[em]ent*",
    "package:utils resource_type:model,tag:hourly",
    "test_type:data test_name:unique* exposure:x access:public group:g",
    "models/raw/raw_readings.sql file:total.sql",
    "config.meta.owner:me +@x+ a,b,c",
];

const WORDS: [&str; 30] = [
    " ",
    ",",
    "+",
    "@",
    ":",
    ".",
    "*",
    "**",
    "?",
    "[",
    "]",
    "[!",
    "/",
    "\\",
    "1+",
    "+1",
    "99999999999999999999+",
    "tag:",
    "path:",
    "config.",
    "source:",
    "state:",
    "selector:",
    "total",
    "stg_",
    "meters",
    "models/",
    "é",
    "-",
    "not_null",
];

#[test]
fn fuzz_selection() {
    let (candidates, graph) = indirect::tested();
    fuzz(128, &SEEDS, &WORDS, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let words = [text.to_string()];
        for mode in [Indirect::Eager, Indirect::Empty] {
            match selected(&words, &[], &candidates, &graph, mode) {
                Ok((selection, warnings)) => {
                    let is_known = |id: &NodeId| candidates.iter().any(|candidate| candidate.id == *id);
                    if !selection.chosen.iter().all(is_known) {
                        return Err("a node that is no candidate".to_owned());
                    }
                    rendered(&warnings);
                    let (rest, _) = selected(&words, &words, &candidates, &graph, mode).unwrap();
                    if !rest.chosen.is_empty() {
                        return Err(format!("excluded, but selected: {}", names(&rest.chosen)));
                    }
                }
                Err(findings) => drop(rendered(&findings)),
            }
        }
        Ok(())
    });
}
