//! Who asks is what the kernel says of the other end of a socket, and nothing that is written in a request.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use crate::support::controller::BACKUP;
use crate::support::{Fixture, QUICK};

/// Nobody, on every Linux.
const NOBODY: u32 = 65534;
/// Sends a request, and prints the answer or the error.
const CLIENT: &str = r#"
import socket, sys
path, method, target = sys.argv[1:]
stream = socket.socket(socket.AF_UNIX)
try:
    stream.connect(path)
except OSError as why:
    sys.exit(print(type(why).__name__))
head = f"{method} {target} HTTP/1.1\r\nhost: x\r\nx-user: root\r\nx-uid: 0\r\nremote-addr: pid=1;uid=0;\r\nconnection: close\r\n\r\n"
stream.sendall(head.encode())
print(b"".join(iter(lambda: stream.recv(4096), b"")).decode())
"#;

/// What this user is told.
fn ask_as(user: u32, group: u32, socket: &Path, method: &str, target: &str) -> String {
    let mut client = Command::new("python3");
    client.args(["-c", CLIENT]).arg(socket).args([method, target]).uid(user).gid(group);
    let output = client.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn another_user_reads_by_the_read_only_socket_and_does_no_more_whatever_its_headers_say() {
    if !rustix::process::getuid().is_root() {
        eprintln!("skipped: only root can be another user");
        return;
    }
    let fixture = Fixture::with(QUICK);
    fixture.configure(BACKUP);
    fs::set_permissions(fixture.path(""), Permissions::from_mode(0o755)).unwrap();
    let _controller = fixture.serve();
    let (main, read_only) = (fixture.path("main.sock"), fixture.path("ro.sock"));
    let run = "/v1/subjects/backup/run";
    assert_eq!(ask_as(NOBODY, NOBODY, &main, "POST", run).trim(), "PermissionError");
    let answer = ask_as(NOBODY, NOBODY, &read_only, "POST", run);
    assert!(answer.starts_with("HTTP/1.1 403 ") && answer.contains("\"kind\":\"denied\""), "{answer}");
    assert!(ask_as(NOBODY, NOBODY, &read_only, "GET", "/v1/runs").starts_with("HTTP/1.1 200 "));
    assert_eq!(fixture.starts(), 0);
    // Whom the socket's group lets in is known by its number, and operates.
    let answer = ask_as(NOBODY, 0, &main, "POST", run);
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let asked = fixture.get("/v1/runs/1").1["reason"].as_str().unwrap().to_owned();
    assert!(asked.starts_with("asked for by user 65534"), "{asked}");
}
