//! What wit-bindgen makes of the world `policy-extension`, and the export.
#![allow(
    missing_docs,
    unreachable_pub,
    unsafe_code,
    clippy::allow_attributes_without_reason,
    reason = "generated code: it crosses the component boundary, and its documentation is in wit/"
)]

wit_bindgen::generate!({ world: "policy-extension", path: "../../wit" });

// Natively the exports would be symbols with WIT names, which no linker takes.
#[cfg(target_arch = "wasm32")]
export!(DiskWatch);
#[cfg(target_arch = "wasm32")]
use crate::DiskWatch;
