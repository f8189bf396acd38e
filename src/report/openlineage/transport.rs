//! Event delivery, on its own thread and through a bounded queue. A run never blocks on the endpoint and
//! never fails because of it.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::PathBuf,
    sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TrySendError},
    thread,
    time::Duration,
};

use crate::{report::SinkError, secret::scrubbed_artifact};

/// The capacity of the queue. Events that arrive when it is full are dropped.
const QUEUE: usize = 10_000;

/// The maximum time to wait for queued events at the end of a run.
const PATIENCE: Duration = Duration::from_secs(10);

/// The timeout for one event.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The delays before the retries of an event.
const RETRIES: [Duration; 3] = [Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(3)];

/// The destination of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// Appends one line per event to a file.
    File(PathBuf),
    /// Sends one POST per event to a service.
    Http {
        url: String,
        /// The API key, if the service needs one.
        api_key: Option<String>,
    },
}

/// The sending half of the event queue.
pub struct Transport {
    what: String,
    queue: SyncSender<String>,
    /// The thread's result, sent once when it ends: the error that stopped it, if any.
    ended: Receiver<Option<io::Error>>,
    dropped: u64,
}

impl Transport {
    /// Starts the thread that delivers events to an endpoint.
    #[must_use]
    pub fn start(endpoint: Endpoint) -> Self {
        let (queue, events) = mpsc::sync_channel(QUEUE);
        let (reply, ended) = mpsc::sync_channel(1);
        let what = match &endpoint {
            Endpoint::File(path) => format!("lineage events to {}", path.display()),
            Endpoint::Http { url, .. } => format!("lineage events to {}", shown(url)),
        };
        let spawned = thread::Builder::new().name("openlineage".to_owned()).spawn(move || {
            // The receiver is gone if the run didn't wait.
            let _ = reply.send(carry(&endpoint, &events).err());
        });
        drop(spawned);
        Self { what, queue, ended, dropped: 0 }
    }

    /// Queues an event, or counts it as dropped if the queue is full.
    pub(super) fn send(&mut self, event: &str) {
        let event = scrubbed_artifact(event).into_owned();
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = self.queue.try_send(event) {
            self.dropped += 1;
        }
    }

    /// Waits for queued events, up to a limit.
    ///
    /// # Errors
    /// If any event was lost.
    pub(super) fn finish(self) -> Result<(), SinkError> {
        let Self { what, queue, ended, dropped } = self;
        drop(queue);
        let late = || io::Error::new(io::ErrorKind::TimedOut, "the run did not wait for all of them");
        let error = match ended.recv_timeout(PATIENCE) {
            Ok(error) => error,
            Err(RecvTimeoutError::Timeout) => Some(late()),
            Err(RecvTimeoutError::Disconnected) => {
                Some(io::Error::other("the thread that sends them is gone"))
            }
        };
        let full = || io::Error::other(format!("{dropped} found no room in the queue"));
        match error.or_else(|| (dropped > 0).then(full)) {
            Some(error) => Err(SinkError::new(what, error)),
            None => Ok(()),
        }
    }
}

/// Sends events until the queue closes. The first event that can't be sent ends the loop; an unreachable
/// endpoint must not delay the end of the run once for each event.
fn carry(endpoint: &Endpoint, events: &Receiver<String>) -> io::Result<()> {
    match endpoint {
        Endpoint::File(path) => {
            let mut file: File = OpenOptions::new().create(true).append(true).open(path)?;
            // Write each line at once, so that lines of several processes don't interleave.
            events.iter().try_for_each(|event| file.write_all(format!("{event}\n").as_bytes()))
        }
        Endpoint::Http { url, api_key } => {
            let agent: ureq::Agent =
                ureq::Agent::config_builder().timeout_global(Some(TIMEOUT)).build().into();
            events.iter().try_for_each(|event| post(&agent, url, api_key.as_deref(), &event))
        }
    }
}

/// Returns a URL without its credentials.
fn shown(url: &str) -> String {
    match url::Url::parse(url) {
        Ok(mut parsed) => {
            // URLs that can't have a password don't contain one.
            let _ = parsed.set_password(None);
            let _ = parsed.set_username("");
            parsed.to_string()
        }
        Err(_) => "an address that is none".to_owned(),
    }
}

/// Sends one event, with retries while the service is unreachable or overloaded.
fn post(agent: &ureq::Agent, url: &str, api_key: Option<&str>, event: &str) -> io::Result<()> {
    let mut waits = RETRIES.iter();
    loop {
        let mut request = agent.post(url).header("content-type", "application/json");
        if let Some(key) = api_key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        let Err(error) = request.send(event) else { return Ok(()) };
        let is_permanent = matches!(error, ureq::Error::StatusCode(400..=407 | 409..=428 | 430..=499));
        match waits.next().filter(|_| !is_permanent) {
            Some(wait) => thread::sleep(*wait),
            None => return Err(io::Error::other(error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead, BufReader, Read},
        net::{TcpListener, TcpStream},
    };

    use super::*;

    #[test]
    fn a_file_has_a_line_an_event() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        for event in ["{\"a\":1}", "{\"a\":2}"] {
            let mut transport = Transport::start(Endpoint::File(path.clone()));
            transport.send(event);
            transport.finish().unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"a\":1}\n{\"a\":2}\n");
    }

    #[test]
    fn a_file_that_can_not_be_written_is_said_at_the_end() {
        let mut transport = Transport::start(Endpoint::File("/nowhere/at/all.jsonl".into()));
        transport.send("{}");
        let error = transport.finish().unwrap_err().to_string();
        assert!(error.contains("/nowhere/at/all.jsonl"), "{error}");
    }

    #[test]
    fn a_password_is_not_shown() {
        assert_eq!(shown("https://me:secret@host/api/v1/lineage"), "https://host/api/v1/lineage");
        assert_eq!(shown("secret"), "an address that is none");
    }

    /// Reads a request's head and body, and responds with this status.
    fn answered(stream: TcpStream, status: &str) -> (String, String) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let (mut head, mut line, mut length) = (String::new(), String::new(), 0);
        while reader.read_line(&mut line).unwrap() > 2 {
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            head.push_str(&std::mem::take(&mut line));
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let mut stream = stream;
        write!(stream, "HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
        (head, String::from_utf8(body).unwrap())
    }

    #[test]
    fn a_service_that_is_overloaded_is_asked_again_and_one_that_refuses_is_not() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/api/v1/lineage", listener.local_addr().unwrap());
        let mut transport = Transport::start(Endpoint::Http { url, api_key: Some("secret".to_owned()) });
        transport.send("{\"a\":1}");
        transport.send("{\"a\":2}");
        let mut requests = Vec::new();
        for status in ["503 Busy", "201 Created", "422 No"] {
            requests.push(answered(listener.accept().unwrap().0, status));
        }
        let error = transport.finish().unwrap_err().to_string();
        assert!(error.contains("422"), "{error}");
        let bodies: Vec<&str> = requests.iter().map(|(_, body)| body.as_str()).collect();
        assert_eq!(bodies, ["{\"a\":1}", "{\"a\":1}", "{\"a\":2}"]);
        let head = requests[0].0.to_lowercase();
        assert!(
            head.starts_with("post /api/v1/lineage") && head.contains("authorization: bearer secret"),
            "{head}"
        );
    }
}
