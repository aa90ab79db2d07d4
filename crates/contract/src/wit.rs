//! The names of the WIT package, which the host compares with what a component imports and exports.

use core::fmt;

/// The package, without its version.
pub const PACKAGE: &str = "felhom:agentapi";
/// The interface that a policy extension exports.
pub const POLICY: &str = "felhom:agentapi/policy@0.1.0";
/// The interface of the types. It has no functions, so importing it needs no grant.
pub const TYPES: &str = "felhom:agentapi/types@0.1.0";

/// A function of the package, such as `backup.due`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Function {
    interface: &'static str,
    name: &'static str,
}

impl Function {
    /// The function of this name in this interface.
    pub const fn new(interface: &'static str, name: &'static str) -> Self {
        Self { interface, name }
    }

    /// The interface that it is of, such as `backup`.
    pub const fn interface(self) -> &'static str {
        self.interface
    }

    /// Its name within the interface, such as `due`.
    pub const fn name(self) -> &'static str {
        self.name
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.interface, self.name)
    }
}
