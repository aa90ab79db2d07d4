//! What was understood, for `serve --check`: every value that is in use, and when what is due. Never a secret.

use std::fmt::Write;

use agentapi_contract::visible;
use agentapi_host::policy::{FUNCTIONS, Limits, OnFreezeFailure, ThawOn};
use jiff::Timestamp;

use super::backup::{Frozen, Quiesce};
use super::due::Due;
use super::notify::{Notify, NotifyTarget};
use super::traces::Collector;
use super::{Config, Fixed, Live};
use crate::schedule::period_text;

/// The text, with the next five due times after an instant.
pub fn print(config: &Config, now: Timestamp) -> String {
    let mut lines = Lines::default();
    let (fixed, live) = (&config.fixed, &config.live);
    lines.add("guest", &fixed.guest);
    lines.add("agent", format_args!("{}, with the token", live.agent.endpoint));
    live.agent.pins.iter().for_each(|pin| lines.add("  pin", pin));
    add_backup(&mut lines, live, fixed.quiesce.as_ref(), now);
    add_extensions(&mut lines, live, now);
    if !live.secrets.is_empty() {
        let names: Vec<_> = live.secrets.keys().map(String::as_str).collect();
        lines.add("secrets", names.join(", "));
    }
    add_notify(&mut lines, &live.notify);
    add_listeners(&mut lines, fixed);
    add_traces(&mut lines, fixed.traces.as_ref());
    add_fleet(&mut lines, fixed);
    lines.add("audit", fixed.audit.display());
    lines.add("journal", fixed.journal.display());
    let (runs, age) = (live.retention.keep_runs, period_text(live.retention.keep_for));
    lines.add("state", format_args!("{}, up to {runs} runs for {age}", fixed.state.display()));
    lines.0
}

/// A name and what it is, a line each.
#[derive(Default)]
struct Lines(String);

impl Lines {
    fn add(&mut self, name: &str, text: impl std::fmt::Display) {
        // Writing to a text does not fail.
        let _ = writeln!(self.0, "{name:<13}{}", visible(&text.to_string()));
    }

    fn add_due(&mut self, due: &Due, now: Timestamp) {
        self.add("  when", &due.schedule);
        if due.paused {
            self.add("  paused", "by paused = true: it is not run by schedule");
        }
        for instant in due.schedule.next_five(now, None) {
            self.add("  next", instant.to_zoned(due.schedule.zone().clone()).strftime("%a %Y-%m-%d %H:%M:%S %:z"));
        }
    }
}

fn add_backup(lines: &mut Lines, live: &Live, quiesce: Option<&Quiesce>, now: Timestamp) {
    let Some(backup) = &live.backup else {
        lines.add("backup", "none is made: there is no [backup]");
        return;
    };
    let due = if backup.input.even_if_not_due { "even if none is due" } else { "if the agent says that one is due" };
    lines.add("backup", format_args!("{due}, alarm after {} without one", period_text(backup.alarm_after)));
    lines.add_due(&backup.due, now);
    let give_up = std::time::Duration::from_secs(backup.input.give_up_after_s);
    lines.add("  followed", format_args!("up to {}", period_text(give_up)));
    let Some(quiesce) = quiesce else {
        lines.add("  freeze", "nothing: backups are crash-consistent, because there is no [quiesce]");
        return;
    };
    for frozen in &quiesce.applications {
        // Programs without their arguments, which may hold a password.
        lines.add(
            "  freeze",
            match frozen {
                Frozen::FileSystem(mount) => format!("file system {}", mount.display()),
                Frozen::Holder(program) => format!("hold by {}", program.name()),
                Frozen::Programs { freeze, thaw } => format!("by {}, thaw by {}", freeze.name(), thaw.name()),
            },
        );
    }
    let thaw =
        if backup.input.thaw_on == ThawOn::Running { "when the backup runs" } else { "when the backup has ended" };
    let without = match backup.input.on_freeze_failure {
        OnFreezeFailure::Continue => "a backup that is crash-consistent",
        _ => "no backup",
    };
    lines.add("  thaw", format_args!("{thaw}, after {} at the latest", period_text(quiesce.lease)));
    lines.add("  or else", format_args!("{without}, where not all of it can be frozen"));
}

fn add_extensions(lines: &mut Lines, live: &Live, now: Timestamp) {
    for extension in &live.extensions {
        lines.add("extension", format_args!("{} from {}", extension.name, extension.file.display()));
        lines.add(
            "  sha256",
            extension.sha256.as_deref().unwrap_or("not checked: without sha256, whatever the file holds is run"),
        );
        let keys: Vec<_> = extension.signed_by.iter().map(|key| format!("key {}", key.id())).collect();
        let unsigned = "not checked: without signed_by, nobody has to have signed it".to_owned();
        lines.add("  signed by", if keys.is_empty() { unsigned } else { keys.join(" or ") });
        let granted = FUNCTIONS.iter().filter(|function| extension.grants.allows(**function));
        let granted: Vec<_> = granted.map(ToString::to_string).collect();
        lines.add("  may call", if granted.is_empty() { "nothing".to_owned() } else { granted.join(", ") });
        if extension.limits != Limits::default() {
            lines.add("  limits", extension.limits.to_string().trim_end().replace('\n', ", "));
        }
        match &extension.due {
            Some(due) => lines.add_due(due, now),
            None => lines.add("  when", "only when it is asked for: it has no cron and no every"),
        }
    }
}

fn add_notify(lines: &mut Lines, all: &[Notify]) {
    for notify in all {
        let target = target_text(&notify.target);
        lines.add("notify", format_args!("{}: {target}, from {}", notify.name, notify.severity));
    }
    if all.is_empty() {
        lines.add("notify", "nobody: there is no [[notify]]");
    }
}

fn add_listeners(lines: &mut Lines, fixed: &Fixed) {
    lines.add("api", format_args!("{} for group {}", fixed.api.socket.display(), fixed.api.group));
    lines.add("  read-only", fixed.api.socket_ro.display());
    let approvers: Vec<_> = fixed.api.approvers.iter().map(|user| format!(", {user}")).collect();
    lines.add("  approvers", format_args!("root{}", approvers.concat()));
    if !fixed.api.console_hosts.is_empty() {
        lines.add("  console", format_args!("also as {}", fixed.api.console_hosts.join(", ")));
    }
    match fixed.metrics.listen {
        Some(address) => lines.add("metrics", format_args!("on the sockets, and on {address}")),
        None => lines.add("metrics", "on the sockets only: there is no metrics.listen"),
    }
}

fn add_traces(lines: &mut Lines, collector: Option<&Collector>) {
    let Some(collector) = collector else {
        return lines.add("traces", "not sent: there is no [traces]");
    };
    let with_token = if collector.token_file.is_some() { ", with a token" } else { "" };
    lines.add("traces", format_args!("to {}{with_token}", collector.url));
}

fn add_fleet(lines: &mut Lines, fixed: &Fixed) {
    let Some(fleet) = &fixed.fleet else {
        return lines.add("fleet", "none: there is no [fleet]");
    };
    lines.add("fleet", format_args!("guest {} on host {}, by the bus at {}", fixed.guest, fleet.host, fleet.server));
    lines.add("  slots", format_args!("those of {}", fleet.slots));
    let wait = period_text(fleet.longest_wait);
    lines.add("  wait", format_args!("a backup runs without a slot after {wait}"));
    let without_bus = match fleet.runs_without_bus {
        true => "a backup runs without a slot some minutes later",
        false => "a backup waits as long as it would for a slot",
    };
    lines.add("  no bus", without_bus);
    lines.add("  ring", fleet.ring);
    let names = if fleet.extensions.is_empty() { "none".to_owned() } else { fleet.extensions.join(", ") };
    lines.add("  may change", format_args!("extensions: {names}"));
    match &fleet.allowed_signers {
        Some(file) => lines.add("  orders", format_args!("of those who are listed in {}", file.display())),
        None => lines.add("  orders", "of nobody: there is no allowed_signers"),
    }
    if fleet.coordinator_key_file.is_some() {
        lines.add("  plans", "roll-outs for the whole fleet");
    }
}

fn target_text(target: &NotifyTarget) -> String {
    match target {
        NotifyTarget::Webhook { url, secret_file } => {
            format!("webhook {url}{}", if secret_file.is_some() { ", signed" } else { "" })
        }
        NotifyTarget::Ntfy { url, .. } => format!("ntfy {url}"),
        NotifyTarget::Command(program) => format!("command {}", program.name()),
        NotifyTarget::Smtp(mail) => format!("mail by {} to {}", mail.server, mail.recipients.join(", ")),
    }
}
