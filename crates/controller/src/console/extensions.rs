//! What each extension may do, when it runs, and how its latest run ended.

use agentapi_host::policy::{FUNCTIONS, Limits};
use askama::Template;
use axum::extract::State;
use jiff::Timestamp;

use crate::api::ApiState;
use crate::config::due::Due;
use crate::config::extension::Extension;
use crate::console::going::Going;
use crate::console::page::{Page, Shown};
use crate::console::runs::Row;
use crate::console::time::Time;
use crate::console::words::shown;
use crate::owner::SubjectStatus;
use crate::run::RunId;
use crate::store::{RunFilter, StoreError};

#[derive(Template)]
#[template(path = "extensions.html")]
pub(super) struct Extensions {
    page: Page,
    cards: Vec<Card>,
    /// The history cannot be read now: why.
    no_history: Option<String>,
}

/// An extension.
struct Card {
    name: String,
    file: String,
    /// In the configuration; none where any bytes are run.
    pinned: Option<String>,
    abilities: Vec<Ability>,
    limits: Vec<String>,
    schedule: Option<String>,
    /// By the configuration, which nothing but a change of it ends.
    is_paused_by_file: bool,
    is_paused: bool,
    next: Vec<Time>,
    run: Option<RunId>,
    latest: Option<Row>,
}

/// What it may do.
struct Ability {
    words: &'static str,
    function: String,
    is_dangerous: bool,
}

pub(super) async fn show(State(state): State<ApiState>, page: Page) -> Shown<Extensions> {
    let config = state.config.borrow().clone();
    let status = state.owner.status.get();
    let (mut cards, mut no_history) = (Vec::new(), None);
    for extension in &config.live.extensions {
        let subject = status.subjects.iter().find(|subject| subject.name == extension.name);
        let latest = match latest(&state, &page, &extension.name).await {
            Ok(latest) => latest,
            Err(why) => {
                no_history = Some(why.to_string());
                None
            }
        };
        cards.push(Card::new(&page, extension, subject, latest));
    }
    Shown(Extensions { page, cards, no_history })
}

async fn latest(state: &ApiState, page: &Page, name: &str) -> Result<Option<Row>, StoreError> {
    let filter = RunFilter { subject: Some(name.to_owned()), ..RunFilter::default() };
    let runs = state.store.reader().runs(filter, None, 1).await?;
    Ok(runs.items.first().map(|run| Row::new(page, run)))
}

impl Card {
    fn new(page: &Page, extension: &Extension, subject: Option<&SubjectStatus>, latest: Option<Row>) -> Self {
        let run = subject.and_then(|subject| Going::new(subject.activity, page.now).run);
        let limits = if extension.limits == Limits::default() { String::new() } else { extension.limits.to_string() };
        Self {
            name: extension.name.clone(),
            file: extension.file.display().to_string(),
            pinned: extension.sha256.clone(),
            abilities: abilities(extension),
            limits: limits.lines().map(str::to_owned).collect(),
            schedule: extension.due.as_ref().map(|due| shown(&due.schedule.to_string())),
            is_paused_by_file: extension.due.as_ref().is_some_and(|due| due.paused),
            is_paused: subject.is_some_and(|subject| subject.is_paused),
            next: extension.due.as_ref().map(|due| next(page, due, page.now)).unwrap_or_default(),
            run,
            latest,
        }
    }
}

fn next(page: &Page, due: &Due, now: Timestamp) -> Vec<Time> {
    due.schedule.next_five(now, None).into_iter().map(|at| page.time(at)).collect()
}

fn abilities(extension: &Extension) -> Vec<Ability> {
    let granted = FUNCTIONS.iter().filter(|function| extension.grants.allows(**function));
    let described = granted.map(|function| {
        let function = function.to_string();
        let (words, is_dangerous) = in_words(&function);
        Ability { words, function, is_dangerous }
    });
    described.collect()
}

/// What a function lets an extension do, and whether that changes something.
fn in_words(function: &str) -> (&'static str, bool) {
    match function {
        "storage.mounts" => ("see what is mounted in this guest", false),
        "backup.due" => ("see whether a backup is due", false),
        "backup.start" => ("start backups", true),
        "backup.status" => ("see how far a backup is", false),
        "disks.list" => ("see the disks", false),
        "disks.assign" => ("mount disks", true),
        "disks.eject" => ("eject disks", true),
        "disks.format" => ("format disks; what holds data only if a person approves it", true),
        "disks.fs-uuid" => ("read the UUID in a durable id", false),
        "disks.opsign-command" => ("read the command by which the operator of the host signs", false),
        "host-metrics.collect" => ("see how the host is doing", false),
        "quiesce.freeze" => ("freeze the applications", true),
        "quiesce.thaw" => ("thaw the applications", true),
        "state.get" | "state.list" => ("read what it remembers", false),
        "state.set" | "state.delete" => ("remember something from run to run", false),
        "notify.send" | "notify.clear" => ("send messages to the operator", false),
        _ => ("call this function", true),
    }
}

#[cfg(test)]
mod tests {
    use agentapi_host::policy::FUNCTIONS;

    use super::in_words;

    #[test]
    fn every_function_that_can_be_granted_is_said_in_words() {
        for function in FUNCTIONS {
            assert_ne!(in_words(&function.to_string()).0, "call this function", "{function}");
        }
    }
}
