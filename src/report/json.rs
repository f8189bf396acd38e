//! The sink for programs: one JSON object a line, in the structure of dbt's `--log-format json`.

use std::io::Write;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use crate::{event::Event, name::Relation, outcome::Outcome, plan::Step};

use super::{
    Counts, Lookup, Sink, SinkError,
    message::{Level, Message, Place},
    narrator::Narrator,
    node,
    running::{self, Lane, Running},
    wording::{PRINTER_WIDTH, Wording},
};

/// Writes a run's messages as JSON lines.
pub struct JsonLines {
    out: Box<dyn Write + Send>,
    least: Level,
    pid: u32,
    narrator: Narrator,
    running: Running,
    lookup: Lookup,
}

impl JsonLines {
    /// Lines for the messages of at least this level, from the process `pid`.
    #[must_use]
    pub fn new(out: Box<dyn Write + Send>, least: Level, pid: u32, lookup: Lookup) -> Self {
        let narrator = Narrator::new(lookup.clone());
        Self { out, least, pid, narrator, running: Running::default(), lookup }
    }

    fn object(&self, event: &Event, message: &Message, lane: Option<Lane>) -> Value {
        let wording = Wording { width: PRINTER_WIDTH, reason_at_end: true };
        let lines: Vec<_> = wording.lines(message).iter().map(super::line::Line::text).collect();
        let msg = lines.join("\n");
        let (name, code) = message.name();
        let mut data = contents(message, &msg, event.at);
        if let Some(step) = message.step() {
            data.insert("node_info".to_owned(), self.node_info(step, message, event.at, lane));
        }
        json!({
            "info": {
                "name": name,
                "code": code,
                "level": level(message.level()),
                "msg": msg,
                "ts": timestamp(event.at),
                "pid": self.pid,
                "thread": running::thread(lane),
                "invocation_id": self.narrator.info().map(|info| info.invocation_id.as_str()),
                "category": "",
                "extra": {},
            },
            "data": data,
        })
    }

    fn node_info(&self, step: &Step, message: &Message, at: DateTime<Utc>, lane: Option<Lane>) -> Value {
        let ended = matches!(message, Message::Finished { .. } | Message::Skipped { .. });
        json!({
            "node_path": (self.lookup)(&step.node).and_then(|file| file.path),
            "node_name": node::name(&step.node),
            "unique_id": step.node,
            "resource_type": node::kind(&step.node),
            "materialized": step.action.materialization(),
            "node_status": status(message),
            "node_started_at": lane.map_or_else(String::new, |lane| timestamp(lane.since)),
            "node_finished_at": if ended { timestamp(at) } else { String::new() },
            "meta": {},
            "node_relation": node_relation(step),
            "node_checksum": "",
        })
    }
}

impl Sink for JsonLines {
    fn event(&mut self, event: &Event) -> Result<(), SinkError> {
        let lane = self.running.fold(event);
        let mut text = String::new();
        for message in self.narrator.tell(event) {
            // Blank lines are for eyes.
            if message != Message::Blank && message.level() >= self.least {
                text.push_str(&self.object(event, &message, lane).to_string());
                text.push('\n');
            }
        }
        if text.is_empty() {
            return Ok(());
        }
        let written = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
        written.map_err(|error| SinkError::new("the JSON log", error))
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        self.out.flush().map_err(|error| SinkError::new("the JSON log", error))
    }
}

fn node_relation(step: &Step) -> Value {
    let relation = step.relation.as_ref();
    json!({
        "database": "",
        "schema": relation.map(|relation| &relation.schema),
        "alias": relation.map(|relation| &relation.name),
        "relation_name": relation.map(Relation::quoted),
    })
}

/// dbt's form of a time.
pub(super) fn timestamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Debug => "debug",
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
    }
}

fn status(message: &Message) -> &'static str {
    match message {
        Message::Started(_) => "started",
        Message::Failed { .. } | Message::Finished { outcome: Outcome::Failed { .. }, .. } => "error",
        Message::Skipped { .. } => "skipped",
        _ => "success",
    }
}

/// What `data` holds besides `node_info`, under dbt's keys.
fn contents(message: &Message, msg: &str, at: DateTime<Utc>) -> Map<String, Value> {
    let value = match message {
        Message::Version => json!({ "version": concat!("=", env!("CARGO_PKG_VERSION")), "log_version": 3 }),
        Message::Found(info) => json!({ "stat_line": msg.trim_start_matches("Found "), "found": info.found }),
        Message::Concurrency(info) => {
            json!({ "num_threads": info.threads, "target_name": info.target, "node_count": info.steps })
        }
        Message::Started(place) => place_of(place),
        Message::Finished { place, outcome, seconds } => finished(place, outcome, *seconds, status(message)),
        Message::Skipped { place, because } => {
            let step = &place.step;
            let mut data = place_of(place);
            data["resource_type"] = node::kind(&step.node).into();
            data["schema"] = json!(step.relation.as_ref().map(|relation| &relation.schema));
            data["node_name"] = node::name(&step.node).into();
            data["skipped"] = json!(because);
            data
        }
        Message::Ran { seconds, .. } => json!({ "stat_line": msg, "execution_time": seconds }),
        Message::Summary { counts, cancelled } => json!({
            "num_errors": counts.error,
            "num_warnings": counts.warn,
            "num_partial_success": 0,
            "keyboard_interrupt": cancelled,
        }),
        Message::Failed { failure, path } => {
            json!({ "msg": failure.message, "path": path, "compiled_path": failure.compiled })
        }
        Message::SetAside { set_aside, path } => {
            json!({ "msg": msg, "path": path, "rejected": set_aside.rejected })
        }
        Message::Totals(counts) => json!({ "stats": stats(*counts) }),
        Message::Completed { command, success, seconds } => json!({
            "command": command,
            "success": success,
            "completed_at": timestamp(at),
            "elapsed": seconds,
        }),
        Message::NothingToDo | Message::Blank | Message::Cancelling => json!({}),
    };
    match value {
        Value::Object(data) => data,
        _ => Map::new(),
    }
}

fn place_of(Place { step, index, total }: &Place) -> Value {
    let description =
        format!("sql {} {} {}", step.action.materialization(), node::kind(&step.node), step.name);
    json!({
        "description": description,
        "index": index,
        "total": total,
        "action": step.action,
        "reason": step.reason,
    })
}

fn finished(place: &Place, outcome: &Outcome, seconds: f64, status: &str) -> Value {
    let mut data = place_of(place);
    data["status"] = status.into();
    data["execution_time"] = seconds.into();
    data["outcome"] = json!(outcome);
    data
}

fn stats(counts: Counts) -> Value {
    let Counts { pass, warn, error, skip } = counts;
    json!({
        "pass": pass,
        "warn": warn,
        "error": error,
        "skip": skip,
        "noop": 0,
        "reused": 0,
        "total": counts.total(),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::report::{no_files, sample};

    struct Channel(mpsc::Sender<Vec<u8>>);

    impl Write for Channel {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.send(bytes.to_vec()).map_err(std::io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn written(least: Level) -> Vec<Value> {
        let (sender, receiver) = mpsc::channel();
        let mut sink = JsonLines::new(Box::new(Channel(sender)), least, 42, no_files());
        for event in &sample::every_ending() {
            sink.event(event).unwrap();
        }
        drop(sink);
        let bytes: Vec<u8> = receiver.into_iter().flatten().collect();
        String::from_utf8(bytes).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn dbts_names_and_codes_in_order() {
        let names: Vec<_> = written(Level::Debug)
            .iter()
            .map(|it| {
                format!("{} {}", it["info"]["code"].as_str().unwrap(), it["info"]["name"].as_str().unwrap())
            })
            .collect();
        insta::assert_snapshot!(names.join("\n"));
    }

    #[test]
    fn a_line_has_dbts_structure() {
        let lines = written(Level::Info);
        let line = lines.iter().find(|line| line["info"]["code"] == "Q012").unwrap();
        insta::assert_snapshot!(serde_json::to_string_pretty(line).unwrap());
    }

    #[test]
    fn levels_below_the_least_are_left_out() {
        let lines = written(Level::Error);
        assert!(lines.iter().all(|line| line["info"]["level"] == "error"));
        assert_eq!(lines.len(), 3);
    }
}
