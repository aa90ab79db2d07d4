//! The bytes of an extension: loading it in a child ends with an answer that names what is wrong, and the child crashes for
//! nothing but want of what it may have. What it neither crashed nor took too long for, this process then loads itself, with
//! the same outcome, which is what lets the fuzzer see which bytes matter.
//!
//! The child is this program again. It needs to be built without a sanitizer, which reserves more memory than it may have.
//! Its `main` is not Rust's, so that a stack overflow is no more than a SIGSEGV here, and is reported: inputs of a few
//! kilobytes, which cannot be nested so deeply, are the ones to try.
#![no_main]
#![allow(clippy::expect_used, reason = "a panic is what is looked for")]

use std::env;
use std::process::{ExitCode, exit};
use std::sync::OnceLock;
use std::time::Duration;

use agentapi_host::Host;
use agentapi_host::loader::{self, CompileError, LoadLimits, Loading};
use agentapi_host::policy::LoadError;
use libfuzzer_sys::fuzz_target;

const LOAD_COMPONENT: &str = "load-component";

struct Hosts {
    child: Host,
    in_process: Host,
}

fn hosts() -> &'static Hosts {
    static HOSTS: OnceLock<Hosts> = OnceLock::new();
    HOSTS.get_or_init(|| {
        let child = Loading::Child { program: "/proc/self/exe".into(), arguments: vec![LOAD_COMPONENT.into()] };
        let cpu = Duration::from_secs(5);
        let limits = LoadLimits { cpu, memory_bytes: 128 * 1024 * 1024, ..LoadLimits::default() };
        Hosts {
            child: Host::builder().loading(child).load_limits(limits).build().expect("a host"),
            in_process: Host::builder().build().expect("a host"),
        }
    })
}

fuzz_target!(
    init: {
        if env::args().nth(1).as_deref() == Some(LOAD_COMPONENT) {
            let is_done = loader::main() == ExitCode::SUCCESS;
            exit(i32::from(!is_done));
        }
    },
    |wasm: &[u8]| {
        let Hosts { child, in_process } = hosts();
        let outcome = child.imports_of_policy(wasm);
        if let Err(LoadError::NotCompiled(why)) = &outcome {
            assert!(!matches!(why, CompileError::Crashed { .. } | CompileError::Child(_)), "{why}");
            return;
        }
        let again = in_process.imports_of_policy(wasm);
        assert_eq!(outcome.ok(), again.ok());
    }
);
