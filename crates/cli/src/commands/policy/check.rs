//! `agentapi policy check`.

use std::fmt::Write;
use std::path::Path;

use agentapi_host::loader::LoadLimits;
use agentapi_host::policy::{Grants, Imports, Limits, LoadError};
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
    let loading = session.host.load.limits();
    print(&session.output.text(|| to_json(&imports, &loading), || to_grants_file(&imports, &loading)))?;
    // Printed even if this fails: the forbidden imports are in what was printed.
    Ok(imports.check(&Grants::of(imports.functions.iter().copied()))?)
}

fn to_grants_file(imports: &Imports, loading: &LoadLimits) -> String {
    let mut text = String::from("# What it imports, as grants: take out what it may not have.\nfunctions = [");
    // Writing to a `String` never fails, here and below.
    for function in &imports.functions {
        let _ = write!(text, "\n    \"{function}\",");
    }
    text.push_str("\n]\n# \"deny\" answers `denied` to what is taken out; without it the extension is refused.\nungranted = \"refuse\"\n");
    let _ = write!(text, "\n# What a run may use; these are the defaults.\n[limits]\n{}", Limits::default());
    text.push_str("\n# What loading it may take, as set by --load-..:\n");
    for limit in loading.to_string().lines() {
        let _ = writeln!(text, "#   {limit}");
    }
    for forbidden in &imports.forbidden {
        let _ =
            writeln!(text, "# It imports {}, which no extension is given: it cannot be loaded.", visible(forbidden));
    }
    text
}

fn to_json(imports: &Imports, loading: &LoadLimits) -> Value {
    let functions: Vec<_> = imports.functions.iter().map(ToString::to_string).collect();
    json!({
        "functions": functions,
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
