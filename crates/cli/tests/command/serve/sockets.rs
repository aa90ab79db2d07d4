//! Clients that do not behave: idle ones, slow ones, those that never finish.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};

use crate::support::controller::{BACKUP, answer_of, open_request};
use crate::support::{Beside, Fixture, Outcome, QUICK, wait_until};

const EVENT_STREAM: &str = "accept: text/event-stream\r\n";

fn serving() -> (Fixture, Beside) {
    let fixture = Fixture::with(QUICK);
    fixture.configure(BACKUP);
    let controller = fixture.serve();
    (fixture, controller)
}

/// A connection on which more is asked than its buffers hold answers to, and no answer is read.
fn deaf_client(fixture: &Fixture) -> UnixStream {
    let mut stream = UnixStream::connect(fixture.path("main.sock")).unwrap();
    stream.set_nonblocking(true).unwrap();
    let requests = "GET /v1/status HTTP/1.1\r\nhost: agentapi\r\n\r\n".repeat(100);
    let mut refusals = 0;
    // Until nothing has been taken for a while: the controller waits for somebody to read its answers.
    while refusals < 20 {
        match stream.write(requests.as_bytes()) {
            Ok(_) => refusals = 0,
            Err(why) if why.kind() == ErrorKind::WouldBlock => {
                refusals += 1;
                thread::sleep(Duration::from_millis(10));
            }
            Err(why) => panic!("{why}"),
        }
    }
    stream
}

#[test]
fn the_end_waits_neither_for_streams_of_events_nor_for_clients_that_do_not_read() {
    let (fixture, mut controller) = serving();
    let mut stream = open_request(&fixture.path("main.sock"), "GET", "/v1/events", EVENT_STREAM);
    let mut head = [0; 15];
    stream.read_exact(&mut head).unwrap();
    assert_eq!(&head, b"HTTP/1.1 200 OK");
    let _deaf = deaf_client(&fixture);
    let mut half = UnixStream::connect(fixture.path("main.sock")).unwrap();
    half.write_all(b"GET /v1/live HTT").unwrap();
    controller.signal(Signal::TERM);
    assert_eq!(controller.status(), 0, "{}", controller.stderr());
    assert!(!fixture.path("main.sock").exists() && !fixture.path("ro.sock").exists());
    stream.read_to_end(&mut Vec::new()).unwrap();
}

#[test]
fn readers_of_events_that_do_not_read_slow_nobody_else() {
    let (fixture, _controller) = serving();
    let socket = fixture.path("main.sock");
    let _deaf: Vec<_> = (0..20).map(|_| open_request(&socket, "GET", "/v1/events?after=0", EVENT_STREAM)).collect();
    let mut follow = Beside::spawn(fixture.local_command(&["events", "--follow", "--json"]));
    for _ in 0..150 {
        for action in ["pause", "resume"] {
            assert_eq!(fixture.post(&format!("/v1/subjects/backup/{action}")).0, 200);
        }
    }
    // Each once and in order, although the feed keeps fewer than a slow reader misses.
    let numbers = |text: &str| -> Vec<i64> {
        let events = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        events.map(|event| event["number"].as_i64().unwrap()).collect()
    };
    wait_until("the reader has all events", || numbers(&follow.stdout()).len() >= 301);
    assert_eq!(numbers(&follow.stdout()), (1..=301).collect::<Vec<_>>());
    assert!(follow.is_running());
}

#[test]
fn whoever_follows_events_onto_a_full_disk_hears_of_it() {
    let (fixture, _controller) = serving();
    let mut follow = fixture.local_command(&["events", "--follow"]);
    follow.stdout(fs::OpenOptions::new().write(true).open("/dev/full").unwrap()).stderr(Stdio::piped());
    let outcome: Outcome = follow.spawn().unwrap().wait_with_output().unwrap().into();
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert!(outcome.stderr.contains("the events cannot be written"), "{outcome:?}");
}

#[test]
fn a_head_that_never_ends_is_cut_off_however_busily_it_is_written() {
    let (fixture, _controller) = serving();
    let mut busy = UnixStream::connect(fixture.path("main.sock")).unwrap();
    let mut idle = busy.try_clone().unwrap();
    let mut silent = UnixStream::connect(fixture.path("main.sock")).unwrap();
    busy.write_all(b"GET /v1/live HTTP/1.1\r\n").unwrap();
    wait_until("the connection is closed", || {
        thread::sleep(Duration::from_millis(200));
        busy.write_all(b"a: b\r\n").is_err()
    });
    idle.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    silent.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    for stream in [&mut idle, &mut silent] {
        let mut answer = Vec::new();
        // A reset is an end too.
        let ended = stream.read_to_end(&mut answer);
        assert!(ended.as_ref().map_or_else(|why| why.kind() != ErrorKind::WouldBlock, |_| true), "{ended:?}");
        assert!(!answer.starts_with(b"HTTP/1.1 200"));
    }
}

#[test]
fn idle_connections_to_one_socket_keep_nobody_from_the_other_and_from_their_own_only_while_they_last() {
    let (fixture, _controller) = serving();
    // Those that are served, and as many again that wait in the kernel's queue.
    let idle: Vec<_> = (0..512).map(|_| UnixStream::connect(fixture.path("ro.sock")).unwrap()).collect();
    assert_eq!(fixture.get("/v1/live").0, 200);
    drop(idle);
    assert_eq!(answer_of(&fixture.path("ro.sock"), "GET", "/v1/live").0, 200);
}

/// Each of the first 128 has ten seconds and the others have one, so that 2000 take some 20 seconds. Were it ten for each, it
/// would be 80: what is asked behind them waits up to 30.
#[test]
fn two_thousand_idle_connections_hold_nobody_up_for_long() {
    let (fixture, _controller) = serving();
    let limits = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limits.maximum, ..limits }).unwrap();
    let socket = fixture.path("ro.sock");
    let (sender, connected) = std::sync::mpsc::channel();
    let idle = thread::spawn(move || {
        // The kernel's queue is shorter: whoever does not fit into it waits in here.
        let idle: Vec<_> = (0..2000).map(|_| UnixStream::connect(&socket).unwrap()).collect();
        sender.send(()).unwrap();
        idle
    });
    connected.recv_timeout(Duration::from_secs(60)).unwrap();
    let idle = idle.join().unwrap();
    assert_eq!(answer_of(&fixture.path("ro.sock"), "GET", "/v1/live").0, 200);
    drop(idle);
}

#[test]
fn without_a_free_descriptor_it_neither_spins_nor_ends_and_serves_again_when_there_is_one() {
    let fixture = Fixture::with(QUICK);
    fixture.configure(BACKUP);
    let serve = fixture.serve_command(&[]);
    let mut limited = Command::new("/bin/sh");
    limited.args(["-c", "ulimit -n 100; exec \"$0\" \"$@\""]).arg(serve.get_program()).args(serve.get_args());
    limited.env_clear().envs(serve.get_envs().filter_map(|(name, value)| Some((name, value?))));
    limited.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut controller = Beside::spawn(limited);
    controller.wait_for_ready();
    let idle: Vec<_> = (0..200).map(|_| UnixStream::connect(fixture.path("main.sock")).unwrap()).collect();
    let descriptors = || std::fs::read_dir(format!("/proc/{}/fd", controller.pid())).unwrap().count();
    wait_until("no descriptor is free", || descriptors() >= 100);
    let before = processor_ticks(controller.pid());
    thread::sleep(Duration::from_secs(2));
    // Of 200 in two seconds: one that spins takes them all.
    let used = processor_ticks(controller.pid()) - before;
    assert!(used < 50, "{used} ticks");
    drop(idle);
    assert_eq!(fixture.get("/v1/live").0, 200);
    assert_eq!(fixture.get("/v1/runs").0, 200);
}

/// Time on a processor so far, in hundredths of a second.
fn processor_ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<_> = stat.rsplit_once(") ").unwrap().1.split(' ').map(str::to_owned).collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}
