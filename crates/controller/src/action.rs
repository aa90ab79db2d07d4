//! Everything that can be asked of the controller. One enum, so that rights, audit and the answer are decided in one place,
//! and a new way in (a socket, the console, a bus) adds no code below.

use tokio::sync::{mpsc, oneshot};

use crate::actor::Actor;
use crate::approval::WipeOrder;
use crate::run::RunId;
use crate::store::StoreError;

/// What is asked.
#[derive(Debug)]
pub enum Action {
    /// Run a subject now, whatever its schedule says.
    RunNow {
        /// `backup`, or an extension's name.
        subject: String,
    },
    /// Stop a run, which thaws what it has frozen.
    Stop {
        /// Which.
        run: RunId,
    },
    /// Let no run of a schedule begin until it is resumed.
    Pause {
        /// Whose.
        subject: String,
    },
    /// Let a schedule go on: with the next due time, and not at once.
    Resume {
        /// Whose.
        subject: String,
    },
    /// Wipe a disk, in a run of its own, once a person has agreed to that.
    Wipe(WipeOrder),
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// This run was queued, or was waiting or running already.
    Run(RunId),
    /// It is so now.
    Done,
    /// It was so before.
    AlreadySo,
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// There is no such subject in the configuration.
    #[error("there is no {0:?}: expected backup or the name of an extension in the configuration")]
    NoSubject(String),
    /// The run has ended, or there never was one.
    #[error("run {0} is not waiting or running")]
    NotOpen(RunId),
    /// A wipe of that device has been asked for, and has not ended.
    #[error("a wipe of {device} is asked for already{}", run.map(|run| format!(", in run {run}")).unwrap_or_default())]
    WipeIsOpen {
        /// The device.
        device: String,
        /// In which run; none while that is being written down.
        run: Option<RunId>,
    },
    /// The controller is ending.
    #[error("the controller is ending")]
    Ending,
    /// It could not be written down, and so was not done.
    #[error("it could not be written down, and so was not done")]
    Store(#[from] StoreError),
}

/// Asks the owner. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Actions(mpsc::Sender<Request>);

/// An action on its way to the owner.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) action: Action,
    pub(crate) actor: Actor,
    pub(crate) reply: oneshot::Sender<Result<Outcome, Refusal>>,
}

impl Actions {
    pub(crate) fn channel() -> (Self, mpsc::Receiver<Request>) {
        let (sender, receiver) = mpsc::channel(MAX_WAITING);
        (Self(sender), receiver)
    }

    /// Asks, and waits for what became of it. What was asked is done even if this future is dropped.
    ///
    /// # Errors
    ///
    /// [`Refusal`].
    pub async fn ask(&self, action: Action, actor: Actor) -> Result<Outcome, Refusal> {
        let (reply, answer) = oneshot::channel();
        self.0.send(Request { action, actor, reply }).await.map_err(|_| Refusal::Ending)?;
        answer.await.unwrap_or(Err(Refusal::Ending))
    }
}

/// Actions that wait: more than people and programs ask in the time that one takes.
const MAX_WAITING: usize = 64;
