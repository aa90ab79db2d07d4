//! What an extension asks for by importing it, held against what it was granted.

use std::collections::BTreeSet;
use std::fmt;

use agentapi_contract::wit::{Function, PACKAGE, POLICY, TYPES};
use wasmtime::Engine;
use wasmtime::component::Component;
use wasmtime::component::types::ComponentItem;

use super::grants::{Grants, grantable};
use super::wasi;

/// What an extension imports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imports {
    /// Functions of the contract: what it must be granted.
    pub functions: BTreeSet<Function>,
    /// Interfaces that no extension is given, such as `wasi:http/outgoing-handler@0.2.0`.
    pub forbidden: BTreeSet<String>,
    exports_policy: bool,
}

/// Why an extension is not loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// It is no component, or one for another version.
    #[error("it is no component that can be run")]
    Component(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It does not export what an extension exports.
    #[error("expected a component that exports {POLICY}, found one that does not")]
    NoPolicy,
    /// It imports what no extension is given.
    #[error("it imports what no extension is given: {}", list(.0))]
    Forbidden(BTreeSet<String>),
    /// It imports functions that it is not granted.
    #[error("it imports {}; granted are {}; missing are {}", list(imported), list(granted), list(missing))]
    Ungranted {
        /// What it imports.
        imported: BTreeSet<Function>,
        /// What of it is granted.
        granted: BTreeSet<Function>,
        /// What of it is not.
        missing: BTreeSet<Function>,
    },
}

impl Imports {
    /// Reads them off a component.
    pub fn of(engine: &Engine, component: &Component) -> Self {
        let component = component.component_type();
        let mut found =
            Self { exports_policy: component.exports(engine).any(|(name, _)| name == POLICY), ..Self::default() };
        for (name, item) in component.imports(engine) {
            let interface = name
                .strip_prefix(PACKAGE)
                .and_then(|rest| rest.strip_prefix('/'))
                .and_then(|rest| rest.split('@').next());
            match (interface, &item.ty) {
                (Some(interface), ComponentItem::ComponentInstance(instance)) if !is_offered(name) => {
                    for (function, _) in instance.exports(engine).filter(|(_, item)| is_function(&item.ty)) {
                        match grantable(interface, function) {
                            Some(function) => drop(found.functions.insert(function)),
                            None => drop(found.forbidden.insert(format!("{name} {function}"))),
                        }
                    }
                }
                _ if is_offered(name) => {}
                _ => drop(found.forbidden.insert(name.to_owned())),
            }
        }
        found
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
            self.functions.iter().partition(|function| grants.allow(**function));
        if missing.is_empty() || !grants.refuses_ungranted() {
            return Ok(());
        }
        Err(LoadError::Ungranted { imported: self.functions.clone(), granted, missing })
    }
}

/// The types say nothing that could be granted.
fn is_offered(name: &str) -> bool {
    name == TYPES || wasi::is_offered(name)
}

fn is_function(item: &ComponentItem) -> bool {
    matches!(item, ComponentItem::ComponentFunc(_))
}

fn list<T: fmt::Display>(items: &BTreeSet<T>) -> String {
    if items.is_empty() {
        return "none".into();
    }
    let texts: Vec<_> = items.iter().map(ToString::to_string).collect();
    texts.join(", ")
}
