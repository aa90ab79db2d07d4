//! Where the allocator's memory comes from: first the rest of the memory that an instance starts with, then new pages.
//!
//! ```text
//! 0            __heap_base        end at the start                 end after memory.grow
//! ├─ stack ─┬─ data ─┼─ rest of the last page ─┼─ pages asked for later ─┤
//!                    └ the heap begins         └ and is extended
//! ```
//!
//! A memory is made of whole pages of 64 KiB, so there is a rest behind the linker's data, and it is enough for a small
//! call. `talc`'s own sources of memory ignore it, and grow the memory at the first allocation: a system call in the host,
//! and another one when a host with a pooling allocator resets the instance's slot. Without them making an instance and
//! connecting takes 30 µs instead of 46 (docs/performance.md).

use core::alloc::Layout;
use core::arch::wasm32::{memory_grow, memory_size};
use core::ptr::NonNull;

use talc::base::Talc;
use talc::base::binning::Binning;
use talc::cell::TalcSyncCell;
use talc::source::Source;
use talc::wasm::WasmBinning;

/// The general allocator. Its cell is `Sync` without a lock, because a component has one thread.
pub(crate) type General = TalcSyncCell<LinearMemory, WasmBinning>;

pub(crate) const fn general() -> General {
    TalcSyncCell::new_wasm(LinearMemory { heap_end: None })
}

/// The instance's linear memory, from the end of the linker's data on. Nobody else takes any of it: there is no C
/// library with a heap of its own, and no other code that grows the memory.
#[derive(Debug)]
pub(crate) struct LinearMemory {
    /// Where the allocator's heap ends; none before the first allocation.
    heap_end: Option<NonNull<u8>>,
}

// SAFETY: `acquire` allocates nothing, and gives the allocator memory that nobody else has: what lies behind the
// linker's data, and pages that it asked for itself.
unsafe impl Source for LinearMemory {
    /// Called when an allocation does not fit. The allocator then tries again, and calls this again if it still does
    /// not: so the first call may give it the rest of the last page even where that is too little for the allocation.
    fn acquire<B: Binning>(talc: &mut Talc<Self, B>, layout: Layout) -> Result<(), ()> {
        let heap_end = match talc.source.heap_end {
            None => begin_heap(talc).or_else(|| grow_for(layout).and_then(|()| begin_heap(talc))),
            // SAFETY: `end` is what the allocator returned, and the new pages follow it.
            Some(end) => grow_for(layout).map(|()| unsafe { talc.extend(end, heap_base().with_addr(memory_bytes())) }),
        };
        talc.source.heap_end = Some(heap_end.ok_or(())?);
        Ok(())
    }
}

/// Gives the allocator all memory behind the linker's data, and returns the end of the heap; none if that is too little
/// for the allocator's own tables.
fn begin_heap<B: Binning>(talc: &mut Talc<LinearMemory, B>) -> Option<NonNull<u8>> {
    // SAFETY: the linker puts nothing between its `__heap_base` and the end of the memory.
    unsafe { talc.claim(heap_base(), memory_bytes() - heap_base().addr()) }
}

/// Grows the memory by as many pages as an allocation needs; none if the host gives no more.
fn grow_for(layout: Layout) -> Option<()> {
    let pages = (layout.size() + layout.align() + OVERHEAD_BYTES).div_ceil(PAGE_BYTES);
    (memory_grow(0, pages) != usize::MAX).then_some(())
}

fn memory_bytes() -> usize {
    memory_size(0) * PAGE_BYTES
}

/// Where the linker's data ends.
fn heap_base() -> *mut u8 {
    unsafe extern "C" {
        // A symbol of the linker's, of which only the address means anything.
        static mut __heap_base: u8;
    }
    &raw mut __heap_base
}

/// The size of a page. Source: the WebAssembly core specification.
const PAGE_BYTES: usize = 64 * 1024;
/// The most that the allocator needs beside an allocation, in bytes. If it were less, the allocator would ask again.
const OVERHEAD_BYTES: usize = 64;
