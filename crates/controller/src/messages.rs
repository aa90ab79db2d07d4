//! Messages of extensions to the operator, as findings: each key that an extension raises is one, until the extension
//! clears it or is no longer in the configuration.
//!
//! A message is written down before it is taken, so that it is told over a restart too; while something is frozen it is
//! taken into memory, and written down and told after the thaw. One that is raised again unchanged is nothing new.

use std::sync::Arc;

use agentapi_host::error_chain;
use agentapi_host::policy::{Notification, NotificationFuture, NotificationSeverity, Notifications};
use tokio::sync::{Mutex, watch};

use crate::clock::Clock;
use crate::event::Severity;
use crate::finding::{Finding, FindingKind};
use crate::store::{Backlog, Store, StoreError, Tx};
use crate::watcher::Findings;

/// Keeps what extensions have raised. Cheap to clone.
#[derive(Clone)]
pub struct Messages {
    inner: Arc<Inner>,
}

struct Inner {
    clock: Arc<dyn Clock>,
    store: Store,
    backlog: Backlog,
    /// One change at a time, so that memory and store agree on the latest.
    order: Mutex<()>,
    raised: watch::Sender<Findings>,
}

impl Messages {
    /// Reads what was raised when an earlier controller ended. Must be called within a runtime.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot be read.
    pub async fn new(clock: Arc<dyn Clock>, store: Store) -> Result<Self, StoreError> {
        let mut findings = store.reader().findings().await?;
        findings.retain(|finding| finding.kind == FindingKind::ExtensionNotice);
        let backlog = Backlog::new(Arc::clone(&clock), store.clone());
        let raised = watch::Sender::new(Arc::new(findings));
        Ok(Self { inner: Arc::new(Inner { clock, store, backlog, order: Mutex::default(), raised }) })
    }

    /// What is raised. Read without waiting.
    pub fn raised(&self) -> watch::Receiver<Findings> {
        self.inner.raised.subscribe()
    }

    /// Clears what was raised by extensions that are no longer there.
    pub(crate) fn clear_those_of_others(&self, is_there: impl Fn(&str) -> bool) {
        let raised = Arc::clone(&self.inner.raised.borrow());
        let is_gone = |finding: &Finding| !is_there(extension_of(&finding.subject));
        for finding in raised.iter().filter(|finding| is_gone(finding)) {
            self.inner.remove(&finding.subject);
            let (at, finding) = (self.inner.clock.now(), finding.clone());
            let why = format!("{} is no longer in the configuration", extension_of(&finding.subject));
            tracing::info!(subject = finding.subject, why, "a finding is cleared");
            self.inner.backlog.add(move |tx| tx.clear_because(at, &finding, &why));
        }
    }
}

impl Notifications for Messages {
    fn send(&self, extension: &str, notification: &Notification) -> NotificationFuture<()> {
        let (inner, subject) = (Arc::clone(&self.inner), subject(extension, &notification.key));
        let notification = notification.clone();
        in_a_task(async move { inner.raise(subject, &notification).await })
    }

    fn clear(&self, extension: &str, key: &str) -> NotificationFuture<bool> {
        let (inner, subject) = (Arc::clone(&self.inner), subject(extension, key));
        in_a_task(async move { inner.clear(&subject).await })
    }
}

/// A run that is stopped in between must not leave memory and store with different messages.
fn in_a_task<T: Send + 'static>(
    change: impl Future<Output = Result<T, String>> + Send + 'static,
) -> NotificationFuture<T> {
    let task = tokio::spawn(change);
    Box::pin(async { task.await.unwrap_or_else(|_| Err(NOT_WRITTEN.into())) })
}

impl Inner {
    async fn raise(&self, subject: String, notification: &Notification) -> Result<(), String> {
        let _one = self.order.lock().await;
        let (severity, text) = (severity(notification.severity), text(notification));
        let raised = Arc::clone(&self.raised.borrow());
        let known = raised.iter().find(|finding| finding.subject == subject);
        if known.is_some_and(|known| known.severity == severity && known.text == text) {
            return Ok(());
        }
        let extension = extension_of(&subject);
        let of_extension = raised.iter().filter(|finding| extension_of(&finding.subject) == extension).count();
        if known.is_none() && of_extension >= MAX_RAISED {
            return Err(format!("{of_extension} keys of this extension are raised; at most {MAX_RAISED}"));
        }
        let at = self.clock.now();
        let since = known.map_or(at, |known| known.since);
        let finding = Finding { kind: FindingKind::ExtensionNotice, subject, severity, since, text };
        let raise = finding.clone();
        self.write_down(move |tx| tx.raise(at, &raise)).await?;
        self.raised.send_modify(|raised| {
            let mut held: Vec<_> = raised.iter().filter(|other| other.subject != finding.subject).cloned().collect();
            held.push(finding);
            held.sort_by(|one, other| one.subject.cmp(&other.subject));
            *raised = Arc::new(held);
        });
        Ok(())
    }

    async fn clear(&self, subject: &str) -> Result<bool, String> {
        let _one = self.order.lock().await;
        let known = self.raised.borrow().iter().find(|finding| finding.subject == subject).cloned();
        let Some(finding) = known else { return Ok(false) };
        let at = self.clock.now();
        self.write_down(move |tx| tx.clear(at, &finding)).await?;
        self.remove(subject);
        Ok(true)
    }

    fn remove(&self, subject: &str) {
        self.raised.send_modify(|raised| {
            *raised = Arc::new(raised.iter().filter(|other| other.subject != subject).cloned().collect());
        });
    }

    async fn write_down(
        &self,
        change: impl Fn(&mut Tx<'_>) -> Result<(), StoreError> + Clone + Send + Sync + 'static,
    ) -> Result<(), String> {
        let (again, backlog) = (change.clone(), self.backlog.clone());
        // What the extension was told is taken is written down some time, whatever happens to the first attempt.
        let written = self.store.write_or_queue(change, move |_| backlog.add(again));
        written.await.map_err(|why| {
            tracing::error!(error = %error_chain(&why), "a message of an extension");
            NOT_WRITTEN.into()
        })
    }
}

/// What a message is about: names of extensions have no slash.
fn subject(extension: &str, key: &str) -> String {
    format!("{extension}/{key}")
}

/// The extension in the subject of a message.
pub(crate) fn extension_of(subject: &str) -> &str {
    subject.split_once('/').map_or(subject, |(extension, _)| extension)
}

/// The title, and the text on the lines that follow.
fn text(notification: &Notification) -> String {
    match notification.text.trim_end() {
        "" => notification.title.clone(),
        text => format!("{}\n{text}", notification.title),
    }
}

fn severity(severity: NotificationSeverity) -> Severity {
    match severity {
        NotificationSeverity::Info => Severity::Info,
        NotificationSeverity::Warning => Severity::Warning,
        // One that is added later will not matter less.
        _ => Severity::Critical,
    }
}

/// Keys that an extension may have raised at once: more than a person reads.
const MAX_RAISED: usize = 32;
const NOT_WRITTEN: &str = "the message cannot be written down now";

#[cfg(test)]
mod tests;
