//! Limits: what a run of an extension may use. Every one is on unless it is set otherwise.

use std::fmt;
use std::time::Duration;

/// What a run of an extension may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Memory of the instance, in bytes.
    pub memory_bytes: usize,
    /// Time that it computes, waiting not counted.
    pub cpu: Duration,
    /// Time from begin to end, waiting counted.
    pub wall: Duration,
    /// Calls of functions of the contract.
    pub agent_calls: u64,
    /// Length of the input, in bytes.
    pub input_bytes: usize,
    /// Length of the result, in bytes.
    pub output_bytes: usize,
    /// Length of what it writes to stdout and stderr, in bytes.
    pub log_bytes: usize,
}

impl Default for Limits {
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
    /// One limit a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "memory       {} bytes", self.memory_bytes)?;
        writeln!(f, "computing    {:?}", self.cpu)?;
        writeln!(f, "time in all  {:?}", self.wall)?;
        writeln!(f, "agent calls  {}", self.agent_calls)?;
        writeln!(f, "input        {} bytes", self.input_bytes)?;
        writeln!(f, "output       {} bytes", self.output_bytes)?;
        write!(f, "log          {} bytes", self.log_bytes)
    }
}

/// A limit that a run went beyond; holds what was allowed.
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
}
