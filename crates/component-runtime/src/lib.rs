//! What a component needs if it has no standard library: an allocator, a panic handler, and the function through which
//! the host allocates.
//!
//! Rust's standard library for `wasm32-wasip2` imports files, clocks, environment and more of WASI, whether they are
//! used or not. A component without it imports only what it calls.
//!
//! A component uses this crate by `use agentapi_component_runtime as _;`. On other targets, on which it is built for
//! its unit tests, the standard library is there and this crate is empty.
#![cfg(target_arch = "wasm32")]
#![no_std]
#![allow(unsafe_code, reason = "the canonical ABI hands memory over by raw pointers")]

extern crate alloc;

mod memory;
mod small;

use alloc::alloc::{Layout, alloc, handle_alloc_error, realloc};
use core::ptr;

use small::Allocator;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator::new();

// Compiled code calls `memcpy`, `memmove`, `memset` and `memcmp`, which Rust expects a C library to have. Nothing else
// of it is linked.
#[link(name = "c")]
unsafe extern "C" {}

/// A panic is a bug in the component. It traps, and the host throws the instance away. Printing where it happened would
/// add the formatting of every panic message to the component, and the imports for printing.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

/// Allocates for the host, which calls this for each text and list that it passes in. Source: `realloc` in the
/// canonical ABI.
///
/// # Safety
///
/// `old` is null, or was allocated with `old_size` and `align`, which is a power of two.
#[unsafe(no_mangle)]
unsafe extern "C" fn cabi_realloc(old: *mut u8, old_size: usize, align: usize, new_size: usize) -> *mut u8 {
    if new_size == 0 {
        // The generated code makes a `Vec` of the pointer, which must be aligned and not null even if the list is empty.
        return ptr::without_provenance_mut(align);
    }
    // SAFETY: the host keeps to the contract above, and the size is not zero.
    unsafe {
        let new = if old_size == 0 {
            alloc(Layout::from_size_align_unchecked(new_size, align))
        } else {
            realloc(old, Layout::from_size_align_unchecked(old_size, align), new_size)
        };
        // The canonical ABI knows no value for "out of memory", so this is a trap.
        if new.is_null() {
            handle_alloc_error(Layout::from_size_align_unchecked(new_size, align));
        }
        new
    }
}
