//! The certificate and its key are checked before a byte of the request is written.

use agentapi_scripted_agent::{Answer, LegacyVersion, Opening, TlsVersion};

use crate::promise::bodies::storage;
use crate::scene::{Scene, kind, ok};

/// Certificates of which everything but the fingerprint is odd, by their names in `recorded/certs`.
const ODD: [&str; 6] = ["expired", "not-yet-valid", "other-name", "is-ca", "empty-subject", "chain"];

pub(crate) fn scenes() -> Vec<Scene> {
    let opened = |opening: Opening| -> Answer { storage().opening(opening) };
    let mut scenes = vec![
        Scene::new("the pinned leaf is accepted", [storage()]).call("storage", [ok()]).requests(1..=1),
        Scene::new("another leaf is refused", [opened(Opening::WrongCertificate)])
            .call("storage", [kind("pin-mismatch")])
            .call("start-backup", [kind("pin-mismatch")])
            .silent(),
        Scene::new("the fingerprint of the key is no pin", [storage()])
            .fingerprints(|agent| vec![agent.spki_fingerprint()])
            .call("storage", [kind("pin-mismatch")])
            .silent(),
        Scene::new("the issuer's fingerprint is no pin", [opened(Opening::Certificate("chain".into()))])
            .fingerprints(|agent| vec![agent.last_fingerprint()])
            .call("storage", [kind("pin-mismatch")])
            .silent(),
        Scene::new("the second of two pins is accepted", [storage()])
            .fingerprints(|agent| vec![agent.other_fingerprint(), agent.fingerprint()])
            .call("storage", [ok()]),
    ];
    for kind_of_certificate in ODD {
        let odd = || opened(Opening::Certificate(kind_of_certificate.into()));
        let name = format!("the pinned leaf is accepted whatever else it says: {kind_of_certificate}");
        scenes.push(Scene::new(name, [odd()]).call("storage", [ok()]));
        let name = format!("another leaf is refused whatever it says: {kind_of_certificate}");
        let refused = Scene::new(name, [odd()]).fingerprints(|agent| vec![agent.other_fingerprint()]);
        scenes.push(refused.call("storage", [kind("pin-mismatch")]).silent());
    }
    for (version, name) in [(TlsVersion::Tls12, "1.2"), (TlsVersion::Tls13, "1.3")] {
        scenes.push(
            Scene::new(format!("TLS {name} is spoken"), [opened(Opening::Only(version))]).call("storage", [ok()]),
        );
        let impostor = format!("an impostor with the pinned leaf and another key is refused, TLS {name}");
        let impostor = Scene::new(impostor, [opened(Opening::Impostor(version))]);
        scenes.push(impostor.call("start-backup", [kind("pin-mismatch")]).silent());
    }
    for (version, name) in [(LegacyVersion::Tls10, "1.0"), (LegacyVersion::Tls11, "1.1")] {
        let old = Scene::new(format!("TLS {name} is refused"), [opened(Opening::Legacy(version))]);
        scenes.push(old.call("storage", [kind("tls")]).silent());
    }
    scenes
}
