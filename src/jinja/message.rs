//! Messages of templates: what `print` and `log` say while templates are rendered.

use std::{fmt, sync::Arc};

/// The function that sent a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageKind {
    /// `print(…)`, which is always shown.
    Print,
    /// `log(…, info=true)`, which is shown unless only problems are.
    Info,
    /// `log(…)`, which only the log has.
    Debug,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateMessage {
    /// The function that sent it.
    pub kind: MessageKind,
    pub text: String,
    /// The id of the invocation.
    pub invocation_id: String,
}

/// A receiver of messages, called by any thread; by default, it ignores them.
#[derive(Clone, Default)]
pub struct MessageListener(Option<Arc<Receiver>>);

type Receiver = dyn Fn(&TemplateMessage) + Send + Sync;

impl MessageListener {
    /// Creates a listener that passes messages on to a function.
    pub fn new(receive: impl Fn(&TemplateMessage) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(receive)))
    }

    pub(super) fn receive(&self, message: &TemplateMessage) {
        if let Some(receive) = &self.0 {
            receive(message);
        }
    }
}

impl fmt::Debug for MessageListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MessageListener")
    }
}
