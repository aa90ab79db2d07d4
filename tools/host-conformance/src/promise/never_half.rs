//! A body that ends early is no answer, also where the JSON so far is complete.

use agentapi_scripted_agent::{Answer, Delivery, Framing};

use crate::promise::bodies::{STORAGE, storage, whole};
use crate::scene::{Scene, kind, ok};

pub(crate) fn scenes() -> Vec<Scene> {
    let interrupted = |name: &str, answer: Answer| {
        Scene::new(format!("{name} is no answer"), [answer, storage()])
            .call("storage", [kind("interrupted")])
            .call("storage", [ok()])
            .requests(2..=2)
    };
    let length = STORAGE.len();
    let chunk = format!("{length:x}\r\n{STORAGE}\r\n");
    let chunked = |body: &str| Answer::raw(format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{body}"));
    let longer = whole(STORAGE).replace(&format!("length: {length}"), &format!("length: {}", length + 7));
    let broken = |delivery| storage().delivery(delivery);
    let to_its_end = |delivery| storage().framing(Framing::Close).delivery(delivery);
    vec![
        interrupted("half a body with its length", broken(Delivery::TruncateBody)),
        interrupted("half a body before a reset", broken(Delivery::ResetMidBody)),
        interrupted("half a head", broken(Delivery::CloseMidHeaders)),
        interrupted("complete JSON of which more was announced", Answer::raw(longer)),
        interrupted("complete JSON without a last chunk", chunked(&chunk)),
        interrupted("complete JSON in a chunk that goes on", chunked(&format!("{:x}\r\n{STORAGE}", length + 7))),
        interrupted("complete JSON in a chunk without an end", chunked(&chunk[..chunk.len() - 2])),
        interrupted("complete JSON with half a last chunk", chunked(&format!("{chunk}0\r\n"))),
        interrupted("complete JSON whose connection ended without a close of TLS", to_its_end(Delivery::NoCloseNotify)),
        Scene::new("a body to the end of the connection is an answer", [to_its_end(Delivery::Whole)])
            .call("storage", [ok()]),
        Scene::new("a body in chunks is an answer", [storage().framing(Framing::Chunked)]).call("storage", [ok()]),
        Scene::new("a body with its length is one, however the connection ends", [broken(Delivery::NoCloseNotify)])
            .call("storage", [ok()]),
    ]
}
