//! What wit-bindgen generates from the world `policy-extension`. The modules of this crate wrap it; it is public for
//! [`export!`](crate::export) and for whoever wants the functions as they are.
#![allow(
    missing_docs,
    unreachable_pub,
    unsafe_code,
    clippy::allow_attributes_without_reason,
    reason = "generated code: it crosses the component boundary, and its documentation is in the WIT package"
)]

wit_bindgen::generate!({
    world: "policy-extension",
    path: "policy-extension.wit",
    pub_export_macro: true,
    additional_derives: [PartialEq, serde::Serialize, serde::Deserialize],
});
