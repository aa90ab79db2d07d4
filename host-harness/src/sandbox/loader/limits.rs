//! What loading a component may take.

use std::fmt;
use std::time::Duration;

const MIB: u64 = 1024 * 1024;

/// What loading a component may take, that is not part of this library: an extension, or the file of
/// [`component_file`](crate::HostBuilder::component_file).
///
/// What is honest grows with the size of the component: memory and processor time each have a base and a part for each
/// byte or mebibyte of it. A component that brings a Python along (18 MiB) takes 400 MiB, and 10 s of processor time, or
/// 16 s in a debug build of this workspace, which optimises the compiler alone.
///
/// | limit | [`Loading::Child`](super::Loading::Child) | [`Loading::InProcess`](super::Loading::InProcess) |
/// | --- | --- | --- |
/// | size of the component, size of its code | yes | yes, the code's when it is there |
/// | memory, processor time, time in all | yes | no |
///
/// Set those that matter and take the others from the default, as in `LoadLimits { wall, ..LoadLimits::default() }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadLimits {
    /// Size of the component, in bytes.
    pub wasm_bytes: u64,
    /// Size of its compiled code, in bytes.
    pub code_bytes: u64,
    /// Memory that the child may have, in bytes, for a component of any size: all that it can write to.
    pub memory_bytes: u64,
    /// Memory beyond that, in bytes, for each byte of the component.
    pub memory_per_byte: u64,
    /// Processor time of the child, for a component of any size. Rounded up to whole seconds.
    pub cpu: Duration,
    /// Processor time beyond that, for each mebibyte of the component.
    pub cpu_per_mib: Duration,
    /// Time from the start of the child to its answer.
    pub wall: Duration,
}

impl Default for LoadLimits {
    /// Twice what honest components of all languages take, on a slow machine.
    fn default() -> Self {
        Self {
            wasm_bytes: 64 * MIB,
            code_bytes: 128 * MIB,
            memory_bytes: 256 * MIB,
            memory_per_byte: 24,
            cpu: Duration::from_secs(8),
            cpu_per_mib: Duration::from_secs(3),
            wall: Duration::from_secs(600),
        }
    }
}

impl LoadLimits {
    /// The memory that loading a component of this size may take, in bytes.
    pub fn memory_for(&self, wasm_bytes: u64) -> u64 {
        self.memory_bytes.saturating_add(self.memory_per_byte.saturating_mul(wasm_bytes))
    }

    /// The processor time that loading a component of this size may take, in whole seconds.
    pub fn cpu_for(&self, wasm_bytes: u64) -> Duration {
        let for_size = self.cpu_per_mib.as_secs_f64() * wasm_bytes as f64 / MIB as f64;
        Duration::from_secs((self.cpu.as_secs_f64() + for_size).ceil().max(1.0) as u64)
    }
}

impl fmt::Display for LoadLimits {
    /// One limit a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { wasm_bytes, code_bytes, memory_bytes, memory_per_byte, cpu, cpu_per_mib, wall } = self;
        writeln!(f, "size: {wasm_bytes} bytes")?;
        writeln!(f, "compiled code: {code_bytes} bytes")?;
        writeln!(f, "memory: {memory_bytes} bytes, and {memory_per_byte} for each byte of its size")?;
        writeln!(f, "processor time: {cpu:?}, and {cpu_per_mib:?} for each MiB of its size")?;
        writeln!(f, "time in all: {wall:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, LoadLimits, MIB};

    #[test]
    fn memory_and_time_grow_with_the_component() {
        let limits = LoadLimits::default();
        assert_eq!(limits.memory_for(0), 256 * MIB);
        assert_eq!(limits.memory_for(10 * MIB), 496 * MIB);
        assert_eq!(limits.memory_for(u64::MAX), u64::MAX);
        assert_eq!(limits.cpu_for(0), Duration::from_secs(8));
        assert_eq!(limits.cpu_for(1), Duration::from_secs(9), "rounded up");
        assert_eq!(limits.cpu_for(10 * MIB), Duration::from_secs(38));
        let none = LoadLimits { cpu: Duration::ZERO, cpu_per_mib: Duration::ZERO, ..limits };
        assert_eq!(none.cpu_for(MIB), Duration::from_secs(1), "the kernel takes 0 for no time at all");
    }
}
