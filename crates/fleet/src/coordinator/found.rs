//! What one look at the bus has found, and how it goes on a board.

use agentapi_controller::board::{
    self, Board, Guest, GuestFinding, GuestSubject, SlotGroup, SlotPlace, TriedExtension, WaitingApproval, WipeRequest,
};
use agentapi_controller::config::extension::WIPE;
use agentapi_controller::event::Severity;
use agentapi_host::error_chain;
use jiff::Timestamp;
use serde_json::Value;

use crate::bus::{Bus, BusError};
use crate::guest::{Tried, TriedState};
use crate::name::GuestName;
use crate::overview::{GuestView, Overview};
use crate::rollout::{Rollout, RolloutState};
use crate::slots::{self, Group, Place};
use crate::vote;

/// What is on the bus.
pub(super) struct Found {
    pub(super) overview: Overview,
    pub(super) rollouts: Vec<(Rollout, u64)>,
    groups: Vec<(String, Group)>,
}

impl Found {
    pub(super) async fn read(bus: &dyn Bus) -> Result<Self, BusError> {
        let rollouts = Rollout::all(bus).await?;
        // After the roll-outs: what guests have told is at least as new as what was decided last.
        let overview = Overview::read(bus).await?;
        Ok(Self { overview, rollouts, groups: slots::groups(bus).await? })
    }

    /// As people see it. What has happened is not read, and comes from elsewhere.
    pub(super) fn board(&self, now: Timestamp) -> Board {
        let mut guests: Vec<_> = self.overview.guests().map(|(name, view)| guest(name, view, now)).collect();
        guests.sort_by_cached_key(|guest| guest.row.urgency());
        let mut groups: Vec<_> = self.groups.iter().map(|(name, found)| group(name, found)).collect();
        groups.sort_by(|a, b| (b.waiting.len(), &a.name).cmp(&(a.waiting.len(), &b.name)));
        let mut rollouts: Vec<_> = self.rollouts.iter().map(|(found, _)| rollout(found, &self.overview)).collect();
        rollouts.sort_by(|a, b| (b.began, &a.extension).cmp(&(a.began, &b.extension)));
        let mut approvals: Vec<_> = self.overview.requests().map(|(name, found)| approval(name, found)).collect();
        approvals.sort_by_key(|approval| approval.request.as_ref().map(|request| request.until).ok());
        Board { read_at: Some(now), lost: None, guests, groups, rollouts, approvals, events: Vec::new() }
    }
}

fn guest(name: &GuestName, view: &GuestView, now: Timestamp) -> Guest {
    let (mut subjects, mut findings, mut extensions) = (Vec::new(), Vec::new(), Vec::new());
    if let Some(inventory) = &view.inventory {
        subjects.extend(inventory.subjects.iter().map(|subject| GuestSubject {
            name: subject.name.clone(),
            digest: subject.digest.clone(),
            activity: subject.activity.clone(),
            is_paused: subject.is_paused,
            next_due: subject.next_due,
            last_success: subject.last_success,
        }));
        findings.extend(inventory.findings.iter().map(|finding| GuestFinding {
            subject: finding.subject.clone(),
            severity: finding.severity,
            since: finding.since,
            text: finding.text.clone(),
        }));
        extensions.extend(inventory.place.extensions.iter().map(tried));
    }
    let (row, told_at) = (view.row(name, now), view.inventory_at);
    Guest { row, clock_error: view.clock_error(), told_at, subjects, findings, extensions }
}

fn tried(tried: &Tried) -> TriedExtension {
    let (state, severity) = match tried.state {
        TriedState::Trying => ("is tried", Severity::Info),
        TriedState::Good => ("in use", Severity::Info),
        TriedState::Failed => ("failed, and the one before is in use", Severity::Critical),
        TriedState::Refused => ("refused", Severity::Critical),
    };
    let (name, digest, why) = (tried.name.clone(), tried.digest.clone(), tried.why.clone().unwrap_or_default());
    TriedExtension { name, digest, state, severity, why }
}

fn group(name: &str, found: &Group) -> SlotGroup {
    let place = |place: &Place| SlotPlace { guest: place.guest.to_string(), since: place.since };
    SlotGroup {
        name: name.to_owned(),
        max: found.max,
        holders: found.holders.iter().map(place).collect(),
        waiting: found.queue().into_iter().map(place).collect(),
    }
}

fn rollout(found: &Rollout, overview: &Overview) -> board::Rollout {
    let Rollout { extension, digest, rings, reached, began, .. } = found.clone();
    let state = match &found.state {
        RolloutState::Running => {
            board::RolloutState::Running(found.waits_for(overview).iter().map(GuestName::to_string).collect())
        }
        RolloutState::Stopped { why } => board::RolloutState::Stopped(why.clone()),
        RolloutState::Done => board::RolloutState::Done,
        RolloutState::RollingBack => board::RolloutState::RollingBack,
        RolloutState::RolledBack => board::RolloutState::RolledBack,
    };
    board::Rollout { extension, digest, rings, reached, began, state }
}

fn approval(guest: &GuestName, found: Result<vote::WipeRequest, vote::RequestError>) -> WaitingApproval {
    let request = found.map_err(|why| error_chain(&why).to_string()).map(|request| {
        let text = |key: &str| request.fields.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        // Of a wipe that a user of the API asks for, the user stands in place of the extension's digest.
        let asked_by = if text("subject") == WIPE { "extension_sha256" } else { "subject" };
        WipeRequest {
            id: request.id.0,
            asked_by: text(asked_by),
            role: text("role"),
            contents: text("contents"),
            size_bytes: request.fields.get("size_bytes").and_then(Value::as_i64).unwrap_or_default(),
            device: request.device,
            durable_id: request.durable_id,
            until: request.expires_at,
        }
    });
    WaitingApproval { guest: guest.to_string(), request }
}
