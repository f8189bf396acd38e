//! The JSON sink: one object per line, in the structure of dbt's `--log-format json`.

mod data;

use std::io::Write;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::{artifact::timestamp, event::Event, plan::Step, text::json_escaped};

use super::{
    EventSink, FileLookup, SinkError, dbt_outcome,
    level::Level,
    message::Message,
    message_builder::MessageBuilder,
    node,
    running_steps::{self, Lane, RunningSteps},
    wording::{PRINTER_WIDTH, Wording},
};

/// Writes a run's messages as JSON lines.
pub struct JsonLines {
    out: Box<dyn Write + Send>,
    least: Level,
    pid: u32,
    builder: MessageBuilder,
    running: RunningSteps,
    lookup: FileLookup,
}

impl JsonLines {
    /// Creates a sink that writes messages of at least level `least` on behalf of process `pid`.
    #[must_use]
    pub fn new(out: Box<dyn Write + Send>, least: Level, pid: u32, lookup: FileLookup) -> Self {
        let builder = MessageBuilder::new(lookup.clone());
        Self { out, least, pid, builder, running: RunningSteps::default(), lookup }
    }

    fn object(&self, event: &Event, message: &Message, lane: Option<Lane>) -> Value {
        let wording = Wording { width: PRINTER_WIDTH, reason_at_end: true };
        let lines: Vec<_> = wording.lines(message).iter().map(super::line::Line::text).collect();
        let msg = lines.join("\n");
        let (name, code) = message.name();
        let mut data = data::contents(message, &msg, event.at);
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
                "thread": running_steps::thread(lane),
                "invocation_id": self.builder.info().map(|info| info.invocation_id.as_str()),
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
            "node_name": node::label(step),
            "unique_id": step.node,
            "resource_type": node::kind(&step.node),
            "materialized": step.action.materialization(),
            "node_status": status(message),
            "node_started_at": lane.map_or_else(String::new, |lane| timestamp(lane.since)),
            "node_finished_at": if ended { timestamp(at) } else { String::new() },
            "meta": {},
            "node_relation": node_relation(step, message),
            "node_checksum": "",
        })
    }
}

impl EventSink for JsonLines {
    fn event(&mut self, event: &Event) -> Result<(), SinkError> {
        let lane = self.running.fold(event);
        let mut text = String::new();
        for message in self.builder.messages(event) {
            // Blank lines only help people.
            if message != Message::Blank && message.level() >= self.least {
                text.push_str(&json_escaped(self.object(event, &message, lane).to_string()));
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

fn node_relation(step: &Step, message: &Message) -> Value {
    match dbt_outcome::relation(step, message.outcome()) {
        Some(relation) => json!({
            "database": "",
            "schema": relation.schema,
            "alias": relation.name,
            "relation_name": relation.quoted(),
        }),
        None => Value::Null,
    }
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
    match (message, message.step()) {
        (Message::Skipped { .. }, _) => "skipped",
        (_, Some(step)) => {
            message.outcome().map_or("started", |outcome| dbt_outcome::status(step.action, outcome))
        }
        (_, None) => "success",
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::mpsc};

    use super::*;
    use crate::report::{sample, sample::no_files};

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
        told_lines(&sample::every_ending(), least)
    }

    fn told_lines(events: &[Event], least: Level) -> Vec<Value> {
        let (sender, receiver) = mpsc::channel();
        let mut sink = JsonLines::new(Box::new(Channel(sender)), least, 42, no_files());
        for event in events {
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

    /// Checks one line of each kind that tests, sources and withheld models add, without the fields common to
    /// all lines.
    #[test]
    fn tests_and_sources_are_told_in_dbts_structure() {
        let mut shown: BTreeMap<String, Value> = BTreeMap::new();
        for mut line in told_lines(&sample::every_verdict(), Level::Debug) {
            let (info, node) = (line["info"].clone(), line["data"]["node_info"].clone());
            let key = [&info["code"], &info["name"], &node["resource_type"], &node["node_status"]];
            let data = line["data"].as_object_mut().unwrap();
            data.retain(|key, _| {
                !["node_info", "outcome", "reason", "action", "description"].contains(&key.as_str())
            });
            data.insert("level".to_owned(), info["level"].clone());
            data.insert("node_relation".to_owned(), node["node_relation"]["relation_name"].clone());
            if node.is_object() {
                shown.entry(key.map(|part| part.as_str().unwrap()).join(" ")).or_insert(line["data"].take());
            }
        }
        let lines: Vec<_> = shown.iter().map(|(key, data)| format!("{key}\n  {data}")).collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn a_test_is_a_node_of_its_own() {
        let lines = told_lines(&sample::every_verdict(), Level::Info);
        let line =
            lines.iter().find(|line| line["data"]["num_failures"] == 3 && line["data"]["action"] == "test");
        insta::assert_snapshot!(serde_json::to_string_pretty(&line.unwrap()["data"]).unwrap());
    }

    #[test]
    fn levels_below_the_least_are_left_out() {
        let lines = written(Level::Error);
        assert!(lines.iter().all(|line| line["info"]["level"] == "error"));
        assert_eq!(lines.len(), 3);
    }

    #[test]
    fn samples_are_data() {
        let lines = told_lines(&sample::every_verdict(), Level::Debug);
        let samples: Vec<&Value> =
            lines.iter().filter_map(|line| line["data"]["outcome"].get("sample")).collect();
        assert!(!samples.is_empty());
        for sample in samples {
            assert!(sample["columns"][0]["name"].is_string(), "{sample}");
            assert!(sample["rows"][0]["cells"].is_array() && !sample.to_string().contains('─'), "{sample}");
        }
    }
}
