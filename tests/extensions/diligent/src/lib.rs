//! An extension that does as it is told, for tests of what the host gives: log, clock, state and messages. The input is a
//! list of commands, separated by `;`; the result is what came of each, in the same order. It goes on after a failure.
//!
//! | command | result |
//! | --- | --- |
//! | `log LEVEL TEXT` | `ok` |
//! | `now`, `monotonic` | milliseconds |
//! | `sleep MS` | `ok` |
//! | `get KEY`, `set KEY VALUE`, `delete KEY`, `list PREFIX` | what the state answers |
//! | `fill KEY BYTES` | sets as many zeros |
//! | `send KEY SEVERITY TITLE`, `clear KEY` | what is answered |
//! | `start`, `status`, `freeze`, `thaw`, `eject PATH` | what is answered |
//! | `trap` | none |
#![cfg_attr(target_arch = "wasm32", no_std)]
#![allow(missing_docs, unreachable_pub, unsafe_code, reason = "generated code crosses the component boundary")]

extern crate alloc;

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use alloc::{format, vec};
use core::fmt::Debug;

#[cfg(target_arch = "wasm32")]
use agentapi_component_runtime as _;
use exports::felhom::agentapi::policy::Guest;
use felhom::agentapi::log::{self, Level};
use felhom::agentapi::notify::{self, Notification, Severity};
use felhom::agentapi::{backup, clock, disks, quiesce, state};

wit_bindgen::generate!({ world: "policy-extension", path: "../../../wit" });

struct Diligent;

#[cfg(target_arch = "wasm32")]
export!(Diligent);

impl Guest for Diligent {
    fn run(input: String) -> Result<String, String> {
        // The controller passes an object, and `agentapi policy run` nothing but JSON.
        let commands = input.strip_prefix("{\"do\":\"").and_then(|rest| rest.strip_suffix("\"}")).unwrap_or(&input);
        let results: Vec<_> = commands.split(';').map(|command| obey(command.trim())).collect();
        Ok(results.join(";"))
    }
}

fn obey(command: &str) -> String {
    let mut words = command.splitn(3, ' ');
    let (verb, first, rest) =
        (words.next().unwrap_or(""), words.next().unwrap_or(""), words.next().unwrap_or("").to_string());
    let number = || first.parse().unwrap_or(u64::MAX);
    match verb {
        "log" => {
            log::write(level(first), &rest);
            "ok".into()
        }
        "now" => clock::now_unix_ms().to_string(),
        "monotonic" => clock::monotonic_ms().to_string(),
        "sleep" => {
            clock::sleep_ms(number());
            "ok".into()
        }
        "get" => said(state::get(first).map(|value| value.map(|value| String::from_utf8_lossy(&value).into_owned()))),
        "set" => said(state::set(first, rest.as_bytes())),
        "fill" => said(state::set(first, &vec![0; rest.parse().unwrap_or(0)])),
        "delete" => said(state::delete(first)),
        "list" => said(state::list(first)),
        "send" => said(send(first, &rest)),
        "clear" => said(notify::clear(first)),
        "start" => said(backup::start().map(|job| job.job_id)),
        "status" => said(backup::status().map(|status| status.phase)),
        "freeze" => said(quiesce::freeze()),
        "thaw" => said(quiesce::thaw().map(|report| report.consistency)),
        "eject" => said(disks::eject(first).map(|result| result.ejected)),
        "trap" => panic!("as it was told"),
        _ => format!("unknown: {command}"),
    }
}

fn level(name: &str) -> Level {
    match name {
        "trace" => Level::Trace,
        "debug" => Level::Debug,
        "info" => Level::Info,
        "warn" => Level::Warn,
        _ => Level::Error,
    }
}

fn send(key: &str, rest: &str) -> Result<(), notify::NotifyError> {
    let (severity, title) = rest.split_once(' ').unwrap_or((rest, ""));
    let severity = match severity {
        "info" => Severity::Info,
        "warning" => Severity::Warning,
        _ => Severity::Critical,
    };
    notify::send(&Notification { key: key.into(), severity, title: title.into(), text: String::new() })
}

fn said<T: Debug, E: Debug>(outcome: Result<T, E>) -> String {
    match outcome {
        Ok(value) => format!("{value:?}"),
        Err(error) => format!("{error:?}"),
    }
}
