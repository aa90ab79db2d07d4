//! Reading case files. What is wrong in one is told with file, line and what was expected.

use std::fs;
use std::path::{Path, PathBuf};

use agentapi_contract::config_error;
use agentapi_host::error_chain;
use agentapi_host::policy::Limits;
use agentapi_mock::{Recording, Scenario};
use serde::Deserialize;
use toml::{Spanned, Table, Value};

use crate::case::{Case, Cases, Run};
use crate::change::Change;

/// A case file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {why}", file.display())]
pub struct CaseFileError {
    file: PathBuf,
    why: String,
}

impl CaseFileError {
    pub(crate) fn new(file: &Path, why: impl Into<String>) -> Self {
        Self { file: file.to_owned(), why: why.into() }
    }
}

/// A file with cases.
#[derive(Debug)]
pub struct CaseFile {
    pub(crate) path: PathBuf,
    pub(crate) extension: Option<PathBuf>,
    pub(crate) grants: Option<PathBuf>,
    pub(crate) cases: Vec<ReadCase>,
}

/// A case that can be run, and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct ReadCase {
    pub(crate) case: Case,
    pub(crate) line: usize,
    pub(crate) scenario: Scenario,
    pub(crate) recording: Option<Recording>,
    /// At least one.
    pub(crate) runs: Vec<ReadRun>,
}

/// One run of a case.
#[derive(Clone, Debug)]
pub(crate) struct ReadRun {
    pub(crate) run: Run,
    pub(crate) change: Option<Change>,
}

impl CaseFile {
    /// Reads a file, and the scenarios that it names.
    ///
    /// # Errors
    ///
    /// [`CaseFileError`] where it cannot be read, is not TOML, or has a key or a value that no case has.
    pub fn read(path: &Path) -> Result<Self, CaseFileError> {
        let text =
            fs::read_to_string(path).map_err(|why| CaseFileError::new(path, format!("cannot be read: {why}")))?;
        Self::parse(path, &text)
    }

    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self, CaseFileError> {
        let file = Source { path, text };
        let Cases { extension, grants, cases } = toml::from_str(text)
            .map_err(|error: toml::de::Error| file.error(error.span().map(|span| span.start), error.message()))?;
        let cases = cases.into_iter().map(|case| file.check(case.span().start, case.into_inner()));
        let cases: Vec<_> = cases.collect::<Result<_, _>>()?;
        if cases.is_empty() {
            return Err(CaseFileError::new(path, "expected a [[case]], found none"));
        }
        let beside = |file: PathBuf| path.parent().unwrap_or(Path::new("")).join(file);
        Ok(Self { path: path.to_owned(), extension: extension.map(beside), grants: grants.map(beside), cases })
    }
}

/// A file that is being read.
struct Source<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Source<'_> {
    fn error(&self, offset: Option<usize>, why: &str) -> CaseFileError {
        CaseFileError::new(self.path, config_error(self.text, offset, why))
    }

    fn check(&self, offset: usize, case: Case) -> Result<ReadCase, CaseFileError> {
        let wrong = |why: &str| Err(self.error(Some(offset), &format!("the case {:?}: {why}", case.name)));
        if case.name.trim().is_empty() {
            return wrong("expected a name");
        }
        match (&case.expect, case.runs.is_empty()) {
            (Some(_), false) => {
                return wrong("expected [case.expect] or [[case.run]] with what is expected of each, found both");
            }
            (None, true) => return wrong("expected [case.expect] or [[case.run]], found neither"),
            _ => {}
        }
        if let Some(limits) = &case.limits
            && let Err(error) = Limits::deserialize(limits.get_ref().clone())
        {
            return Err(self.error(Some(limits.span().start), &format!("limits: {}", error.message())));
        }
        let line = self.text.get(..offset).unwrap_or_default().matches('\n').count() + 1;
        let (scenario, runs) = self.runs(&case)?;
        let recording = self.recording(&case)?;
        Ok(ReadCase { case, line, scenario, recording, runs })
    }

    fn recording(&self, case: &Case) -> Result<Option<Recording>, CaseFileError> {
        let Some(name) = &case.replay else { return Ok(None) };
        let offset = Some(name.span().start);
        if case.scenario.is_some() || case.runs.iter().any(|run| run.scenario.is_some()) {
            return Err(self.error(offset, "replay: an agent that replays has no scenario, found one"));
        }
        let file = self.path.parent().unwrap_or(Path::new("")).join(name.get_ref());
        let recording = Recording::read(&file);
        recording.map(Some).map_err(|why| self.error(offset, &format!("replay: {}", error_chain(&why))))
    }

    /// What the agent knows at the start, and the runs, of which each may change it.
    fn runs(&self, case: &Case) -> Result<(Scenario, Vec<ReadRun>), CaseFileError> {
        let (mut table, offset) = match &case.scenario {
            None => (Table::new(), 0),
            Some(scenario) => (self.scenario_table(scenario)?, scenario.span().start),
        };
        let scenario = self.scenario(&table, offset)?;
        let mut runs = Vec::new();
        for run in &case.runs {
            let change = match &run.scenario {
                None => None,
                Some(changed) => {
                    let (changed, offset) = (changed.get_ref(), changed.span().start);
                    merge(&mut table, changed);
                    let change = Change::new(changed, self.scenario(&table, offset)?);
                    Some(change.map_err(|why| self.error(Some(offset), &why))?)
                }
            };
            runs.push(ReadRun { run: run.clone(), change });
        }
        if let Some(expect) = &case.expect {
            let run = Run { expect: expect.clone(), ..Run::default() };
            runs.push(ReadRun { run, change: None });
        }
        Ok((scenario, runs))
    }

    fn scenario(&self, table: &Table, offset: usize) -> Result<Scenario, CaseFileError> {
        Scenario::deserialize(table.clone())
            .map_err(|error| self.error(Some(offset), &format!("scenario: {}", error.message())))
    }

    /// A scenario's own table, or that of the file which is named.
    fn scenario_table(&self, scenario: &Spanned<Value>) -> Result<Table, CaseFileError> {
        let offset = Some(scenario.span().start);
        match scenario.get_ref() {
            Value::Table(table) => Ok(table.clone()),
            Value::String(name) => {
                let file = self.path.parent().unwrap_or(Path::new("")).join(name);
                let text = fs::read_to_string(&file)
                    .map_err(|why| self.error(offset, &format!("{} cannot be read: {why}", file.display())))?;
                toml::from_str(&text).map_err(|error: toml::de::Error| {
                    let place = error.span().map(|span| span.start);
                    CaseFileError::new(&file, config_error(&text, place, error.message()))
                })
            }
            _ => Err(self.error(offset, "scenario: expected a table, or the name of a file")),
        }
    }
}

/// Lays a table over another: tables are merged, everything else is replaced.
pub(crate) fn merge(table: &mut Table, over: &Table) {
    for (key, value) in over {
        match (table.get_mut(key), value) {
            (Some(Value::Table(inner)), Value::Table(over)) => merge(inner, over),
            _ => drop(table.insert(key.clone(), value.clone())),
        }
    }
}
