//! Only https, and only to the one authority. That a host refuses other routes than the nine cannot be seen from outside:
//! the component asks for no other.

use agentapi_scripted_agent::{Answer, Listener, ScriptedAgent};

use crate::promise::bodies::{STORAGE, job, storage};
use crate::scene::{Scene, ok, status};

/// Where a redirect may lead: the same agent, another port of it, one with another certificate, one without TLS.
const PLACES: [&str; 4] = [
    "https://127.0.0.1:{PORT}/disks",
    "https://127.0.0.1:{PORT2}/storage",
    "https://127.0.0.1:{PORT_WRONG}/storage",
    "http://127.0.0.1:{PORT_PLAIN}/storage",
];
/// The variables by which programs are told of a proxy.
const PROXY_VARIABLES: [&str; 6] = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

pub(crate) fn scenes() -> Vec<Scene> {
    let others = [Listener::Second, Listener::WrongCertificate, Listener::Plain];
    let mut scenes = Vec::new();
    for code in [301, 302, 303, 307, 308] {
        for place in PLACES {
            let redirect = || Answer::new(code, STORAGE).header("location", place);
            let name = format!("a redirect by {code} to {place} is not followed");
            scenes.push(
                Scene::new(name, [redirect(), redirect(), job()])
                    .listeners(others)
                    .call("storage", [status(code)])
                    .call("start-backup", [status(code)])
                    .requests(2..=2)
                    .connections(1..=2),
            );
        }
    }
    scenes.push(
        Scene::new("no proxy is asked, whatever the environment names", [storage()])
            .listeners([Listener::Plain])
            .variables(proxies)
            .call("storage", [ok()])
            .requests(1..=1)
            .connections(1..=1),
    );
    scenes
}

fn proxies(agent: &ScriptedAgent) -> Vec<(String, String)> {
    let proxy = format!("http://127.0.0.1:{}", agent.port_of(Listener::Plain));
    let none = ["NO_PROXY", "no_proxy"].map(|name| (name.to_owned(), String::new()));
    PROXY_VARIABLES.into_iter().map(|name| (name.to_owned(), proxy.clone())).chain(none).collect()
}
