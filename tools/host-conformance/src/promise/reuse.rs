//! Nothing is reused across pins, and no connection on which bytes came that nobody asked for.

use std::time::Duration;

use agentapi_scripted_agent::{Answer, Delivery, Opening, Place};
use serde_json::{Value, json};

use crate::promise::bodies::{JOB, STORAGE, job_value, storage, storage_value, whole};
use crate::scene::{Scene, kind, ok};

/// A call for each place that unasked bytes can have, and so many of them.
const CALLS: usize = 5;

pub(crate) fn scenes() -> Vec<Scene> {
    let last = || storage().delivery(Delivery::CloseBeforeRequest);
    let renewed = || storage().opening(Opening::WrongCertificate);
    let mut scenes = vec![
        Scene::new("a certificate that was changed is refused, after calls that went well", [last(), renewed()])
            .call("storage", [ok()])
            .call_after_unasked("storage", [kind("pin-mismatch")])
            .call("start-backup", [kind("pin-mismatch")])
            .requests(1..=1),
        Scene::new("a change to the second of two pins is followed", [last(), renewed()])
            .fingerprints(|agent| vec![agent.fingerprint(), agent.other_fingerprint()])
            .call("storage", [ok()])
            .call_after_unasked("storage", [ok()])
            .requests(2..=2),
        Scene::new("many calls in turn are each answered", [storage()])
            .call("storage", [ok()])
            .call("disks", [ok()])
            .call("backup-due", [ok()])
            .call("storage", [ok()])
            .requests(4..=4),
    ];
    let later = Place::Later(Duration::from_millis(1));
    let operations = [("storage", STORAGE, storage_value()), ("start-backup", JOB, job_value())];
    for (place, name) in [
        (Place::SameRecord, "in the record of the one before"),
        (Place::SameSegment, "with the one before"),
        (later, "after the one before"),
        (Place::AcrossTheRequest, "begun before the request"),
    ] {
        for (op, body, value) in &operations {
            scenes.push(unasked(op, body, value, place, name));
        }
    }
    scenes
}

/// The agent sends an answer that nobody asked for after each that somebody did. Only the right ones may be taken.
fn unasked(op: &'static str, body: &str, value: &Value, place: Place, name: &str) -> Scene {
    let right = || [json!({"ok": true, "value": value})];
    let forged = whole(&body.replace("101", "666"));
    let answers = [Answer::new(200, body).unasked(forged, place)];
    let scene = Scene::new(format!("an answer that came unasked {name} is not taken: {op}"), answers);
    let scene = scene.call(op, right());
    (1..CALLS).fold(scene, |scene, _| scene.call_after_unasked(op, right())).requests(CALLS..=CALLS)
}
