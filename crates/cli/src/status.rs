//! The exit statuses of every command, in one table.

use std::process::ExitCode;

/// How a command ended, for whoever started it. The numbers are a promise: scripts and service managers act on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExitStatus {
    /// The command was carried out.
    Done,
    /// It was tried and did not work, or it could not be tried.
    Failed,
    /// The command line is wrong. Nothing was tried.
    WrongUsage,
    /// No backup is due, so none was started.
    NotDue,
    /// A backup is running already, or somebody else holds the freeze. Nothing was started.
    Busy,
    /// The agent may have acted and nobody can say whether it did, or how what it began has ended.
    Unknown,
    /// The backup is done and crash-consistent, although it was to be application-consistent.
    CrashConsistent,
    /// Something may be frozen still.
    Frozen,
    /// What `check` has found, in the numbers of monitoring plugins, which are not those above.
    Check(CheckStatus),
    /// This signal ended the command. Shells report a process that a signal killed with the same number.
    Signal(u8),
}

impl ExitStatus {
    /// The number that the process ends with.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::WrongUsage => 2,
            Self::NotDue => 3,
            Self::Busy => 4,
            Self::Unknown => 5,
            Self::CrashConsistent => 6,
            Self::Frozen => 7,
            Self::Check(found) => found as u8,
            Self::Signal(number) => SIGNAL_BASE.saturating_add(number),
        }
    }
}

/// What `agentapi check` found, with the numbers that monitoring plugins end with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CheckStatus {
    /// Nothing needs attention.
    Ok = 0,
    /// Something does within days.
    Warning = 1,
    /// Something does at once.
    Critical = 2,
    /// Something could not be looked at.
    Unknown = 3,
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        status.code().into()
    }
}

/// POSIX shells add this to the number of the signal that ended a process.
const SIGNAL_BASE: u8 = 128;

/// The table, as it is printed in the long help.
pub(crate) const TABLE: &str = "\
Exit status:
  0      done
  1      failed: it was tried and did not work, or it could not be tried
  2      wrong usage: nothing was tried
  3      not due: no backup is due, and none was started
  4      busy: a backup is running already, or another freeze is held; nothing
         was started
  5      unknown: the agent may have acted, or its backup is out of sight or
         runs still; look before you repeat
  6      crash-consistent: the backup is done, and was to be
         application-consistent
  7      frozen: something may be frozen still
  128+N  ended by signal N, such as 130 by Ctrl-C and 143 by SIGTERM
`agentapi check` alone ends as monitoring plugins do: 0 OK, 1 warning,
2 critical, 3 unknown.
Where stdout cannot be written, because its disk is full: 1 if the command only
shows something, else the status of what was done. A reader of stdout that has
seen enough is no failure.";

#[cfg(test)]
mod tests {
    use super::{CheckStatus, ExitStatus, TABLE};

    #[test]
    fn the_table_has_a_line_for_each_status() {
        let cases = [
            (ExitStatus::Done, "0      done"),
            (ExitStatus::Failed, "1      failed"),
            (ExitStatus::WrongUsage, "2      wrong usage"),
            (ExitStatus::NotDue, "3      not due"),
            (ExitStatus::Busy, "4      busy"),
            (ExitStatus::Unknown, "5      unknown"),
            (ExitStatus::CrashConsistent, "6      crash-consistent"),
            (ExitStatus::Frozen, "7      frozen"),
        ];
        for (status, line) in cases {
            assert!(line.starts_with(&status.code().to_string()) && TABLE.contains(&format!("\n  {line}")), "{line}");
        }
        let found = [CheckStatus::Ok, CheckStatus::Warning, CheckStatus::Critical, CheckStatus::Unknown];
        assert_eq!(found.map(|found| ExitStatus::Check(found).code()), [0, 1, 2, 3]);
        assert!(TABLE.contains("0 OK, 1 warning,\n2 critical, 3 unknown"));
        assert_eq!((ExitStatus::Signal(2).code(), ExitStatus::Signal(15).code()), (130, 143));
    }
}
