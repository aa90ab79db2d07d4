//! Debian's `docker-registry` on loopback, with its storage in a folder of its own, and what another tool would send it.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use agentapi_registry::sha256_hex;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Beside, wait_until};

/// A registry. It is ended, and its storage gone, when it is dropped.
pub(super) struct Server {
    pub(super) host: String,
    storage: TempDir,
    _process: Beside,
}

impl Server {
    pub(super) fn start() -> Self {
        Self::with("")
    }

    /// With more lines in its configuration.
    pub(super) fn with(more: &str) -> Self {
        let storage = tempfile::tempdir().unwrap();
        let configuration = storage.path().join("registry.yml");
        let folder = storage.path().join("storage");
        fs::write(
            &configuration,
            format!(
                "version: 0.1\nlog: {{ level: info }}\nstorage: {{ filesystem: {{ rootdirectory: '{}' }} }}\nhttp: {{ addr: '127.0.0.1:0' }}\n{more}",
                folder.display()
            ),
        )
        .unwrap();
        let mut command = Command::new("docker-registry");
        command.arg("serve").arg(configuration).env("OTEL_TRACES_EXPORTER", "none");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let process = Beside::spawn(command);
        let port = || {
            let said = process.stderr();
            let (_, after) = said.split_once("listening on 127.0.0.1:")?;
            let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
            after.get(digits.len()..).filter(|rest| !rest.is_empty()).map(|_| digits)
        };
        wait_until("the registry listens", || port().is_some());
        let host = format!("127.0.0.1:{}", port().unwrap());
        Self { host, storage, _process: process }
    }

    /// The file in which the registry keeps a blob.
    pub(super) fn blob(&self, digest: &str) -> PathBuf {
        let hex = digest.strip_prefix("sha256:").unwrap();
        let blobs = self.storage.path().join("storage/docker/registry/v2/blobs/sha256");
        blobs.join(&hex[..2]).join(hex).join("data")
    }

    /// Uploads a blob as any tool does, and returns its digest.
    pub(super) fn upload(&self, name: &str, bytes: &[u8]) -> String {
        let digest = format!("sha256:{}", sha256_hex(bytes));
        let begun = self.send("POST", &format!("/v2/{name}/blobs/uploads/"), "text/plain", b"");
        let location =
            begun.lines().find_map(|line| line.strip_prefix("Location: ")).expect("a place to upload to").trim();
        let path = location.strip_prefix(&format!("http://{}", self.host)).unwrap();
        let and = if path.contains('?') { '&' } else { '?' };
        let done = self.send("PUT", &format!("{path}{and}digest={digest}"), "application/octet-stream", bytes);
        assert!(done.starts_with("HTTP/1.1 201"), "{done}");
        digest
    }

    /// Uploads a manifest under a tag.
    pub(super) fn put(&self, name: &str, tag: &str, media_type: &str, manifest: &Value) -> String {
        let bytes = manifest.to_string();
        let done = self.send("PUT", &format!("/v2/{name}/manifests/{tag}"), media_type, bytes.as_bytes());
        assert!(done.starts_with("HTTP/1.1 201"), "{done}");
        format!("sha256:{}", sha256_hex(bytes.as_bytes()))
    }

    fn send(&self, method: &str, path: &str, media_type: &str, body: &[u8]) -> String {
        let mut stream = TcpStream::connect(&self.host).unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            self.host,
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}
