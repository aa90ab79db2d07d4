//! The connection to a server: TLS with a pinned certificate, and a key of one's own. There is no other.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use agentapi_contract::{Authority, Pins};
use agentapi_host::pinned_tls;
use async_nats::connection::State;
use async_nats::{Client, ConnectErrorKind, ConnectOptions, Event, ServerError};

use crate::bus::BusError;

/// The oldest server that is used: older ones lack what is needed, and have holes that let others read and write.
pub const MIN_VERSION: (u64, u64, u64) = (2, 12, 7);

/// Which server, and as whom.
#[derive(Clone)]
pub struct Access {
    /// Where it listens.
    pub server: Authority,
    /// The certificates that it may present.
    pub pins: Pins,
    /// The seed of the nkey, as `nk` and `agentapi fleet users` write it.
    pub seed: String,
    /// The user's name: answers come to it alone.
    pub user: String,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").field("server", &self.server).field("user", &self.user).finish_non_exhaustive()
    }
}

/// The subjects to which answers to a user come.
pub(crate) fn inbox(user: &str) -> String {
    format!("_INBOX_{user}")
}

/// Connects once; a connection that breaks is made again, for ever.
pub(super) async fn connect(access: &Access, complaints: Complaints) -> Result<Client, BusError> {
    let tls = pinned_tls(access.pins.clone()).map_err(|why| BusError::Unusable(why.to_string()))?;
    let connected = Arc::new(AtomicBool::new(false));
    let was_connected = Arc::clone(&connected);
    let options = ConnectOptions::with_nkey(access.seed.clone())
        .name(format!("agentapi {}", access.user))
        .custom_inbox_prefix(inbox(&access.user))
        .tls_client_config(tls)
        .require_tls(true)
        // The others of a cluster have other certificates, which nobody has pinned.
        .ignore_discovered_servers()
        .connection_timeout(CONNECT_TIME)
        .reconnect_delay_callback(move |attempt| match was_connected.load(Ordering::Relaxed) {
            true => reconnect_delay(attempt),
            false => Duration::ZERO,
        })
        .ping_interval(PING_EVERY)
        .event_callback(move |event| {
            let complaints = complaints.clone();
            async move { complaints.hear(&event) }
        });
    let address = format!("tls://{}", access.server);
    let client = options.connect(address).await.map_err(|why| match why.kind() {
        ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => {
            BusError::Denied { what: format!("the key of {} to connect", access.user) }
        }
        _ => BusError::Unreachable(why.into()),
    })?;
    connected.store(true, Ordering::Relaxed);
    check_version(&client.server_info().version)?;
    Ok(client)
}

/// How long the connection waits before it is made again for the `attempt`th time: drawn from a range that doubles.
///
/// A server gives a TLS handshake two seconds. After an outage, all guests at once are more handshakes than it, or the host that
/// they share, does in that time: it gives up on all of them, and they come again together.
fn reconnect_delay(attempt: usize) -> Duration {
    let doubled = u32::try_from(attempt).ok().and_then(|attempt| 1u32.checked_shl(attempt));
    let longest = doubled.map_or(LONGEST_DELAY, |doubled| (FIRST_DELAY * doubled.max(1)).min(LONGEST_DELAY));
    longest.mul_f64(fastrand::f64())
}

/// Whether there is a connection, to a server that is new enough. It may be another one than at first.
///
/// What is published without a connection the library keeps, and sends when there is one again: the heartbeats of a whole
/// night, by all guests at once, when nobody waits for them any more.
pub(super) fn check(client: &Client) -> Result<(), BusError> {
    match client.connection_state() {
        State::Connected => check_version(&client.server_info().version),
        State::Pending | State::Disconnected => {
            Err(BusError::Unreachable(io::Error::from(io::ErrorKind::NotConnected).into()))
        }
    }
}

fn check_version(found: &str) -> Result<(), BusError> {
    let plain = found.split('-').next().unwrap_or_default();
    let mut numbers = plain.split('.').map(|number| number.parse::<u64>().unwrap_or_default());
    let mut number = || numbers.next().unwrap_or_default();
    if (number(), number(), number()) >= MIN_VERSION {
        return Ok(());
    }
    let (major, minor, patch) = MIN_VERSION;
    Err(BusError::Unusable(format!(
        "expected a nats-server of version {major}.{minor}.{patch} or newer, found {found}: older ones lack what is needed \
         here, and have known holes"
    )))
}

/// What the server has complained of lately. It tells of a subject that is not permitted beside the request, which itself
/// only gets no answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Complaints(Arc<Mutex<Vec<(Instant, String)>>>);

impl Complaints {
    fn hear(&self, event: &Event) {
        match event {
            Event::ServerError(ServerError::Other(text)) => {
                tracing::warn!(text, "the bus complains");
                let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                heard.retain(|(at, _)| at.elapsed() < KEPT);
                heard.push((Instant::now(), text.to_lowercase()));
            }
            Event::Connected => tracing::info!("the bus is connected"),
            Event::Disconnected => tracing::warn!("the bus is gone"),
            other => tracing::debug!(%other, "the bus"),
        }
    }

    /// The error of a request that was not answered.
    pub(super) fn explain(&self, subject: &str, why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> BusError {
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_denied = heard.iter().any(|(at, text)| {
            at.elapsed() < KEPT && text.contains("permissions violation") && text.contains(&subject.to_lowercase())
        });
        match is_denied {
            true => BusError::Denied { what: subject.to_owned() },
            false => BusError::Unreachable(io::Error::other(why).into()),
        }
    }
}

const CONNECT_TIME: Duration = Duration::from_secs(10);
const FIRST_DELAY: Duration = Duration::from_secs(1);
/// A thousand guests are 50 handshakes a second. Together with [`CONNECT_TIME`], the overview is right within a minute.
const LONGEST_DELAY: Duration = Duration::from_secs(20);
/// Two that are not answered end a connection of which nothing comes any more: within a minute, not the library's three.
const PING_EVERY: Duration = Duration::from_secs(15);
/// Longer than a request waits.
const KEPT: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{LONGEST_DELAY, check_version, reconnect_delay};

    #[test]
    fn those_that_lost_a_server_together_do_not_come_again_together() {
        for attempt in [0, 1, 5, 40, usize::MAX] {
            let delays: Vec<_> = (0..1000).map(|_| reconnect_delay(attempt)).collect();
            let longest = Duration::from_secs(1 << attempt.min(5)).min(LONGEST_DELAY);
            assert!(delays.iter().all(|delay| *delay <= longest), "{attempt}");
            for tenth in 0..10 {
                let part = longest * tenth / 10..longest * (tenth + 1) / 10;
                let count = delays.iter().filter(|delay| part.contains(*delay)).count();
                assert!((30..300).contains(&count), "{count} of 1000 in the same tenth of {longest:?}");
            }
        }
    }

    #[test]
    fn old_servers_are_refused_with_a_sentence() {
        for right in ["2.12.7", "2.12.10", "2.15.1", "3.0.0", "2.14.0-RC.1"] {
            check_version(right).unwrap();
        }
        for wrong in ["2.9.10", "2.12.6", "2.11.99", "", "x"] {
            let why = check_version(wrong).unwrap_err().to_string();
            assert!(why.starts_with("expected a nats-server of version 2.12.7 or newer, found "), "{why}");
        }
    }
}
