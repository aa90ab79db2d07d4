//! `agentapi fleet users`: keys in files of their own, and the server's configuration.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use agentapi_fleet::name::GuestName;
use agentapi_fleet::nats::COORDINATOR;
use agentapi_fleet::nats::users::{GuestUser, account, new_seed, public_key};
use anyhow::Context;
use serde_json::json;

use crate::error::UsageError;
use crate::print::Output;

/// Makes the keys that are missing, and prints the account.
pub(super) fn run(keys: &Path, guests: &[String], output: Output) -> anyhow::Result<()> {
    let guests: Vec<_> = guests.iter().map(|text| guest_at(text)).collect::<Result<_, _>>()?;
    for (index, [name, ..]) in guests.iter().enumerate() {
        let is_twice = guests.iter().take(index).any(|[other, ..]| other == name);
        if is_twice || name.as_str() == COORDINATOR {
            let why = if is_twice { "it is there twice" } else { "it is the coordinator's" };
            return Err(UsageError(format!("expected names of guests that differ, found {name}: {why}")).into());
        }
    }
    fs::DirBuilder::new().recursive(true).mode(0o700).create(keys).with_context(|| keys.display().to_string())?;
    let coordinator = key_of(keys, COORDINATOR)?;
    let user = |[name, host, slots]: [GuestName; 3]| {
        Ok(GuestUser { public_key: key_of(keys, name.as_str())?, name, host, slots })
    };
    let users: Vec<_> = guests.into_iter().map(user).collect::<anyhow::Result<_>>()?;
    let account = account(&coordinator, &users);
    Ok(output.show(&json!({"account": account}), |_| account.clone())?)
}

/// `web1@pve1`, or `web1@pve1/pbs1` where backups are counted in another group than the host's.
fn guest_at(text: &str) -> Result<[GuestName; 3], UsageError> {
    let wrong =
        |why: String| UsageError(format!("expected a guest and its host, such as web1@pve1, found {text:?}{why}"));
    let (name, rest) = text.split_once('@').ok_or_else(|| wrong(String::new()))?;
    let (host, slots) = rest.split_once('/').unwrap_or((rest, rest));
    let parse = |part: &str| part.parse::<GuestName>().map_err(|why| wrong(format!(": {why}")));
    Ok([parse(name)?, parse(host)?, parse(slots)?])
}

/// The public half of the key in its file, which is made where it is not there.
fn key_of(keys: &Path, user: &str) -> anyhow::Result<String> {
    let file = keys.join(format!("{user}.seed"));
    let in_file = || format!("the key in {}", file.display());
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file) {
        Ok(mut new) => {
            let seed = new_seed();
            new.write_all(seed.as_bytes()).and_then(|()| new.sync_all()).with_context(in_file)?;
            public_key(&seed).with_context(in_file)
        }
        Err(why) if why.kind() == ErrorKind::AlreadyExists => {
            let seed = fs::read_to_string(&file).with_context(in_file)?;
            public_key(seed.trim()).with_context(in_file)
        }
        Err(why) => Err(why).with_context(in_file),
    }
}
