//! A mebibyte of body at most, whatever the framing says, and a bounded head; what is beyond is not kept in memory.

use std::time::Duration;

use agentapi_scripted_agent::{Answer, Delivery, Framing, Place};

use crate::promise::bodies::{STORAGE, storage};
use crate::scene::{Scene, kind, ok};

const LIMIT: usize = 1 << 20;
/// A flood: far more than a program grows by for other reasons.
const FLOOD: usize = 96 << 20;
/// What a program may grow by while it reads an answer: twice the limit for each layer that copies it, and a garbage
/// collector that is late.
const GROWTH_MIB: u64 = 48;

pub(crate) fn scenes() -> Vec<Scene> {
    let mut scenes = Vec::new();
    for (framing, name) in
        [(Framing::ContentLength, "with its length"), (Framing::Chunked, "in chunks"), (Framing::Close, "to its end")]
    {
        let answer = |length| Answer::new(200, padded(length)).framing(framing);
        let whole = Scene::new(format!("a mebibyte passes, {name}"), [answer(LIMIT)]);
        scenes.push(whole.call("storage", [ok()]));
        let more = Scene::new(format!("a byte more is too large, {name}"), [answer(LIMIT + 1)]);
        scenes.push(more.call("storage", [kind("response-too-large")]));
        let flood = Scene::new(format!("a flood is not kept, {name}"), [answer(FLOOD), storage()]);
        let flood = flood.call("storage", [kind("response-too-large")]).call("storage", [ok()]);
        scenes.push(flood.grows_at_most_mib(GROWTH_MIB));
    }
    scenes.extend([
        Scene::new("a length that lies is not believed", [announced(LIMIT + 1), announced(usize::MAX / 4)])
            .call("storage", [kind("response-too-large")])
            .call("storage", [kind("response-too-large")]),
        Scene::new("a head without an end is no answer", [endless_head(), storage()])
            .call("storage", [kind("interrupted")])
            .call("storage", [ok()])
            .grows_at_most_mib(GROWTH_MIB),
        Scene::new("a header without an end is no answer", [endless_header(), storage()])
            .call("storage", [kind("interrupted")])
            .call("storage", [ok()])
            .grows_at_most_mib(GROWTH_MIB),
        Scene::new("a flood on an idle connection is not kept", [flood_while_idle(), storage()])
            .call("storage", [ok()])
            .call("storage", [ok()])
            .call("storage", [ok()])
            .grows_at_most_mib(GROWTH_MIB),
        Scene::new("the end of a body that is too large is not waited for", [unending()])
            .call("storage", [kind("response-too-large")]),
        Scene::new("a list without an end is refused", [list(70_000)]).call("disks", [kind("decode")]),
    ]);
    scenes
}

/// An answer of so many bytes.
fn padded(length: usize) -> String {
    let empty = r#"{"ok":true,"data":{"vmid":101},"pad":""}"#;
    empty.replace(r#""pad":""#, &format!(r#""pad":"{}"#, "p".repeat(length - empty.len())))
}

/// A body whose length is said to be so, and is not sent.
fn announced(length: usize) -> Answer {
    Answer::raw(format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{{}}"))
}

fn endless_head() -> Answer {
    Answer::raw("HTTP/1.1 200 OK\r\n".to_owned() + &"x: y\r\n".repeat(FLOOD / 6))
}

fn endless_header() -> Answer {
    Answer::raw("HTTP/1.1 200 OK\r\nx: ".to_owned() + &"y".repeat(FLOOD))
}

fn flood_while_idle() -> Answer {
    Answer::new(200, STORAGE).unasked(vec![b'x'; FLOOD], Place::Later(Duration::ZERO))
}

fn unending() -> Answer {
    Answer::new(200, padded(LIMIT + 1)).framing(Framing::Close).delivery(Delivery::HangAfterBody)
}

fn list(length: usize) -> Answer {
    Answer::new(200, format!(r#"{{"ok":true,"data":{{"disks":[{}]}}}}"#, vec!["{}"; length].join(",")))
}
