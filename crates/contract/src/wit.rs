//! The names of the WIT package `felhom:agentapi`, which the host compares with what a component imports and exports.
//!
//! They are constants rather than read from `wit/`, because the host has no WIT at run time, only compiled components.

use core::fmt;

/// The package's name, without its version.
pub const PACKAGE: &str = "felhom:agentapi";
/// The interface that a policy extension exports, as it stands in a component.
pub const POLICY: &str = "felhom:agentapi/policy@0.2.1";
/// The interface of the shared types, as it stands in a component. It has no functions, so importing it needs no grant.
pub const TYPES: &str = "felhom:agentapi/types@0.2.1";
/// What the versions that are compatible with this one begin with: before 1.0, semver takes the second number for the
/// major one. Within it interfaces and functions are only added.
const COMPATIBLE_VERSIONS: &str = "0.2.";

/// The name of an interface of this package, such as `storage` for `felhom:agentapi/storage@0.2.1`. None for those of other
/// packages and of versions that are not compatible with this one.
pub fn interface_name(interface: &str) -> Option<&str> {
    let (name, version) = interface.strip_prefix(PACKAGE)?.strip_prefix('/')?.split_once('@')?;
    version.starts_with(COMPATIBLE_VERSIONS).then_some(name)
}

/// A function of the package, such as `backup.due`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Function {
    interface: &'static str,
    name: &'static str,
}

impl Function {
    /// The function with this name in this interface.
    pub const fn new(interface: &'static str, name: &'static str) -> Self {
        Self { interface, name }
    }

    /// The name of its interface, such as `backup`.
    pub const fn interface(self) -> &'static str {
        self.interface
    }

    /// Its name within the interface, such as `due`.
    pub const fn name(self) -> &'static str {
        self.name
    }
}

/// The form in which grants name it, such as `backup.due`.
impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.interface, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interfaces_have_the_version_of_the_package() {
        let world = include_str!("../../../wit/world.wit");
        let declared = world.lines().find_map(|line| line.strip_prefix("package ")?.strip_suffix(';')).unwrap();
        let (package, version) = declared.split_once('@').unwrap();
        assert_eq!(package, PACKAGE);
        assert_eq!(POLICY, format!("{package}/policy@{version}"));
        assert_eq!(TYPES, format!("{package}/types@{version}"));
        assert!(version.starts_with(COMPATIBLE_VERSIONS));
    }

    #[test]
    fn interfaces_are_known_by_semver_and_not_by_their_text() {
        for (interface, name) in [
            (POLICY, Some("policy")),
            ("felhom:agentapi/storage@0.2.17", Some("storage")),
            ("felhom:agentapi/storage@0.1.0", None),
            ("felhom:agentapi/storage@0.3.0", None),
            ("felhom:agentapi/storage@0.20.0", None),
            ("felhom:agentapi/storage", None),
            ("felhom:agentapis/storage@0.2.0", None),
            ("wasi:http/types@0.2.0", None),
        ] {
            assert_eq!(interface_name(interface), name, "{interface}");
        }
    }

    #[test]
    fn a_function_is_printed_as_a_grant_names_it() {
        let function = Function::new("backup", "due");
        assert_eq!((function.interface(), function.name()), ("backup", "due"));
        assert_eq!(function.to_string(), "backup.due");
    }
}
