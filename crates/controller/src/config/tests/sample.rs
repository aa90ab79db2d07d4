use std::collections::BTreeSet;

use super::Folder;
use crate::config::{Config, print};

const SAMPLE: &str = include_str!("../../../controller.toml");

/// The sample with its files in a folder.
fn sample(folder: &Folder, text: &str) -> Config {
    let mut text = text.to_owned();
    for (from, to) in [
        ("/etc/agentapi/token", "token"),
        ("/etc/agentapi/ntfy-token", "secret"),
        ("/etc/agentapi/webhook-secret", "secret"),
        ("/etc/agentapi/mail-password", "secret"),
        ("/etc/agentapi/traces-token", "secret"),
        ("/etc/agentapi/fleet.seed", "secret"),
        ("/etc/agentapi/coordinator.seed", "secret"),
        ("/etc/agentapi/allowed_signers", "secret"),
        ("/usr/lib/agentapi/extensions/disk-watch.wasm", "a.wasm"),
    ] {
        text = text.replace(from, to);
    }
    folder.config(&text)
}

/// With the lines that are commented out, if they are wanted.
fn uncommented(is_wanted: impl Fn(&str) -> bool) -> String {
    let is_key = |rest: &str| {
        rest.starts_with(|c: char| c.is_ascii_lowercase() || "[]".contains(c)) || rest.starts_with("    {")
    };
    let lines = SAMPLE.lines().map(|line| match line.strip_prefix('#') {
        Some(rest) if is_key(rest) && is_wanted(rest) => rest,
        _ => line,
    });
    lines.map(|line| format!("{line}\n")).collect()
}

#[test]
fn the_sample_is_valid_and_what_it_shows_as_default_is() {
    let folder = Folder::new();
    let as_it_is = sample(&folder, SAMPLE);
    // The tables that are examples, and what has no default, stay comments.
    let without_examples: String = uncommented(|line| !line.contains("none by default"));
    let examples = without_examples.find("# What stands still").unwrap()
        ..without_examples.find("# Restart for all of it.\n[api]").unwrap();
    let defaults = [&without_examples[..examples.start], &without_examples[examples.end..]].concat();
    let defaults = sample(&folder, &defaults);
    assert_eq!(defaults.fixed, as_it_is.fixed);
    let schedule = |config: &Config| config.live.backup.as_ref().unwrap().due.schedule.to_string();
    assert_eq!(schedule(&defaults), schedule(&as_it_is));
    assert_eq!(defaults.live, as_it_is.live);
}

#[test]
fn the_examples_of_the_sample_are_valid_too_and_every_key_is_in_it() {
    let folder = Folder::new();
    let config = sample(&folder, &uncommented(|_| true));
    assert_eq!((config.live.extensions.len(), config.live.notify.len()), (1, 4));
    assert_eq!(config.fixed.quiesce.as_ref().unwrap().applications.len(), 3);
    let known = super::every_key::known_keys();
    let shown: BTreeSet<_> = config.places.keys().cloned().collect();
    let missing: Vec<_> = known.difference(&shown).map(String::as_str).collect();
    assert_eq!(missing, NOT_IN_THE_SAMPLE);
    // Tables below [secrets] have names that the operator chooses: the list of known keys has its own.
    assert!(shown.contains("secrets.ntfy.file") && shown.contains("secrets.mail.credential"));
    let printed = print(&config, "2026-01-01T00:00:00Z".parse().unwrap());
    assert!(printed.contains("extension    disk-watch from ") && !printed.contains(super::SECRET), "{printed}");
}

#[test]
fn what_is_printed_is_all_that_is_in_use() {
    let folder = Folder::new();
    let text = uncommented(|_| true).replace("Europe/Berlin", "UTC").replace("\"guest-7\" ", "\"guest-8\" ");
    let printed = print(&sample(&folder, &text), "2026-01-01T00:00:00Z".parse().unwrap());
    let folder = format!("{}/", folder.0.path().display());
    assert_eq!(printed.replace(&folder, ""), PRINTED);
}

/// Keys that the sample leaves out, in the order of their names.
const NOT_IN_THE_SAMPLE: [&str; 12] = [
    // It has cron, and nothing has both.
    "backup.every",
    // The same as in [backup], where they are explained.
    "extension.catch_up",
    "extension.cron",
    "extension.jitter",
    "extension.paused",
    "extension.window",
    "extension.zone",
    // Each stands for a file that the sample has in its place.
    "notify.password_secret",
    "notify.signing_secret",
    "notify.token_secret",
    // In the sample they are secrets.ntfy.file and secrets.mail.credential.
    "secrets.a.credential",
    "secrets.a.file",
];

const PRINTED: &str = "\
guest        guest-8
agent        10.0.0.1:8443, with the token
  pin        3F:8A:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00
backup       if the agent says that one is due, alarm after 1d 2h without one
  when       cron 0 2 * * * (UTC), in 01:00-05:00 (UTC), 24m 56s later of up to 30m, one run for those missed
  next       Thu 2026-01-01 02:24:56 +00:00
  next       Fri 2026-01-02 02:24:56 +00:00
  next       Sat 2026-01-03 02:24:56 +00:00
  next       Sun 2026-01-04 02:24:56 +00:00
  next       Mon 2026-01-05 02:24:56 +00:00
  followed   up to 4h
  freeze     by /usr/local/bin/app, thaw by /usr/local/bin/app
  freeze     hold by /usr/local/bin/hold-database
  freeze     file system /data
  thaw       when the backup has ended, after 10m at the latest
  or else    no backup, where not all of it can be frozen
extension    disk-watch from a.wasm
  sha256     0000000000000000000000000000000000000000000000000000000000000000
  signed by  key 25A940EF55A4BD65
  may call   storage.mounts, disks.list
  when       every 10m, one run for those missed
  next       Thu 2026-01-01 00:10:00 +00:00
  next       Thu 2026-01-01 00:20:00 +00:00
  next       Thu 2026-01-01 00:30:00 +00:00
  next       Thu 2026-01-01 00:40:00 +00:00
  next       Thu 2026-01-01 00:50:00 +00:00
secrets      mail, ntfy
notify       ntfy: ntfy https://ntfy.example.org/.., from warning
notify       webhook: webhook https://hooks.example.org/.., signed, from warning
notify       command: command /usr/local/bin/tell-somebody, from warning
notify       mail: mail by mail.example.org:587 to ops@example.org, from critical
api          /run/agentapi/agentapi.sock for group agentapi
  read-only  /run/agentapi/agentapi-ro.sock
  approvers  root
metrics      on the sockets, and on 127.0.0.1:9420
traces       to http://127.0.0.1:4318, with a token
fleet        guest guest-8 on host pve1, by the bus at 10.0.0.5:4222
  slots      those of pve1
  wait       a backup runs without a slot after 6h
  no bus     a backup runs without a slot some minutes later
  ring       9
  may change extensions: none
  orders     of those who are listed in secret
  plans      roll-outs for the whole fleet
audit        /var/lib/agentapi/audit.jsonl
journal      /var/lib/agentapi/freeze.journal
state        /var/lib/agentapi, up to 10000 runs for 90d
";
