//! Small blocks of memory, on lists of free ones by size, in front of the general allocator.
//!
//! Most of what a component allocates are the texts of an answer. For each the general allocator takes some 250 instructions,
//! to find a gap that fits and to join neighbouring gaps when it is freed; a list takes some 80 for both. The price is that
//! a small block is only ever used for that size again.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::ptr;

use crate::memory::{General, general};

/// The allocator of a component.
pub(crate) struct Allocator {
    general: General,
    blocks: UnsafeCell<Blocks>,
}

// SAFETY: a component has one thread, and no function of the allocator is entered while another one runs.
unsafe impl Sync for Allocator {}

impl Allocator {
    pub(crate) const fn new() -> Self {
        let blocks = Blocks { free: [ptr::null_mut(); SIZES], chunk: ptr::null_mut(), chunk_bytes: 0 };
        Self { general: general(), blocks: UnsafeCell::new(blocks) }
    }

    /// Takes a block out of the current chunk, or out of a new one; null if there is no memory.
    #[cold]
    #[inline(never)]
    unsafe fn cut(&self, index: usize) -> *mut u8 {
        let bytes = (index + 1) * STEP_BYTES;
        // SAFETY: nobody else has the blocks; the chunk has as many bytes as it says, which are nobody's yet.
        unsafe {
            let blocks = &mut *self.blocks.get();
            if blocks.chunk_bytes < bytes {
                if blocks.chunk_bytes > 0 {
                    blocks.give(blocks.chunk_bytes / STEP_BYTES - 1, blocks.chunk);
                }
                blocks.chunk_bytes = 0;
                blocks.chunk = self.general.alloc(Layout::from_size_align_unchecked(CHUNK_BYTES, STEP_BYTES));
                if blocks.chunk.is_null() {
                    return ptr::null_mut();
                }
                blocks.chunk_bytes = CHUNK_BYTES;
            }
            let block = blocks.chunk;
            blocks.chunk = block.add(bytes);
            blocks.chunk_bytes -= bytes;
            block
        }
    }
}

// SAFETY: a block is at least as large and as aligned as the layout asks for. It is on a list, in the chunk, or somebody's,
// and never two of these. Which allocator it came from follows from its layout.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps to the contract of this function, which is that of the general one too.
        unsafe {
            let Some(index) = index(layout) else { return self.general.alloc(layout) };
            match (*self.blocks.get()).take(index) {
                block if block.is_null() => self.cut(index),
                block => block,
            }
        }
    }

    #[inline(never)]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above; a block of this layout came from where it is given back to.
        unsafe {
            match index(layout) {
                Some(index) => (*self.blocks.get()).give(index, block),
                None => self.general.dealloc(block, layout),
            }
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        // SAFETY: as above; what is copied is in both blocks.
        unsafe {
            let new_layout = Layout::from_size_align_unchecked(bytes, layout.align());
            match (index(layout), index(new_layout)) {
                (None, None) => return self.general.realloc(block, layout, bytes),
                (old, new) if old == new => return block,
                _ => {}
            }
            let new = self.alloc(new_layout);
            if !new.is_null() {
                ptr::copy_nonoverlapping(block, new, layout.size().min(bytes));
                self.dealloc(block, layout);
            }
            new
        }
    }
}

/// The free blocks.
struct Blocks {
    /// For each size the first of its free blocks, which begins with the address of the next one.
    free: [*mut u8; SIZES],
    /// What blocks are cut from, a multiple of [`STEP_BYTES`].
    chunk: *mut u8,
    chunk_bytes: usize,
}

impl Blocks {
    /// The first free block of a size; null if there is none.
    unsafe fn take(&mut self, index: usize) -> *mut u8 {
        let Some(first) = self.free.get_mut(index) else { return ptr::null_mut() };
        let block = *first;
        if !block.is_null() {
            // SAFETY: a block on the list is nobody's, and begins with the address of the next one.
            *first = unsafe { block.cast::<*mut u8>().read() };
        }
        block
    }

    unsafe fn give(&mut self, index: usize, block: *mut u8) {
        let Some(first) = self.free.get_mut(index) else { return };
        // SAFETY: the block was given back, has room for an address, and is aligned for one.
        unsafe { block.cast::<*mut u8>().write(*first) };
        *first = block;
    }
}

/// The index of the smallest size that a layout fits in; none if it is not small. The size of a layout is never zero here.
#[inline]
const fn index(layout: Layout) -> Option<usize> {
    let index = (layout.size() - 1) / STEP_BYTES;
    if index < SIZES && layout.align() <= STEP_BYTES { Some(index) } else { None }
}

/// The difference of two sizes, in bytes, and the alignment of all small blocks: enough for every type of a record.
const STEP_BYTES: usize = 16;
/// How many sizes there are: the largest is 512 bytes, longer than most texts of an agent.
const SIZES: usize = 32;
/// What is taken from the general allocator at once. A small call needs less, so that an idle instance has one chunk.
const CHUNK_BYTES: usize = 2048;
