//! The users of a server, and what each may do: printed for the server's configuration, in its own syntax.

use std::fmt::Write;

use crate::name::GuestName;
use crate::nats::connect::inbox;

/// A guest as the server is to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestUser {
    /// Its name.
    pub name: GuestName,
    /// The host on which its backups share slots; a token as a guest's name is.
    pub host: GuestName,
    /// The public half of its nkey.
    pub public_key: String,
}

/// What a guest may publish.
pub fn may_publish(guest: &GuestUser) -> Vec<String> {
    let GuestUser { name, host, .. } = guest;
    let read = |table: &str, key: &str| format!("$JS.API.DIRECT.GET.KV_{table}.$KV.{table}.{key}");
    vec![
        format!("$KV.hb.{name}"),
        format!("$KV.inv.{name}"),
        format!("evt.{name}.>"),
        format!("$KV.slot.{host}.*"),
        read("slot", &format!("{host}.*")),
        read("want", "all"),
        read("want", "ring.*"),
        read("want", &format!("guest.{name}")),
        read("order", &name.to_string()),
        read("vote", &name.to_string()),
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
