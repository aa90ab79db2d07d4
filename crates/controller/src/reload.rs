//! Another configuration while the controller runs: noticed, built whole, and only then swapped. What runs goes on with what
//! it began with.

use std::sync::Arc;

use agentapi_host::{Host, error_chain};
use tokio::sync::{Mutex, Notify, watch};
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use crate::build::{BuildError, build, receivers};
use crate::clock::Clock;
use crate::config::places::Retention;
use crate::config::{Config, LOOK_EVERY, Mistake, Reload};
use crate::event::{EventKind, NewEvent, Severity};
use crate::notify::outbox::Receivers;
use crate::plan::Plan;
use crate::run::host::Work;
use crate::store::Store;

/// Follows the files of the configuration.
pub(crate) struct Reloader {
    pub(crate) reload: Reload,
    pub(crate) config: Config,
    /// The same, for whoever wants to see it.
    pub(crate) shown: watch::Sender<Arc<Config>>,
    pub(crate) host: Host,
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) plan: watch::Sender<Arc<Plan>>,
    pub(crate) work: watch::Sender<Arc<Work>>,
    pub(crate) receivers: watch::Sender<Receivers>,
    pub(crate) retention: watch::Sender<Retention>,
    /// Says that the files are to be read whether they have changed or not.
    pub(crate) asked: Arc<Notify>,
    /// Counts how often that was done.
    pub(crate) has_reloaded: watch::Sender<u64>,
    /// Locked while compiled code may be written to the cache: by whoever freezes, no such write may wait for the thaw.
    pub(crate) disk: Arc<Mutex<()>>,
}

impl Reloader {
    /// Looks every few seconds, and when it is asked to, until the token says to end.
    pub(crate) async fn work(mut self, stop: CancellationToken) {
        // The first reading notes which files there are. What has changed since the start is taken up.
        match self.reload.read(self.clock.as_ref(), Some(&self.config)) {
            Ok(config) if config.live != self.config.live => self.take(config, &stop).await,
            Ok(_) => {}
            Err(mistakes) => self.refuse(&mistakes),
        }
        loop {
            let is_asked = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = self.asked.notified() => true,
                () = self.clock.sleep(LOOK_EVERY) => false,
            };
            let clock = Arc::clone(&self.clock);
            let found = match is_asked {
                true => Some(self.reload.read(clock.as_ref(), Some(&self.config))),
                false => self.reload.look(clock.as_ref(), Some(&self.config)),
            };
            match found {
                None => {}
                Some(Ok(config)) => self.take(config, &stop).await,
                Some(Err(mistakes)) => self.refuse(&mistakes),
            }
            if is_asked {
                self.has_reloaded.send_modify(|count| *count += 1);
            }
        }
    }

    async fn take(&mut self, config: Config, stop: &CancellationToken) {
        // While something is frozen this waits for the thaw, which may be later than the end.
        let disk = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            disk = Arc::clone(&self.disk).lock_owned() => disk,
        };
        let (host, live, has_quiesce) = (self.host.clone(), config.live.clone(), config.fixed.quiesce.is_some());
        // Extensions are compiled there: on a thread of the runtime that would hold up runs and answers.
        let built = spawn_blocking(move || {
            let _disk = disk;
            Ok((build(&host, &live, has_quiesce)?, receivers(&live)?))
        });
        match built.await {
            Ok(Ok(((plan, work), receivers))) => {
                // The work first: a run that the new plan activates finds what it runs.
                self.work.send_replace(Arc::new(work));
                self.plan.send_replace(Arc::new(plan));
                self.receivers.send_replace(receivers);
                self.retention.send_replace(config.live.retention);
                self.shown.send_replace(Arc::new(config.clone()));
                self.config = config;
                self.tell(EventKind::Reloaded, Severity::Info, "the changed configuration is in use".into());
            }
            Ok(Err::<_, BuildError>(why)) => self.tell_refusal(error_chain(&why)),
            Err(panic) => self.tell_refusal(format!("it could not be built: {panic}")),
        }
    }

    fn refuse(&self, mistakes: &[Mistake]) {
        let texts: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
        self.tell_refusal(texts.join("; "));
    }

    fn tell_refusal(&self, why: String) {
        let text = format!("a changed configuration is refused, and the one before stays in use: {why}");
        tracing::error!("{text}");
        self.tell(EventKind::ReloadRefused, Severity::Warning, text);
    }

    fn tell(&self, kind: EventKind, severity: Severity, text: String) {
        let at = self.clock.now();
        let event = NewEvent { kind, severity, subject: "controller".into(), run: None, text };
        if let Err(why) = self.store.writer().post(move |tx| tx.event(at, event)) {
            tracing::error!(error = %error_chain(&why), "an event is not written down");
        }
    }
}
