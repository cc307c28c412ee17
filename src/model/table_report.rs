//! The report about a table that can serve as an outbox.

/// A description of a table that can serve as an outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TableReport {
    /// Whether the table has the index `Causation`. Without that index, replay by causation is not available.
    pub has_causation_index: bool,
    /// The properties that do not prevent the use of the table, but cost more or make some functions unavailable.
    pub warnings: Vec<TableWarning>,
}

/// A property of a table, of its lock table or of its permissions that costs more or makes some functions unavailable.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TableWarning {
    /// The subject: `billing mode`, `time to live`, `lock table` or `permissions`.
    pub subject: String,
    /// The consequences, and the change that avoids them.
    pub message: String,
}

impl TableWarning {
    pub(crate) fn new(subject: &str, message: String) -> Self {
        Self { subject: subject.to_owned(), message }
    }
}

impl TableReport {
    /// Returns one line for each warning, or `None` if there are none.
    #[cfg(feature = "capi")]
    pub(crate) fn warning_lines(&self) -> Option<String> {
        let lines: Vec<_> = self.warnings.iter().map(|found| format!("{}: {}", found.subject, found.message)).collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }
}
