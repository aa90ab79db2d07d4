//! What a component needs where there is no standard library: memory, and an end for panics.
//!
//! A panic is a bug in the component. It traps, and the host throws the instance away.
//!
//! A component uses it by `use agentapi_component_runtime as _;`. Empty on any other target, where there is a standard library.
#![cfg(target_arch = "wasm32")]
#![no_std]
#![allow(unsafe_code, reason = "the canonical ABI hands memory over by raw pointers")]

extern crate alloc;

mod memory;

use alloc::alloc::{Layout, alloc, handle_alloc_error, realloc};
use core::ptr;

use memory::{Memory, memory};

#[global_allocator]
static ALLOCATOR: Memory = memory();

// The `memcpy` and `memcmp` that compiled code calls.
#[link(name = "c")]
unsafe extern "C" {}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

/// Memory for what the host passes in. Source: the canonical ABI's `realloc`.
///
/// # Safety
///
/// `old` is null, or was allocated with `old_size` and `align`, which is a power of two.
#[unsafe(no_mangle)]
unsafe extern "C" fn cabi_realloc(old: *mut u8, old_size: usize, align: usize, new_size: usize) -> *mut u8 {
    if new_size == 0 {
        return ptr::without_provenance_mut(align);
    }
    // SAFETY: the host keeps to the contract above, and the size is not zero.
    unsafe {
        let new = if old_size == 0 {
            alloc(Layout::from_size_align_unchecked(new_size, align))
        } else {
            realloc(old, Layout::from_size_align_unchecked(old_size, align), new_size)
        };
        if new.is_null() {
            handle_alloc_error(Layout::from_size_align_unchecked(new_size, align));
        }
        new
    }
}
