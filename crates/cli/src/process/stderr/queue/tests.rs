use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::{MAX_BYTES, Queue, Sink};

/// Longer than any test needs: reached only if something never happens.
const LONG: Duration = Duration::from_secs(30);

/// A sink that writes when the test lets it, and fails when the test says so.
struct Slow {
    /// Whether the next write works.
    turns: Receiver<bool>,
    written: Arc<Mutex<Vec<String>>>,
}

impl Sink for Slow {
    fn write(&mut self, text: &str) -> io::Result<()> {
        if !self.turns.recv().unwrap_or(true) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.written.lock().unwrap().push(text.into());
        Ok(())
    }

    fn show(&mut self, progress: Option<&str>) {
        self.written.lock().unwrap().push(format!("progress {progress:?}"));
    }

    fn tick(&mut self) {}
}

struct Fixture {
    queue: Arc<Queue>,
    turn: SyncSender<bool>,
    written: Arc<Mutex<Vec<String>>>,
}

impl Fixture {
    fn new() -> Self {
        let queue = Arc::new(Queue::new());
        let (turn, turns) = sync_channel(1000);
        let written = Arc::default();
        let mut sink = Slow { turns, written: Arc::clone(&written) };
        let to_write = Arc::clone(&queue);
        // It never ends: neither does the process's own.
        thread::spawn(move || to_write.write_to(&mut sink));
        Self { queue, turn, written }
    }

    fn let_write(&self, outcomes: &[bool]) {
        outcomes.iter().for_each(|works| self.turn.send(*works).unwrap());
    }

    /// Waits until a write has begun, which then waits for its turn.
    fn wait_until_it_writes(&self) {
        let started = Instant::now();
        while !self.queue.lock().is_writing {
            assert!(started.elapsed() < LONG, "nothing is written");
            thread::yield_now();
        }
    }

    fn all_written(&self) -> Vec<String> {
        self.queue.wait_until_written(LONG);
        self.written.lock().unwrap().clone()
    }
}

fn note(lost: &str) -> String {
    format!("({lost} lost here: standard error took no more)\n")
}

#[test]
fn a_reader_that_has_stopped_holds_up_nobody_and_what_does_not_fit_is_counted_in_its_place() {
    let fixture = Fixture::new();
    fixture.queue.push("first\n".into());
    fixture.wait_until_it_writes();
    let half = "x".repeat(MAX_BYTES / 2);
    for text in [half.as_str(), &half, "lost\n", "lost too\n"] {
        fixture.queue.push(text.into());
    }
    let started = Instant::now();
    fixture.queue.wait_until_written(Duration::from_millis(50));
    assert!(started.elapsed() < LONG);
    assert!(fixture.written.lock().unwrap().is_empty());

    fixture.let_write(&[true; 2]);
    while fixture.queue.lock().writes < 2 {
        thread::yield_now();
    }
    fixture.queue.push("last\n".into());
    fixture.let_write(&[true; 3]);
    let written = fixture.all_written();
    assert_eq!(written.len(), 5);
    assert_eq!(
        (written.first().unwrap().as_str(), &written[3..]),
        ("first\n", &[note("2 messages"), "last\n".into()][..])
    );
}

#[test]
fn what_was_lost_last_is_told_without_a_further_message() {
    let fixture = Fixture::new();
    fixture.queue.push("first\n".into());
    fixture.wait_until_it_writes();
    fixture.queue.push("x".repeat(MAX_BYTES + 1));
    fixture.let_write(&[true; 2]);
    assert_eq!(fixture.all_written(), ["first\n".to_owned(), note("1 message")]);
}

#[test]
fn after_a_write_that_failed_the_next_message_tells_how_many_are_missing() {
    let fixture = Fixture::new();
    fixture.let_write(&[false, false]);
    fixture.queue.push("lost\n".into());
    assert!(fixture.all_written().is_empty());
    // The count cannot be written either, and is not forgotten.
    fixture.let_write(&[false]);
    fixture.queue.push("lost too\n".into());
    assert!(fixture.all_written().is_empty());
    fixture.let_write(&[true; 2]);
    fixture.queue.push("last\n".into());
    assert_eq!(fixture.all_written(), [note("2 messages"), "last\n".into()]);
}

#[test]
fn nothing_is_written_while_it_is_parked_and_all_of_it_afterwards_in_order() {
    let fixture = Fixture::new();
    fixture.let_write(&[true; 10]);
    let (first, second) = (fixture.queue.park(LONG), fixture.queue.park(LONG));
    fixture.queue.push("one\n".into());
    fixture.queue.push("two\n".into());
    drop(first);
    // Returns at once: it would wait in vain.
    fixture.queue.wait_until_written(LONG);
    // Nothing is there to be done, for the thread or anybody else.
    assert!(fixture.queue.lock().take().is_none());
    assert!(fixture.written.lock().unwrap().is_empty());
    drop(second);
    assert_eq!(fixture.all_written(), ["one\n", "two\n"]);
}

#[test]
fn parking_waits_for_the_write_that_has_begun() {
    let fixture = Fixture::new();
    fixture.queue.push("one\n".into());
    fixture.wait_until_it_writes();
    let queue = Arc::clone(&fixture.queue);
    let parking = thread::spawn(move || queue.park(LONG));
    while !fixture.queue.is_parked() {
        thread::yield_now();
    }
    assert!(!parking.is_finished());
    fixture.let_write(&[true]);
    drop(parking.join().unwrap());
    assert_eq!(fixture.all_written(), ["one\n"]);
}

#[test]
fn what_is_left_is_taken_out_with_the_count_of_what_was_lost() {
    let queue = Arc::new(Queue::new());
    queue.push("one\n".into());
    queue.push("x".repeat(MAX_BYTES));
    assert_eq!((queue.take_all(), queue.take_all()), (format!("one\n{}", note("1 message")), String::new()));
}

#[test]
fn without_a_thread_for_it_what_waits_is_written_by_the_caller() {
    let (turn, turns) = sync_channel(10);
    let written = Arc::default();
    let mut sink = Slow { turns, written: Arc::clone(&written) };
    let queue = Queue::new();
    queue.push("one\n".into());
    queue.push("two\n".into());
    [true, true].iter().for_each(|works| turn.send(*works).unwrap());
    let caller = thread::spawn(move || queue.write_on_this_thread(&mut sink));
    let started = Instant::now();
    while !caller.is_finished() {
        assert!(started.elapsed() < LONG, "the caller does not come back");
        thread::yield_now();
    }
    assert_eq!(*written.lock().unwrap(), ["one\n", "two\n"]);
}

#[test]
fn of_lines_that_change_only_the_newest_is_kept() {
    let fixture = Fixture::new();
    fixture.queue.push("first\n".into());
    fixture.wait_until_it_writes();
    for step in 0..1000 {
        fixture.queue.set_progress(Some(step.to_string()));
    }
    fixture.let_write(&[true]);
    assert_eq!(fixture.all_written(), ["first\n", "progress Some(\"999\")"]);
    fixture.queue.set_progress(None);
    assert_eq!(fixture.all_written().last().unwrap(), "progress None");
}
