use std::sync::{Arc, Mutex};

use super::*;
use crate::{
    name::{NodeId, Relation},
    outcome::{Outcome, Skipped, Withheld},
    plan::{Action, Reason, Step},
    report::{
        NodeFile, node,
        sample::{self, Script, no_files},
    },
};

#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn style() -> TerminalStyle {
    TerminalStyle::new(FixedOffset::east_opt(3600).unwrap())
}

fn printed(events: &[Event], style: TerminalStyle) -> String {
    let lookup: FileLookup = Arc::new(|id| {
        let path = match node::kind(id) {
            "model" => format!("models/{}.sql", node::name(id)),
            "seed" => format!("seeds/{}.csv", node::name(id)),
            "source" => "models/sources.yml".to_owned(),
            _ => "models/schema.yml".to_owned(),
        };
        let path = Some(path);
        Some(NodeFile { path, compiled_code: None })
    });
    let paper = Paper::default();
    let mut terminal = Terminal::plain(Box::new(paper.clone()), style, lookup);
    for event in events {
        terminal.event(event).unwrap();
    }
    terminal.finish().unwrap();
    let bytes = paper.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn every_line_there_is() {
    insta::assert_snapshot!(printed(&sample::every_ending(), style()));
}

#[test]
fn a_good_run_ends_in_dbts_words() {
    let mut script = Script::new(1);
    script.ran(&sample::table("raw", "a"), sample::published(None));
    insta::assert_snapshot!(printed(&script.end(), style()));
}

#[test]
fn a_seed_is_told_in_dbts_words_however_it_ends() {
    let seed = |name: &str, reason| {
        let relation = Relation::new("ref", name);
        let (name, relation) = (relation.to_string(), Some(relation.clone()));
        let node = NodeId::seed("meters", name.trim_start_matches("ref."));
        Arc::new(Step { node, name, relation, action: Action::Seed, reason })
    };
    let mut script = Script::new(6);
    let tariffs = seed("tariffs", Reason::FileChanged);
    script.ran(&seed("countries", Reason::FirstBuild), sample::published(None));
    let same = Outcome::Unchanged { version: 2, rows: 1, changed: None, rejected: None, quarantined: None };
    script.ran(&seed("rates", Reason::ConfigChanged { key: "column_types".to_owned() }), same);
    script.ran(&seed("zones", Reason::UpToDate), Outcome::Reused { rejected: None });
    let tests = vec![NodeId::generic_test("meters", "unique_meters_id", "0123456789")];
    let withheld = Withheld { rows: 9, tests, standing: Some(4), kept: None };
    script.ran(&seed("meters", Reason::FileChanged), Outcome::Withheld(withheld));
    let message = "disk full".to_owned();
    script.ran(&tariffs, Outcome::Failed { message, compiled: None });
    script.skip(&seed("late", Reason::FirstBuild), Skipped::FailFast);
    insta::assert_snapshot!(printed(&script.end(), style()));
}

#[test]
fn an_empty_plan_says_that_there_is_nothing_to_do() {
    insta::assert_snapshot!(printed(&Script::new(0).end(), style()));
}

#[test]
fn quiet_leaves_each_trouble_once() {
    let quiet = TerminalStyle { quiet: true, ..style() };
    insta::assert_snapshot!(printed(&sample::every_ending(), quiet));
    let mut script = Script::new(1);
    script.ran(&sample::table("raw", "a"), Outcome::Checked);
    assert_eq!(printed(&script.end(), quiet), "");
}

#[test]
fn every_verdict_and_the_end_of_a_run_that_withheld() {
    insta::assert_snapshot!(printed(&sample::every_verdict(), style()));
}

#[test]
fn quiet_tells_of_tests_as_fully() {
    let quiet = TerminalStyle { quiet: true, ..style() };
    let loud = printed(&sample::every_verdict(), style());
    let shown = printed(&sample::every_verdict(), quiet);
    assert!(shown.lines().all(|line| loud.contains(line)));
    assert!(shown.starts_with("10:00:12  Completed with") && !shown.contains(" of 19 "), "{shown}");
}

#[test]
fn brackets_stand_under_one_another() {
    let text = printed(&sample::every_ending(), style());
    let places: Vec<_> = text
        .lines()
        .filter(|line| line.contains(" of 7 "))
        .map(|line| crate::report::width::columns(&line[..line.find(" [").unwrap()]))
        .collect();
    assert_eq!(places, vec![90; places.len()]);
    assert_eq!(places.len(), 12);
}

#[test]
fn colours_are_only_there_when_asked_for() {
    let events = sample::every_ending();
    assert!(!printed(&events, style()).contains('\u{1b}'));
    assert!(
        printed(&events, TerminalStyle { colour: true, ..style() })
            .contains("[\u{1b}[31mERROR in 0.25s\u{1b}[0m]")
    );
}

#[test]
fn colour_is_on_the_words_that_matter() {
    let text = printed(&sample::every_verdict(), TerminalStyle { colour: true, ..style() });
    let toned =
        ["\u{1b}[31mWITHHELD in 0.25s\u{1b}[0m", "\u{1b}[31mFAIL\u{1b}[0m not_null", "\u{1b}[33m≠\u{1b}[0m"];
    assert_eq!(toned.map(|part| text.contains(part)), [true; 3], "{text}");
}

#[test]
fn a_live_display_scrolls_the_endings_and_clears_itself() {
    let screen = Screen::default();
    let target = ProgressDrawTarget::term_like(Box::new(screen.clone()));
    let mut terminal = Terminal::live_on(target, style(), no_files());
    for event in &sample::every_ending() {
        terminal.event(event).unwrap();
    }
    terminal.finish().unwrap();
    let lines = screen.0.lock().unwrap().clone();
    let with = |part: &str| lines.iter().any(|line| line.contains(part));
    assert!(with("OK created sql table model raw.raw_agreements"));
    assert!(with("SQL changed"), "without START lines the endings give the reason");
    assert!(with("1 table raw.raw_readings") && with("0/7 done"), "the bars were drawn");
    assert!(!with("START"));
}

#[test]
fn a_live_display_names_the_test_beside_the_model_that_it_judges() {
    let screen = Screen::default();
    let target = ProgressDrawTarget::term_like(Box::new(screen.clone()));
    let mut terminal = Terminal::live_on(target, style(), no_files());
    for event in &sample::every_verdict() {
        terminal.event(event).unwrap();
    }
    terminal.finish().unwrap();
    let lines = screen.0.lock().unwrap().clone();
    let with = |part: &str| lines.iter().any(|line| line.contains(part));
    assert!(with("11 table staging.stg_readings, testing at_least_0_stg_readings_rate"));
    assert!(with("5 unit test stg_readings::keeps_the_last  0.0s"), "no rows are counted");
    assert!(!with("13 test"));
}

/// A fake terminal that records every line drawn.
#[derive(Debug, Clone, Default)]
struct Screen(Arc<Mutex<Vec<String>>>);

impl indicatif::TermLike for Screen {
    fn width(&self) -> u16 {
        200
    }
    fn move_cursor_up(&self, _: usize) -> std::io::Result<()> {
        Ok(())
    }
    fn move_cursor_down(&self, _: usize) -> std::io::Result<()> {
        Ok(())
    }
    fn move_cursor_right(&self, _: usize) -> std::io::Result<()> {
        Ok(())
    }
    fn move_cursor_left(&self, _: usize) -> std::io::Result<()> {
        Ok(())
    }
    fn write_line(&self, text: &str) -> std::io::Result<()> {
        self.write_str(text)
    }
    fn write_str(&self, text: &str) -> std::io::Result<()> {
        self.0.lock().unwrap().push(text.to_owned());
        Ok(())
    }
    fn clear_line(&self) -> std::io::Result<()> {
        Ok(())
    }
    fn flush(&self) -> std::io::Result<()> {
        Ok(())
    }
}
