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
//! ungranted = "deny"   # or "refuse", which holds without it
//! ```

use std::collections::BTreeSet;
use std::str::FromStr;

use agentapi_contract::wit::Function;
use agentapi_contract::{Route, config_error};
use serde::Deserialize;

use crate::policy::limits::Limits;

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
#[non_exhaustive]
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
#[error("expected a grant such as backup.due or backup.*, found {found:?}; there are {}", function_names())]
pub struct GrantError {
    found: String,
}

/// Why a TOML text is no [`Grants`]: the place in it, what was expected and what was found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct GrantsTomlError(String);

impl GrantsTomlError {
    /// Not the parser's own text, which quotes the line: somebody may have named the file with the token instead.
    fn new(text: &str, error: &toml::de::Error) -> Self {
        Self(config_error(text, error.span().map(|span| span.start), error.message()))
    }
}

/// Every function that can be granted: those that make a request, the two helpers, and the host's own.
pub const FUNCTIONS: &[Function] = {
    use Route::{AssignDisk, BackupDue, BackupStatus, Disks, EjectDisk, FormatDisk, HostMetrics, StartBackup, Storage};
    &[
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
        STATE_GET,
        STATE_SET,
        STATE_DELETE,
        STATE_LIST,
        NOTIFY_SEND,
        NOTIFY_CLEAR,
    ]
};

pub(super) const FS_UUID: Function = Function::new("disks", "fs-uuid");
pub(super) const OPSIGN_COMMAND: Function = Function::new("disks", "opsign-command");
pub(super) const FREEZE: Function = Function::new("quiesce", "freeze");
pub(super) const THAW: Function = Function::new("quiesce", "thaw");
pub(super) const STATE_GET: Function = Function::new("state", "get");
pub(super) const STATE_SET: Function = Function::new("state", "set");
pub(super) const STATE_DELETE: Function = Function::new("state", "delete");
pub(super) const STATE_LIST: Function = Function::new("state", "list");
pub(super) const NOTIFY_SEND: Function = Function::new("notify", "send");
pub(super) const NOTIFY_CLEAR: Function = Function::new("notify", "clear");

/// The function of these names, if it can be granted.
pub(super) fn find_function(interface: &str, name: &str) -> Option<Function> {
    FUNCTIONS.iter().copied().find(|function| function.interface() == interface && function.name() == name)
}

impl Grants {
    /// These grants; an extension that imports more is refused at load.
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
    /// [`GrantsTomlError`] when it is not TOML, has other keys, or a text in it is no [`Grant`].
    pub fn from_toml(text: &str) -> Result<Self, GrantsTomlError> {
        toml::from_str(text).map_err(|error| GrantsTomlError::new(text, &error))
    }

    /// Reads grants and, in a table `limits`, [`Limits`]: the file of `agentapi policy run`.
    ///
    /// # Errors
    ///
    /// As [`from_toml`](Self::from_toml), and for a key in `limits` that is no limit.
    pub fn and_limits_from_toml(text: &str) -> Result<(Self, Limits), GrantsTomlError> {
        // Not `#[serde(flatten)]` of `Grants`: it does not work together with `deny_unknown_fields`, and a grant that
        // is misspelt must not be passed over.
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
        let File { functions, ungranted, limits } =
            toml::from_str(text).map_err(|error| GrantsTomlError::new(text, &error))?;
        Ok((Self { functions, ungranted }, limits))
    }

    /// The same grants, with this treatment of extensions that import more.
    #[must_use]
    pub fn ungranted(self, ungranted: Ungranted) -> Self {
        Self { ungranted, ..self }
    }

    /// Whether a function may be called.
    pub fn allows(&self, function: Function) -> bool {
        self.functions.iter().any(|grant| grant.0.contains(&function))
    }

    pub(super) fn refuses_ungranted(&self) -> bool {
        self.ungranted == Ungranted::Refuse
    }
}

impl FromStr for Grant {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        let is_granted = |function: &Function| {
            text.split_once('.').is_some_and(|(interface, name)| {
                function.interface() == interface && (name == "*" || function.name() == name)
            })
        };
        let functions: BTreeSet<_> = FUNCTIONS.iter().copied().filter(is_granted).collect();
        // A grant of nothing is a misspelt one. Accepted, it would only show when the extension is denied.
        if functions.is_empty() { Err(GrantError { found: text.into() }) } else { Ok(Self(functions)) }
    }
}

impl TryFrom<String> for Grant {
    type Error = GrantError;

    fn try_from(text: String) -> Result<Self, GrantError> {
        text.parse()
    }
}

fn function_names() -> String {
    let names: Vec<_> = FUNCTIONS.iter().map(ToString::to_string).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::{FUNCTIONS, Grant, Grants, Ungranted};

    fn allowed(grants: &[&str]) -> Vec<String> {
        let grants = Grants::new(grants.iter().map(|text| text.parse().unwrap()));
        FUNCTIONS.iter().filter(|&&function| grants.allows(function)).map(ToString::to_string).collect()
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

    #[test]
    fn an_error_in_toml_shows_no_value_because_the_file_may_be_the_one_with_the_token() {
        let cases = [
            "s3cret",
            "s3cret==",
            "s3cret\n",
            "\"s3cret\"",
            "functions = s3cret",
            "functions = \"s3cret\"",
            "functions = [\"backup.*\", 7, \"s3cret\"]",
            "ungranted = \"s3cret\"",
            "token = \"s3cret\"",
            "functions = []\ntoken = \"s3cret",
            "[limits]\ncpu_ms = \"s3cret\"",
        ];
        for text in cases {
            let error = Grants::and_limits_from_toml(text).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("s3c"), "{text:?}: {error}");
            assert!(error.to_string().starts_with("line "), "{text:?}: {error}");
        }
    }

    #[test]
    fn an_error_in_toml_says_where_it_is_and_what_was_expected() {
        let error = Grants::and_limits_from_toml("functions = []\n[limits]\ncpu = 1\n").unwrap_err().to_string();
        assert!(
            error.contains("line 3, column 1") && error.contains("unknown field `cpu`, expected one of"),
            "{error}"
        );
    }
}
