//! What a controller says of itself: that it has started, and after what; that it has ended, and how.

use crate::clock::Clock;
use crate::event::{EventKind, NewEvent, Severity};
use crate::store::{Store, StoreError};

/// The start, after what was thawed and what was set aside before it.
pub(super) async fn announce(store: &Store, clock: &dyn Clock, recovered: Option<String>) -> Result<(), StoreError> {
    let at = clock.now();
    let set_aside = store.set_aside().map(|file| {
        let text = format!("the state was damaged; it is kept as {}, and a new one was begun", file.display());
        event(EventKind::StateSetAside, Severity::Critical, text)
    });
    let recovered = recovered.map(|text| event(EventKind::Recovered, Severity::Warning, text));
    let started = event(EventKind::Started, Severity::Info, "the controller is ready".into());
    let written = store.writer().write(move |tx| {
        let events = recovered.into_iter().chain(set_aside).chain([started]);
        events.into_iter().try_for_each(|event| tx.event(at, event))
    });
    written.await
}

/// The end.
pub(super) fn end(is_in_order: bool) -> NewEvent {
    match is_in_order {
        true => event(EventKind::Stopped, Severity::Info, "the controller has ended in order".into()),
        false => {
            let text = "the controller has ended, because a part of it had: its log says which and why";
            event(EventKind::Stopped, Severity::Critical, text.into())
        }
    }
}

fn event(kind: EventKind, severity: Severity, text: String) -> NewEvent {
    NewEvent { kind, severity, subject: "controller".into(), run: None, text }
}
