//! What wasmtime generates for the world `policy-extension`; its records are those of the client.
#![allow(missing_docs, unreachable_pub, reason = "generated code, documented in wit/")]

wasmtime::component::bindgen!({
    path: "wit",
    world: "policy-extension",
    // An import may trap: that is how a limit stops an extension in the middle of a call.
    imports: { default: async | trappable },
    exports: { default: async },
    with: { "felhom:agentapi/types": crate::sandbox::types },
});
