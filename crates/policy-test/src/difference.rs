//! What was expected and not found.

use serde::Serialize;

/// One difference between what a case expects and what a run did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Where: a path such as `result.outcome`, or the key of the expectation.
    at: String,
    #[serde(flatten)]
    pub(crate) kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(crate) enum Kind {
    Value { expected: String, found: String },
    Calls { rows: Vec<Row> },
}

/// A row of two lists side by side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Row {
    pub(crate) expected: String,
    pub(crate) found: String,
    /// The first row in which they differ.
    pub(crate) differs: bool,
}

impl Difference {
    pub(crate) fn value(at: &str, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self { at: at.into(), kind: Kind::Value { expected: expected.into(), found: found.into() } }
    }

    pub(crate) fn calls(at: &str, rows: Vec<Row>) -> Self {
        Self { at: at.into(), kind: Kind::Calls { rows } }
    }

    /// Where it is.
    pub fn title(&self) -> String {
        self.at.clone()
    }
}
