//! Fuzzing: runs a check over mutated texts. The targets are the tests called `fuzz_…`, next to what they
//! test.
//!
//! A normal test run tries few texts, the same ones each time. With `HEADWATER_FUZZ_MINUTES=10`, each target
//! tries new ones for ten minutes. A text that fails is shrunk and printed as a byte string, to become a
//! seed.
//!
//! These are proptest strategies instead of a coverage-guided fuzzer, which would need an instrumented build
//! of DataFusion and a nightly compiler.

use std::{
    env, fmt,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
    test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner},
};

/// The time after which a check counts as endless.
const ENDLESS: Duration = Duration::from_mins(2);

/// The maximum length of a text. Thousands of faults in one line take long to show, which isn't of interest.
const LONGEST: usize = 4_096;

/// Bytes that many parsers treat in their own way.
const STRANGE: [&[u8]; 16] = [
    b"\0",
    b"\r",
    b"\r\n",
    b"\n\n",
    b"\t",
    b"\\",
    b"\"",
    b"'",
    b"\xef\xbb\xbf",
    b"\xff",
    b"\xc3",
    "é".as_bytes(),
    "\u{2028}".as_bytes(),
    "🦀".as_bytes(),
    b"-0",
    b"99999999999999999999",
];

/// The input of a check, which is shown as a byte string.
#[derive(Clone)]
struct Text(Vec<u8>);

impl fmt::Debug for Text {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "b\"{}\"", self.0.escape_ascii())
    }
}

/// A change of a text. Positions are relative to its length.
#[derive(Debug, Clone)]
enum Edit {
    Insert(Index, Vec<u8>),
    Remove(Index, Index),
    Copy(Index, Index, Index),
    Repeat(Index, Index, usize),
    Replace(Index, u8),
}

impl Edit {
    fn apply(&self, text: &mut Vec<u8>) {
        let length = text.len();
        let at = |index: &Index| index.index(length + 1);
        let range = |from: &Index, to: &Index| at(from).min(at(to))..at(from).max(at(to));
        match self {
            Self::Insert(to, new) => drop(text.splice(at(to)..at(to), new.iter().copied())),
            Self::Remove(from, to) => drop(text.drain(range(from, to))),
            Self::Copy(from, to, target) => {
                let (piece, target) = (text[range(from, to)].to_vec(), at(target));
                text.splice(target..target, piece);
            }
            Self::Repeat(from, to, count) => {
                let range = range(from, to);
                let piece = text[range.clone()].repeat(*count);
                text.splice(range, piece);
            }
            Self::Replace(index, byte) => {
                if let Some(place) = text.get_mut(at(index)) {
                    *place = *byte;
                }
            }
        }
    }
}

/// Returns seeds with a few changes, and sequences of words.
fn texts(seeds: &[&str], words: &[&str]) -> impl Strategy<Value = Text> + use<> {
    let owned = |texts: &[&str]| texts.iter().map(|text| text.as_bytes().to_vec()).collect::<Vec<_>>();
    let words = [owned(words), STRANGE.map(<[u8]>::to_vec).to_vec()].concat();
    let index = any::<Index>;
    let edit = prop_oneof![
        4 => (index(), select(words.clone())).prop_map(|(at, word)| Edit::Insert(at, word)),
        2 => (index(), index()).prop_map(|(from, to)| Edit::Remove(from, to)),
        1 => (index(), index(), index()).prop_map(|(from, to, target)| Edit::Copy(from, to, target)),
        1 => (index(), index(), 2usize..40).prop_map(|(from, to, count)| Edit::Repeat(from, to, count)),
        2 => (index(), any::<u8>()).prop_map(|(at, byte)| Edit::Replace(at, byte)),
    ];
    let mutated = (select(owned(seeds)), vec(edit, 0..9)).prop_map(|(mut text, edits)| {
        for edit in &edits {
            edit.apply(&mut text);
            text.truncate(LONGEST);
        }
        text
    });
    prop_oneof![
        3 => mutated,
        1 => vec(select(words), 0..40).prop_map(|words| words.concat()),
    ]
    .prop_map(Text)
}

/// Runs a check over `cases` texts, or for the minutes that `HEADWATER_FUZZ_MINUTES` says. A check fails by a
/// panic, with an error, or by taking too long.
pub(crate) fn fuzz(cases: u32, seeds: &[&str], words: &[&str], check: impl Fn(&[u8]) -> Result<(), String>) {
    let config = Config { cases, failure_persistence: None, max_shrink_time: 300_000, ..Config::default() };
    let minutes = env::var("HEADWATER_FUZZ_MINUTES").ok().map(|text| text.parse::<f64>().unwrap());
    let Some(minutes) = minutes else {
        let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
        return run(TestRunner::new_with_rng(config, rng), seeds, words, &check);
    };
    let watched = Arc::new(Mutex::new(None));
    let guard = Arc::clone(&watched);
    thread::spawn(move || watch(&guard));
    let check = |text: &[u8]| {
        *watched.lock().unwrap() = Some((Instant::now(), Text(text.to_vec())));
        let found = check(text);
        *watched.lock().unwrap() = None;
        found
    };
    let end = Instant::now() + Duration::from_secs_f64(minutes * 60.0);
    let mut count = 0;
    while Instant::now() < end {
        run(TestRunner::new(config.clone()), seeds, words, check);
        count += cases;
    }
    say(&format!("{}: {count} texts", thread::current().name().unwrap_or_default()));
}

fn run(mut runner: TestRunner, seeds: &[&str], words: &[&str], check: impl Fn(&[u8]) -> Result<(), String>) {
    let checked = |text: Text| check(&text.0).map_err(TestCaseError::fail);
    match runner.run(&texts(seeds, words), checked) {
        Err(TestError::Fail(reason, text)) => panic!("{reason}\nthe text: {text:?}"),
        found => found.unwrap(),
    }
}

/// Ends the process if a check takes too long, because nothing else can stop it.
fn watch(current: &Mutex<Option<(Instant, Text)>>) {
    loop {
        thread::sleep(Duration::from_secs(1));
        if let Ok(current) = current.lock()
            && let Some((start, text)) = &*current
            && start.elapsed() > ENDLESS
        {
            say(&format!("endless: {text:?}"));
            std::process::abort();
        }
    }
}

fn say(text: &str) {
    eprintln!("{text}");
}
