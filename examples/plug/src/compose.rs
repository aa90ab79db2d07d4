//! The client and an extension as one component: what the extension imports, the client's exports satisfy.
//!
//! The whole imports what the client imports, and exports what the client exports and the extension's `policy`. Inside
//! a client there are no grants and there is nobody to ask, so an extension that imports more than the operations, or
//! the one that wipes disks, is refused.

use std::collections::BTreeSet;
use std::error::Error;

use wac_graph::types::{ItemKind, Package};
use wac_graph::{CompositionGraph, EncodeOptions, NodeId, PackageId};

const DISKS: &str = "felhom:agentapi/disks@0.2.1";
const POLICY: &str = "felhom:agentapi/policy@0.2.1";
const SESSION: &str = "felhom:agentapi/session@0.2.1";
const TYPES: &str = "felhom:agentapi/types@0.2.1";

/// One component of the two.
pub(crate) fn plug(client: &[u8], extension: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut graph = CompositionGraph::new();
    let client = register(&mut graph, "client", client)?;
    let extension = register(&mut graph, "extension", extension)?;
    if !exports(&graph, extension).any(|name| name == POLICY) {
        return Err(format!("expected an extension that exports {POLICY}, found one that does not").into());
    }
    let surplus = surplus(&graph, client, extension);
    if !surplus.is_empty() {
        let names: Vec<_> = surplus.into_iter().collect();
        return Err(format!("the extension imports what a plugged one is not given: {}", names.join(", ")).into());
    }

    let operations: Vec<_> = imports(&graph, extension).filter(|(name, _)| *name != TYPES).map(owned).collect();
    let client_exports: Vec<_> = exports(&graph, client).map(String::from).collect();
    let client = graph.instantiate(client);
    let extension = graph.instantiate(extension);
    for name in operations {
        let operation = graph.alias_instance_export(client, &name)?;
        graph.set_instantiation_argument(extension, &name, operation)?;
    }
    for name in client_exports {
        export(&mut graph, client, &name)?;
    }
    export(&mut graph, extension, POLICY)?;
    Ok(graph.encode(EncodeOptions::default())?)
}

fn register(graph: &mut CompositionGraph, name: &str, wasm: &[u8]) -> Result<PackageId, Box<dyn Error>> {
    let package = Package::from_bytes(name, None, wasm, graph.types_mut());
    let package = package.map_err(|why| format!("the {name} is no component: {why:#}"))?;
    Ok(graph.register_package(package)?)
}

/// What an extension imports and is not given here, by name.
fn surplus(graph: &CompositionGraph, client: PackageId, extension: PackageId) -> BTreeSet<String> {
    let mut surplus = BTreeSet::new();
    for (name, item) in imports(graph, extension) {
        let is_operation = name != SESSION && exports(graph, client).any(|export| export == name);
        if name != TYPES && !is_operation {
            surplus.insert(name.to_owned());
        }
        if name == DISKS && has(graph, item, "format") {
            surplus.insert(format!("{name} format"));
        }
    }
    surplus
}

fn imports(graph: &CompositionGraph, package: PackageId) -> impl Iterator<Item = (&str, ItemKind)> {
    graph.types()[graph[package].ty()].imports.iter().map(|(name, item)| (name.as_str(), *item))
}

fn exports(graph: &CompositionGraph, package: PackageId) -> impl Iterator<Item = &str> {
    graph.types()[graph[package].ty()].exports.keys().map(String::as_str)
}

fn owned((name, _): (&str, ItemKind)) -> String {
    name.to_owned()
}

fn has(graph: &CompositionGraph, interface: ItemKind, function: &str) -> bool {
    matches!(interface, ItemKind::Instance(interface) if graph.types()[interface].exports.contains_key(function))
}

fn export(graph: &mut CompositionGraph, instance: NodeId, name: &str) -> Result<(), Box<dyn Error>> {
    let item = graph.alias_instance_export(instance, name)?;
    Ok(graph.export(item, name)?)
}
