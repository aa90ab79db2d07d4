//! Freezes and thaws with real programs, and through the end of a real process.
//!
//! What has gone wrong somewhere, and the test that shows that it does not here. What is about a command's output, options
//! and exit status is tested in `crates/cli/tests`.
//!
//! | what happens | test |
//! | --- | --- |
//! | a freeze outlives its time in the kernel, and completes after the thaw | `file_system::a_freeze_that_outlives_its_time_in_the_kernel_is_followed_and_thawed`, and the same of `a_freeze_program_…` |
//! | every thread but the keeper waits for the frozen disk, as behind an audit or a log on it | `file_system::the_lease_is_kept_although_every_other_thread_waits_for_the_frozen_disk`, `a_signal_thaws_although_…` |
//! | the reader of the output has stopped or is gone | `deaths`, `Death::ClosedPipe` |
//! | the disk fills up | `deaths`, `Death::FullDisk` |
//! | a daemon acts on for a freeze program that was killed | `programs::what_a_daemon_does_for_a_killed_freeze_program_is_thawed_as_well` |
//! | SIGKILL during the freeze program, whose orphan freezes after the recovery | `recovery::a_freeze_program_whose_parent_was_killed_freezes_nothing_after_the_recovery` |
//! | no thread, no process, no memory to be had | `recovery::a_thaw_that_cannot_be_started_for_a_while_is_tried_until_it_can`, `file_system::no_memory_is_needed_to_thaw_a_file_system`, `deaths`, `Death::Starving` |
//! | recovery is to come before everything that can fail | `thaw_left_frozen` takes a journal and nothing else: `recovery::what_the_journal_recorded_is_thawed_and_not_what_is_configured_now` |
//! | the process that was killed is not gone before the thaw, and holds its lock | `file_system::what_a_process_froze_is_thawed_while_it_is_still_dying`, `deaths`, `Death::WaitingInTheKernel` |
//! | the next run has other programs | `recovery::what_the_journal_recorded_is_thawed_and_not_what_is_configured_now`, `what_cannot_be_thawed_for_want_of_its_application_is_never_called_recovered`, `without_the_own_code_that_froze_…` |
//! | the journal lies on what is frozen | `file_system::a_journal_on_what_is_frozen_is_read_before_it_is_written` |
//! | the disk of the journal answers too late | `file_system::what_the_disk_of_the_journal_does_too_late_is_taken_back` |
//! | a unit's sandbox makes mount points of folders | `bound::a_folder_that_is_bound_over_itself_is_not_frozen_and_a_disk_that_is_mounted_twice_is` |
//! | somebody else froze | `file_system::what_somebody_else_froze_is_left_to_them`, `a_freeze_that_overruns_behind_that_of_somebody_else_leaves_theirs_alone` |
//! | the thaw has a typo | `programs::a_thaw_that_fails_where_nothing_is_frozen_is_found_before_anything_is` |
//! | the journal's path names another file | `recovery::a_file_that_is_no_journal_is_refused_and_left_as_it_is` |
//! | a signal that nobody handles; Ctrl-Z | `signals::every_signal_that_ends_a_process_thaws_first`, `file_system::a_process_that_was_stopped_beyond_its_lease_thaws_as_soon_as_it_runs_again` |
//! | the session that froze ends before the thaw | `databases::postgresql_is_in_backup_mode_until_the_thaw`, `holders::a_holder_that_lets_go_ends_the_freeze_and_the_backup_is_no_longer_consistent` |
//! | threads of the coordinator run in any order | `races` |
#![cfg(target_os = "linux")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on is to stop"
)]

mod bound;
mod databases;
mod deaths;
mod file_system;
mod held;
mod holders;
mod programs;
mod races;
mod recovery;
mod signals;
mod support;
