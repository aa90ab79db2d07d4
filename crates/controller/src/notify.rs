//! Tells people of findings: by a program, a webhook, ntfy, or mail where the feature `smtp` is built in.
//!
//! Who is told, and from which severity on, is `[[notify]]` of the configuration. What is told of is a finding that is raised
//! or cleared; [`outbox`] decides when.

mod command;
mod ntfy;
pub mod outbox;
pub(crate) mod post;
#[cfg(feature = "smtp")]
mod smtp;
mod webhook;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::config::notify::{Notify, NotifyTarget};
use crate::event::Severity;
use crate::finding::Finding;

use command::Command;
use ntfy::Ntfy;
use post::Post;
#[cfg(feature = "smtp")]
use smtp::Smtp;
use webhook::Webhook;

/// What somebody is told. In JSON it is the body of a webhook and the input of a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Notice {
    /// The guest's name.
    pub guest: String,
    /// What has happened to the finding.
    pub state: NoticeState,
    /// The finding's kind; `test` for a test.
    pub kind: &'static str,
    /// What the finding is about.
    pub subject: String,
    /// How much it matters.
    pub severity: Severity,
    /// Since when it is known.
    pub since: Timestamp,
    /// When this was sent first.
    pub at: Timestamp,
    /// One sentence.
    pub text: String,
}

/// What has happened to a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoticeState {
    /// It holds.
    Raised,
    /// It holds no more.
    Cleared,
    /// There is none: somebody asked whether notices arrive.
    Test,
}

/// What became of a notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It was taken.
    Delivered,
    /// It was not taken now.
    TryAgain {
        /// Why.
        why: String,
        /// After which time, if the receiver said so.
        after: Option<Duration>,
    },
    /// It will not be taken the next time either.
    Refused {
        /// Why.
        why: String,
    },
}

/// What a delivery returns.
pub type Delivering = Pin<Box<dyn Future<Output = Delivery> + Send>>;

/// A way to tell somebody. Each takes its own time only: whoever waits for it holds nothing up.
pub trait Notifier: Send + Sync + 'static {
    /// Tells them.
    fn deliver(&self, notice: &Notice) -> Delivering;
}

/// One who is told.
#[derive(Clone)]
pub struct Receiver {
    /// The name in the configuration.
    pub name: String,
    /// They are told of this and what is worse.
    pub severity: Severity,
    /// How.
    pub notifier: Arc<dyn Notifier>,
}

/// A kind of `[[notify]]` that this build does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "notify {name}: expected webhook, ntfy or command, found smtp, which is not in this build: the feature `smtp` is off"
)]
pub struct NotInThisBuild {
    name: String,
}

impl Receiver {
    /// As the configuration says.
    ///
    /// # Errors
    ///
    /// [`NotInThisBuild`] for mail without the feature `smtp`.
    pub fn new(notify: &Notify) -> Result<Self, NotInThisBuild> {
        let notifier: Arc<dyn Notifier> = match &notify.target {
            NotifyTarget::Command(program) => Arc::new(Command::new(program.clone())),
            NotifyTarget::Webhook { url, secret_file } => {
                Arc::new(Webhook { post: Post::new(url.clone()), secret_file: secret_file.clone() })
            }
            NotifyTarget::Ntfy { url, token_file } => {
                Arc::new(Ntfy { post: Post::new(url.clone()), token_file: token_file.clone() })
            }
            #[cfg(feature = "smtp")]
            NotifyTarget::Smtp(mail) => Arc::new(Smtp::new(mail.clone())),
            #[cfg(not(feature = "smtp"))]
            NotifyTarget::Smtp(_) => return Err(NotInThisBuild { name: notify.name.clone() }),
        };
        Ok(Self { name: notify.name.clone(), severity: notify.severity, notifier })
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("name", &self.name).field("severity", &self.severity).finish_non_exhaustive()
    }
}

impl Notice {
    /// Of a finding.
    pub fn of(guest: &str, state: NoticeState, finding: &Finding, at: Timestamp) -> Self {
        let Finding { kind, subject, severity, since, text } = finding.clone();
        let text = if state == NoticeState::Cleared { format!("no more: {text}") } else { text };
        Self { guest: guest.to_owned(), state, kind: kind.name(), subject, severity, since, at, text }
    }

    /// To find out whether notices arrive.
    pub fn test(guest: &str, at: Timestamp) -> Self {
        let (guest, kind, subject, severity) = (guest.to_owned(), "test", "controller".to_owned(), Severity::Info);
        let text = "this is a test: notices of this controller arrive".to_owned();
        Self { guest, state: NoticeState::Test, kind, subject, severity, since: at, at, text }
    }

    fn to_json(&self) -> String {
        // Nothing in it can fail to be JSON.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Delivery {
    fn again(why: impl Into<String>) -> Self {
        Self::TryAgain { why: why.into(), after: None }
    }
}
