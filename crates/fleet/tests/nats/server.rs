//! A nats-server with a certificate of its own, the fleet's account, and a store in a folder that goes with it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use agentapi_contract::{Fingerprint, Pins};
use agentapi_fleet::bus::Bus;
use agentapi_fleet::guest::Dial;
use agentapi_fleet::name::GuestName;
use agentapi_fleet::nats::users::{GuestUser, account};
use agentapi_fleet::nats::{Access, NatsBus};
use nkeys::KeyPair;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

pub(crate) const COORDINATOR: &str = "coordinator";

pub(crate) struct Server {
    child: Child,
    port: u16,
    pin: Fingerprint,
    coordinator: KeyPair,
    guests: Vec<(GuestName, KeyPair)>,
    store: PathBuf,
    folder: TempDir,
}

/// The server's path, from the script that installs it.
fn path() -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools/nats-server");
    let output = Command::new(script).stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "no nats-server");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

impl Server {
    /// Starts one for these guests, all on the host `pve1`, with the fleet's objects made.
    pub(crate) async fn start(guests: &[&str]) -> Self {
        let server = Self::without_objects(guests);
        server.coordinator().await.make_objects().await.unwrap();
        server
    }

    pub(crate) fn without_objects(guests: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("store");
        Self::in_folder(guests, folder, store)
    }

    /// One that stores what it has in this folder, without objects.
    pub(crate) fn storing_in(guests: &[&str], store: PathBuf) -> Self {
        Self::in_folder(guests, tempfile::tempdir().unwrap(), store)
    }

    fn in_folder(guests: &[&str], folder: TempDir, store: PathBuf) -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::new(vec!["nats".into()]).unwrap().self_signed(&key).unwrap();
        fs::write(folder.path().join("cert.pem"), certificate.pem()).unwrap();
        fs::write(folder.path().join("key.pem"), key.serialize_pem()).unwrap();
        let pin = Fingerprint::from_bytes(Sha256::digest(certificate.der()).into());
        let guests: Vec<_> = guests.iter().map(|name| (name.parse().unwrap(), KeyPair::new_user())).collect();
        let coordinator = KeyPair::new_user();
        let user = |(name, key): &(GuestName, KeyPair)| GuestUser {
            name: name.clone(),
            host: "pve1".parse().unwrap(),
            slots: "pve1".parse().unwrap(),
            public_key: key.public_key(),
        };
        let users: Vec<_> = guests.iter().map(user).collect();
        let (at, store_dir) = (folder.path().display(), store.display());
        let configuration = format!(
            "listen: \"127.0.0.1:-1\"\nports_file_dir: \"{at}\"\njetstream {{ store_dir: \"{store_dir}\", max_file_store: 64GB }}\n\
             tls {{ cert_file: \"{at}/cert.pem\", key_file: \"{at}/key.pem\" }}\n{}",
            account(&coordinator.public_key(), &users),
        );
        fs::write(folder.path().join("server.conf"), configuration).unwrap();
        let (child, port) = run(folder.path(), None);
        Self { child, port, pin, coordinator, guests, store, folder }
    }

    /// What connects a user.
    fn access(&self, user: &str, key: &KeyPair) -> Access {
        Access {
            server: format!("127.0.0.1:{}", self.port).parse().unwrap(),
            pins: Pins::from(self.pin),
            seed: key.seed().unwrap(),
            user: user.into(),
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn access_of(&self, guest: &str) -> Access {
        let (name, key) = self.guests.iter().find(|(name, _)| name.as_str() == guest).unwrap();
        self.access(name.as_str(), key)
    }

    pub(crate) async fn guest(&self, guest: &str) -> NatsBus {
        NatsBus::connect(&self.access_of(guest)).await.unwrap()
    }

    /// Dials as a guest.
    pub(crate) fn dial_of(&self, guest: &str) -> Dial {
        dial(self.access_of(guest))
    }

    pub(crate) fn coordinator_access(&self) -> Access {
        self.access(COORDINATOR, &self.coordinator)
    }

    pub(crate) async fn coordinator(&self) -> NatsBus {
        NatsBus::connect(&self.coordinator_access()).await.unwrap()
    }

    /// Kills it.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again, on the same port.
    pub(crate) fn start_again(&mut self) {
        (self.child, self.port) = run(self.folder.path(), Some(self.port));
    }

    /// Deletes all that it has stored. It must not run.
    pub(crate) fn delete_store(&self) {
        fs::remove_dir_all(&self.store).unwrap();
    }
}

/// Connects with this, as a guest does.
pub(crate) fn dial(access: Access) -> Dial {
    Box::new(move || {
        let access = access.clone();
        Box::pin(async move { Ok(Arc::new(NatsBus::connect(&access).await?) as Arc<dyn Bus>) })
    })
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns when it listens, with the port.
#[expect(clippy::zombie_processes, reason = "whoever gets it waits for it; without it the test has failed")]
fn run(folder: &Path, port: Option<u16>) -> (Child, u16) {
    let log = fs::File::options().create(true).append(true).open(folder.join("log")).unwrap();
    let mut server = Command::new(path());
    server.arg("--config").arg(folder.join("server.conf"));
    if let Some(port) = port {
        server.args(["--port", &port.to_string()]);
    }
    let child = server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
    let ports = folder.join(format!("nats-server_{}.ports", child.id()));
    let started = Instant::now();
    loop {
        let port = fs::read_to_string(&ports).ok().and_then(|text| port_in(&text));
        if let Some(port) = port {
            return (child, port);
        }
        assert!(started.elapsed() < START_TIME, "{}", fs::read_to_string(folder.join("log")).unwrap());
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// `{"nats":["nats://127.0.0.1:4222"]}`.
fn port_in(text: &str) -> Option<u16> {
    let ports: serde_json::Value = serde_json::from_str(text).ok()?;
    ports["nats"][0].as_str()?.rsplit(':').next()?.parse().ok()
}

/// What it takes on a busy machine, many times over.
const START_TIME: Duration = Duration::from_secs(60);
