//! The users of a server, and what each may do: printed for the server's configuration, in its own syntax.

use std::fmt::Write;

use crate::name::GuestName;
use crate::nats::connect::inbox;

/// A guest as the server is to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestUser {
    /// Its name.
    pub name: GuestName,
    /// The host that it is on; a token as a guest's name is.
    pub host: GuestName,
    /// The group in which its backups are counted.
    pub slots: GuestName,
    /// The public half of its nkey.
    pub public_key: String,
}

/// What a guest may publish.
pub fn may_publish(guest: &GuestUser) -> Vec<String> {
    let GuestUser { name, slots, .. } = guest;
    let read = |table: &str, key: &str| format!("$JS.API.DIRECT.GET.KV_{table}.$KV.{table}.{key}");
    vec![
        format!("$KV.hb.{name}"),
        format!("$KV.inv.{name}"),
        format!("$KV.slot.{slots}"),
        format!("evt.{name}.>"),
        read("order", name.as_str()),
        read("vote", name.as_str()),
        read("slot", slots.as_str()),
        read("want", name.as_str()),
        read("want", "ring.*"),
        // Nothing secret, and it is asked for by its digest.
        read("ext", ">"),
    ]
}

/// The part of a server's configuration that makes the fleet's account: its users, and what each may do.
pub fn account(coordinator: &str, guests: &[GuestUser]) -> String {
    let mut text = String::from("accounts {\n  fleet {\n    jetstream: enabled\n    users: [\n");
    let mut user = |key: &str, comment: &str, publish: Option<Vec<String>>, subscribe: Option<String>| {
        let _ = writeln!(text, "      # {comment}\n      {{ nkey: {key}");
        if let (Some(publish), Some(subscribe)) = (publish, subscribe) {
            let publish: Vec<_> = publish.iter().map(|subject| format!("            \"{subject}\"")).collect();
            let _ = writeln!(
                text,
                "        permissions: {{\n          publish: {{ allow: [\n{}\n          ] }}",
                publish.join("\n")
            );
            let _ = writeln!(text, "          subscribe: {{ allow: [\"{subscribe}\"] }}\n        }}");
        }
        text.push_str("      }\n");
    };
    user(coordinator, "the coordinator, and whoever looks at the fleet", None, None);
    for guest in guests {
        let comment = format!("{} on {}", guest.name, guest.host);
        user(&guest.public_key, &comment, Some(may_publish(guest)), Some(format!("{}.>", inbox(guest.name.as_str()))));
    }
    text.push_str("    ]\n  }\n}\n");
    text
}

/// The seed of a new key, to be kept by its user alone.
pub fn new_seed() -> String {
    // Fails only for a key of which there is no private half.
    nkeys::KeyPair::new_user().seed().unwrap_or_default()
}

/// The public half of a key.
///
/// # Errors
///
/// What is wrong with the seed. It does not hold the seed.
pub fn public_key(seed: &str) -> Result<String, SeedError> {
    let key = nkeys::KeyPair::from_seed(seed).map_err(|_| SeedError)?;
    if seed.starts_with("SU") { Ok(key.public_key()) } else { Err(SeedError) }
}

/// A text that is no seed of a user's nkey.
#[derive(Debug, thiserror::Error)]
#[error("expected the seed of a user's nkey, which begins with SU, found something else")]
pub struct SeedError;

#[cfg(test)]
mod tests {
    use super::{new_seed, public_key};

    #[test]
    fn a_key_is_made_and_read_again_and_nothing_else_is_one() {
        let seed = new_seed();
        let public = public_key(&seed).unwrap();
        assert!(
            public.starts_with('U')
                && public_key(&seed).unwrap() == public
                && public_key(&new_seed()).unwrap() != public
        );
        for wrong in ["", "SUAAAA", &public, &seed[1..]] {
            let why = public_key(wrong).unwrap_err().to_string();
            assert!(why.starts_with("expected the seed") && !why.contains(&seed[3..]), "{why}");
        }
    }
}
