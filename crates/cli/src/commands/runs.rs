//! `agentapi runs`: the history of the controller.

use agentapi_findings::Severity;
use clap::Subcommand;
use serde_json::Value;

use crate::commands::status::local;
use crate::print::Output;
use crate::print::escape::visible;
use crate::print::severity::style;
use crate::print::table::{Column, Table};
use crate::print::width::stdout_columns;
use crate::process::runtime::{block_on, single_threaded};
use crate::session::daemon::DaemonOptions;
use crate::status::ExitStatus;

/// What is done with runs. Without one they are listed.
#[derive(Subcommand)]
pub(crate) enum RunsCommand {
    /// Show one run, with what it returned
    Show {
        /// Its number
        run: i64,
    },
    /// Print the lines that a run has logged or printed
    Log {
        /// Its number
        run: i64,
        /// Only lines that matter this much or more
        #[arg(long, value_name = "LEVEL", value_parser = ["trace", "debug", "info", "warn", "error"])]
        level: Option<String>,
    },
    /// Stop a run that waits or runs; what it has frozen is thawed
    Stop {
        /// Its number
        run: i64,
    },
}

/// Asks, and prints.
pub(crate) fn run(daemon: &DaemonOptions, command: Option<&RunsCommand>, output: Output) -> anyhow::Result<()> {
    block_on(single_threaded()?, async {
        match command {
            None => Ok(output.show(&daemon.get("/v1/runs").await?, describe_list)?),
            Some(RunsCommand::Show { run }) => {
                Ok(output.show(&daemon.get(&format!("/v1/runs/{run}")).await?, describe)?)
            }
            Some(RunsCommand::Log { run, level }) => {
                let level = level.as_deref().unwrap_or("trace");
                let path = format!("/v1/runs/{run}/log?limit=1000&level={level}");
                Ok(output.show(&daemon.get_list(&path, "lines", 0).await?, describe_log)?)
            }
            Some(RunsCommand::Stop { run }) => {
                let stopped = daemon.post(&format!("/v1/runs/{run}/stop")).await?;
                output.report(ExitStatus::Done, &stopped, |_| format!("Run {run} is told to end.\n"))
            }
        }
    })
}

fn describe_list(list: &Value) -> String {
    let runs = list["runs"].as_array().map(Vec::as_slice).unwrap_or_default();
    if runs.is_empty() {
        return "Nothing was run yet. `agentapi status` says when something is due.\n".into();
    }
    let mut table = Table::new(&COLUMNS);
    for run in runs {
        let number = run["id"].to_string();
        let [what, state, reason] = ["subject", "state", "end_reason"].map(|key| run[key].as_str().unwrap_or(""));
        table.row([&number, what, state, &local(&run["started_at"]), reason].map(Into::into));
    }
    table.render(stdout_columns())
}

const COLUMNS: [Column; 5] = [
    Column::number("RUN", 1),
    Column::value("WHAT", 2),
    Column::words("STATE", 3),
    Column::words("BEGAN", 4),
    Column::words("WHY IT ENDED SO", 5),
];

fn describe(run: &Value) -> String {
    let text = |key: &str| run[key].as_str().map(|text| visible(text).into_owned()).unwrap_or_default();
    let mut lines = format!("Run {} of {}: {}", run["id"], text("subject"), text("state"));
    for (label, value) in [
        ("why it ended so", text("end_reason")),
        ("why it began", text("reason")),
        ("began", local(&run["started_at"])),
        ("ended", local(&run["ended_at"])),
        ("backup", text("job_id")),
        ("consistency", text("consistency")),
        ("frozen", run["frozen_ms"].as_i64().map(|ms| format!("{ms} ms")).unwrap_or_default()),
        ("result", text("result")),
    ] {
        if !value.is_empty() {
            lines += &format!("\n  {label}: {value}");
        }
    }
    lines + "\n"
}

fn describe_log(log: &Value) -> String {
    let describe = |line: &Value| {
        let severity = match line["level"].as_str() {
            Some("error") => Some(Severity::Critical),
            Some("warn") => Some(Severity::Warning),
            _ => None,
        };
        let level = severity.map(|_| {
            let style = style(severity);
            format!("{style}{}:{style:#} ", line["level"].as_str().unwrap_or(""))
        });
        let text = visible(line["text"].as_str().unwrap_or(""));
        format!("{}  {}{text}\n", local(&line["at"]), level.unwrap_or_default())
    };
    log["lines"].as_array().into_iter().flatten().map(describe).collect()
}
