//! The component as it was built: its imports and exports, its size, and that no host can run it without a pin.

use agentapi_host::embedded_component;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Engine};
use wasmtime_wasi_http::{WasiHttpCtxView, WasiHttpView};
use wasmtime_wasi_io::IoView;

const IMPORTS: [&str; 7] = [
    "felhom:agentapi/pinning@0.2.1",
    "felhom:agentapi/types@0.2.1",
    "wasi:http/outgoing-handler@0.2.",
    "wasi:http/types@0.2.",
    "wasi:io/error@0.2.",
    "wasi:io/poll@0.2.",
    "wasi:io/streams@0.2.",
];
const MAX_BYTES: usize = 134 * 1024;

fn engine() -> Engine {
    Engine::new(&Config::new()).unwrap()
}

#[test]
fn it_imports_the_pin_and_http_and_nothing_else() {
    let engine = engine();
    let component = Component::new(&engine, embedded_component()).unwrap();
    let mut imports: Vec<_> = component.component_type().imports(&engine).map(|(name, _)| name.to_string()).collect();
    imports.sort_unstable();
    assert_eq!(imports.len(), IMPORTS.len(), "{imports:?}");
    for (import, expected) in imports.iter().zip(IMPORTS) {
        assert!(import.starts_with(expected), "{import} where {expected} was expected");
    }
}

#[test]
fn it_exports_the_five_interfaces() {
    let engine = engine();
    let component = Component::new(&engine, embedded_component()).unwrap();
    let component = component.component_type();
    let exports = component.exports(&engine).filter(|(_, item)| matches!(item.ty, ComponentItem::ComponentInstance(_)));
    let mut exports: Vec<_> = exports.map(|(name, _)| name.to_string()).collect();
    exports.sort_unstable();
    let expected = ["backup", "disks", "host-metrics", "session", "storage"];
    assert_eq!(exports, expected.map(|name| format!("felhom:agentapi/{name}@0.2.1")));
}

#[test]
fn it_is_small() {
    let bytes = embedded_component().len();
    println!("the component has {bytes} bytes");
    assert!(bytes <= MAX_BYTES, "{bytes} bytes, {MAX_BYTES} are allowed");
}

/// A host that gives everything but the pin.
struct WithoutPin;

impl IoView for WithoutPin {
    fn table(&mut self) -> &mut wasmtime::component::ResourceTable {
        unreachable!("nothing is instantiated")
    }
}

impl WasiHttpView for WithoutPin {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        unreachable!("nothing is instantiated")
    }
}

#[test]
fn a_host_without_the_pin_cannot_instantiate_it() {
    let engine = engine();
    let component = Component::new(&engine, embedded_component()).unwrap();
    let mut linker = Linker::<WithoutPin>::new(&engine);
    wasmtime_wasi_io::add_to_linker_async(&mut linker).unwrap();
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker).unwrap();
    let error = format!("{:?}", linker.instantiate_pre(&component).err().unwrap());
    assert!(error.contains("felhom:agentapi/pinning"), "{error}");

    linker.instance("felhom:agentapi/pinning@0.2.1").unwrap().func_new("pin", |_, _, _, _| Ok(())).unwrap();
    linker.instantiate_pre(&component).unwrap();
}
