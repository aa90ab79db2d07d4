//! What a run holds of the host's memory.
//!
//! | what | how it is bounded |
//! | --- | --- |
//! | linear memories, elements of tables | added up, within [`Limits::memory_bytes`](super::Limits::memory_bytes) |
//! | texts and lists that one call passes to the host | within what is left of that, and by [`MAX_ARGUMENT_BYTES`] |
//! | the result of the run | [`Limits::output_bytes`](super::Limits::output_bytes), before it is copied |
//! | random bytes of one call | [`MAX_RANDOM_BYTES`](super::random::MAX_RANDOM_BYTES) |
//! | resources, the host's and the extension's own | [`MAX_RESOURCES`] |
//! | core instances, tables, memories | constants in `state.rs` |

use crate::policy::limits::Breach;

/// Texts and lists that one call passes to the host, in bytes: hundreds of times what any call of the contract needs. The
/// host makes several copies of an argument on its way to the agent.
pub(super) const MAX_ARGUMENT_BYTES: usize = 1024 * 1024;
/// Resources at the same time, such as streams and pollables: some 200 bytes of the host for each.
pub(super) const MAX_RESOURCES: usize = 10_000;
/// An element of a table is a pointer of the host.
const TABLE_ELEMENT_BYTES: usize = 8;

/// Memories and tables of an extension together, in bytes. A limit for each could be passed by having many.
pub(super) struct MemoryUse {
    used: usize,
    allowed: usize,
}

impl MemoryUse {
    pub(super) fn new(allowed: usize) -> Self {
        Self { used: 0, allowed }
    }

    /// Counts a memory that grows from one size to another.
    pub(super) fn grow(&mut self, current: usize, desired: usize) -> Result<(), Breach> {
        self.used = self.used.saturating_add(desired.saturating_sub(current));
        if self.used > self.allowed { Err(Breach::Memory(self.allowed)) } else { Ok(()) }
    }

    /// Counts a table that grows, by its elements.
    pub(super) fn grow_table(&mut self, current: usize, desired: usize) -> Result<(), Breach> {
        let bytes = |elements: usize| elements.saturating_mul(TABLE_ELEMENT_BYTES);
        self.grow(bytes(current), bytes(desired))
    }

    /// How many bytes one call may pass to the host.
    pub(super) fn argument_bytes(&self) -> usize {
        self.left().min(MAX_ARGUMENT_BYTES)
    }

    /// The limit that an argument exceeded.
    pub(super) fn argument_breach(&self) -> Breach {
        if self.left() < MAX_ARGUMENT_BYTES {
            Breach::Memory(self.allowed)
        } else {
            Breach::Argument(MAX_ARGUMENT_BYTES)
        }
    }

    fn left(&self) -> usize {
        self.allowed.saturating_sub(self.used)
    }
}

#[cfg(test)]
mod tests {
    use super::{Breach, MAX_ARGUMENT_BYTES, MemoryUse};

    #[test]
    fn several_memories_share_what_is_allowed() {
        let mut memory = MemoryUse { used: 0, allowed: 10 };
        assert_eq!(memory.grow(0, 4), Ok(()));
        assert_eq!(memory.grow(0, 4), Ok(()));
        assert_eq!(memory.grow(4, 6), Ok(()));
        assert_eq!(memory.grow(4, 5), Err(Breach::Memory(10)));
    }

    #[test]
    fn tables_and_arguments_count_within_the_same_limit() {
        let allowed = MAX_ARGUMENT_BYTES + 80;
        let mut memory = MemoryUse::new(allowed);
        assert_eq!(memory.grow_table(0, 10), Ok(()));
        assert_eq!(memory.argument_bytes(), MAX_ARGUMENT_BYTES);
        assert_eq!(memory.argument_breach(), Breach::Argument(MAX_ARGUMENT_BYTES));
        assert_eq!(memory.grow(0, 1000), Ok(()));
        assert_eq!(memory.argument_bytes(), MAX_ARGUMENT_BYTES - 1000);
        assert_eq!(memory.argument_breach(), Breach::Memory(allowed));
        assert_eq!(memory.grow_table(10, usize::MAX), Err(Breach::Memory(allowed)));
    }
}
