//! Who may decide: what the kernel says of the socket's other end, and nothing else.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

use super::{Fixture, ID};

/// A user that is neither root nor the controller's, and the group of that number.
const NOBODY: &str = "65534";

impl Fixture {
    /// The command as another user, who is in the group of the main socket.
    fn output_of_nobody(&self, socket: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new("setpriv");
        command.args([format!("--reuid={NOBODY}"), format!("--regid={NOBODY}"), "--clear-groups".into()]);
        command.arg(self.folder.path().join("agentapi")).args(arguments);
        command.env("AGENTAPI_SOCKET", self.folder.path().join(socket)).output().unwrap()
    }

    fn approve_as_nobody(&self, socket: &str, approval: i64) -> (Option<i32>, String) {
        let output = self.output_of_nobody(socket, &["approvals", "approve", &approval.to_string(), "--confirm", ID]);
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    }

    /// A controller whose folder and command others may use.
    fn for_others(api: &str) -> Self {
        let fixture = Self::new("");
        fs::copy(&fixture.command, fixture.folder.path().join("agentapi")).unwrap();
        fs::set_permissions(fixture.folder.path(), Permissions::from_mode(0o755)).unwrap();
        // The group is named, and what its name is depends on the system.
        let groups = fs::read_to_string("/etc/group").unwrap();
        let of_nobody = groups.lines().find(|line| line.split(':').nth(2) == Some(NOBODY)).unwrap();
        fixture.configure_api(&format!("group = \"{}\"\n{api}", of_nobody.split(':').next().unwrap()));
        fixture
    }
}

#[test]
fn another_user_sees_what_waits_and_decides_only_as_an_approver_on_the_main_socket() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can become somebody else");
        return;
    }
    let fixture = Fixture::for_others("");
    let controller = fixture.serve();
    let (run, approval) = fixture.ask();
    let seen = fixture.output_of_nobody("main.sock", &["approvals", "show", &approval.to_string()]);
    assert!(seen.status.success() && String::from_utf8_lossy(&seen.stdout).contains(ID), "{seen:?}");
    let (status, said) = fixture.approve_as_nobody("main.sock", approval);
    assert!(status == Some(1) && said.contains("only root, the controller's user and those in"), "{status:?} {said}");
    let refused = fixture.output_of_nobody("main.sock", &["approvals", "refuse", &approval.to_string()]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert_eq!((fixture.formats(), fixture.state_of(approval).as_str()), (0, "waiting"));
    fixture.json(&["runs", "stop", &run.to_string()]);
    fixture.ended(run);

    // Who operates may ask, on the socket that operates, and not decide.
    let wipe = ["disks", "wipe", super::DEVICE, "--durable-id", ID];
    let refused = fixture.output_of_nobody("ro.sock", &wipe);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("this socket is read-only"), "{refused:?}");
    let asked = fixture.output_of_nobody("main.sock", &wipe);
    assert_eq!(asked.status.code(), Some(0), "{asked:?}");
    let shown = fixture.json(&["approvals", "show", &(approval + 1).to_string()]);
    assert!(shown["extension_sha256"].as_str().unwrap().starts_with(&format!("user {NOBODY} ")), "{shown}");
    assert_eq!(fixture.approve_as_nobody("main.sock", approval + 1).0, Some(1));
    assert_eq!((fixture.formats(), fixture.state_of(approval + 1).as_str()), (0, "waiting"));
    drop(controller);

    let fixture = Fixture::for_others(&format!("approvers = [\"{NOBODY}\"]\n"));
    let _controller = fixture.serve();
    let (run, approval) = fixture.ask();
    // On the other socket not even root decides.
    let (status, said) = fixture.approve_as_nobody("ro.sock", approval);
    assert_eq!(status, Some(1), "{said}");
    let mut root = fixture.command(&["approvals", "approve", &approval.to_string(), "--confirm", ID]);
    let root = root.env("AGENTAPI_SOCKET", fixture.folder.path().join("ro.sock")).output().unwrap();
    assert_eq!(root.status.code(), Some(1), "{root:?}");
    assert_eq!((fixture.formats(), fixture.state_of(approval).as_str()), (0, "waiting"));

    let (status, said) = fixture.approve_as_nobody("main.sock", approval);
    assert_eq!(status, Some(0), "{said}");
    assert_eq!(fixture.ended(run)["result"], "formatted: true");
    let shown = fixture.json(&["approvals", "show", &approval.to_string()]);
    assert!(shown["decided_by"].as_str().unwrap().starts_with(&format!("user {NOBODY} ")), "{shown}");
    assert_eq!(fixture.formats(), 1);
}
