//! What was understood, for `serve --check`: every value that is in use, and when what is due. Never a secret.

use std::fmt::Write;

use agentapi_contract::visible;
use agentapi_host::policy::{FUNCTIONS, Limits};
use jiff::Timestamp;

use super::backup::{Frozen, Quiesce};
use super::due::Due;
use super::fleet::Fleet;
use super::notify::NotifyTarget;
use super::traces::Collector;
use super::{Config, Live};
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
    for notify in &live.notify {
        let target = target_text(&notify.target);
        lines.add("notify", format_args!("{}: {target}, from {}", notify.name, notify.severity));
    }
    if live.notify.is_empty() {
        lines.add("notify", "nobody: there is no [[notify]]");
    }
    lines.add("api", format_args!("{} for group {}", fixed.api.socket.display(), fixed.api.group));
    lines.add("  read-only", fixed.api.socket_ro.display());
    let approvers: Vec<_> = fixed.api.approvers.iter().map(|user| format!(", {user}")).collect();
    lines.add("  approvers", format_args!("root{}", approvers.concat()));
    if !fixed.api.console_hosts.is_empty() {
        lines.add("  console", format_args!("also as {}", fixed.api.console_hosts.join(", ")));
    }
    let or_none = |address: Option<String>| address.unwrap_or_else(|| "not on loopback".to_owned());
    lines.add("metrics", or_none(fixed.metrics.listen.map(|address| address.to_string())));
    let with_token = |collector: &Collector| if collector.token_file.is_some() { ", with a token" } else { "" };
    lines.add(
        "traces",
        match &fixed.traces {
            Some(collector) => format!("to {}{}", collector.url, with_token(collector)),
            None => "not sent: there is no [traces]".to_owned(),
        },
    );
    lines.add(
        "fleet",
        match &fixed.fleet {
            Some(fleet) => format!("by {}, as {} on {}", fleet.server, fixed.guest, fleet.host),
            None => "in none: there is no [fleet]".to_owned(),
        },
    );
    if let Some(fleet) = &fixed.fleet {
        add_fleet(&mut lines, fleet);
    }
    lines.add("audit", fixed.audit.display());
    lines.add("journal", fixed.journal.display());
    let kept = (live.retention.keep_runs, period_text(live.retention.keep_for));
    lines.add("state", format_args!("{}, up to {} runs for {}", fixed.state.display(), kept.0, kept.1));
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
        lines.add("  freeze", "nothing: backups are crash-consistent");
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
    let thaw = format!("{:?}", backup.input.thaw_on).to_lowercase();
    let failure = format!("{:?}", backup.input.on_freeze_failure).to_lowercase();
    let lease = period_text(quiesce.lease);
    lines.add("  thaw", format_args!("on {thaw}, after {lease} at the latest; a freeze that fails: {failure}"));
}

fn add_extensions(lines: &mut Lines, live: &Live, now: Timestamp) {
    for extension in &live.extensions {
        lines.add("extension", format_args!("{} from {}", extension.name, extension.file.display()));
        lines.add("  sha256", extension.sha256.as_deref().unwrap_or("not pinned: any file of this name is run"));
        let keys: Vec<_> = extension.signed_by.iter().map(|key| format!("key {}", key.id())).collect();
        lines.add("  signed by", if keys.is_empty() { "anybody or nobody".to_owned() } else { keys.join(" or ") });
        let granted = FUNCTIONS.iter().filter(|function| extension.grants.allows(**function));
        let granted: Vec<_> = granted.map(ToString::to_string).collect();
        lines.add("  may call", if granted.is_empty() { "nothing".to_owned() } else { granted.join(", ") });
        if extension.limits != Limits::default() {
            lines.add("  limits", extension.limits.to_string().trim_end().replace('\n', ", "));
        }
        match &extension.due {
            Some(due) => lines.add_due(due, now),
            None => lines.add("  when", "it is asked to"),
        }
    }
}

fn add_fleet(lines: &mut Lines, fleet: &Fleet) {
    let bus = if fleet.runs_without_bus { "a little later without the bus" } else { "not sooner without the bus" };
    let wait = period_text(fleet.longest_wait);
    lines.add("  slots", format_args!("of {}, waited for up to {wait}, and {bus}", fleet.slots));
    lines.add("  ring", fleet.ring);
    let may = if fleet.extensions.is_empty() { "no extension".to_owned() } else { fleet.extensions.join(", ") };
    lines.add("  may change", may);
    if fleet.coordinator_key_file.is_some() {
        lines.add("  plans", "for the others");
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
