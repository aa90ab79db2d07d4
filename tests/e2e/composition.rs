//! An extension plugged onto the client: one component, with the client's imports and nothing more, under the same pin.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use agentapi_host::{Agent, Error, Host, Target, embedded_component};
use agentapi_mock::MockAgent;
use serde_json::Value;
use wasmtime::component::Component;
use wasmtime::{Config, Engine};

use crate::support::{build_folder, cargo, extension, host, target_of_mock};

/// Runs the example `plug`: the file of the composed component, or what it prints on failure.
fn plug(extension: &Path, output: &str) -> Result<PathBuf, String> {
    let (client, output) = (build_folder().join("client.wasm"), build_folder().join(output));
    std::fs::write(&client, embedded_component()).unwrap();
    let run = cargo().args(["run", "--quiet", "--package", "plug", "--"]).args([&client, extension, &output]).output();
    let run = run.unwrap();
    if run.status.success() { Ok(output) } else { Err(String::from_utf8(run.stderr).unwrap()) }
}

/// The client with `disk-watch` plugged onto it.
fn plugged() -> &'static Path {
    static PLUGGED: OnceLock<PathBuf> = OnceLock::new();
    PLUGGED.get_or_init(|| plug(&extension("disk-watch"), "plugged.wasm").unwrap())
}

fn plugged_host() -> &'static Host {
    static HOST: OnceLock<Host> = OnceLock::new();
    HOST.get_or_init(|| {
        Host::builder().component_file(plugged()).cache_dir(build_folder().join("e2e-cache")).build().unwrap()
    })
}

async fn plugged_agent() -> (Agent, MockAgent) {
    let mock = MockAgent::start().await.unwrap();
    (plugged_host().agent(target_of_mock(&mock)).unwrap(), mock)
}

/// Imports and exports of a component, sorted.
fn interfaces(wasm: &[u8]) -> (Vec<String>, Vec<String>) {
    let engine = Engine::new(&Config::new()).unwrap();
    let component = Component::new(&engine, wasm).unwrap();
    let component = component.component_type();
    let mut imports: Vec<_> = component.imports(&engine).map(|(name, _)| name.to_owned()).collect();
    let mut exports: Vec<_> = component.exports(&engine).map(|(name, _)| name.to_owned()).collect();
    imports.sort_unstable();
    exports.sort_unstable();
    (imports, exports)
}

#[test]
fn it_imports_what_the_client_imports_and_exports_the_policy_besides() {
    let (client_imports, mut expected_exports) = interfaces(embedded_component());
    let (imports, exports) = interfaces(&std::fs::read(plugged()).unwrap());
    assert_eq!(imports, client_imports);
    expected_exports.push("felhom:agentapi/policy@0.2.1".into());
    expected_exports.sort_unstable();
    assert_eq!(exports, expected_exports);
}

#[tokio::test]
async fn it_runs_against_the_agent_with_the_pin_and_is_still_the_client() {
    let (agent, mock) = plugged_agent().await;
    let input = r#"{"cpu_temp_c": {"warning": 40, "critical": 100}}"#;
    let report: Value = serde_json::from_str(&agent.run_plugged(input).await.unwrap().unwrap()).unwrap();
    let findings = report["findings"].as_array().unwrap();
    let hot = findings.iter().find(|finding| finding["what"] == "cpu-hot").unwrap();
    assert_eq!((&hot["severity"], &hot["measured"]), (&"warning".into(), &47.0.into()), "{report}");
    assert_eq!(report["errors"], Value::Array(vec![]), "{report}");
    let asked: Vec<_> = mock.take_requests().iter().map(|request| request.path.clone()).collect();
    assert_eq!(asked, ["/host/metrics", "/disks"]);

    assert_eq!(agent.disks().await.unwrap().disks.len(), 4);
    let refused = agent.run_plugged("{\"x\": 1}").await.unwrap().unwrap_err();
    assert!(refused.contains("unknown field `x`"), "{refused}");
}

#[tokio::test]
async fn a_wrong_pin_is_refused_and_the_agent_sees_no_request() {
    let mock = MockAgent::start().await.unwrap();
    let target = Target::parse(&mock.endpoint(), mock.token(), ["00".repeat(32)]).unwrap();
    let agent = plugged_host().agent(target).unwrap();
    let error = agent.disks().await.unwrap_err();
    assert!(matches!(error, Error::PinMismatch { .. }), "{error:?}");
    let report: Value = serde_json::from_str(&agent.run_plugged("{}").await.unwrap().unwrap()).unwrap();
    let kinds: Vec<_> = report["errors"].as_array().unwrap().iter().map(|error| error["kind"].clone()).collect();
    assert_eq!(kinds, ["pin-mismatch", "pin-mismatch"]);
    assert_eq!(mock.requests().len(), 0);
}

#[tokio::test]
async fn a_client_without_an_extension_has_none_to_run() {
    let mock = MockAgent::start().await.unwrap();
    let agent = host().agent(target_of_mock(&mock)).unwrap();
    let error = agent.run_plugged("{}").await.unwrap_err();
    assert!(matches!(error, Error::NoPolicy), "{error:?}");
    assert_eq!(
        error.to_string(),
        "expected a component that exports felhom:agentapi/policy@0.2.1, found one that does not"
    );
}

#[test]
fn an_extension_that_imports_more_is_refused_by_name() {
    let refusal = |wasm: &Path| plug(wasm, "refused.wasm").unwrap_err();
    let more = refusal(&extension("misbehaving"));
    assert!(
        more.contains(
            "the extension imports what a plugged one is not given: felhom:agentapi/disks@0.2.1 format, \
             felhom:agentapi/quiesce@0.2.1, wasi:cli/stdout@0.2."
        ),
        "{more}"
    );
    let no_policy = "expected an extension that exports felhom:agentapi/policy@0.2.1, found one that does not";
    let refused = refusal(&extension("hostile"));
    assert!(refused.contains(no_policy), "{refused}");
    // An extension that has the client in it would bring the client's network along.
    let network = refusal(plugged());
    assert!(network.contains("felhom:agentapi/pinning@0.2.1, wasi:http/outgoing-handler@0.2."), "{network}");
    let no_component = refusal(Path::new("Cargo.toml"));
    assert!(no_component.contains("the extension is no component: "), "{no_component}");
}
