//! The client of a host agent, as a WebAssembly component for `wasm32-wasip2`.
//!
//! It turns each function of the package `felhom:agentapi` into one HTTPS request and its answer into records. The WIT
//! in `wit/` is the contract. It keeps no state but the session that `connect` made, has no clock, files, environment
//! or random numbers, and reaches the network through `wasi:http` only, after the host has accepted a certificate pin.
//!
//! `no_std`, because the standard library would import the rest of WASI.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

mod backup;
mod bindings;
mod disks;
mod envelope;
mod error;
mod format;
#[cfg(any(feature = "fuzzing", test))]
pub mod fuzzing;
mod host_metrics;
mod json;
mod opsign;
mod session;
mod storage;
mod transport;

#[cfg(target_arch = "wasm32")]
use agentapi_component_runtime as _;

/// The component. Each interface that it exports is implemented in the module of that name.
pub struct Component;
