//! `agentapi console`: the way to the pages. What a browser makes of them is tried in `tests/console`.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use crate::support::controller::BACKUP;
use crate::support::{Beside, Fixture, QUICK, run, wait_until};

fn serving() -> (Fixture, Beside) {
    let fixture = Fixture::with(QUICK);
    fixture.configure(BACKUP);
    let controller = fixture.serve();
    (fixture, controller)
}

/// The link that works once.
fn link(console: &mut Beside) -> String {
    wait_until("the link is printed", || console.stdout().ends_with('\n') || !console.is_running());
    let said: Value = serde_json::from_str(&console.stdout()).unwrap_or_else(|_| panic!("{}", console.stderr()));
    said["link"].as_str().unwrap().to_owned()
}

/// The answer to a request for a path of the link's address.
fn get(link: &str, path: &str, cookie: &str) -> String {
    let address = link.strip_prefix("http://").unwrap().split('/').next().unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\ncookie: {cookie}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn the_printed_link_leads_to_the_pages_once_and_a_signal_ends_it() {
    let (fixture, mut controller) = serving();
    let mut console = Beside::spawn(fixture.local_command(&["console", "--json", "--no-browser"]));
    let link = link(&mut console);
    let path = link.splitn(4, '/').nth(3).map(|path| format!("/{path}")).unwrap();
    let entered = get(&link, &path, "");
    let cookie = entered.lines().find_map(|line| line.strip_prefix("set-cookie: ")?.split(';').next()).unwrap();
    assert!(entered.starts_with("HTTP/1.1 303 "), "{entered}");
    assert!(get(&link, "/", cookie).contains("<title>Overview · "), "{}", get(&link, "/", cookie));
    assert!(get(&link, &path, "").contains("used already"));
    assert!(get(&link, "/", "").starts_with("HTTP/1.1 403 "));
    // A stream that is open holds up nothing.
    let address = link.strip_prefix("http://").unwrap().split('/').next().unwrap();
    let mut live = TcpStream::connect(address).unwrap();
    write!(live, "GET /live HTTP/1.1\r\nhost: {address}\r\ncookie: {cookie}\r\n\r\n").unwrap();
    assert!(live.read(&mut [0; 64]).unwrap() > 0);
    console.signal(Signal::TERM);
    assert_eq!(console.status(), 0, "{}", console.stderr());
    controller.signal(Signal::TERM);
    assert_eq!(controller.status(), 0, "{}", controller.stderr());
}

#[test]
fn people_are_told_how_to_come_from_another_machine() {
    let (fixture, _controller) = serving();
    let mut console = Beside::spawn(fixture.local_command(&["console", "--no-browser"]));
    wait_until("all is printed", || console.stdout().contains("THIS-MACHINE") || !console.is_running());
    let said = console.stdout();
    assert!(said.contains("works once") && said.contains("  http://127.0.0.1:") && said.contains("ssh -L "), "{said}");
}

#[test]
fn it_listens_on_loopback_alone_and_only_for_a_controller_that_answers() {
    let (fixture, _controller) = serving();
    let refused = run(fixture.local_command(&["console", "--listen", "0.0.0.0:0"]));
    assert_eq!(refused.status, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("expected an address of loopback, such as 127.0.0.1:0"), "{refused:?}");
    let nobody = run(crate::support::command(&["console", "--socket", "/nonexistent.sock"]));
    assert_eq!(nobody.status, Some(1), "{nobody:?}");
    assert!(nobody.stderr.contains("is `agentapi serve` running?") && nobody.stdout.is_empty(), "{nobody:?}");
}
