//! Plays everything to a program, several checks at a time.

use std::collections::BTreeMap;
use std::sync::Arc;

use agentapi_scripted_agent::Certificates;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::case::{Case, certificates};
use crate::faults::FaultCase;
use crate::program::Program;
use crate::promise::Promise;
use crate::recorded;
use crate::report::{Report, Section};
use crate::scene::Scene;

/// What is played, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// Only checks whose name or section holds this text.
    pub only: Option<String>,
    /// At most so many of the recorded cases, evenly spread.
    pub recorded: Option<usize>,
    /// Processes of the program at a time.
    pub jobs: usize,
}

/// Anything that can be played.
enum Check {
    Scene(Scene),
    Recorded(Case),
    Fault(FaultCase),
}

impl Check {
    fn name(&self) -> String {
        match self {
            Self::Scene(scene) => scene.name.clone(),
            Self::Recorded(case) => case.id.clone(),
            Self::Fault(case) => case.name(),
        }
    }

    async fn play(&self, program: &Program, certificates: &Certificates) -> Result<(), String> {
        match self {
            Self::Scene(scene) => scene.play(program, certificates).await,
            Self::Recorded(case) => recorded::play(case, program, certificates).await,
            Self::Fault(case) => case.play(program).await,
        }
    }
}

/// Plays all that was asked for to a program.
pub async fn run(program: &Program, options: &Options) -> Report {
    let certificates = certificates();
    let permits = Arc::new(Semaphore::new(options.jobs));
    let mut titles = Vec::new();
    let mut playing = JoinSet::new();
    for (title, checks) in all(program, options) {
        let section = titles.len();
        for (index, check) in checks.into_iter().enumerate() {
            let name = check.name();
            if options.only.as_ref().is_some_and(|only| !name.contains(only) && !title.contains(only)) {
                continue;
            }
            let (program, certificates, permits) = (program.clone(), certificates.clone(), Arc::clone(&permits));
            playing.spawn(async move {
                let _permit = permits.acquire().await.expect("nobody closes it");
                let outcome = check.play(&program, &certificates).await;
                ((section, index), (name, outcome))
            });
        }
        titles.push(title);
    }
    let mut played = BTreeMap::new();
    while let Some(joined) = playing.join_next().await {
        let (place, outcome) = joined.expect("no check panics");
        played.insert(place, outcome);
    }
    let mut sections: Vec<_> = titles.into_iter().map(|title| Section { title, checks: Vec::new() }).collect();
    for ((section, _), outcome) in played {
        sections[section].checks.push(outcome);
    }
    sections.retain(|section| !section.checks.is_empty());
    Report { sections }
}

/// The sections, in their order.
fn all(program: &Program, options: &Options) -> Vec<(String, Vec<Check>)> {
    let scenes =
        |promise: Promise| (promise.title().to_owned(), promise.scenes().into_iter().map(Check::Scene).collect());
    let mut sections: Vec<(String, Vec<Check>)> = Promise::ALL.map(scenes).into();
    sections.push(("Faults of the mock agent".into(), FaultCase::all().into_iter().map(Check::Fault).collect()));
    let recorded = recorded::chosen(program, options.recorded);
    sections.push(("Recorded exchanges".into(), recorded.into_iter().map(Check::Recorded).collect()));
    sections
}
