//! Each thing for which a caller would do something else has an error of its own. That each error has a message is looked
//! at in every scene.

use agentapi_scripted_agent::{Answer, Delivery, Framing, Opening};
use serde_json::json;

use crate::promise::bodies::{STORAGE, storage, whole};
use crate::scene::{Scene, kind, ok, status};

pub(crate) fn scenes() -> Vec<Scene> {
    let opened = |name: &str, opening, wanted: &str| {
        let scene = Scene::new(format!("{name} is {wanted}"), [storage().opening(opening)]);
        // Not even half a request: what arrives at an agent without TLS is the client's first record.
        scene.call("storage", [kind(wanted)]).call("start-backup", [kind(wanted)]).requests(0..=0)
    };
    let answered = |name: &str, answer, wanted| Scene::new(name, [answer]).call("storage", [wanted]).requests(1..=1);
    let own_words = json!({"kind": "agent", "message": "VM 101 is locked (backup)"});
    let refusal = r#"{"ok":false,"error":"VM 101 is locked (backup)"}"#;
    let unavailable = Answer::new(503, "<html>down</html>");
    let another_type = Answer::new(200, r#"{"ok":true,"data":{"vmid":"x"}}"#);
    vec![
        opened("a refused connection", Opening::Refused, "unreachable"),
        Scene::new("a name that does not exist is unreachable", [storage()])
            .endpoint("no-such-host.invalid:8443")
            .call("storage", [kind("unreachable")])
            .silent(),
        opened("an agent that sends garbage for TLS", Opening::Garbage, "tls"),
        opened("an agent without TLS", Opening::Plain, "tls"),
        opened("a connection that is closed in the handshake", Opening::CloseAtAccept, "tls"),
        Scene::new("an agent that wants a certificate is tls", [storage().opening(Opening::RequireClientCertificate)])
            .call("storage", [kind("tls")])
            .requests(0..=0),
        answered("a status is told with its number", Answer::new(409, refusal), status(409)),
        answered("a status is told though the body is no JSON", unavailable, status(503)),
        answered("the agent's refusal is told in its words", Answer::new(200, refusal), own_words),
        answered("what is no JSON is a bad envelope", Answer::new(200, "<html>"), kind("bad-envelope")),
        answered("a field of another type is told", another_type, kind("decode")),
        answered("what is no HTTP is interrupted", Answer::raw("SSH-2.0-x\r\n\r\n"), kind("interrupted")),
        answered("a reset is interrupted", storage().delivery(Delivery::Reset), kind("interrupted")),
        answered("interim answers are skipped", interim(), ok()),
    ]
}

/// The answer after one that says only that it will come (RFC 9110, section 15.2).
fn interim() -> Answer {
    let (first, last) = ("HTTP/1.1 100 Continue\r\n\r\n", whole(STORAGE));
    Answer::new(200, format!("{first}{last}")).framing(Framing::Raw)
}
