//! `--load-..`: what loading an extension, or the file of `--component`, may take.

use std::time::Duration;

use agentapi_host::loader::{LoadLimits, Loading};
use clap::Args;

/// The first argument of the child that compiles; see [`agentapi_host::loader`].
pub(crate) const LOAD_COMPONENT: &str = "load-component";

/// What loading a component may take. Each is a bound of its own, whatever the component's size.
#[derive(Args, Clone)]
pub(crate) struct LoadOptions {
    /// Load extensions of at most N MiB
    #[arg(long, value_name = "N", global = true, help_heading = "Loading", hide_short_help = true)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=MAX_MIB))]
    load_size_mib: Option<u64>,
    /// Give the process that compiles one N MiB of memory
    #[arg(long, value_name = "N", global = true, help_heading = "Loading", hide_short_help = true)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=MAX_MIB))]
    load_memory_mib: Option<u64>,
    /// Give it N seconds of processor time
    #[arg(long, value_name = "N", global = true, help_heading = "Loading", hide_short_help = true)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=MAX_SECONDS))]
    load_cpu_s: Option<u64>,
    /// Give it N seconds in all
    #[arg(long, value_name = "N", global = true, help_heading = "Loading", hide_short_help = true)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=MAX_SECONDS))]
    load_wall_s: Option<u64>,
    /// Take at most N MiB of compiled code
    #[arg(long, value_name = "N", global = true, help_heading = "Loading", hide_short_help = true)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=MAX_MIB))]
    load_code_mib: Option<u64>,
}

impl LoadOptions {
    /// This command, which compiles in a child of its own.
    pub(crate) fn child() -> Loading {
        // Not the path by which it was started: the file there may be a newer version by now, whose code would be refused.
        Loading::Child { program: "/proc/self/exe".into(), arguments: vec![LOAD_COMPONENT.into()] }
    }

    pub(crate) fn limits(&self) -> LoadLimits {
        const MIB: u64 = 1024 * 1024;
        let mut limits = LoadLimits::default();
        if let Some(mib) = self.load_size_mib {
            limits.wasm_bytes = mib * MIB;
        }
        if let Some(mib) = self.load_memory_mib {
            (limits.memory_bytes, limits.memory_per_byte) = (mib * MIB, 0);
        }
        if let Some(seconds) = self.load_cpu_s {
            (limits.cpu, limits.cpu_per_mib) = (Duration::from_secs(seconds), Duration::ZERO);
        }
        if let Some(seconds) = self.load_wall_s {
            limits.wall = Duration::from_secs(seconds);
        }
        if let Some(mib) = self.load_code_mib {
            limits.code_bytes = mib * MIB;
        }
        limits
    }
}

/// More is a mistake in the unit, in MiB and in seconds: 64 GiB, and a day.
const MAX_MIB: u64 = 64 * 1024;
const MAX_SECONDS: u64 = 24 * 60 * 60;
