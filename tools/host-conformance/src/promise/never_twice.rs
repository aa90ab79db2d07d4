//! A POST arrives once at most. A GET may be sent once more, on a kept-alive connection that the agent had closed.

use agentapi_scripted_agent::Delivery;

use crate::promise::bodies::{job, storage};
use crate::scene::{Scene, kind, ok};

const POSTS: [&str; 4] = ["start-backup", "assign-disk", "eject-disk", "format-disk"];

pub(crate) fn scenes() -> Vec<Scene> {
    let mut scenes = Vec::new();
    for op in POSTS {
        for (delivery, name) in [
            (Delivery::CloseBeforeResponse, "without an answer"),
            (Delivery::Reset, "by a reset"),
            (Delivery::CloseMidHeaders, "in the head"),
            (Delivery::TruncateBody, "in the body"),
        ] {
            let broken = || job().delivery(delivery);
            let name = format!("{op} is not sent again where the connection broke {name}");
            let fresh = Scene::new(format!("{name}, on a new connection"), [broken(), job()]);
            scenes.push(fresh.call(op, [kind("interrupted")]).requests(1..=1));
            let kept = Scene::new(format!("{name}, on an idle one"), [storage(), broken(), job()]);
            scenes.push(kept.call("storage", [ok()]).call(op, [kind("interrupted")]).requests(2..=2));
        }
    }
    let closed = [Delivery::CloseBeforeRequest, Delivery::ResetBeforeRequest, Delivery::NoCloseNotify];
    for (delivery, name) in closed.into_iter().zip(["closed", "reset", "ended without a close of TLS"]) {
        let scene = Scene::new(
            format!("a POST after a connection was {name} arrives once"),
            [storage().delivery(delivery), job()],
        );
        let outcome = [ok(), kind("interrupted")];
        scenes.push(scene.call("storage", [ok()]).call_after_unasked("start-backup", outcome).requests(1..=2));
    }
    let unanswered = || storage().delivery(Delivery::CloseBeforeResponse);
    scenes.extend([
        Scene::new("a GET is sent once more at most", [storage(), unanswered()])
            .call("storage", [ok()])
            .call("storage", [kind("interrupted")])
            .requests(2..=3),
        Scene::new("a GET is not sent again on a new connection", [unanswered(), storage()])
            .call("storage", [kind("interrupted")])
            .requests(1..=1),
    ]);
    scenes
}
