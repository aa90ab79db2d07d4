//! `docs/controller.md`: every command of its way to the first nightly backup is run as it stands there, and prints what is
//! shown there.
//!
//! In a mount namespace of its own, in which `/etc`, `/run` and `/var/lib` are empty but for what programs need. The agent of
//! the page is a mock agent, `docker` and `mail` do nothing, and `systemctl` starts what it would start.

use std::fmt::Write;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use crate::support::{Fixture, QUICK, TOKEN};

const PAGE: &str = include_str!("../../../../docs/controller.md");
const ENDPOINT: &str = "10.0.0.1:8443";
const PIN: &str = "3F:8A:51:0C:9E:27:D4:B6:11:F0:6A:83:5D:C2:48:7E:95:1B:A4:60:DC:39:72:EF:08:B5:4F:16:C8:2D:93:7A";

/// A part of the page that is done.
#[derive(Debug)]
enum Step<'a> {
    /// A file is written.
    File(&'a str, String),
    /// A condition is waited for.
    Until(&'a str),
    /// Commands and what they print.
    Screen(String),
}

/// The blocks below a comment that says what they are, without their indentation.
fn steps() -> Vec<Step<'static>> {
    let mut steps = Vec::new();
    let mut lines = PAGE.lines();
    while let Some(line) = lines.next() {
        let Some(comment) = line.trim().strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->")) else {
            continue;
        };
        if let Some(condition) = comment.strip_prefix("until: ") {
            steps.push(Step::Until(condition));
            continue;
        }
        let fence = lines.next().unwrap();
        let indent = fence.len() - fence.trim_start().len();
        let block = lines.by_ref().map(|line| line.get(indent..).unwrap_or(""));
        let block: String = block.take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect();
        steps.push(match comment.strip_prefix("file: ") {
            Some(file) => Step::File(file, block),
            None => Step::Screen(block),
        });
    }
    steps
}

/// Each screen as a session shows it, between two lines that nothing else prints.
fn script(steps: &[Step<'_>]) -> String {
    let mut script = String::from(PREPARE);
    for step in steps {
        match step {
            Step::File(file, text) => writeln!(script, "cat > {file} <<'END'\n{text}END").unwrap(),
            Step::Until(condition) => writeln!(script, "wait_until \"{condition}\"").unwrap(),
            Step::Screen(screen) => {
                script += "echo =====\n";
                for command in screen.lines().filter_map(|line| line.strip_prefix("$ ")) {
                    writeln!(script, "echo '$ {command}'\n{command} 2>&1").unwrap();
                }
            }
        }
    }
    script + "echo =====\n"
}

/// What is in the session before the first command: root's own `/etc`, as far as programs need it.
const PREPARE: &str = r#"set -euo pipefail
mkdir etc
for name in passwd group nsswitch.conf hosts ssl localtime ld.so.cache alternatives; do
    [ ! -e "/etc/$name" ] || cp -a "/etc/$name" etc/
done
mount --bind etc /etc
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/lib
wait_until() {
    for try in $(seq 600); do
        if bash -c "$1"; then return; fi
        sleep 0.1
    done
    echo "not within a minute: $1"
    exit 1
}
trap 'kill $(cat serving) 2>/dev/null || true' EXIT
"#;

/// Starts what the unit starts, as often as it is asked to.
const SYSTEMCTL: &str = r#"if [ -e serving ]; then
    kill "$(cat serving)"
    while kill -0 "$(cat serving)" 2>/dev/null; do sleep 0.05; done
fi
: > serve.out
setsid agentapi serve >> serve.out 2>&1 < /dev/null &
echo $! > serving
while ! grep -q 'is ready' serve.out; do
    kill -0 $! 2>/dev/null || { cat serve.out; exit 1; }
    sleep 0.05
done"#;

#[test]
fn every_command_of_the_tutorial_works_and_prints_what_the_page_shows() {
    if !rustix::process::geteuid().is_root() {
        assert!(std::env::var_os("CI").is_none(), "the machine for CI runs tests as root");
        return eprintln!("skipped: only root may mount");
    }
    let fixture = Fixture::with(QUICK);
    for (name, script) in [("systemctl", SYSTEMCTL), ("docker", ""), ("mail", "cat > /dev/null")] {
        let file = fixture.path(name);
        fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }
    fs::write(fixture.path("agent.token"), TOKEN).unwrap();
    let (endpoint, pin) = (fixture.agent.endpoint(), fixture.agent.fingerprint().to_string());
    let steps = steps();
    let script = script(&steps).replace(ENDPOINT, &endpoint).replace(PIN, &pin);

    let built = std::path::Path::new(env!("CARGO_BIN_EXE_agentapi")).parent().unwrap();
    let path = format!("{}:{}:/usr/sbin:/usr/bin:/sbin:/bin", fixture.path("").display(), built.display());
    let mut session = Command::new("unshare");
    session.args(["--mount", "bash", "-c", &script]).current_dir(fixture.path("")).env_clear();
    session.env("PATH", path).env("HOME", fixture.path("")).env("AGENTAPI_CACHE_DIR", fixture.path("cache"));
    let output = session.env("TZ", "Europe/Berlin").stdin(Stdio::null()).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printed}{said}");

    let printed = printed.replace(&endpoint, ENDPOINT).replace(&pin, PIN);
    let shown: Vec<_> = printed.split("=====\n").filter(|screen| !screen.is_empty()).collect();
    let screens = steps.iter().filter_map(|step| if let Step::Screen(screen) = step { Some(screen) } else { None });
    let screens: Vec<_> = screens.collect();
    assert_eq!(shown.len(), screens.len());
    for (shown, screen) in shown.iter().zip(screens) {
        assert_eq!(without_what_differs(shown), without_what_differs(screen), "it is now\n{shown}");
    }
}

/// Times, days and processes differ from run to run; so do the widths of what is lined up with them, and the machine's name.
fn without_what_differs(text: &str) -> String {
    let lines = text.lines().map(|line| {
        if line.starts_with("guest  ") {
            return "guest".to_owned();
        }
        // A cell that is empty before the first run is wider after it.
        let words = line.split_whitespace().map(|word| match word {
            "Mon" | "Tue" | "Wed" | "Thu" | "Fri" | "Sat" | "Sun" => "DAY".to_owned(),
            // The time of a fingerprint's digits does not differ, and is not replaced.
            word if word.len() > 60 => word.to_owned(),
            word => {
                let digits = word.chars().map(|c| if c.is_ascii_digit() { 'N' } else { c });
                let mut text: Vec<char> = digits.collect();
                text.dedup_by(|a, b| (*a, *b) == ('N', 'N'));
                text.into_iter().collect()
            }
        });
        words.collect::<Vec<_>>().join(" ")
    });
    lines.collect::<Vec<_>>().join("\n").trim_end().to_owned()
}

#[test]
fn the_page_has_a_way_from_nothing_to_a_frozen_backup() {
    let steps = steps();
    let files = steps.iter().filter(|step| matches!(step, Step::File("/etc/agentapi/controller.toml", _))).count();
    let screens = steps.iter().filter(|step| matches!(step, Step::Screen(_))).count();
    assert!((files, screens) == (2, 7), "{steps:#?}");
    assert_eq!(without_what_differs("next  Fri 2026-11-27 02:30:00 +01:00"), "next DAY N-N-N N:N:N +N:N");
}
