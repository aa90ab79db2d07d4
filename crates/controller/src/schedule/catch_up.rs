//! Due times that passed while nobody looked: the daemon was down, the machine was suspended, or the clock was set
//! forward. However many they are, one run at most makes up for them.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use super::Schedule;

/// What is done about missed due times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CatchUp {
    /// One run makes up for all of them.
    #[default]
    One,
    /// They are skipped.
    None,
}

/// What the due times mean that passed since somebody last looked. The text is the reason for the run or the skip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missed {
    /// The last of them passed less than [`PUNCTUAL`] ago: an ordinary run, whatever is done about missed ones.
    Due {
        /// When it was due.
        due: Timestamp,
    },
    /// One run makes up for them.
    RunOnce {
        /// How many, [`MAX_COUNTED`] at most.
        missed: u32,
        /// The first of them.
        since: Timestamp,
        /// When the run may begin: now and this guest's jitter, or when the window opens.
        at: Timestamp,
    },
    /// They are skipped.
    Skip {
        /// How many, [`MAX_COUNTED`] at most.
        missed: u32,
        /// The first of them.
        since: Timestamp,
    },
}

impl Schedule {
    /// What the due times mean that passed after `since`, up to and including `now`. None where there were none, also
    /// when `since` lies ahead because the wall clock was set back.
    pub fn missed(&self, since: Timestamp, now: Timestamp, last_start: Option<Timestamp>) -> Option<Missed> {
        let first = self.next_after(since, last_start).filter(|&due| due <= now)?;
        let mut missed = 1;
        let mut last = first;
        while missed < MAX_COUNTED {
            let Some(due) = self.next_after(last, last_start).filter(|&due| due <= now) else { break };
            (missed, last) = (missed + 1, due);
        }
        let is_punctual = missed < MAX_COUNTED && now.duration_since(last) < PUNCTUAL;
        Some(match self.catch_up {
            _ if is_punctual => Missed::Due { due: last },
            CatchUp::One => Missed::RunOnce { missed, since: first, at: self.begin(now)?.0 },
            CatchUp::None => Missed::Skip { missed, since: first },
        })
    }
}

impl fmt::Display for Missed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |missed: u32| match missed {
            1 => "a due time was missed".to_owned(),
            MAX_COUNTED => format!("{MAX_COUNTED} due times or more were missed"),
            missed => format!("{missed} due times were missed"),
        };
        match *self {
            Self::Due { due } => write!(f, "due at {due:.0}"),
            Self::RunOnce { missed, since, .. } => {
                let pronoun = if missed == 1 { "it" } else { "them" };
                write!(f, "{}, the first at {since:.0}: one run makes up for {pronoun}", count(missed))
            }
            Self::Skip { missed, since } => {
                write!(f, "{}, the first at {since:.0}: skipped, because catch_up is \"none\"", count(missed))
            }
        }
    }
}

/// How late a run may begin without its due time being missed: two minutes, twice what anybody sleeps towards it.
pub const PUNCTUAL: SignedDuration = SignedDuration::from_mins(2);
/// Missed due times are counted up to here: a schedule of every minute misses half a million in a year, and nobody asks
/// how many.
pub const MAX_COUNTED: u32 = 1000;
