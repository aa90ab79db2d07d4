//! Commands that run beside the test, with what they print and the way in which they end.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::wait_until;

/// A command whose output is read by threads, so that it never waits for the test. Killed when dropped.
pub(crate) struct Beside {
    child: Child,
    stdout: Arc<Mutex<String>>,
    stderr: Arc<Mutex<String>>,
}

impl Beside {
    /// In a process group of its own: the kernel stops no process of a group that has no parent in its session.
    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut child = command.process_group(0).spawn().unwrap();
        let stdout = child.stdout.take().map(collect).unwrap_or_default();
        let stderr = child.stderr.take().map(collect).unwrap_or_default();
        Self { child, stdout, stderr }
    }

    /// What it has printed so far.
    pub(crate) fn stdout(&self) -> String {
        self.stdout.lock().unwrap().clone()
    }

    pub(crate) fn stderr(&self) -> String {
        self.stderr.lock().unwrap().clone()
    }

    /// Waits until stderr holds this.
    #[track_caller]
    pub(crate) fn wait_for(&self, text: &str) {
        wait_until(&format!("it says {text:?}"), || self.stderr().contains(text));
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.child.id().try_into().unwrap()).unwrap(), signal).unwrap();
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// How it ended, when what it said is read: its exit status, or 128 and the number of the signal that killed it, as a shell says it.
    #[track_caller]
    pub(crate) fn status(&mut self) -> i32 {
        let mut ended: Option<ExitStatus> = None;
        wait_until("the command ends", || {
            ended = self.child.try_wait().unwrap();
            ended.is_some()
        });
        let ended = ended.unwrap();
        // What it has said is in the pipes; the threads that read them hold the texts until the end. A process that it has
        // left behind may keep a pipe open, so that this is not waited for without a limit.
        let until = Instant::now() + Duration::from_secs(2);
        let is_read = |text: &Arc<Mutex<String>>| Arc::strong_count(text) == 1;
        while !(is_read(&self.stdout) && is_read(&self.stderr)) && Instant::now() < until {
            thread::sleep(Duration::from_millis(2));
        }
        ended.code().or_else(|| ended.signal().map(|signal| 128 + signal)).unwrap()
    }
}

impl Drop for Beside {
    /// Not waited for without a limit: if the test has failed, a thread of it may wait for a disk that is thawed after this.
    fn drop(&mut self) {
        // Fails if it has ended already: then there is nothing to kill.
        let _ = self.child.kill();
        let until = Instant::now() + Duration::from_secs(5);
        while self.child.try_wait().is_ok_and(|ended| ended.is_none()) && Instant::now() < until {
            thread::sleep(Duration::from_millis(2));
        }
    }
}

fn collect(pipe: impl Read + Send + 'static) -> Arc<Mutex<String>> {
    let text = Arc::new(Mutex::new(String::new()));
    let collected = Arc::clone(&text);
    thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let mut line = String::new();
        while pipe.read_line(&mut line).is_ok_and(|read| read > 0) {
            collected.lock().unwrap().push_str(&line);
            line.clear();
        }
    });
    text
}
