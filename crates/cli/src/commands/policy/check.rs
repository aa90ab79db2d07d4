//! `agentapi policy check`.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use agentapi_host::loader::LoadLimits;
use agentapi_host::policy::{Function, Grant, Grants, Imports, Limits, LoadError};
use agentapi_registry::{Wishes, manifest_of};
use serde_json::{Value, json};

use crate::print::escape::visible;
use crate::print::print;
use crate::session::Session;

/// Prints what an extension imports as a grants file, with the limits that apply. Fails if no grants could load it.
pub(super) fn check(session: &Session, file: &Path) -> anyhow::Result<()> {
    let imports = session.host.build()?.imports_of_policy_file(file).map_err(|why| match why {
        LoadError::Unreadable(why) => anyhow::Error::new(why).context(format!("{} cannot be read", file.display())),
        why => why.into(),
    })?;
    let checked = Checked { named: named_by(file), imports, loading: session.host.load.limits() };
    print(&session.output.text(|| checked.to_json(), || checked.to_grants_file()))?;
    // Printed even if this fails: the forbidden imports are in what was printed.
    Ok(checked.imports.check(&Grants::of(checked.imports.functions.iter().copied()))?)
}

/// The functions that the file itself says it calls. It was read as a component before, and a section that is not right
/// says nothing: what it imports counts.
fn named_by(file: &Path) -> BTreeSet<Function> {
    let wishes = fs::read(file).ok().and_then(|wasm| manifest_of(&wasm).ok()).map(|manifest| manifest.wishes);
    let Wishes { functions, .. } = wishes.unwrap_or_default();
    let grants = functions.iter().filter_map(|text| text.parse::<Grant>().ok());
    let grants = Grants::new(grants);
    agentapi_host::policy::FUNCTIONS.iter().copied().filter(|function| grants.allows(*function)).collect()
}

/// What was found in a file.
struct Checked {
    imports: Imports,
    /// What its author says that it calls; empty where they say nothing.
    named: BTreeSet<Function>,
    loading: LoadLimits,
}

impl Checked {
    fn to_grants_file(&self) -> String {
        let Self { imports, loading, .. } = self;
        let mut text = if imports.are_whole_interfaces() { self.asked_for() } else { self.imported() };
        // Writing to a `String` never fails, here and below.
        let _ = write!(text, "\n# What a run may use; these are the defaults.\n[limits]\n{}", Limits::default());
        text.push_str("\n# What loading it may take, as set by --load-..:\n");
        for limit in loading.to_string().lines() {
            let _ = writeln!(text, "#   {limit}");
        }
        for forbidden in &imports.forbidden {
            let forbidden = visible(forbidden);
            let _ = writeln!(text, "# It imports {forbidden}, which no extension is given: it cannot be loaded.");
        }
        text
    }

    /// Of an extension that imports what it calls.
    fn imported(&self) -> String {
        let mut text = String::from("# What it imports, as grants: take out what it may not have.\nfunctions = [");
        for function in &self.imports.functions {
            let _ = write!(text, "\n    \"{function}\",");
        }
        text + "\n]\n# \"deny\" answers `denied` to what is taken out; without it the extension is refused.\nungranted = \"refuse\"\n"
    }

    /// Of an extension whose imports say nothing: what its author says, and each other function to be decided on.
    fn asked_for(&self) -> String {
        let mut text = String::from(
            "# Its language's tools import whole interfaces, so that its imports do not tell what it calls.\n",
        );
        text.push_str(match self.named.is_empty() {
            true => "# The file does not say it either: take the # from what it is to be allowed.\nfunctions = [",
            false => {
                "# These its author names in the file. Take the # from what else it is to be allowed.\nfunctions = ["
            }
        });
        for function in &self.named {
            let _ = write!(text, "\n    \"{function}\",");
        }
        for function in self.imports.functions.difference(&self.named) {
            let name = format!("\"{function}\",");
            let _ = write!(text, "\n    # {name:<27} # {}", what_it_allows(*function));
        }
        text + "\n]\n# Without this it is refused, because it imports what it is not granted.\nungranted = \"deny\"\n"
    }

    fn to_json(&self) -> Value {
        let Self { imports, named, loading } = self;
        let texts = |functions: &BTreeSet<Function>| functions.iter().map(ToString::to_string).collect::<Vec<_>>();
        json!({
            "functions": texts(&imports.functions),
            "named": texts(named),
            "whole_interfaces": imports.are_whole_interfaces(),
            "forbidden": imports.forbidden,
            "loading": {
                "size_bytes": loading.wasm_bytes,
                "code_bytes": loading.code_bytes,
                "memory_bytes": loading.memory_bytes,
                "memory_per_byte": loading.memory_per_byte,
                "cpu_ms": loading.cpu.as_millis() as u64,
                "cpu_ms_per_mib": loading.cpu_per_mib.as_millis() as u64,
                "wall_ms": loading.wall.as_millis() as u64,
            },
        })
    }
}

/// What whoever grants a function allows by it.
fn what_it_allows(function: Function) -> &'static str {
    match (function.interface(), function.name()) {
        ("storage", _) => "see what is mounted",
        ("backup", "start") => "start a backup",
        ("backup", _) => "see how backups are doing",
        ("disks", "list") => "see the disks",
        ("disks", "assign") => "mount a disk",
        ("disks", "eject") => "unmount a disk",
        ("disks", "format") => "format a disk; one with data only if a person agrees",
        ("disks", _) => "make a text of it, without a request",
        ("host-metrics", _) => "see how the host is doing",
        ("quiesce", _) => "make the applications stand still, or go on",
        ("state", _) => "remember something from run to run",
        ("notify", _) => "tell the operator something",
        _ => "no more is known of it here",
    }
}

#[cfg(test)]
mod tests {
    use agentapi_host::policy::FUNCTIONS;

    use super::what_it_allows;

    #[test]
    fn each_function_that_can_be_granted_is_explained() {
        for function in FUNCTIONS {
            assert_ne!(what_it_allows(*function), "no more is known of it here", "{function}");
        }
    }
}
