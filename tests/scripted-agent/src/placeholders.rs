//! The placeholders in recorded cases for what is known only while an agent runs: its ports and fingerprints.

use std::collections::HashMap;
use std::sync::Arc;

use crate::identity::Identity;
use crate::listener::Listener;
use crate::script::Answer;

/// The values of one agent.
pub(crate) struct Placeholders {
    pub(crate) ports: HashMap<Listener, u16>,
    pub(crate) pinned: Arc<Identity>,
    pub(crate) other: Arc<Identity>,
}

impl Placeholders {
    /// The text with every known placeholder replaced.
    pub(crate) fn fill(&self, text: &str) -> String {
        let mut filled = text.to_owned();
        for (listener, port) in &self.ports {
            filled = filled.replace(listener.placeholder(), &port.to_string());
        }
        if filled.contains("{PIN") {
            for (name, value) in self.fingerprints() {
                filled = filled.replace(name, &value);
            }
        }
        filled
    }

    /// The answer with the placeholders in its header values replaced.
    pub(crate) fn fill_headers(&self, mut answer: Answer) -> Answer {
        for (_, value) in &mut answer.headers {
            *value = self.fill(value);
        }
        answer
    }

    fn fingerprints(&self) -> [(&'static str, String); 8] {
        let pin = self.pinned.fingerprint();
        let (head, tail) = pin.split_at(pin.len() - 1);
        let upper = pin.to_uppercase();
        let bytes: Vec<_> = upper.as_bytes().chunks(2).map(String::from_utf8_lossy).collect();
        [
            ("{PIN_UPPER}", upper.clone()),
            ("{PIN_COLONS}", bytes.join(":")),
            ("{PIN_HEAD}", head.to_owned()),
            ("{PIN_TAIL}", tail.to_owned()),
            ("{PIN_OTHER}", self.other.fingerprint()),
            ("{PIN_LAST}", self.pinned.last_fingerprint()),
            ("{PIN_SPKI}", self.pinned.spki_fingerprint()),
            ("{PIN}", pin),
        ]
    }
}
