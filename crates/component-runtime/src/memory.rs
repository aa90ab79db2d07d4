//! Where the allocator's memory comes from.

use core::alloc::Layout;
use core::arch::wasm32::{memory_grow, memory_size};
use core::ptr::NonNull;

use talc::base::Talc;
use talc::base::binning::Binning;
use talc::cell::TalcSyncCell;
use talc::source::Source;
use talc::wasm::WasmBinning;

/// The allocator.
pub(crate) type Memory = TalcSyncCell<Pages, WasmBinning>;

pub(crate) const fn memory() -> Memory {
    TalcSyncCell::new_wasm(Pages { end: None })
}

/// First what the linker left of the memory that an instance begins with, then more pages. A small call needs no more than
/// the first: asking for a page is a call of the kernel, and so is taking it back from the place of an instance.
#[derive(Debug)]
pub(crate) struct Pages {
    /// Where the allocator's memory ends; none before it has any.
    end: Option<NonNull<u8>>,
}

const PAGE_BYTES: usize = 64 * 1024;
/// The most that the allocator needs beside an allocation. Less would only mean that it asks again.
const OVERHEAD_BYTES: usize = 64;

// SAFETY: allocates nothing, and gives the allocator memory that nobody else has: what lies behind the linker's data, and
// pages that it asked for itself.
unsafe impl Source for Pages {
    fn acquire<B: Binning>(talc: &mut Talc<Self, B>, layout: Layout) -> Result<(), ()> {
        let end = match talc.source.end {
            None => claim(talc).or_else(|| grow(layout).and_then(|()| claim(talc))),
            // SAFETY: `end` is what the allocator returned, and the new pages follow it.
            Some(end) => grow(layout).map(|()| unsafe { talc.extend(end, heap_base().with_addr(memory_bytes())) }),
        };
        talc.source.end = Some(end.ok_or(())?);
        Ok(())
    }
}

/// Gives the allocator what lies behind the data; none where that is too little to begin with.
fn claim<B: Binning>(talc: &mut Talc<Pages, B>) -> Option<NonNull<u8>> {
    // SAFETY: the linker puts nothing between its `__heap_base` and the end of the memory.
    unsafe { talc.claim(heap_base(), memory_bytes() - heap_base().addr()) }
}

/// Asks for as many pages as an allocation needs; none where there are no more.
fn grow(layout: Layout) -> Option<()> {
    let pages = (layout.size() + layout.align() + OVERHEAD_BYTES).div_ceil(PAGE_BYTES);
    (memory_grow(0, pages) != usize::MAX).then_some(())
}

fn memory_bytes() -> usize {
    memory_size(0) * PAGE_BYTES
}

/// Where the linker's data ends.
fn heap_base() -> *mut u8 {
    unsafe extern "C" {
        static mut __heap_base: u8;
    }
    &raw mut __heap_base
}
