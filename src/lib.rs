//! The client of a host agent, as a WebAssembly component for `wasm32-wasip2`.
//!
//! It turns each function of the package `felhom:agentapi` into one HTTPS request and the answer into records. The WIT
//! in `wit/` is the contract. It keeps no state but the session that `connect` made, has no clock, files, environment
//! or random numbers, and reaches the network through `wasi:http` only, after the host has accepted a certificate pin.
//!
//! An operation goes down this list, and its answer comes back up. No module imports one above itself:
//!
//! ```text
//! storage  backup  disks (format, opsign)  host_metrics     one file for each interface: arguments, records
//! envelope                                                  {"ok", "data", "error"}
//! json                                                      JSON into records
//! transport                                                 one request, one answer, over wasi:http
//! session                                                   connect: authority, pins, token
//! error                                                     codes of wasi:http into errors
//! bindings                                                  what wit-bindgen generates from wit/
//! ```
//!
//! `no_std`, because the standard library would import the rest of WASI, which no host of the client should have to
//! give.
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

/// The component. Each interface that it exports is implemented in the module of the same name.
pub struct Component;
