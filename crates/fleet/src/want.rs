//! Wishes: how old the newest backup may become, and which bytes of an extension are wanted. They are states, not orders: each
//! guest looks at them and does what is missing, with the bus or, by what it last read, without.
//!
//! The rule by which a wish and a guest's own schedule go together is one: **a wish adds, and never takes away.** What the
//! schedule says runs. Where there is no backup as new as is wished, another one runs, in the window of the wish; but not
//! while the guest's own schedule is paused.
//!
//! A wish is not signed. Whoever can write one can have guests back up more often, let them choose among bytes that somebody
//! whom the guest trusts has signed, and nothing else.

mod change;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use agentapi_controller::config::fleet::LAST_RING;
use agentapi_controller::schedule::{Interval, Rule, Schedule, Window, parse_period, period_text};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::bus::Entry;
use crate::name::GuestName;

pub use change::change;
pub(crate) use change::{Draft, rewrite};

/// For whom a wish is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Whose {
    /// One guest. Its own wish goes before that for its ring.
    Guest(GuestName),
    /// All guests of a ring.
    Ring(u8),
}

/// A wish.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Want {
    /// Grows with each change. A guest takes none with a smaller one than it has seen.
    pub number: u64,
    /// How new the newest backup is to be; none where the schedule is enough.
    #[serde(default)]
    pub backup: Option<BackupWish>,
    /// The extensions whose bytes are wanted, by their names.
    #[serde(default)]
    pub extensions: BTreeMap<String, ExtensionWish>,
}

/// How new the newest backup is to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupWish {
    /// The newest one is not to be older, such as `24h`. An hour at least.
    pub newest_within: String,
    /// The hours in which one may begin, such as `01:00-05:00`, by the guest's own clock and zone; none: any.
    #[serde(default)]
    pub window: Option<String>,
    /// From 0 to 199: who has a greater one gets a slot sooner. 100 where nothing is said.
    #[serde(default)]
    pub priority: Option<u8>,
}

/// Which bytes of an extension are wanted. By default, the guest's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtensionWish {
    /// SHA-256 of the bytes, in hex; none: the file that the guest's own configuration names.
    pub digest: Option<String>,
    /// When the roll-out began that wishes it. A guest that has refused the same bytes in another one tries them again: it may
    /// be configured otherwise since, or they signed anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

/// Why a guest does not take a wish.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WantRefusal {
    /// It cannot be read.
    #[error("it is not understood: {0}")]
    Unreadable(String),
    /// It is older than one that was taken.
    #[error("expected a greater number than {known}, found {found}")]
    Older {
        /// That of the one that is in force.
        known: u64,
        /// The one that lies there.
        found: u64,
    },
    /// It says something that is not possible.
    #[error("{0}")]
    Wrong(String),
}

impl WantRefusal {
    /// Its name.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "unreadable",
            Self::Older { .. } => "older",
            Self::Wrong(_) => "wrong",
        }
    }
}

impl Whose {
    /// The key on the bus.
    pub fn key(&self) -> String {
        match self {
            Self::Guest(guest) => guest.to_string(),
            // No guest has a dot in its name.
            Self::Ring(ring) => format!("ring.{ring}"),
        }
    }

    /// From a key, or what a person writes: a guest's name, or `ring.2`.
    ///
    /// # Errors
    ///
    /// What was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let expected = || {
            format!("expected the name of a guest, or a ring such as ring.1, up to ring.{LAST_RING}; found {text:?}")
        };
        match text.strip_prefix("ring.") {
            Some(ring) => {
                let ring = ring.parse().ok().filter(|ring| (1..=LAST_RING).contains(ring));
                ring.map(Self::Ring).ok_or_else(expected)
            }
            None => text.parse().map(Self::Guest).map_err(|_| expected()),
        }
    }
}

impl fmt::Display for Whose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Guest(guest) => write!(f, "the wish for {guest}"),
            Self::Ring(ring) => write!(f, "the wish for ring {ring}"),
        }
    }
}

impl Want {
    /// From a key's value, if all of it is possible.
    ///
    /// # Errors
    ///
    /// [`WantRefusal`].
    pub fn read(entry: &Entry) -> Result<Self, WantRefusal> {
        let value = entry.value.as_deref().unwrap_or_default();
        let want: Self = serde_json::from_slice(value).map_err(|why| WantRefusal::Unreadable(why.to_string()))?;
        want.check()?;
        Ok(want)
    }

    /// The wish on the bus, if it is newer than this one, which is in force; none where it is the same.
    ///
    /// # Errors
    ///
    /// [`WantRefusal`]: this one stays.
    pub fn newer(&self, entry: &Entry) -> Result<Option<Self>, WantRefusal> {
        let found = Self::read(entry)?;
        match found.number {
            _ if found == *self => Ok(None),
            number if number > self.number => Ok(Some(found)),
            number => Err(WantRefusal::Older { known: self.number, found: number }),
        }
    }

    /// Whether all of it is possible.
    ///
    /// # Errors
    ///
    /// [`WantRefusal::Wrong`].
    pub fn check(&self) -> Result<(), WantRefusal> {
        if let Some(backup) = &self.backup {
            backup.schedule(TimeZone::UTC)?;
            if let Some(wrong) = backup.priority.filter(|priority| *priority > MAX_PRIORITY) {
                let text = format!("expected a priority from 0 to {MAX_PRIORITY}, found {wrong}");
                return Err(WantRefusal::Wrong(text));
            }
        }
        let digests = self.extensions.values().filter_map(|wish| wish.digest.as_ref());
        match digests
            .into_iter()
            .find(|digest| digest.len() != 64 || digest.bytes().any(|byte| !byte.is_ascii_hexdigit()))
        {
            None => Ok(()),
            Some(wrong) => Err(WantRefusal::Wrong(format!("expected 64 hex digits as a digest, found {wrong:?}"))),
        }
    }
}

impl BackupWish {
    /// How old the newest backup may become.
    ///
    /// # Errors
    ///
    /// [`WantRefusal::Wrong`].
    pub fn within(&self) -> Result<Duration, WantRefusal> {
        let found = parse_period(&self.newest_within).map_err(|why| WantRefusal::Wrong(why.to_string()))?;
        match (SHORTEST..=LONGEST).contains(&found) {
            true => Ok(found),
            false => Err(WantRefusal::Wrong(format!(
                "expected a backup within {} to {}, found {}",
                period_text(SHORTEST),
                period_text(LONGEST),
                self.newest_within
            ))),
        }
    }

    fn schedule(&self, zone: TimeZone) -> Result<Schedule, WantRefusal> {
        let wrong = |why: String| WantRefusal::Wrong(why);
        let interval = Interval::new(self.within()?).ok_or_else(|| wrong("expected a second or more".into()))?;
        let schedule = Schedule::new(Rule::Every(interval), zone);
        match &self.window {
            Some(window) => Ok(schedule.in_window(window.parse::<Window>().map_err(|why| wrong(why.to_string()))?)),
            None => Ok(schedule),
        }
    }

    /// When the next backup is due by this wish, given when the newest good one ended.
    ///
    /// # Errors
    ///
    /// [`WantRefusal::Wrong`].
    pub fn due(
        &self,
        newest: Option<Timestamp>,
        now: Timestamp,
        zone: TimeZone,
    ) -> Result<Option<Timestamp>, WantRefusal> {
        let (schedule, within) = (self.schedule(zone)?, self.within()?);
        let within = SignedDuration::try_from(within).unwrap_or(SignedDuration::MAX);
        // Without any, or by a clock that was set back since, it is due now, in the window.
        let newest = newest.filter(|newest| *newest <= now).unwrap_or_else(|| now - within);
        Ok(schedule.next_after((newest + within) - SignedDuration::from_secs(1), Some(newest)))
    }
}

impl fmt::Display for BackupWish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no backup older than {}", self.newest_within)?;
        self.window.iter().try_for_each(|window| write!(f, ", begun within {window}"))
    }
}

/// The greatest priority that a wish can give: what a person asks for has a greater one.
pub const MAX_PRIORITY: u8 = 199;
/// A backup each hour is more than anybody needs, and as many as a lie can have a guest make.
const SHORTEST: Duration = Duration::from_secs(60 * 60);
/// Nobody means more than a year.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

#[cfg(test)]
mod tests;
