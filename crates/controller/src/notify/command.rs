//! A program of the operator, which gets the notice as JSON on its standard input.
//!
//! It is started in a process group and an environment of its own: this process's holds the names of its sockets and of the
//! folder with its credentials, which are nobody else's business.

use std::process::{ExitStatus, Stdio};

use agentapi_host::quiesce::Program;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command as Process};
use tokio::time::timeout;

use crate::notify::{Delivering, Delivery, Notice, Notifier};

/// Runs a program.
#[derive(Debug)]
pub(super) struct Command {
    program: Program,
}

impl Command {
    pub(super) fn new(program: Program) -> Self {
        Self { program }
    }
}

impl Notifier for Command {
    fn deliver(&self, notice: &Notice) -> Delivering {
        let (program, input) = (self.program.clone(), notice.to_json());
        Box::pin(async move { run(&program, &input).await })
    }
}

async fn run(program: &Program, input: &str) -> Delivery {
    let mut child = match start(program) {
        Ok(child) => child,
        Err(why) => return Delivery::again(format!("{} cannot be started: {why}", program.name())),
    };
    let group = Group(child.id());
    let ended = timeout(program.timeout(), feed(&mut child, input)).await;
    // Also what a program that has ended has left behind.
    drop(group);
    match ended {
        Ok(Ok((status, _))) if status.success() => Delivery::Delivered,
        Ok(Ok((status, said))) => Delivery::again(format!("{} ended with {status}{said}", program.name())),
        Ok(Err(why)) => Delivery::again(format!("{} cannot be waited for: {why}", program.name())),
        Err(_) => {
            let _ = child.wait().await;
            let limit = program.timeout().as_millis();
            Delivery::again(format!("{} took longer than {limit} ms and was killed", program.name()))
        }
    }
}

fn start(program: &Program) -> std::io::Result<Child> {
    let mut process = Process::new(program.name());
    process.args(program.arguments()).env_clear().env("PATH", PATH).current_dir("/").process_group(0);
    process.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    process.spawn()
}

/// Gives it the input, and waits for its end, with the first of what it says on standard error.
async fn feed(child: &mut Child, input: &str) -> std::io::Result<(ExitStatus, String)> {
    let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
    let write = async {
        // A program that does not read its input is not wrong for that.
        if let Some(mut stdin) = stdin {
            let _ = stdin.write_all(input.as_bytes()).await;
        }
    };
    let read = async {
        let mut said = Vec::new();
        if let Some(stderr) = stderr {
            let _ = stderr.take(MAX_SAID_BYTES).read_to_end(&mut said).await;
        }
        said
    };
    // What it has started may hold the pipe open, so that its end is not waited for beyond that of the program.
    let (status, said) = tokio::select! {
        ((), said, status) = async { tokio::join!(write, read, child.wait()) } => (status?, said),
    };
    let said = String::from_utf8_lossy(&said).trim().to_owned();
    Ok((status, if said.is_empty() { said } else { format!(": {said}") }))
}

/// Kills a process group when it is dropped, as it also is when nobody waits for the delivery any more.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        let group = self.0.and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        if let Some(group) = group {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// Where programs are looked for: what a shell of root has.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Bytes of standard error that are kept: they name the cause.
const MAX_SAID_BYTES: u64 = 400;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use agentapi_host::quiesce::Program;
    use serde_json::Value;

    use super::{Command, Delivery, Notice, Notifier};

    async fn run(words: &[&str], timeout: Duration) -> Delivery {
        let command = Command::new(Program::new(words.iter().copied()).unwrap().with_timeout(timeout));
        command.deliver(&Notice::test("guest", "2026-11-26T10:00:00Z".parse().unwrap())).await
    }

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn a_program_gets_the_notice_and_neither_our_environment_nor_our_descriptors() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        let script = "cat > $0/input; env > $0/environment; ls -l /proc/$$/fd > $0/descriptors";
        let _ours = std::fs::File::create(file("ours")).unwrap();
        let delivery = run(&["sh", "-c", script, folder.path().to_str().unwrap()], LONG).await;
        assert_eq!(delivery, Delivery::Delivered);
        let read = |name: &str| std::fs::read_to_string(file(name)).unwrap();
        let notice: Value = serde_json::from_str(&read("input")).unwrap();
        assert_eq!((&notice["state"], &notice["guest"]), (&"test".into(), &"guest".into()));
        let environment = read("environment");
        // PWD and the like are the shell's own.
        let names: Vec<_> = environment.lines().filter_map(|line| line.split('=').next()).collect();
        assert!(
            names.contains(&"PATH") && names.iter().all(|name| ["PATH", "PWD", "OLDPWD", "SHLVL", "_"].contains(name))
        );
        let descriptors = read("descriptors");
        assert!(descriptors.contains("pipe:") && !descriptors.contains("/ours"), "{descriptors}");
    }

    #[tokio::test]
    async fn a_program_that_fails_or_is_missing_is_tried_again_and_says_why() {
        let Delivery::TryAgain { why, .. } = run(&["sh", "-c", "echo no route >&2; exit 3"], LONG).await else {
            panic!()
        };
        assert_eq!(why, "sh ended with exit status: 3: no route");
        let Delivery::TryAgain { why, .. } = run(&["/no/such/program"], LONG).await else { panic!() };
        assert!(why.starts_with("/no/such/program cannot be started: "), "{why}");
        assert_eq!(run(&["true"], LONG).await, Delivery::Delivered, "one that does not read its input is not wrong");
    }

    #[tokio::test]
    async fn one_that_takes_too_long_is_killed_with_all_that_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let pid = folder.path().join("pid");
        let script = "sleep 1000 & echo $! > $0; wait";
        let Delivery::TryAgain { why, .. } =
            run(&["sh", "-c", script, pid.to_str().unwrap()], Duration::from_secs(2)).await
        else {
            panic!()
        };
        assert_eq!(why, "sh took longer than 2000 ms and was killed");
        let child = std::fs::read_to_string(&pid).unwrap();
        let stat = || std::fs::read_to_string(format!("/proc/{}/stat", child.trim()));
        // Killed, and perhaps not yet reaped by whoever is its parent now.
        while stat().is_ok_and(|stat| !stat.contains(") Z ")) {
            tokio::task::yield_now().await;
        }
    }
}
