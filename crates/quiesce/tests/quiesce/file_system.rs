//! File systems that are frozen by ioctl, on the real kernel.

use std::time::Duration;

use agentapi_loop_disk::Disk;
use agentapi_quiesce::{
    Application, Applications, Backup, Consistency, Coordinator, EndedBy, JournalError, QuiesceError, Settings, Step,
    thaw_left_frozen,
};

use crate::held::Held;
use crate::support::{Fixture, LONG, eventually, idle, parked, settings};

/// A time that tests wait for.
const SHORT: Duration = Duration::from_millis(500);

impl Fixture {
    fn open_disk(&self, disk: &Disk, settings: Settings) -> Coordinator {
        Coordinator::open(self.path("journal.jsonl"), of(disk), settings).unwrap()
    }

    fn last_line(&self) -> String {
        self.journal().lines().last().unwrap_or_default().to_owned()
    }
}

fn of(disk: &Disk) -> Applications {
    Applications::new([Application::file_system(disk.path())]).unwrap()
}

fn failure(error: QuiesceError, expected: Step) -> String {
    let QuiesceError::Failed { step, source } = error else { panic!("{error:?}") };
    assert_eq!(step, expected, "{source}");
    source.chain()
}

#[tokio::test]
async fn a_file_system_stands_still_until_it_is_thawed() {
    let Some(disk) = Disk::new() else { return };
    let fixture = Fixture::new();
    let coordinator = fixture.open_disk(&disk, settings());
    let mut lease = coordinator.freeze("nightly", &parked()).await.unwrap();
    assert!(disk.is_frozen());
    assert!(lease.backup_begins() && lease.backup_captured());
    let report = lease.thaw().await.unwrap();
    assert!(!disk.is_frozen());
    assert_eq!((report.backup, report.consistency()), (Backup::Captured, Consistency::Application));
    assert!(!lease.backup_begins());

    // Again, by the same coordinator, and then it can be unmounted.
    coordinator.freeze("nightly", &parked()).await.unwrap().thaw().await.unwrap();
    let unmounted = std::process::Command::new("umount").arg(disk.path()).status().unwrap();
    assert!(unmounted.success());
}

#[tokio::test]
async fn what_somebody_else_froze_is_left_to_them() {
    let Some(disk) = Disk::new() else { return };
    let fixture = Fixture::new();
    let coordinator = fixture.open_disk(&disk, settings());
    disk.fsfreeze("-f").unwrap();
    let why = failure(coordinator.freeze("nightly", &parked()).await.unwrap_err(), Step::Freeze);
    assert_eq!(why, format!("{} is frozen by somebody else, and is left to them", disk.text()));
    assert!(disk.is_frozen());
    assert!(fixture.last_line().contains(r#""event":"thawed""#));
}

#[tokio::test]
async fn a_freeze_that_somebody_else_thawed_is_told() {
    let Some(disk) = Disk::new() else { return };
    let fixture = Fixture::new();
    let coordinator = fixture.open_disk(&disk, settings());
    let mut lease = coordinator.freeze("nightly", &parked()).await.unwrap();
    disk.fsfreeze("-u").unwrap();
    assert!(lease.backup_begins() && lease.backup_captured());
    let report = lease.thaw().await.unwrap();
    let told = format!("crash-consistent: {} had been thawed by somebody else", disk.text());
    assert_eq!((report.attempts, report.consistency().to_string()), (1, told));
}

#[tokio::test]
async fn a_folder_that_is_no_mount_point_is_not_frozen() {
    let fixture = Fixture::new();
    let applications = Applications::new([Application::file_system(fixture.path("."))]).unwrap();
    let coordinator = Coordinator::open(fixture.path("journal.jsonl"), applications, settings()).unwrap();
    let why = failure(coordinator.freeze("nightly", &parked()).await.unwrap_err(), Step::Prepare);
    assert!(why.ends_with("is not a mount point: the file system that it is on would be frozen"), "{why}");
    assert_eq!(fixture.journal(), "");
}

#[tokio::test]
async fn two_journals_cannot_freeze_the_same() {
    let Some(disk) = Disk::new() else { return };
    let (first, second) = (Fixture::new(), Fixture::new());
    let (one, other) = (first.open_disk(&disk, settings()), second.open_disk(&disk, settings()));
    let mut lease = one.freeze("nightly", &parked()).await.unwrap();
    let busy = other.freeze("hourly", &parked()).await.unwrap_err();
    assert_eq!(busy.to_string(), "nightly holds the freeze: its applications are frozen");
    assert!(disk.is_frozen() && other.status().is_none());
    lease.thaw().await.unwrap();
    other.freeze("hourly", &parked()).await.unwrap().thaw().await.unwrap();
}

#[tokio::test]
async fn a_freeze_that_outlives_its_time_in_the_kernel_is_followed_and_thawed() {
    let Some(outer) = Disk::new() else { return };
    let Some(inner) = Disk::on_disk(&outer) else { return };
    let fixture = Fixture::new();
    let settings = Settings { freeze_timeout: SHORT, thaw_timeout: SHORT, thaw_wait: SHORT, ..settings() };
    let coordinator = fixture.open_disk(&inner, settings);
    // Whoever freezes the inner one waits for its writer, and the writer for the outer one.
    outer.fsfreeze("-f").unwrap();
    let mut writer = inner.write_in_background("held up");
    tokio::time::sleep(SHORT).await;
    let why = failure(coordinator.freeze("nightly", &parked()).await.unwrap_err(), Step::FreezeThenThaw);
    assert_eq!(why, format!("{}: freezing it took longer than 500 ms and goes on", inner.text()));

    tokio::time::sleep(2 * SHORT).await;
    let status = coordinator.status().unwrap();
    assert!(status.to_string().contains("waiting for "), "{status}");
    assert!(fixture.last_line().contains(r#""event":"frozen""#), "it may be frozen: {}", fixture.journal());

    outer.fsfreeze("-u").unwrap();
    assert_eq!(idle(&coordinator).await.ended_by, EndedBy::FreezeFailed);
    eventually("the end of its writer", || writer.try_wait().unwrap().is_some()).await;
    tokio::time::sleep(SHORT).await;
    assert!(!inner.is_frozen());
    assert!(fixture.last_line().contains(r#""event":"thawed""#));
}

#[tokio::test]
async fn a_freeze_that_overruns_behind_that_of_somebody_else_leaves_theirs_alone() {
    let Some(outer) = Disk::new() else { return };
    let Some(inner) = Disk::on_disk(&outer) else { return };
    let fixture = Fixture::new();
    let settings = Settings { freeze_timeout: SHORT, thaw_timeout: SHORT, thaw_wait: SHORT, ..settings() };
    let coordinator = fixture.open_disk(&inner, settings);
    let by_hand = outer.frozen_by_hand();
    let mut writer = inner.write_in_background("held up");
    tokio::time::sleep(SHORT).await;
    // Theirs waits for the writer, and ours for theirs.
    let mut theirs = std::process::Command::new("fsfreeze").args(["-f", inner.text()]).spawn().unwrap();
    tokio::time::sleep(SHORT).await;
    failure(coordinator.freeze("nightly", &parked()).await.unwrap_err(), Step::FreezeThenThaw);

    drop(by_hand);
    assert!(theirs.wait().unwrap().success());
    assert_eq!(idle(&coordinator).await.ended_by, EndedBy::FreezeFailed);
    assert!(inner.is_frozen(), "it is theirs");
    assert!(fixture.last_line().contains(r#""event":"thawed""#));
    inner.fsfreeze("-u").unwrap();
    eventually("the end of its writer", || writer.try_wait().unwrap().is_some()).await;
}

#[tokio::test]
async fn a_freeze_program_that_outlives_its_time_in_the_kernel_is_followed_and_thawed() {
    let Some(outer) = Disk::new() else { return };
    let Some(inner) = Disk::on_disk(&outer) else { return };
    let fixture = Fixture::new();
    let programs = agentapi_quiesce::Programs::parse(&[inner.freeze_line()], &[inner.thaw_line()]).unwrap();
    let settings = Settings { thaw_wait: SHORT, ..settings() };
    let coordinator = Coordinator::open(fixture.path("journal.jsonl"), programs.with_timeout(SHORT), settings).unwrap();
    coordinator.freeze("first", &parked()).await.unwrap().thaw().await.unwrap();
    outer.fsfreeze("-f").unwrap();
    let mut writer = inner.write_in_background("held up");
    tokio::time::sleep(SHORT).await;
    let why = failure(coordinator.freeze("nightly", &parked()).await.unwrap_err(), Step::FreezeThenThaw);
    assert_eq!(why, "freeze program 1 (fsfreeze) took longer than 500 ms and was killed with all that it started");

    // Much longer than its time twice.
    tokio::time::sleep(4 * SHORT).await;
    let status = coordinator.status().unwrap().to_string();
    assert!(status.contains("waiting for "), "{status}");
    assert!(fixture.last_line().contains(r#""event":"frozen""#), "{}", fixture.journal());

    outer.fsfreeze("-u").unwrap();
    assert_eq!(idle(&coordinator).await.ended_by, EndedBy::FreezeFailed);
    eventually("the end of its writer", || writer.try_wait().unwrap().is_some()).await;
    tokio::time::sleep(SHORT).await;
    assert!(!inner.is_frozen());
    assert!(fixture.last_line().contains(r#""event":"thawed""#));
}

#[tokio::test]
async fn the_lease_is_kept_although_every_other_thread_waits_for_the_frozen_disk() {
    let Some(disk) = Disk::new() else { return };
    let fixture = Fixture::new();
    let log = format!("{}/log", disk.text());
    for kind in [["--fs", disk.text(), "", ""], ["--run", &disk.freeze_line(), &disk.thaw_line(), ""]] {
        let mut arguments = vec!["--lease-ms", "1500", "--write", &log];
        arguments.extend(kind.iter().filter(|argument| !argument.is_empty()));
        let mut held = Held::start(&fixture, &arguments);
        let begun = std::time::Instant::now();
        assert!(disk.is_frozen());
        assert_eq!(held.line(), "thawed: the lease ended; []");
        assert!(begun.elapsed() < 7 * SHORT, "{:?} for a lease of 1.5 s", begun.elapsed());
        assert!(!disk.is_frozen());
    }
}

#[tokio::test]
async fn what_a_process_froze_is_thawed_while_it_is_still_dying() {
    let Some(disk) = Disk::new() else { return };
    let fixture = Fixture::new();
    let log = format!("{}/log", disk.text());
    let mut held = Held::start(&fixture, &["--write", &log, "--fs", disk.text()]);
    let journal = fixture.path("journal.jsonl");
    let in_use = thaw_left_frozen(&journal, of(&disk), &settings()).unwrap_err();
    assert!(
        in_use.to_string().contains("in use by another process, where hold_freeze holds the freeze, for "),
        "{in_use}"
    );

    tokio::time::sleep(SHORT).await;
    held.signal(rustix::process::Signal::KILL);
    tokio::time::sleep(SHORT).await;
    assert!(held.is_running(), "a thread of it waits in the kernel for the thaw");
    let report = thaw_left_frozen(&journal, Applications::none(), &settings()).unwrap().unwrap();
    assert_eq!((report.holder.as_str(), report.ended_by), ("hold_freeze", EndedBy::Recovered));
    assert!(!disk.is_frozen());
    eventually("its end", || !held.is_running()).await;
    assert!(fixture.last_line().contains(r#""event":"recovered""#));
    assert!(thaw_left_frozen(&journal, Applications::none(), &settings()).unwrap().is_none());
}

#[tokio::test]
async fn a_journal_on_what_is_frozen_is_read_before_it_is_written() {
    let Some(disk) = Disk::new() else { return };
    let fixture = Fixture::on(disk.path());
    drop(Held::start(&fixture, &["--fs", disk.text()]));
    assert!(disk.is_frozen());
    let coordinator = fixture.open_disk(&disk, settings());
    assert_eq!(idle(&coordinator).await.ended_by, EndedBy::Recovered);
    assert!(!disk.is_frozen());
    assert!(fixture.last_line().contains(r#""event":"recovered""#));
    coordinator.freeze("nightly", &parked()).await.unwrap().thaw().await.unwrap();
    drop(coordinator);
}

#[tokio::test]
async fn what_the_disk_of_the_journal_does_too_late_is_taken_back() {
    let Some(slow) = Disk::new() else { return };
    let Some(disk) = Disk::new() else { return };
    let fixture = Fixture::on(slow.path());
    let limited = Settings { freeze_timeout: SHORT, ..settings() };
    let coordinator = fixture.open_disk(&disk, limited);
    let by_hand = slow.frozen_by_hand();
    let why = failure(coordinator.freeze("nightly", &parked()).await.unwrap_err(), Step::Journal);
    assert_eq!(why, "the disk of the journal does not answer");
    let busy = coordinator.freeze("hourly", &parked()).await.unwrap_err();
    assert_eq!(busy.to_string(), "nightly holds the freeze: its applications are being frozen");

    drop(by_hand);
    tokio::time::timeout(LONG, coordinator.idle()).await.unwrap().unwrap();
    assert!(fixture.last_line().contains(r#""event":"thawed""#), "nothing was frozen: {}", fixture.journal());
    // Its lock is free, too.
    let other = Fixture::new();
    other.open_disk(&disk, settings()).freeze("hourly", &parked()).await.unwrap().thaw().await.unwrap();
}

#[tokio::test]
async fn a_process_that_was_stopped_beyond_its_lease_thaws_as_soon_as_it_runs_again() {
    let Some(disk) = Disk::new() else { return };
    let fixture = Fixture::new();
    let mut held = Held::start(&fixture, &["--lease-ms", "800", "--fs", disk.text()]);
    held.signal(rustix::process::Signal::STOP);
    tokio::time::sleep(3 * SHORT).await;
    assert!(disk.is_frozen());
    let opened = Coordinator::open(fixture.path("journal.jsonl"), of(&disk), settings());
    assert!(matches!(opened, Err(JournalError::InUse { .. })), "{opened:?}");
    held.signal(rustix::process::Signal::CONT);
    assert_eq!(held.line(), "thawed: the lease ended; []");
    assert!(!disk.is_frozen());
}

#[tokio::test]
async fn no_memory_is_needed_to_thaw_a_file_system() {
    let Some(disk) = Disk::new() else { return };
    let fixture = Fixture::new();
    let arguments = ["--lease-ms", "500", "--no-memory-ms", "3000", "--fs", disk.text()];
    let mut held = Held::start(&fixture, &arguments);
    let begun = std::time::Instant::now();
    tokio::time::sleep(2 * SHORT).await;
    assert!(!disk.is_frozen() && begun.elapsed() < 5 * SHORT, "{:?}", begun.elapsed());
    assert_eq!(held.line(), "thawed: the lease ended; []");
}

#[tokio::test]
async fn a_signal_thaws_although_every_other_thread_waits_for_the_frozen_disk_and_then_ends_the_process() {
    let Some(disk) = Disk::new() else { return };
    let fixture = Fixture::new();
    let log = format!("{}/log", disk.text());
    let mut held = Held::start(&fixture, &["--write", &log, "--fs", disk.text()]);
    tokio::time::sleep(SHORT).await;
    held.signal(rustix::process::Signal::TERM);
    eventually("its end", || !held.is_running()).await;
    assert!(!disk.is_frozen());
    assert!(fixture.last_line().contains("signal 15 ended it"), "{}", fixture.journal());
}
