//! `agentapi policy check`.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use agentapi_host::policy::{Grants, Imports, Limits};
use anyhow::Context;
use serde_json::{Value, json};

use crate::print::escape::visible;
use crate::print::print;
use crate::session::Session;

/// Prints what an extension imports as a grants file, with the limits that apply. Fails if no grants could load it.
pub(super) fn check(session: &Session, file: &Path) -> anyhow::Result<()> {
    let wasm = fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let imports = session.host.build()?.imports_of_policy(&wasm)?;
    print(&session.output.text(|| to_json(&imports), || to_grants_file(&imports)))?;
    // Printed even if this fails: the forbidden imports are in what was printed.
    Ok(imports.check(&Grants::of(imports.functions.iter().copied()))?)
}

fn to_grants_file(imports: &Imports) -> String {
    let mut text = String::from("# What it imports, as grants: take out what it may not have.\nfunctions = [");
    // Writing to a `String` never fails, here and below.
    for function in &imports.functions {
        let _ = write!(text, "\n    \"{function}\",");
    }
    text.push_str("\n]\n# \"deny\" answers `denied` to what is taken out; without it the extension is refused.\nungranted = \"refuse\"\n");
    let _ = write!(text, "\n# What a run may use; these are the defaults.\n[limits]\n{}", Limits::default());
    for forbidden in &imports.forbidden {
        let _ =
            writeln!(text, "# It imports {}, which no extension is given: it cannot be loaded.", visible(forbidden));
    }
    text
}

fn to_json(imports: &Imports) -> Value {
    let functions: Vec<_> = imports.functions.iter().map(ToString::to_string).collect();
    json!({ "functions": functions, "forbidden": imports.forbidden })
}
