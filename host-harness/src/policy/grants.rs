//! Grants: which functions of the contract an extension may call.
//!
//! | form | grants |
//! | --- | --- |
//! | `backup.due` | this function |
//! | `backup.*` | every function of this interface |
//!
//! Anything else is refused when it is read. A call is allowed if one grant names its function; an empty list allows
//! nothing. As TOML:
//!
//! ```toml
//! functions = ["backup.due", "disks.*"]
//! ungranted = "deny"   # or "refuse", which is what holds without it
//! ```

use std::collections::BTreeSet;
use std::str::FromStr;

use agentapi_contract::Route;
use agentapi_contract::wit::Function;
use serde::Deserialize;

use super::Limits;

/// What an extension may call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grants {
    #[serde(default)]
    functions: Vec<Grant>,
    #[serde(default)]
    ungranted: Ungranted,
}

/// What becomes of an extension that imports a function which it is not granted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ungranted {
    /// It is not loaded.
    #[default]
    Refuse,
    /// It is loaded, and the function answers `denied`. For languages whose tools import whole interfaces.
    Deny,
}

/// One permission: a function, or all of an interface.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Grant(BTreeSet<Function>);

/// Why a text is no [`Grant`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a grant such as backup.due or backup.*, found {found:?}; there are {}", known())]
pub struct GrantError {
    found: String,
}

/// Every function that can be granted: those that make a request, the two helpers, and the host's own.
pub const FUNCTIONS: [Function; 13] = {
    use Route::{AssignDisk, BackupDue, BackupStatus, Disks, EjectDisk, FormatDisk, HostMetrics, StartBackup, Storage};
    [
        Storage.function(),
        BackupDue.function(),
        StartBackup.function(),
        BackupStatus.function(),
        Disks.function(),
        AssignDisk.function(),
        EjectDisk.function(),
        FormatDisk.function(),
        FS_UUID,
        OPSIGN_COMMAND,
        HostMetrics.function(),
        FREEZE,
        THAW,
    ]
};

pub(super) const FS_UUID: Function = Function::new("disks", "fs-uuid");
pub(super) const OPSIGN_COMMAND: Function = Function::new("disks", "opsign-command");
pub(super) const FREEZE: Function = Function::new("quiesce", "freeze");
pub(super) const THAW: Function = Function::new("quiesce", "thaw");

/// The function of these names, if it can be granted.
pub(super) fn grantable(interface: &str, name: &str) -> Option<Function> {
    FUNCTIONS.into_iter().find(|function| function.interface() == interface && function.name() == name)
}

impl Grants {
    /// These grants; what is not granted is refused at load.
    pub fn new(functions: impl IntoIterator<Item = Grant>) -> Self {
        Self { functions: functions.into_iter().collect(), ungranted: Ungranted::Refuse }
    }

    /// Grants for these functions and no others.
    pub fn of(functions: impl IntoIterator<Item = Function>) -> Self {
        Self::new([Grant(functions.into_iter().collect())])
    }

    /// Reads grants as TOML.
    ///
    /// # Errors
    ///
    /// When it is not TOML, has other keys, or a text in it is no [`Grant`].
    pub fn from_toml(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// Reads grants and, in a table `limits`, [`Limits`]: the file of `agentapi policy run`.
    ///
    /// # Errors
    ///
    /// As [`from_toml`](Self::from_toml), and for a limit that there is not.
    pub fn and_limits_from_toml(text: &str) -> Result<(Self, Limits), toml::de::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct File {
            #[serde(default)]
            functions: Vec<Grant>,
            #[serde(default)]
            ungranted: Ungranted,
            #[serde(default)]
            limits: Limits,
        }
        let File { functions, ungranted, limits } = toml::from_str(text)?;
        Ok((Self { functions, ungranted }, limits))
    }

    /// The same grants with another fate for what is not granted.
    #[must_use]
    pub fn ungranted(self, ungranted: Ungranted) -> Self {
        Self { ungranted, ..self }
    }

    /// Whether a function may be called.
    pub fn allow(&self, function: Function) -> bool {
        self.functions.iter().any(|grant| grant.0.contains(&function))
    }

    pub(super) fn refuses_ungranted(&self) -> bool {
        self.ungranted == Ungranted::Refuse
    }
}

impl FromStr for Grant {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        let named = |function: &Function| {
            text.split_once('.').is_some_and(|(interface, name)| {
                function.interface() == interface && (name == "*" || function.name() == name)
            })
        };
        let functions: BTreeSet<_> = FUNCTIONS.into_iter().filter(named).collect();
        if functions.is_empty() { Err(GrantError { found: text.into() }) } else { Ok(Self(functions)) }
    }
}

impl TryFrom<String> for Grant {
    type Error = GrantError;

    fn try_from(text: String) -> Result<Self, GrantError> {
        text.parse()
    }
}

fn known() -> String {
    FUNCTIONS.map(|function| function.to_string()).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(grants: &[&str]) -> Vec<String> {
        let grants = Grants::new(grants.iter().map(|text| text.parse().unwrap()));
        FUNCTIONS.into_iter().filter(|&function| grants.allow(function)).map(|f| f.to_string()).collect()
    }

    #[test]
    fn a_grant_is_a_function_or_an_interface_and_nothing_is_granted_by_nothing() {
        assert_eq!(allowed(&["backup.due"]), ["backup.due"]);
        assert_eq!(allowed(&["backup.*"]), ["backup.due", "backup.start", "backup.status"]);
        assert_eq!(allowed(&["storage.mounts", "quiesce.*"]), ["storage.mounts", "quiesce.freeze", "quiesce.thaw"]);
        assert!(allowed(&[]).is_empty());
    }

    #[test]
    fn anything_else_is_refused_with_the_list_of_what_there_is() {
        for text in
            ["", "*", "*.*", "backup", "backup.", ".due", "backup.d*", "Backup.due", "backup.due.x", "session.connect"]
        {
            let error = text.parse::<Grant>().unwrap_err().to_string();
            assert!(error.contains(&format!("found {text:?}; there are storage.mounts, backup.due")), "{error}");
        }
    }

    #[test]
    fn toml_says_the_same() {
        let text = "functions = [\"backup.*\", \"disks.list\"]\nungranted = \"deny\"\n";
        let built = Grants::new(["backup.*".parse().unwrap(), "disks.list".parse().unwrap()]);
        assert_eq!(Grants::from_toml(text).unwrap(), built.ungranted(Ungranted::Deny));
        assert_eq!(Grants::from_toml("").unwrap(), Grants::default());
        assert!(Grants::from_toml("functions = [\"backup.all\"]").is_err());
        assert!(Grants::from_toml("function = []").is_err());
    }
}
