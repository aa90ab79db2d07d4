//! What wit-bindgen generates from `wit/`, and the export of the component.
#![allow(
    missing_docs,
    unreachable_pub,
    unsafe_code,
    clippy::allow_attributes_without_reason,
    reason = "generated code: it crosses the component boundary, and its documentation is in wit/"
)]

wit_bindgen::generate!({
    world: "agentapi",
    path: "wit",
    generate_all,
});

// Only for wasm: natively the exports would be symbols with names such as `felhom:agentapi/backup@0.2.1#due`, which
// linkers refuse.
#[cfg(target_arch = "wasm32")]
export!(Component);
#[cfg(target_arch = "wasm32")]
use crate::Component;
