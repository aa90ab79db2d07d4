//! What a run shows on stderr while it lasts: the lines of the extension, and with `--trace` its calls, as a tree.
//!
//! ```text
//! nightly
//! ├─ 0.000 s  backup.due                                    4 ms
//! │    = {"vmid":101,"due":true,"reason":"last backup 26h ago"}
//! ├─ info  a backup is due
//! ├─ 0.012 s  disks.eject {"where":"/mnt/media"}            2 ms
//! │    ! http-status: 409 busy
//! └─ the end, after 0.014 s
//! ```

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use agentapi_host::policy::{CallObserver, Level, Log, ObservedCall};
use anstyle::{AnsiColor, Style};

use crate::print::escape::visible;
use crate::print::width::stderr_columns;
use crate::process::stderr::stderr;

/// Shows a run.
pub(super) struct Follow {
    /// None where the calls are not shown.
    trace: Option<Trace>,
}

struct Trace {
    started: Instant,
    /// Whether the tree has its root.
    has_root: Mutex<bool>,
    name: String,
}

impl Follow {
    /// Shows lines only.
    pub(super) fn lines() -> Self {
        Self { trace: None }
    }

    /// Shows lines and calls of the extension with this name.
    pub(super) fn calls(name: &str) -> Self {
        let name = visible(name).into_owned();
        Self { trace: Some(Trace { started: Instant::now(), has_root: Mutex::default(), name }) }
    }

    fn print(&self, text: &str) {
        let Some(trace) = &self.trace else { return stderr().print(format!("{text}\n")) };
        let mut has_root = trace.has_root.lock().unwrap_or_else(PoisonError::into_inner);
        let root = if std::mem::replace(&mut *has_root, true) { String::new() } else { format!("{}\n", trace.name) };
        stderr().print(format!("{root}├─ {text}\n"));
    }
}

impl Log for Follow {
    fn line(&self, _extension: &str, level: Level, line: &str) {
        if is_shown(level) {
            let style = style(level);
            self.print(&format!("{style}{level:5}{style:#} {}", visible(line)));
        }
    }
}

impl CallObserver for Follow {
    fn call(&self, call: &ObservedCall) {
        if self.trace.is_none() {
            return;
        }
        let ObservedCall { function, arguments, outcome, at, took, .. } = call;
        let (at, took) = (at.as_secs_f64(), took.as_secs_f64() * 1000.0);
        let arguments = match arguments.as_object() {
            Some(none) if none.is_empty() => String::new(),
            _ => format!(" {arguments}"),
        };
        let call = cut(&format!("{at:.3} s  {function}{arguments}"), WIDTH_OF_TIMES);
        let answer = match outcome {
            Ok(answer) => format!("= {}", cut(&answer.to_string(), WIDTH_OF_BRANCH)),
            Err(error) => {
                let red = style(Level::Error);
                format!("{red}! {}{red:#}", cut(&error.to_string(), WIDTH_OF_BRANCH))
            }
        };
        self.print(&format!("{call}  {took:.1} ms\n│    {answer}"));
    }
}

impl Drop for Follow {
    fn drop(&mut self) {
        if let Some(trace) = &self.trace
            && *trace.has_root.lock().unwrap_or_else(PoisonError::into_inner)
        {
            stderr().print(format!("└─ the end, after {:.3} s\n", trace.started.elapsed().as_secs_f64()));
        }
    }
}

/// From `info` on always; the others where the log is as fine: `-v` shows `debug`, `-vv` all.
fn is_shown(level: Level) -> bool {
    match level {
        Level::Info | Level::Warn | Level::Error => true,
        Level::Debug => tracing::enabled!(tracing::Level::INFO),
        Level::Trace => tracing::enabled!(tracing::Level::DEBUG),
    }
}

fn style(level: Level) -> Style {
    match level {
        Level::Error => AnsiColor::Red.on_default(),
        Level::Warn => AnsiColor::Yellow.on_default(),
        Level::Info => Style::new(),
        Level::Debug | Level::Trace => Style::new().dimmed(),
    }
}

/// As much of a text as fits the terminal beside so much else. What is piped stays whole.
fn cut(text: &str, beside: usize) -> String {
    let text = visible(text);
    match stderr_columns().map(|columns| columns.saturating_sub(beside)) {
        Some(columns) if text.chars().count() > columns => {
            text.chars().take(columns.saturating_sub(1)).chain(['…']).collect()
        }
        _ => text.into_owned(),
    }
}

/// What stands beside a call: the branch in front of it, and its time behind it.
const WIDTH_OF_TIMES: usize = 3 + 12;
/// What stands in front of an answer.
const WIDTH_OF_BRANCH: usize = 7;
