//! `agentapi policy keygen`.

use std::path::PathBuf;

use agentapi_registry::place;
use agentapi_registry::sign::NewKey;
use agentapi_registry::signature::PublicKey;
use anyhow::Context;
use serde_json::json;

use crate::commands::policy::distribution::{KeygenOptions, key};
use crate::error::CommandError;
use crate::print::Output;
use crate::status::ExitStatus;

/// Makes a key, and prints its public half.
pub(super) fn run(options: &KeygenOptions, output: Output) -> anyhow::Result<()> {
    let KeygenOptions { key: file, no_password, key_password_file } = options;
    let password = match no_password {
        true => None,
        false => Some(key::password(key_password_file.as_deref(), ask_twice)?),
    };
    let new = NewKey::generate(password.as_deref())?;
    let public: PublicKey = new.public.parse()?;
    let mut of_public = file.as_os_str().to_owned();
    of_public.push(".pub");
    let of_public = PathBuf::from(of_public);
    let unwritten = |file: &PathBuf| format!("{} cannot be written", file.display());
    place::write_secret(file, new.secret.as_bytes()).with_context(|| unwritten(file))?;
    place::write(&of_public, new.public.as_bytes()).with_context(|| unwritten(&of_public))?;
    let record = json!({ "key": public.id(), "public": public.as_str(), "file": file, "public_file": of_public });
    output.report(ExitStatus::Done, &record, |_| {
        format!("{}\n  key {}, in {} and {}\n", public.as_str(), public.id(), file.display(), of_public.display())
    })
}

fn ask_twice() -> anyhow::Result<String> {
    let password = key::ask("Password for the new key: ")?;
    match key::ask("The same once more: ")? == password {
        true => Ok(password),
        false => Err(CommandError::new("the two passwords differ: no key is made").into()),
    }
}
