//! Limits: what a run of an extension may use. Each is on unless it is set otherwise.
//!
//! As TOML, with the defaults; what is left out stays as it is here:
//!
//! ```toml
//! memory_bytes = 134217728
//! cpu_ms = 5000
//! wall_ms = 600000
//! agent_calls = 1000
//! input_bytes = 1048576
//! output_bytes = 1048576
//! log_bytes = 262144
//! ```

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

/// What a run of an extension may use.
///
/// Set those that matter and take the others from the default, as in `Limits { cpu, ..Limits::default() }`: further
/// limits are added in minor versions, and that form goes on compiling, with the new limit on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// All memories and tables of the instance together, in bytes, and what one call passes to the host.
    pub memory_bytes: usize,
    /// Processor time of the thread that runs it: what it computes itself, and what the host does for it there, such as
    /// reading its arguments or an agent's answer. Waiting does not count, neither for an agent nor for a processor.
    #[serde(rename = "cpu_ms", deserialize_with = "milliseconds")]
    pub cpu: Duration,
    /// Time from the start of the run to its end, waiting included.
    #[serde(rename = "wall_ms", deserialize_with = "milliseconds")]
    pub wall: Duration,
    /// Calls of functions that need a grant, refused ones included. Lines of the log and the clock have limits of their own.
    pub agent_calls: u64,
    /// Length of the input, in bytes.
    pub input_bytes: usize,
    /// Length of the result, or of the text of its failure, in bytes. Refused before it is copied.
    pub output_bytes: usize,
    /// Length of what it logs, by lines with a level and on stdout and stderr together, in bytes.
    pub log_bytes: usize,
}

impl Default for Limits {
    /// Ample for an extension that looks and reports, and far from what the host would notice.
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
        Self {
            memory_bytes: 128 * MIB,
            cpu: Duration::from_secs(5),
            wall: Duration::from_secs(600),
            agent_calls: 1000,
            input_bytes: MIB,
            output_bytes: MIB,
            log_bytes: 256 * 1024,
        }
    }
}

impl fmt::Display for Limits {
    /// One limit a line, as TOML.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // By hand: the TOML crate is built without its printer, which nothing else needs.
        writeln!(f, "memory_bytes = {}", self.memory_bytes)?;
        writeln!(f, "cpu_ms = {}", self.cpu.as_millis())?;
        writeln!(f, "wall_ms = {}", self.wall.as_millis())?;
        writeln!(f, "agent_calls = {}", self.agent_calls)?;
        writeln!(f, "input_bytes = {}", self.input_bytes)?;
        writeln!(f, "output_bytes = {}", self.output_bytes)?;
        writeln!(f, "log_bytes = {}", self.log_bytes)
    }
}

fn milliseconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_millis)
}

/// A limit that a run exceeded; holds what was allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Breach {
    /// [`Limits::memory_bytes`]
    #[error("more than {0} bytes of memory")]
    Memory(usize),
    /// [`Limits::cpu`]
    #[error("more than {0:?} of computing")]
    Cpu(Duration),
    /// [`Limits::wall`]
    #[error("more than {0:?} in all")]
    Wall(Duration),
    /// [`Limits::agent_calls`]
    #[error("more than {0} agent calls")]
    AgentCalls(u64),
    /// [`Limits::input_bytes`]
    #[error("an input of more than {0} bytes")]
    Input(usize),
    /// [`Limits::output_bytes`]
    #[error("an output of more than {0} bytes")]
    Output(usize),
    /// [`Limits::log_bytes`]
    #[error("more than {0} bytes of log")]
    Log(usize),
    /// Texts and lists that one call passes to the host. This limit, and the two that follow, are the host's own.
    #[error("a call with more than {0} bytes")]
    Argument(usize),
    /// Random bytes that one call asks for.
    #[error("more than {0} random bytes at once")]
    Random(u64),
    /// Resources at the same time, such as streams.
    #[error("more than {0} resources")]
    Resources(usize),
}

#[cfg(test)]
mod tests {
    use super::{Duration, Limits};

    #[test]
    fn what_is_printed_is_read_again_as_the_same() {
        let printed = Limits::default().to_string();
        assert!(printed.starts_with("memory_bytes = 134217728\ncpu_ms = 5000\nwall_ms = 600000\n"), "{printed}");
        assert_eq!(toml::from_str::<Limits>(&printed).unwrap(), Limits::default());
        let cpu = Duration::from_millis(7);
        assert_eq!(toml::from_str::<Limits>("cpu_ms = 7").unwrap(), Limits { cpu, ..Limits::default() });
        assert!(toml::from_str::<Limits>("cpu = 7").is_err());
    }
}
