//! What an extension asks for by importing it, held against what it was granted.

use std::collections::BTreeSet;

use agentapi_contract::wit::{Function, POLICY, TYPES, interface_name};
use wasmtime::Engine;
use wasmtime::component::Component;
use wasmtime::component::types::{ComponentInstance, ComponentItem};

use crate::policy::error::LoadError;
use crate::policy::grants::{FUNCTIONS, Grants, find_function};
use crate::policy::wasi;

/// What an extension imports; made by [`Host::imports_of_policy`](crate::Host::imports_of_policy).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Imports {
    /// Functions of the contract: what it must be granted.
    pub functions: BTreeSet<Function>,
    /// Interfaces that no extension is given, such as `wasi:http/outgoing-handler@0.2.0`.
    pub forbidden: BTreeSet<String>,
    exports_policy: bool,
}

impl Imports {
    /// Reads them from a component's type: nothing of it runs.
    pub(super) fn of(component: &Component) -> Self {
        let engine = component.engine();
        let component = component.component_type();
        let exports_policy = component.exports(engine).any(|(name, _)| interface_name(name) == interface_name(POLICY));
        let mut imports = Self { exports_policy, ..Self::default() };
        for (name, item) in component.imports(engine) {
            if is_offered(name) {
                continue;
            }
            match (interface_name(name), &item.ty) {
                (Some(interface), ComponentItem::ComponentInstance(instance)) => {
                    imports.add_interface(engine, name, interface, instance);
                }
                _ => drop(imports.forbidden.insert(name.to_owned())),
            }
        }
        imports
    }

    fn add_interface(&mut self, engine: &Engine, name: &str, interface: &str, instance: &ComponentInstance) {
        for (function, item) in instance.exports(engine) {
            // The types beside the functions do nothing by themselves.
            if !matches!(item.ty, ComponentItem::ComponentFunc(_)) {
                continue;
            }
            match find_function(interface, function) {
                // What shows the time and takes lines needs no grant.
                _ if GIVEN_TO_ALL.contains(&interface) => {}
                Some(function) => drop(self.functions.insert(function)),
                None => drop(self.forbidden.insert(format!("{name} {function}"))),
            }
        }
    }

    /// Whether the tools of its language import whole interfaces, used or not, so that the imports say nothing of what it
    /// calls: then all that reads and all that acts is among them.
    pub fn are_whole_interfaces(&self) -> bool {
        let whole = |interface: &str| {
            let of_interface = |function: &&Function| function.interface() == interface;
            FUNCTIONS.iter().filter(of_interface).all(|function| self.functions.contains(function))
        };
        ["storage", "backup", "disks", "host-metrics", "quiesce"].into_iter().all(whole)
    }

    /// Whether an extension with these imports may be loaded.
    ///
    /// # Errors
    ///
    /// [`LoadError::NoPolicy`], [`LoadError::Forbidden`], [`LoadError::Ungranted`].
    pub fn check(&self, grants: &Grants) -> Result<(), LoadError> {
        if !self.exports_policy {
            return Err(LoadError::NoPolicy);
        }
        if !self.forbidden.is_empty() {
            return Err(LoadError::Forbidden(self.forbidden.clone()));
        }
        let (granted, missing): (BTreeSet<_>, BTreeSet<_>) =
            self.functions.iter().partition(|function| grants.allows(**function));
        if missing.is_empty() || !grants.refuses_ungranted() {
            return Ok(());
        }
        Err(LoadError::Ungranted { imported: self.functions.clone(), granted, missing })
    }
}

/// The interfaces of the contract whose functions every extension may call.
const GIVEN_TO_ALL: [&str; 2] = ["clock", "log"];

/// Whether every extension is given this interface. The contract's types need no grant: they have no functions.
fn is_offered(name: &str) -> bool {
    interface_name(name) == interface_name(TYPES) || wasi::is_offered(name)
}
