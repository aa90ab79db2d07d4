//! A host that notes each function which the component calls, and each resource that it drops, and answers from a script.

use std::collections::{HashMap, VecDeque};

use agentapi_host::embedded_component;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Instance, Linker, ResourceDynamic, ResourceType, Val};
use wasmtime::{Engine, Store, StoreContextMut};

/// The resources of `wasi:http` and `wasi:io` that the component can own, by the name that they have first. Their places here
/// are their types. Some interfaces use them under another name.
const RESOURCES: [&str; 11] = [
    "error",
    "pollable",
    "input-stream",
    "output-stream",
    "fields",
    "outgoing-request",
    "outgoing-body",
    "request-options",
    "future-incoming-response",
    "incoming-response",
    "incoming-body",
];

/// What was noted, and what is to be answered.
#[derive(Default)]
pub(super) struct Notes {
    pub(super) calls: Vec<String>,
    /// Whether the first `get` of a response is answered, or only the one after its pollable was waited for.
    pub(super) blocks_in_get: bool,
    has_waited: bool,
    /// What is left of the body of the answer.
    body: VecDeque<Vec<u8>>,
    resources: u32,
}

/// An instance in such a host.
pub(super) struct Noted {
    instance: Instance,
    store: Store<Notes>,
}

impl Noted {
    pub(super) fn new(blocks_in_get: bool) -> Self {
        let engine = Engine::default();
        let component = Component::new(&engine, embedded_component()).unwrap();
        let mut linker = Linker::<Notes>::new(&engine);
        for (interface, item) in component.component_type().imports(&engine) {
            let ComponentItem::ComponentInstance(interface_type) = item.ty else { panic!("{interface}") };
            let mut instance = linker.instance(interface).unwrap();
            for (name, item) in interface_type.exports(&engine) {
                match item.ty {
                    ComponentItem::Resource(_) => {
                        let kind = resource_type(name);
                        let dropped = format!("drop {}", RESOURCES[kind as usize]);
                        let note = move |mut store: StoreContextMut<'_, Notes>, _| {
                            store.data_mut().calls.push(dropped.clone());
                            Ok(())
                        };
                        instance.resource(name, ResourceType::host_dynamic(kind), note).unwrap();
                    }
                    ComponentItem::ComponentFunc(_) => {
                        let function = plain(name);
                        let answer =
                            move |mut store: StoreContextMut<'_, Notes>, _, given: &[Val], results: &mut [Val]| {
                                store.data_mut().calls.push(noted(&function, given));
                                for value in given {
                                    // What is lent must be given back by the end of the call.
                                    if let Val::Resource(lent) = value
                                        && !lent.owned()
                                    {
                                        lent.resource_drop(&mut store)?;
                                    }
                                }
                                if let Some(answer) = answer(&mut store, &function) {
                                    results[0] = answer;
                                }
                                Ok(())
                            };
                        instance.func_new(name, answer).unwrap();
                    }
                    _ => {}
                }
            }
        }
        let mut store = Store::new(&engine, Notes { blocks_in_get, ..Notes::default() });
        let instance = linker.instantiate(&mut store, &component).unwrap();
        Self { instance, store }
    }

    /// Calls a function of the component, for which the agent's answer has this body. Returns what it called meanwhile.
    pub(super) fn call(&mut self, interface: &str, name: &str, arguments: &[Val], body: &str) -> (Val, Vec<String>) {
        let Self { instance, store } = self;
        let notes = store.data_mut();
        (notes.body, notes.has_waited) = ([body.as_bytes().to_vec()].into(), false);
        notes.calls.clear();
        let interface = instance.get_export_index(&mut *store, None, &format!("felhom:agentapi/{interface}@0.2.0"));
        let function = instance.get_export_index(&mut *store, interface.as_ref(), name).unwrap();
        let mut results = [Val::Bool(false)];
        instance.get_func(&mut *store, function).unwrap().call(&mut *store, arguments, &mut results).unwrap();
        let [result] = results;
        (result, std::mem::take(&mut store.data_mut().calls))
    }
}

fn resource_type(name: &str) -> u32 {
    let aliases = HashMap::from([("headers", "fields"), ("trailers", "fields"), ("io-error", "error")]);
    let name = aliases.get(name).unwrap_or(&name);
    RESOURCES.iter().position(|known| known == name).unwrap_or_else(|| panic!("{name}")) as u32
}

/// `[method]fields.append` as `fields.append`.
fn plain(name: &str) -> String {
    match name.split_once(']') {
        Some(("[constructor", resource)) => format!("{resource}.new"),
        Some((_, function)) => function.to_owned(),
        None => name.to_owned(),
    }
}

/// A call with those of its arguments that tell it from others: how long a body's piece is, which header it is.
fn noted(function: &str, given: &[Val]) -> String {
    match (function, given) {
        ("output-stream.blocking-write-and-flush", [_, Val::List(bytes)]) => {
            format!("{function} {} bytes", bytes.len())
        }
        ("fields.append", [_, Val::String(name), _]) => format!("{function} {name}"),
        _ => function.to_owned(),
    }
}

fn answer(store: &mut StoreContextMut<'_, Notes>, function: &str) -> Option<Val> {
    let ok = |value: Option<Val>| Some(Val::Result(Ok(value.map(Box::new))));
    match function {
        "pin" | "fields.append" | "fields.set" | "outgoing-body.finish" | "output-stream.blocking-write-and-flush" => {
            ok(None)
        }
        "fields.new" | "fields.clone" => Some(own(store, "fields")),
        "outgoing-request.new" => Some(own(store, "outgoing-request")),
        "outgoing-request.body" => ok(Some(own(store, "outgoing-body"))),
        "outgoing-body.write" => ok(Some(own(store, "output-stream"))),
        "handle" => ok(Some(own(store, "future-incoming-response"))),
        "future-incoming-response.get" => Some(Val::Option(response(store).map(Box::new))),
        "future-incoming-response.subscribe" => Some(own(store, "pollable")),
        "pollable.block" => {
            store.data_mut().has_waited = true;
            None
        }
        "incoming-response.status" => Some(Val::U16(200)),
        "incoming-response.consume" => ok(Some(own(store, "incoming-body"))),
        "incoming-body.stream" => ok(Some(own(store, "input-stream"))),
        "input-stream.read" | "input-stream.blocking-read" => {
            Some(Val::Result(match store.data_mut().body.pop_front() {
                Some(chunk) => Ok(Some(Box::new(Val::List(chunk.into_iter().map(Val::U8).collect())))),
                None => Err(Some(Box::new(Val::Variant("closed".into(), None)))),
            }))
        }
        setter if setter.starts_with("outgoing-request.set-") => ok(None),
        other => panic!("{other} is no part of the order of calls"),
    }
}

/// The answer of `get`, once there is one.
fn response(store: &mut StoreContextMut<'_, Notes>) -> Option<Val> {
    let Notes { blocks_in_get, has_waited, .. } = store.data();
    if !blocks_in_get && !has_waited {
        return None;
    }
    let response = own(store, "incoming-response");
    Some(Val::Result(Ok(Some(Box::new(Val::Result(Ok(Some(Box::new(response)))))))))
}

fn own(store: &mut StoreContextMut<'_, Notes>, resource: &str) -> Val {
    let notes = store.data_mut();
    notes.resources += 1;
    let resource = ResourceDynamic::new_own(notes.resources, resource_type(resource));
    Val::Resource(resource.try_into_resource_any(store).unwrap())
}
