//! What in an agent's figures needs somebody's attention: the thresholds, and the findings that they give.
//!
//! The extension disk-watch and the command's `check` and tables judge by the same code, so that none of them calls a
//! disk well that another one calls critical. Each has types of its own for the agent's records, so the figures come
//! as plain numbers and texts. Those of extensions are known here too, with the feature `extension`: more than one of them
//! judges the host's metrics.
//!
//! `no_std`, because disk-watch has no standard library.
#![cfg_attr(not(test), no_std)]

extern crate alloc;

#[cfg(feature = "extension")]
mod extension;
mod finding;
mod judge;
mod thresholds;

#[cfg(feature = "extension")]
pub use extension::judge_metrics;
pub use finding::{Finding, Measure, Problem};
pub use judge::{Figures, judge_disk, judge_health, judge_processor, judge_target};
pub use thresholds::{Levels, Severity, Thresholds};
