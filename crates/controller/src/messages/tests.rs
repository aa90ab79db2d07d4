use std::sync::Arc;

use agentapi_host::policy::{Notification, Notifications};
use futures_util::FutureExt;
use serde_json::json;

use super::{MAX_RAISED, Messages};
use crate::clock::VirtualClock;
use crate::event::{EventKind, Severity};
use crate::store::Store;

fn message(key: &str, severity: &str, title: &str, text: &str) -> Notification {
    serde_json::from_value(json!({ "key": key, "severity": severity, "title": title, "text": text })).unwrap()
}

async fn messages(store: &Store) -> Messages {
    let clock = VirtualClock::new("2026-11-26T10:00:00Z".parse().unwrap());
    Messages::new(Arc::new(clock), store.clone()).await.unwrap()
}

/// Subject, severity and text of what is raised.
fn raised(messages: &Messages) -> Vec<(String, Severity, String)> {
    let raised = messages.raised();
    let raised = raised.borrow();
    raised.iter().map(|one| (one.subject.clone(), one.severity, one.text.clone())).collect()
}

#[tokio::test]
async fn a_key_is_raised_once_until_it_changes_and_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let mut feed = store.follow();
    let first = messages(&store).await;
    for _ in 0..2 {
        first.send("watch", &message("stale", "warning", "No backup", "for two days\n")).await.unwrap();
    }
    first.send("other", &message("stale", "info", "Not mine", "")).await.unwrap();
    let stale = ("watch/stale".to_owned(), Severity::Warning, "No backup\nfor two days".to_owned());
    let other = ("other/stale".to_owned(), Severity::Info, "Not mine".to_owned());
    assert_eq!(raised(&first), [other.clone(), stale.clone()]);

    let second = messages(&store).await;
    let mut kept = raised(&second);
    kept.sort();
    assert_eq!(kept, [other, stale]);
    second.send("watch", &message("stale", "warning", "No backup", "for two days")).await.unwrap();
    second.send("watch", &message("stale", "critical", "No backup", "for two days")).await.unwrap();
    assert_eq!(second.clear("watch", "none").await, Ok(false));
    assert_eq!(second.clear("watch", "stale").await, Ok(true));
    assert_eq!(second.clear("watch", "stale").await, Ok(false));
    assert!(!raised(&messages(&store).await).iter().any(|(subject, ..)| subject == "watch/stale"));

    let mut events = Vec::new();
    while events.len() < 4 {
        let event = feed.recv().await.unwrap();
        events.push((event.kind, event.subject.clone(), event.severity));
    }
    let raised = |subject: &str, severity| (EventKind::FindingRaised, subject.to_owned(), severity);
    assert_eq!(
        events,
        [
            raised("watch/stale", Severity::Warning),
            raised("other/stale", Severity::Info),
            raised("watch/stale", Severity::Critical),
            (EventKind::FindingCleared, "watch/stale".to_owned(), Severity::Info),
        ]
    );
}

#[tokio::test]
async fn an_extension_has_a_bounded_number_of_keys_raised_and_others_have_theirs() {
    let folder = tempfile::tempdir().unwrap();
    let messages = messages(&Store::open(folder.path()).unwrap()).await;
    for number in 0..MAX_RAISED {
        messages.send("many", &message(&number.to_string(), "info", "t", "")).await.unwrap();
    }
    let refused = messages.send("many", &message("one more", "info", "t", "")).await;
    assert_eq!(refused, Err("32 keys of this extension are raised; at most 32".into()));
    messages.send("many", &message("0", "warning", "changed", "")).await.unwrap();
    messages.send("few", &message("one more", "info", "t", "")).await.unwrap();
    assert_eq!(messages.clear("many", "0").await, Ok(true));
    messages.send("many", &message("one more", "info", "t", "")).await.unwrap();
}

#[tokio::test]
async fn what_was_raised_by_an_extension_that_is_gone_is_cleared_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let mut feed = store.follow();
    let messages = messages(&store).await;
    for extension in ["gone", "there"] {
        messages.send(extension, &message("k", "warning", "T", "")).await.unwrap();
    }
    messages.clear_those_of_others(|extension| extension == "there");
    assert_eq!(raised(&messages), [("there/k".to_owned(), Severity::Warning, "T".to_owned())]);
    let mut event = feed.recv().await.unwrap();
    while event.kind != EventKind::FindingCleared {
        event = feed.recv().await.unwrap();
    }
    assert_eq!(event.text, "gone is no longer in the configuration: T");
    assert_eq!(store.reader().findings().await.unwrap().len(), 1);
}

#[tokio::test]
async fn while_something_is_frozen_a_message_is_taken_and_written_down_after_the_thaw() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let messages = messages(&store).await;
    messages.send("x", &message("old", "info", "t", "")).await.unwrap();
    let parked = store.park();
    messages.send("x", &message("new", "info", "t", "")).await.unwrap();
    assert_eq!(messages.clear("x", "old").await, Ok(true));
    assert_eq!(raised(&messages).len(), 1);
    drop(parked);
    store.writer().write(|_| Ok(())).await.unwrap();
    let subjects: Vec<_> = store.reader().findings().await.unwrap().into_iter().map(|one| one.subject).collect();
    assert_eq!(subjects, ["x/new"]);
    // A commit in order, without the freeze.
    assert!(messages.clear("x", "new").now_or_never().is_none());
}
