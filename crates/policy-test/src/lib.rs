//! Tests extensions by cases: what there is, what is run, and what is expected of it.
//!
//! ```text
//!  CaseFile::read ─▶ Suite::load: extensions and grants ─▶ Suite::run: side by side ─▶ [CaseOutcome] ─▶ report, junit
//!                                                            │
//!                         a mock agent, a virtual clock ─▶ Policy::run ─▶ what it did ─▶ compared with what is expected
//! ```
//!
#![doc = include_str!("../cases.md")]
mod applications;
mod case;
mod change;
mod compare;
mod difference;
mod file;
mod junit;
mod outcome;
mod project;
mod recorder;
mod report;
mod run;
mod sequence;
mod suite;
mod value;

pub use difference::Difference;
pub use file::{CaseFile, CaseFileError};
pub use junit::junit;
pub use outcome::{CaseOutcome, RunOutcome};
pub use project::case_files;
pub use report::report;
pub use suite::{Named, Suite, SuiteError};
