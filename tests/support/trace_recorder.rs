//! A `tracing` subscriber that records every span and event of the process.

use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber, span};

/// Records lines such as `INFO postbox send messaging.message.id="id-1"`, of all levels. Clones share the lines.
#[derive(Clone, Default)]
pub struct TraceRecorder(Arc<Mutex<Vec<String>>>);

impl TraceRecorder {
    /// Records the whole process from now on.
    pub fn install() -> Self {
        let recorder = Self::default();
        tracing::subscriber::set_global_default(recorder.clone()).unwrap();
        recorder
    }

    pub fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// Returns the lines since the last call.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    pub fn lines_of_postbox(&self) -> Vec<String> {
        self.lines().into_iter().filter(|line| line.contains(" postbox ")).collect()
    }

    fn note(&self, start: String, record: impl FnOnce(&mut Line)) {
        let mut line = Line(start);
        record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

fn start(metadata: &Metadata<'_>) -> String {
    format!("{} {} {}", metadata.level(), metadata.target(), metadata.name())
}

impl Subscriber for TraceRecorder {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        self.note(start(attributes.metadata()), |line| attributes.record(line));
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        self.note("TRACE postbox recorded later".into(), |line| values.record(line));
    }
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, event: &Event<'_>) {
        self.note(start(event.metadata()), |line| event.record(line));
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}
