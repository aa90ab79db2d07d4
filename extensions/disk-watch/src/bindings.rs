//! What wit-bindgen generates from the world `policy-extension`, and the export of the extension.
#![allow(
    missing_docs,
    unreachable_pub,
    unsafe_code,
    clippy::allow_attributes_without_reason,
    reason = "generated code: it crosses the component boundary, and its documentation is in wit/"
)]

wit_bindgen::generate!({ world: "policy-extension", path: "../../wit" });

// Only for wasm: natively the exports would be symbols with names such as `felhom:agentapi/policy@0.2.1#run`, which
// linkers refuse.
#[cfg(target_arch = "wasm32")]
export!(DiskWatch);
#[cfg(target_arch = "wasm32")]
use crate::DiskWatch;
