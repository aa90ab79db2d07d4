//! A command that runs beside the test.

use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

use crate::support::wait_until;

/// Killed when dropped.
pub(crate) struct Process(Child);

impl Process {
    pub(crate) fn spawn(mut command: Command) -> Self {
        Self(command.spawn().unwrap())
    }

    pub(crate) fn stdin(&mut self) -> ChildStdin {
        self.0.stdin.take().unwrap()
    }

    pub(crate) fn stdout(&mut self) -> ChildStdout {
        self.0.stdout.take().unwrap()
    }

    pub(crate) fn stderr(&mut self) -> ChildStderr {
        self.0.stderr.take().unwrap()
    }

    #[cfg(unix)]
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        use rustix::process::{Pid, kill_process};

        kill_process(Pid::from_raw(self.0.id().try_into().unwrap()).unwrap(), signal).unwrap();
    }

    /// Whether it has a thread of this name.
    #[cfg(target_os = "linux")]
    pub(crate) fn has_thread(&self, name: &str) -> bool {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.0.id())).unwrap();
        // One that ends meanwhile has no name.
        let names = threads.filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("comm")).ok());
        names.into_iter().any(|found| found.trim_end() == name)
    }

    /// Waits for its end and returns its exit status. None if a signal killed it.
    #[track_caller]
    pub(crate) fn wait(&mut self) -> Option<i32> {
        let mut status = None;
        wait_until("the command ends", || {
            status = self.0.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap().code()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails if it has ended already: then there is nothing to kill.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
