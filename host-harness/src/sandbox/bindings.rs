//! What wasmtime generates for the world `agentapi`: calls into the component, and the trait of the host's side.
#![allow(missing_docs, unreachable_pub, reason = "generated code, documented in wit/")]

// Inline, and without the `wasi:http` that the world in `wit/` imports: `wasmtime-wasi-http` has bindings for it, and a
// second set of them would have types of its own.
wasmtime::component::bindgen!({
    path: "wit",
    inline: "
        package host:bindings;

        world agentapi {
            import felhom:agentapi/pinning@0.2.1;
            export felhom:agentapi/session@0.2.1;
            export felhom:agentapi/storage@0.2.1;
            export felhom:agentapi/backup@0.2.1;
            export felhom:agentapi/disks@0.2.1;
            export felhom:agentapi/host-metrics@0.2.1;
        }
    ",
    world: "host:bindings/agentapi",
    exports: { default: async },
    with: { "felhom:agentapi/types": crate::sandbox::types },
});

pub(crate) use felhom::agentapi::pinning;
