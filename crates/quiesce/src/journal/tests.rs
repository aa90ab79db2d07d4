//! The journal as the next process finds it.

use std::fs;
use std::path::PathBuf;

use std::time::Duration;

use super::*;
use crate::report::Backup;

const FROZEN: &str = r#"{"at_unix_s":1790000000,"event":"frozen","holder":"nightly"}"#;
const THAWED: &str = r#"{"at_unix_s":1790000007,"event":"thawed","holder":"nightly","frozen_ms":6712}"#;

/// What the next process finds in a journal of this text, and the text that it leaves.
fn reopened(text: &[u8]) -> (Option<LeftFrozen>, String) {
    let (_dir, path) = journal_of(text);
    let (_, left) = Journal::open(&path).unwrap();
    (left, fs::read_to_string(&path).unwrap())
}

fn left(holder: &str) -> LeftFrozen {
    LeftFrozen { holder: holder.into(), since_unix_s: 1_790_000_000, entry: None, is_damaged: false }
}

fn entry() -> Entry {
    let what = vec![Recorded::FileSystem { mount: "/data".into(), device: None }];
    Entry { id: "7-8-9".into(), owner: Owner::current().unwrap(), folder: None, may_go_on_s: 61, what }
}

fn journal_of(text: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("quiesce.jsonl");
    fs::write(&path, text).unwrap();
    (dir, path)
}

fn report(ended_by: EndedBy) -> Report {
    let frozen = Duration::from_millis(6712);
    Report {
        holder: "nightly".into(),
        frozen,
        ended_by,
        attempts: 1,
        failures: Vec::new(),
        backup: Backup::NotBegun,
        disturbed: None,
    }
}

#[test]
fn the_last_line_decides_whether_something_is_frozen() {
    let nightly = || Some(left("nightly"));
    let recovered = THAWED.replace("thawed", "recovered");
    for (text, left) in [
        (String::new(), None),
        (format!("{FROZEN}\n"), nightly()),
        (format!("{FROZEN}\n{THAWED}\n"), None),
        (format!("{FROZEN}\n{recovered}\n"), None),
        (format!("{FROZEN}\n{THAWED}\n{FROZEN}\n"), nightly()),
    ] {
        assert_eq!(reopened(text.as_bytes()), (left, text));
    }
}

#[test]
fn half_a_line_at_the_end_was_never_written() {
    for torn in [&FROZEN[..20], FROZEN, "\0\0\0\0", "\u{fffd}"] {
        let text = format!("{FROZEN}\n{THAWED}\n");
        assert_eq!(reopened(format!("{text}{torn}").as_bytes()), (None, text), "{torn}");
    }
    let (left, text) = reopened(format!("{FROZEN}\n{}", &THAWED[..30]).as_bytes());
    assert_eq!((left.map(|left| left.holder).as_deref(), text), (Some("nightly"), format!("{FROZEN}\n")));
}

#[test]
fn a_line_that_is_not_understood_is_taken_for_a_freeze() {
    let (left, _) = reopened(format!("{THAWED}\n{{\"event\":\"melted\"}}\n").as_bytes());
    assert_eq!(left.map(|left| left.holder).as_deref(), Some("unknown"));
}

#[test]
fn what_is_written_is_found_by_the_next_process() {
    let (_dir, path) = journal_of(b"");
    let (mut journal, _) = Journal::open(&path).unwrap();
    journal.frozen("a \"name\"\n", entry()).unwrap();
    drop(journal);
    let (mut journal, left) = Journal::open(&path).unwrap();
    let left = left.unwrap();
    assert_eq!((left.holder.as_str(), left.entry), ("a \"name\"\n", Some(entry())));
    journal.ended(&report(EndedBy::Recovered)).unwrap();
    drop(journal);
    assert_eq!(Journal::open(&path).unwrap().1, None);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("{\"journal\":\"agentapi-quiesce\",\"version\":1}\n"), "{text}");
    let (_, last) = text.trim_end().rsplit_once('\n').unwrap();
    let end = r#""event":"recovered","holder":"nightly","frozen_ms":6712,"ended_by":"its process was gone"}"#;
    assert!(last.ends_with(end), "{last}");
}

#[test]
fn a_journal_that_is_open_cannot_be_opened_again() {
    let (_dir, path) = journal_of(b"");
    let _held = Journal::open(&path).unwrap();
    assert!(matches!(Journal::open(&path), Err(JournalError::InUse { file, .. }) if file == path));
}

#[test]
fn a_large_journal_is_emptied_unless_something_is_frozen() {
    let long = format!("{FROZEN}\n{THAWED}\n").repeat(1000);
    assert_eq!(reopened(long.as_bytes()), (None, String::new()));

    let frozen = format!("{long}{FROZEN}\n");
    let (_dir, path) = journal_of(frozen.as_bytes());
    let (mut journal, left) = Journal::open(&path).unwrap();
    assert!(left.is_some());
    assert_eq!(fs::read_to_string(&path).unwrap(), frozen);
    journal.ended(&report(EndedBy::Recovered)).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "");
}

#[test]
fn a_directory_that_is_not_there_is_said() {
    let error = Journal::open(Path::new("/nonexistent/quiesce.jsonl")).err().unwrap();
    assert_eq!(error.to_string(), "the journal /nonexistent/quiesce.jsonl cannot be used");
}

impl Journal {
    /// One that cannot be written any more.
    pub(crate) fn read_only(path: &Path) -> Self {
        Self { file: File::open(path).unwrap(), path: path.to_owned(), length: 0 }
    }
}
