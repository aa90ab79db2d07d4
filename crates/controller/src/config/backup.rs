//! `[backup]`, the loop that backs the guest up, and `[quiesce]`, what stands still meanwhile.
//!
//! | key of `[backup]` | default |
//! | --- | --- |
//! | `cron` or `every`, and the others of [`due`] | `cron = "0 2 * * *"`, `jitter = "30m"` |
//! | `even_if_not_due` | `false`: the agent says whether one is due |
//! | `thaw_on` | `"end"`; or `"running"` |
//! | `on_freeze_failure` | `"abort"`; or `"continue"` |
//! | `accept_crash_consistent` | `false`: then there must be a `[quiesce]` |
//! | `lease` | `"10m"`, the longest freeze |
//! | `give_up_after` | `"4h"`, how long a backup is followed |
//! | `alarm_after` | `"26h"` without a success |
//!
//! | key of `[quiesce]` | default |
//! | --- | --- |
//! | `applications` | none; in the order in which they are frozen |
//! | `journal` | `freeze.journal` in the state's folder |
//! | `program_timeout` | `"30s"` |

use std::path::PathBuf;
use std::time::Duration;

use agentapi_host::policy::{BackupLoop, OnFreezeFailure, ThawOn};
use agentapi_host::quiesce::{Application, Applications, DEFAULT_PROGRAM_TIMEOUT, Program, ProgramsError, Settings};

use super::due::{Defaults, Due, Unless};
use super::extension::BACKUP;
use super::section::Section;
use super::{due, optional_key};

/// The backup loop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// When it runs.
    pub due: Due,
    /// What it is to do.
    pub input: BackupLoop,
    /// Whether a backup that is only crash-consistent is as good, although something is frozen for it.
    pub accepts_crash_consistent: bool,
    /// How long there may be no success before that is a finding.
    pub alarm_after: Duration,
}

/// What is frozen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quiesce {
    /// In this order; at least one.
    pub applications: Vec<Frozen>,
    /// How long a program may take.
    pub program_timeout: Duration,
    /// The longest freeze: a key of `[backup]`.
    pub lease: Duration,
}

/// One thing that is frozen: an [`Application`] that can be compared with that of another configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frozen {
    /// The file system that is mounted here.
    FileSystem(PathBuf),
    /// A program that holds it still.
    Holder(Program),
    /// A program that freezes, and one that thaws.
    Programs {
        /// The one that freezes.
        freeze: Program,
        /// The one that thaws.
        thaw: Program,
    },
}

impl Quiesce {
    /// For the coordinator.
    ///
    /// # Errors
    ///
    /// Never for what was checked: there is at least one.
    pub fn applications(&self) -> Result<Applications, ProgramsError> {
        let program = |program: &Program| program.clone().with_timeout(self.program_timeout);
        Applications::new(self.applications.iter().map(|frozen| match frozen {
            Frozen::FileSystem(mount) => Application::file_system(mount),
            Frozen::Holder(holder) => Application::holder(program(holder)),
            Frozen::Programs { freeze, thaw } => Application::programs(program(freeze), program(thaw)),
        }))
    }
}

/// With the longest freeze.
pub(super) fn check(section: Section<'_>, has_quiesce: bool, from: &Defaults<'_>) -> Option<(Backup, Duration)> {
    let due = due::check(&section, BACKUP, from, &Unless { cron: Some(CRON), jitter: JITTER });
    let even_if_not_due = optional_key(&section, "even_if_not_due", |section| section.flag("even_if_not_due"));
    let thaw_on = optional_key(&section, "thaw_on", |section| {
        section.choice("thaw_on", &[("end", ThawOn::End), ("running", ThawOn::Running)])
    });
    let on_freeze_failure = optional_key(&section, "on_freeze_failure", |section| {
        let choices = [("abort", OnFreezeFailure::Abort), ("continue", OnFreezeFailure::Continue)];
        section.choice("on_freeze_failure", &choices)
    });
    let accepts = section.flag("accept_crash_consistent").unwrap_or(false);
    if !has_quiesce && !accepts && (section.is_right("accept_crash_consistent")) {
        section.mistake(
            "accept_crash_consistent",
            "expected a table [quiesce] with what to freeze, or accept_crash_consistent = true, found neither",
        );
    }
    let lease = optional_key(&section, "lease", |section| section.period("lease"));
    let give_up_after = optional_key(&section, "give_up_after", |section| section.period("give_up_after"));
    let alarm_after = optional_key(&section, "alarm_after", |section| section.period("alarm_after"));
    section.finish();

    let mut input = BackupLoop::default();
    input.freeze = has_quiesce;
    input.even_if_not_due = even_if_not_due?.unwrap_or(input.even_if_not_due);
    input.thaw_on = thaw_on?.unwrap_or(input.thaw_on);
    input.on_freeze_failure = on_freeze_failure?.unwrap_or(input.on_freeze_failure);
    input.give_up_after_s = give_up_after?.map_or(input.give_up_after_s, |period| period.as_secs().max(1));
    let lease = lease?.unwrap_or(Settings::default().lease);
    // The schedule is there: it has a default.
    let alarm_after = alarm_after?.unwrap_or(ALARM_AFTER);
    Some((Backup { due: due??, input, accepts_crash_consistent: accepts, alarm_after }, lease))
}

/// With the journal, which lies in the state's folder where none is named.
pub(super) fn check_quiesce(section: Section<'_>, lease: Option<Duration>) -> Option<(Quiesce, Option<PathBuf>)> {
    section.require("applications", "a list of tables such as { file_system = \"/data\" }");
    let timeout = optional_key(&section, "program_timeout", |section| section.period("program_timeout"));
    let journal = optional_key(&section, "journal", |section| section.path_of("journal"));
    let sections = section.sections("applications");
    if sections.is_empty() && section.is_right("applications") {
        section.mistake("applications", "expected one at least, found none");
    }
    let checked: Vec<_> = sections.into_iter().map(check_frozen).collect();
    section.finish();
    let quiesce = Quiesce {
        applications: checked.into_iter().collect::<Option<_>>()?,
        program_timeout: timeout?.unwrap_or(DEFAULT_PROGRAM_TIMEOUT),
        lease: lease.unwrap_or(Settings::default().lease),
    };
    Some((quiesce, journal?))
}

fn check_frozen(section: Section<'_>) -> Option<Frozen> {
    let mount = section.path_of("file_system");
    let (hold, freeze, thaw) = (section.program("hold"), section.program("freeze"), section.program("thaw"));
    let has = ["file_system", "hold", "freeze", "thaw"].map(|key| section.has(key));
    let frozen = match has {
        [true, false, false, false] => mount.map(Frozen::FileSystem),
        [false, true, false, false] => hold.map(Frozen::Holder),
        [false, false, true, true] => freeze.zip(thaw).map(|(freeze, thaw)| Frozen::Programs { freeze, thaw }),
        _ => {
            section.mistake("", "expected either file_system, or hold, or freeze and thaw");
            None
        }
    };
    section.finish();
    frozen
}

/// At two in the night.
const CRON: &str = "0 2 * * *";
/// Half an hour: the guests of a host that are not timed by anybody do not all start together.
const JITTER: Duration = Duration::from_secs(30 * 60);
/// 26 hours: a backup a day, with two hours for one that takes longer than that of the day before.
const ALARM_AFTER: Duration = Duration::from_secs(26 * 60 * 60);
