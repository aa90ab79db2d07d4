//! What systemd is told of the controller, and what it hands over: sd_notify(3), sd_listen_fds(3).
//!
//! Each of these does nothing where the variables of systemd are not set. The variables stay as they are: other threads may
//! be reading the environment. What the controller starts does not get them.

use std::sync::Arc;
use std::time::Duration;

use agentapi_controller::api::Inherited;
use agentapi_controller::owner::{Activity, Status, StatusReader};
use anyhow::bail;
use listenfd::ListenFd;
use sd_notify::NotifyState;
use tokio::time::{MissedTickBehavior, interval};

use crate::extension::tell::tell;

/// The sockets that systemd has bound, by the names that `FileDescriptorName=` gives them. To be called before there is a
/// second thread that reads the environment.
pub(super) fn inherited() -> anyhow::Result<Inherited> {
    let mut given = ListenFd::from_env();
    let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    let mut inherited = Inherited::default();
    let mut names = names.split(':');
    for place in 0..given.len() {
        let name = names.next().unwrap_or_default();
        let socket = match name {
            MAIN => &mut inherited.main,
            READ_ONLY => &mut inherited.read_only,
            other => bail!("systemd has passed a socket named {other:?}, expected {MAIN:?} or {READ_ONLY:?}"),
        };
        if socket.is_some() {
            bail!("systemd has passed two sockets named {name:?}, expected one");
        }
        *socket = given.take_unix_listener(place)?.map(Arc::new);
    }
    Ok(inherited)
}

/// Tells systemd that the sockets answer. After a reload, that it is done.
pub(super) fn ready() {
    notify(&[NotifyState::Ready]);
}

/// Tells systemd that the configuration is read again. `Type=notify-reload` wants the time of the same message.
pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => notify(&[NotifyState::Reloading, now]),
        Err(why) => tracing::warn!(error = %why, "systemd is not told of the reload"),
    }
}

/// Tells systemd that the controller ends, and why that may take a while.
pub(super) fn stopping() {
    notify(&[NotifyState::Stopping, NotifyState::Status("ending: runs are stopped, and what is frozen is thawed")]);
}

/// Says before the start what it waits for.
pub(super) fn starting(text: &str) {
    notify(&[NotifyState::Status(text)]);
}

/// Keeps `systemctl status` up to date: what runs, or what is due next.
pub(super) async fn follow(mut status: StatusReader) {
    let mut told = String::new();
    loop {
        let text = describe(&status.get());
        if text != told {
            notify(&[NotifyState::Status(&text)]);
            told = text;
        }
        if !status.changed().await {
            return;
        }
    }
}

/// How long systemd waits for a sign of life. None where no watchdog is set.
pub(super) fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled()
}

/// Tells systemd that the controller lives, for as long as it answers. Asks three times within the time that systemd waits,
/// each time with a third of it as the limit, so that one late answer is not the end.
pub(super) async fn feed<A>(limit: Duration, answers_within: impl Fn(Duration) -> A, feed: impl Fn())
where
    A: Future<Output = bool>,
{
    let third = limit / 3;
    let mut ticks = interval(third);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match answers_within(third).await {
            true => feed(),
            false => tell("a part of the controller does not answer: systemd's watchdog is not fed"),
        }
    }
}

/// A sign of life.
pub(super) fn lives() {
    notify(&[NotifyState::Watchdog]);
}

fn notify(state: &[NotifyState<'_>]) {
    if let Err(why) = sd_notify::notify(state) {
        tracing::warn!(error = %why, "systemd is not told of it");
    }
}

fn describe(status: &Status) -> String {
    let runs = status.subjects.iter().filter(|subject| matches!(subject.activity, Activity::Running { .. }));
    let runs: Vec<_> = runs.map(|subject| subject.name.as_str()).collect();
    if !runs.is_empty() {
        return format!("running: {}", runs.join(", "));
    }
    let due = status.subjects.iter().filter_map(|subject| Some((subject.next_due?, &subject.name)));
    match due.min() {
        Some((at, name)) => format!("idle; next: {name} at {at:.0}"),
        None => "idle; nothing is scheduled".to_owned(),
    }
}

/// The names of the sockets' units for their descriptors.
const MAIN: &str = "main";
const READ_ONLY: &str = "read-only";

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use super::feed;

    #[tokio::test]
    async fn the_watchdog_is_fed_only_for_as_long_as_there_are_answers() {
        let (asked, fed) = (Cell::new(0), Cell::new(0));
        let answers = |limit: Duration| {
            assert_eq!(limit, Duration::from_millis(10));
            asked.set(asked.get() + 1);
            std::future::ready(asked.get() <= 3)
        };
        let feeding = feed(Duration::from_millis(30), answers, || fed.set(fed.get() + 1));
        let until_asked = async {
            while asked.get() < 8 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::select! {
            () = feeding => unreachable!("it feeds for ever"),
            () = until_asked => {}
        }
        assert_eq!(fed.get(), 3);
    }
}
