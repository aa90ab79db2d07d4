//! The commands whose screens are looked at.

use std::process::Command;

use crate::support::{Fixture, ZEROS};

/// A command, and what its environment needs besides.
pub(super) struct Scene {
    pub(super) name: String,
    pub(super) arguments: Vec<String>,
    pub(super) prepare: fn(&mut Command, &Fixture),
}

/// Every command that shows something of the agent, the errors that people meet, and every help.
pub(super) fn scenes() -> Vec<Scene> {
    let results = [
        scene("storage", &["storage"]),
        scene("disks-list", &["disks", "list"]),
        scene("metrics", &["metrics"]),
        scene("check", &["check"]),
        scene("backup-due", &["backup", "due"]),
        scene("backup-status", &["backup", "status"]),
        scene("assign", &["disks", "assign", "5b2e8d14-3c60-47a9-8f21-6e0d9c4b7a33", "/mnt/spare", "--fstype", "ext4"]),
        Scene { prepare: add_endpoint, ..scene("fingerprint", &["fingerprint"]) },
    ];
    let errors = [
        scene("error-pin", &["storage", "--fingerprint", ZEROS]),
        scene("error-down", &["storage", "--endpoint", "127.0.0.1:1"]),
        scene("check-down", &["check", "--endpoint", "127.0.0.1:1"]),
        Scene { prepare: give_another_token, ..scene("error-token", &["storage"]) },
        Scene { prepare: forget_agent, ..scene("error-missing", &["storage"]) },
        Scene { prepare: forget_agent, ..scene("check-missing", &["check"]) },
        scene("error-token-option", &["storage", "--token", "x"]),
        scene("error-option", &["disks", "list", "--nonsense"]),
        scene("error-format-refused", &["disks", "format", "/dev/nvme0n1p3", "--fstype", "ext4"]),
        scene("error-format-asks", &["disks", "format", "/dev/sdc1", "--fstype", "ext4"]),
    ];
    let helps = COMMANDS.iter().flat_map(|command| {
        let words: Vec<_> = command.split(' ').filter(|word| !word.is_empty()).collect();
        ["-h", "--help"].map(|help| {
            let form = if help == "-h" { "short" } else { "long" };
            let name = [&["help"], &words[..], &[form]].concat().join("-");
            scene(&name, &[&words[..], &[help]].concat())
        })
    });
    results.into_iter().chain(errors).chain(helps).collect()
}

/// Each command, and each of a command's own.
pub(super) const COMMANDS: &[&str] = &[
    "",
    "demo",
    "mock",
    "call",
    "fingerprint",
    "storage",
    "check",
    "console",
    "approvals",
    "approvals approve",
    "approvals refuse",
    "approvals show",
    "backup",
    "backup due",
    "backup start",
    "backup status",
    "backup run",
    "thaw",
    "disks",
    "disks list",
    "disks assign",
    "disks eject",
    "disks format",
    "disks wipe",
    "events",
    "fleet",
    "fleet approvals",
    "fleet approvals approve",
    "fleet approvals ls",
    "fleet approvals refuse",
    "fleet backups",
    "fleet events",
    "fleet init",
    "fleet ls",
    "fleet order",
    "fleet rollout",
    "fleet rollout rollback",
    "fleet rollout start",
    "fleet rollout status",
    "fleet rollout stop",
    "fleet show",
    "fleet slots",
    "fleet slots ls",
    "fleet slots set",
    "fleet users",
    "fleet want",
    "fleet want backup",
    "fleet want ls",
    "fleet want nothing",
    "metrics",
    "notify",
    "notify test",
    "policy",
    "policy build",
    "policy check",
    "policy inspect",
    "policy keygen",
    "policy new",
    "policy pull",
    "policy push",
    "policy run",
    "policy sign",
    "policy test",
    "policy verify",
    "record",
    "runs",
    "runs log",
    "runs show",
    "runs stop",
    "schedule",
    "schedule pause",
    "schedule resume",
    "schedule run",
    "serve",
    "status",
];

fn scene(name: &str, arguments: &[&str]) -> Scene {
    let arguments = arguments.iter().map(|argument| (*argument).into()).collect();
    Scene { name: name.into(), arguments, prepare: |_, _| () }
}

fn add_endpoint(command: &mut Command, fixture: &Fixture) {
    command.arg(fixture.agent.endpoint());
}

fn give_another_token(command: &mut Command, _: &Fixture) {
    command.env("AGENTAPI_TOKEN", "another");
}

fn forget_agent(command: &mut Command, _: &Fixture) {
    command.env_clear();
}
