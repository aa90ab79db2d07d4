//! A suite: cases with their extensions, loaded, to be run side by side.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use agentapi_host::policy::{Grants, Limits, Policy};
use agentapi_host::{Host, error_chain};
use serde::Deserialize;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use toml::{Table, Value};

use crate::file::{CaseFile, CaseFileError, ReadCase, merge};
use crate::outcome::CaseOutcome;
use crate::project::{built, project_folder};
use crate::run::{Ran, run_case};

/// Cases that can be run.
pub struct Suite {
    host: Host,
    cases: Vec<LoadedCase>,
}

struct LoadedCase {
    file: PathBuf,
    case: ReadCase,
    policy: Policy,
}

/// What is named by hand, in place of what the case files or their folders say.
#[derive(Clone, Debug, Default)]
pub struct Named {
    /// The extension's file.
    pub extension: Option<PathBuf>,
    /// The file with its grants.
    pub grants: Option<PathBuf>,
}

/// Why a suite cannot be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SuiteError {
    /// A case file is wrong.
    #[error(transparent)]
    CaseFile(#[from] CaseFileError),
    /// The extension or its grants cannot be loaded.
    #[error("{0}")]
    NotLoaded(String),
}

impl Suite {
    /// Loads what the cases need: those whose name contains `filter`. Each extension is compiled once for each set of
    /// limits. Blocks, as [`Host::load_policy`] does.
    ///
    /// # Errors
    ///
    /// [`SuiteError`].
    pub fn load(host: Host, files: Vec<CaseFile>, named: &Named, filter: &str) -> Result<Self, SuiteError> {
        let mut loader = Loader { host: &host, loaded: Vec::new() };
        let mut cases = Vec::new();
        for file in files {
            let chosen: Vec<_> = file.cases.into_iter().filter(|case| case.case.name.contains(filter)).collect();
            if chosen.is_empty() {
                continue;
            }
            let folder = project_folder(&file.path);
            let extension = match named.extension.clone().or(file.extension) {
                Some(extension) => extension,
                None => built(folder).map_err(|why| CaseFileError::new(&file.path, why))?,
            };
            let grants = named.grants.clone().or(file.grants).unwrap_or_else(|| folder.join("grants.toml"));
            for case in chosen {
                let policy =
                    loader.load(&extension, &grants, case.case.limits.as_ref().map(|limits| limits.get_ref()))?;
                cases.push(LoadedCase { file: file.path.clone(), case, policy });
            }
        }
        Ok(Self { host, cases })
    }

    /// How many cases there are.
    pub fn len(&self) -> usize {
        self.cases.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.cases.is_empty()
    }

    /// Runs the cases, so many at a time, and returns what they came to in the order of the files.
    pub async fn run(self, jobs: usize) -> Vec<CaseOutcome> {
        let permits = Arc::new(Semaphore::new(jobs.max(1)));
        let mut tasks = JoinSet::new();
        for (index, case) in self.cases.into_iter().enumerate() {
            let (host, permits) = (self.host.clone(), Arc::clone(&permits));
            tasks.spawn(async move {
                // Never closed, so that it is always given.
                let _permit = permits.acquire_owned().await;
                (index, case.run(&host).await)
            });
        }
        let mut outcomes = tasks.join_all().await;
        outcomes.sort_by_key(|(index, _)| *index);
        outcomes.into_iter().map(|(_, outcome)| outcome).collect()
    }
}

impl LoadedCase {
    async fn run(self, host: &Host) -> CaseOutcome {
        let Self { file, case, policy } = self;
        let (runs, virtual_time, real_time, not_run) = match run_case(host, &policy, &case).await {
            Ok(Ran { runs, virtual_time, real_time }) => (runs, virtual_time, real_time, None),
            Err(why) => (Vec::new(), Duration::ZERO, Duration::ZERO, Some(why)),
        };
        CaseOutcome { file, line: case.line, name: case.case.name, virtual_time, real_time, runs, not_run }
    }
}

/// Loads extensions, each once.
struct Loader<'a> {
    host: &'a Host,
    loaded: Vec<(PathBuf, PathBuf, Limits, Policy)>,
}

impl Loader<'_> {
    fn load(&mut self, extension: &Path, grants_file: &Path, limits: Option<&Table>) -> Result<Policy, SuiteError> {
        let (grants, limits) = read_grants(grants_file, limits)?;
        let known = self
            .loaded
            .iter()
            .find(|(file, grants, for_limits, _)| file == extension && grants == grants_file && *for_limits == limits);
        if let Some((.., policy)) = known {
            return Ok(policy.clone());
        }
        let policy = self.host.load_policy(extension, &grants, &limits);
        let policy = policy.map_err(|why| not_loaded(extension, "is not loaded", &why))?;
        self.loaded.push((extension.to_owned(), grants_file.to_owned(), limits, policy.clone()));
        Ok(policy)
    }
}

/// Grants and limits in a file, with the limits of a case laid over them.
fn read_grants(file: &Path, of_case: Option<&Table>) -> Result<(Grants, Limits), SuiteError> {
    let text = fs::read_to_string(file).map_err(|why| not_loaded(file, "cannot be read", &why))?;
    let (grants, limits) = Grants::and_limits_from_toml(&text).map_err(|why| not_loaded(file, "is not right", &why))?;
    let Some(of_case) = of_case else { return Ok((grants, limits)) };
    let mut table: Table = toml::from_str(&text).map_err(|why| not_loaded(file, "is not right", &why))?;
    let mut merged = match table.remove("limits") {
        Some(Value::Table(limits)) => limits,
        _ => Table::new(),
    };
    merge(&mut merged, of_case);
    let limits = Limits::deserialize(merged).map_err(|why| not_loaded(file, "is not right", &why))?;
    Ok((grants, limits))
}

fn not_loaded(file: &Path, what: &str, why: &dyn std::error::Error) -> SuiteError {
    SuiteError::NotLoaded(format!("{} {what}: {}", file.display(), error_chain(why)))
}
