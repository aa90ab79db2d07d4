//! A person with an SSH key, who signs by the real `ssh-keygen`.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use agentapi_fleet::signed::{Signed, Statement};
use tempfile::TempDir;

pub(crate) struct Signer {
    folder: TempDir,
}

impl Signer {
    pub(crate) fn new() -> Self {
        Self::with_key("ed25519")
    }

    pub(crate) fn with_key(kind: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut keygen = Command::new("ssh-keygen");
        keygen.args(["-q", "-t", kind, "-N", "", "-C", "a comment", "-f"]).arg(folder.path().join("key"));
        assert!(keygen.status().expect("ssh-keygen is installed").success());
        Self { folder }
    }

    fn key_file(&self) -> PathBuf {
        self.folder.path().join("key")
    }

    /// A line of a file of allowed signers.
    pub(crate) fn line(&self, principals: &str, options: &str) -> String {
        let key = fs::read_to_string(self.folder.path().join("key.pub")).unwrap();
        format!("{principals} {options} {key}")
    }

    pub(crate) fn sign<S: Statement>(&self, statement: &S) -> Signed {
        Signed::by_ssh_keygen(statement, &self.key_file()).unwrap()
    }

    /// Signs any text in any namespace.
    pub(crate) fn sign_text(&self, text: &str, namespace: &str) -> Signed {
        let mut keygen = Command::new("ssh-keygen");
        keygen.args(["-q", "-Y", "sign", "-n", namespace, "-f"]).arg(self.key_file());
        let mut child = keygen.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        Signed { text: text.into(), signature: String::from_utf8(output.stdout).unwrap() }
    }
}
