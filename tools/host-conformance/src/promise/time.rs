//! One deadline bounds the whole call, from the name to the last byte.

use std::time::Duration;

use agentapi_scripted_agent::{Answer, Delivery, Framing, Opening};

use crate::promise::bodies::{STORAGE, storage};
use crate::scene::{Scene, kind, ok};

/// Long enough that a busy machine does what a call does in a small part of it.
const DEADLINE: Duration = Duration::from_millis(1500);

pub(crate) fn scenes() -> Vec<Scene> {
    let late = |name: &str, answer: Answer| {
        Scene::new(format!("the deadline ends a call whose agent {name}"), [answer]).deadline(DEADLINE)
    };
    let hangs = |name: &str, answer: Answer| late(name, answer).call("storage", [kind("deadline")]).requests(0..=1);
    let unending = storage().framing(Framing::Close).delivery(Delivery::HangAfterBody);
    vec![
        hangs("does not answer the handshake", storage().opening(Opening::HandshakeHang)),
        hangs("never answers", storage().delivery(Delivery::Hang)),
        hangs("stops in the head", storage().delivery(Delivery::HangMidHeaders)),
        hangs("stops in the body", storage().delivery(Delivery::HangMidBody)),
        hangs("does not end the body", unending),
        hangs("sends a byte now and then", drip(Framing::ContentLength)),
        hangs("sends a byte now and then, in chunks", drip(Framing::Chunked)),
        late("never answers a POST", storage().delivery(Delivery::Hang))
            .call("start-backup", [kind("deadline")])
            .requests(1..=1),
        Scene::new("after a deadline the next call works", [storage().delivery(Delivery::Hang), storage()])
            .deadline(DEADLINE)
            .call("start-backup", [kind("deadline")])
            .call("storage", [ok()])
            .requests(2..=2),
    ]
}

/// Longer than the deadline in all, although no pause is long.
fn drip(framing: Framing) -> Answer {
    let long = STORAGE.to_owned() + &" ".repeat(4000);
    Answer::new(200, long).framing(framing).delivery(Delivery::Drip(Duration::from_millis(20)))
}
