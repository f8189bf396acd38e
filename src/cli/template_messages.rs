//! Messages of templates on stdout: `print(…)` always, `log(…, info=true)` unless `--quiet`.

use std::io::Write;

use chrono::{Local, Utc};
use serde_json::{Value, json};

use super::{log_format::LogFormat, streams};
use crate::{
    artifact::timestamp,
    jinja::{MessageKind, MessageListener, TemplateMessage},
    text::{escaped_controls, json_escaped},
};

/// Returns the listener that writes messages in a log format.
pub(super) fn listener(format: LogFormat, quiet: bool) -> MessageListener {
    MessageListener::new(move |message| {
        let text = match (message.kind, format) {
            (MessageKind::Debug, _) => return,
            (MessageKind::Info, _) if quiet => return,
            (_, LogFormat::Json) => json_escaped(object(message).to_string()),
            (MessageKind::Print, LogFormat::Text) => escaped_controls(&message.text).into_owned(),
            (MessageKind::Info, LogFormat::Text) => {
                format!("{}  {}", Local::now().format("%H:%M:%S"), escaped_controls(&message.text))
            }
        };
        // A reader that closed the pipe isn't interested in messages.
        let _ = writeln!(streams::stdout(), "{text}");
    })
}

/// Returns a message as dbt's log event.
#[expect(clippy::disallowed_methods, reason = "the time of a log line is that of writing it")]
fn object(message: &TemplateMessage) -> Value {
    let (name, code) = match message.kind {
        MessageKind::Print => ("PrintEvent", "Z052"),
        MessageKind::Info => ("JinjaLogInfo", "I062"),
        MessageKind::Debug => ("JinjaLogDebug", "I063"),
    };
    json!({
        "info": {
            "name": name,
            "code": code,
            "level": "info",
            "msg": message.text,
            "ts": timestamp(Utc::now()),
            "pid": std::process::id(),
            "thread": "MainThread",
            "invocation_id": message.invocation_id,
            "category": "",
            "extra": {},
        },
        "data": { "msg": message.text },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_dbts_events() {
        let of = |kind| object(&TemplateMessage { kind, text: "hi".into(), invocation_id: "an-id".into() });
        let printed = of(MessageKind::Print);
        assert_eq!((&printed["info"]["code"], &printed["data"]["msg"]), (&json!("Z052"), &json!("hi")));
        assert_eq!(of(MessageKind::Info)["info"]["name"], "JinjaLogInfo");
    }
}
