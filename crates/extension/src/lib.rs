//! What a policy extension is written with: the agent's operations and what the host gives, with types, and the export.
//!
//! ```
//! use agentapi_extension::{Extension, Failure, disks, info};
//! use serde::{Deserialize, Serialize};
//!
//! /// What the operator may set. A wrong one fails the run with the field, what was expected and what was found.
//! #[derive(Deserialize)]
//! #[serde(default, deny_unknown_fields)]
//! struct Settings {
//!     threshold: f64,
//! }
//!
//! impl Default for Settings {
//!     fn default() -> Self {
//!         Self { threshold: 0.9 }
//!     }
//! }
//!
//! #[derive(Serialize)]
//! struct Report {
//!     full: Vec<String>,
//! }
//!
//! struct FullDisks;
//!
//! impl Extension for FullDisks {
//!     type Input = Settings;
//!     type Output = Report;
//!
//!     fn run(settings: Settings) -> Result<Report, Failure> {
//!         let disks = disks::list()?.disks;
//!         let full: Vec<_> = disks.into_iter().filter(|disk| disk.used_fraction > settings.threshold).collect();
//!         full.iter().for_each(|disk| info!("{} is full", disk.name));
//!         Ok(Report { full: full.into_iter().map(|disk| disk.name).collect() })
//!     }
//! }
//!
//! agentapi_extension::export!(FullDisks);
//! # fn main() {}
//! ```
//!
//! Build it as a `cdylib` for `wasm32-wasip2`. It imports the functions that it calls and no others, so that its grants are
//! what it calls.
//!
//! | module | what is in it | grants |
//! | --- | --- | --- |
//! | [`storage`], [`backup`], [`disks`], [`host_metrics`] | the agent's operations | each function, such as `disks.list` |
//! | [`quiesce`] | freezing the controller's applications; a guard thaws | `quiesce.freeze`, `quiesce.thaw` |
//! | [`state`] | what it remembers from run to run, with types | `state.get`, `state.set`, `state.delete`, `state.list` |
//! | [`notify`] | messages to the operator | `notify.send`, `notify.clear` |
//! | [`log`], [`clock`] | lines with a level; time and pauses | none |
//! | [`types`] | the records and errors | |
//!
//! Calls of the host are there in a component only: natively, in a unit test, they panic, but for lines of the log. Test what
//! decides in functions that are given what was read, and the whole by `agentapi policy test`.
//!
//! Without the standard library (`default-features = false`) the extension brings an allocator and a panic handler itself.
#![no_std]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands"))]

extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

pub mod backup;
pub mod bindings;
pub mod clock;
pub mod disks;
mod failure;
pub mod host_metrics;
pub mod log;
pub mod notify;
pub mod quiesce;
pub mod state;
pub mod storage;

use alloc::format;
use alloc::string::String;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use bindings::felhom::agentapi::types;
pub use failure::{CallError, Case, Failure};

/// An extension: its input, its result, and what it does.
pub trait Extension {
    /// What whoever runs it may set; read from a JSON text, `{}` where they set nothing. `deny_unknown_fields` refuses a
    /// misspelt key, and [`serde_json::Value`] takes anything.
    type Input: DeserializeOwned;
    /// Its result, as JSON.
    type Output: Serialize;

    /// Does its work once.
    ///
    /// # Errors
    ///
    /// What whoever runs it is told, as `{"error": {"call", "kind", "message"}}`. Every error of a call becomes one by `?`.
    fn run(input: Self::Input) -> Result<Self::Output, Failure>;
}

/// Exports an [`Extension`] as the component's `policy`. Natively it does nothing, since such an export has a name that no
/// linker takes.
#[macro_export]
macro_rules! export {
    ($extension:ty) => {
        const _: () = {
            struct Exported;

            impl $crate::bindings::exports::felhom::agentapi::policy::Guest for Exported {
                fn run(input: $crate::__String) -> ::core::result::Result<$crate::__String, $crate::__String> {
                    $crate::run::<$extension>(&input)
                }
            }

            #[cfg(target_arch = "wasm32")]
    $crate::bindings::export!(Exported with_types_in $crate::bindings);
        };
    };
}

#[doc(hidden)]
pub use alloc::{fmt::format as __format, string::String as __String};

/// Runs an extension from text to text, as [`export!`] does: for tests of its input and failures.
///
/// # Errors
///
/// The text of the failure.
pub fn run<E: Extension>(input: &str) -> Result<String, String> {
    #[cfg(feature = "log")]
    log::install();
    let input = serde_json::from_str(input).map_err(|why| Failure::new("extension", format!("input: {why}")));
    let output = input.and_then(E::run).map_err(|failure| failure.to_json())?;
    serde_json::to_string(&output)
        .map_err(|why| Failure::new("extension", format!("the result cannot be written as JSON: {why}")).to_json())
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Settings {
        fail: bool,
    }

    struct Tested;

    impl Extension for Tested {
        type Input = Settings;
        type Output = &'static str;

        fn run(settings: Settings) -> Result<&'static str, Failure> {
            if settings.fail { Err(Failure::new("tired", "it is late")) } else { Ok("fine") }
        }
    }

    export!(Tested);

    #[test]
    fn input_result_and_failure_are_json() {
        assert_eq!(run::<Tested>(r#"{"fail":false}"#).unwrap(), r#""fine""#);
        let failure = run::<Tested>(r#"{"fail":true}"#).unwrap_err();
        assert_eq!(failure, r#"{"error":{"kind":"tired","message":"it is late"}}"#);
        let wrong = run::<Tested>(r#"{"fial":true}"#).unwrap_err().to_string();
        let expected = r#"{"error":{"kind":"extension","message":"input: unknown field `fial`, expected `fail`"#;
        assert!(wrong.starts_with(expected), "{wrong}");
    }
}
