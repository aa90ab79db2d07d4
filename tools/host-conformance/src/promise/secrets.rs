//! The token is in the request and nowhere else. That no scene's output holds it is looked at in every scene, as are the
//! arguments of all processes; here the agent says it back.

use agentapi_scripted_agent::{Answer, Delivery};

use crate::promise::bodies::JOB;
use crate::scene::{Scene, TOKEN, kind, ok, status};

pub(crate) fn scenes() -> Vec<Scene> {
    let echo = |text: &str| format!(r#"{{"ok":false,"error":"no such token: {text}"}}"#);
    // Only whoever decodes the JSON sees this one.
    let escaped: String = TOKEN.bytes().map(|byte| format!("\\u{byte:04x}")).collect();
    let refused = Answer::new(401, echo(TOKEN)).header("www-authenticate", &format!("Bearer {TOKEN}"));
    let in_a_value = JOB.replace("bk-101-1", TOKEN);
    let head = Answer::new(200, format!("HTTP/1.1 200 {TOKEN}")).delivery(Delivery::CloseMidHeaders);
    let scene = |what: &str, answer, wanted: &[_]| {
        Scene::new(format!("a token that the agent sends back is masked: {what}"), [answer])
            .call("start-backup", wanted)
            .requests(1..=1)
    };
    vec![
        scene("with a status", refused, &[status(401)]),
        scene("in an error", Answer::new(200, echo(TOKEN)), &[kind("agent")]),
        scene("in an error, escaped", Answer::new(200, echo(&escaped)), &[kind("agent")]),
        scene("in what is no JSON", Answer::new(200, format!("<html>{TOKEN}")), &[kind("bad-envelope")]),
        scene("in a field of another type", Answer::new(200, in_a_number()), &[kind("decode")]),
        scene("in a value", Answer::new(200, in_a_value), &[ok()]),
        scene("in half a head", head, &[kind("interrupted")]),
        scene("in what is no HTTP", Answer::raw(format!("{TOKEN}\r\n\r\n")), &[kind("interrupted")]),
    ]
}

fn in_a_number() -> String {
    format!(r#"{{"ok":true,"data":{{"vmid":"{TOKEN}"}}}}"#)
}
