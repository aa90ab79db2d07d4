//! Orders with an idempotency key, over the ends of the controller.

use std::io::Write;
use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::controller::{BACKUP, answer_to, open_request};
use crate::support::{Fixture, QUICK, wait_until};

const RUN: &str = "/v1/subjects/backup/run";

fn head(key: &str) -> String {
    format!("idempotency-key: {key}\r\ncontent-length: 0\r\nconnection: close\r\n")
}

/// Has a backup run by an order with this key.
fn run(fixture: &Fixture, key: &str) -> (u16, Value) {
    answer_to(&mut open_request(&fixture.path("main.sock"), "POST", RUN, &head(key)), "")
}

#[test]
fn an_order_that_was_answered_is_not_carried_out_again_by_the_next_controller() {
    let fixture = Fixture::with(QUICK);
    fixture.configure(BACKUP);
    let mut controller = fixture.serve();
    assert_eq!(run(&fixture, "night-1"), (200, json!({ "run": 1 })));
    wait_until("the backup is done", || fixture.state_of(1) == "done");
    for signal in [Signal::TERM, Signal::KILL] {
        controller.signal(signal);
        wait_until("it has ended", || !controller.is_running());
        controller = fixture.serve();
        assert_eq!(run(&fixture, "night-1"), (200, json!({ "run": 1 })));
    }
    assert_eq!(fixture.starts(), 1);
    assert_eq!(run(&fixture, "night-2"), (200, json!({ "run": 2 })));
}

/// However early or late the controller is killed: the order is known or it is not, and it is one run at most.
#[test]
fn an_order_is_carried_out_once_at_most_whenever_the_controller_is_killed() {
    let fixture = Fixture::with(QUICK);
    fixture.configure(BACKUP);
    let mut unknown = 0;
    for round in 0..12_u64 {
        let key = format!("round-{round}");
        let mut controller = fixture.serve();
        let mut stream = open_request(&fixture.path("main.sock"), "POST", RUN, &head(&key));
        stream.flush().unwrap();
        // From at once to long after the answer.
        thread::sleep(Duration::from_micros(500 * round * round));
        controller.signal(Signal::KILL);
        wait_until("it has ended", || !controller.is_running());

        let mut controller = fixture.serve();
        let (status, answer) = run(&fixture, &key);
        match status {
            200 => assert!(answer["run"].is_i64(), "{answer}"),
            _ => assert_eq!((status, &answer["kind"]), (409, &json!("outcome-unknown")), "{answer}"),
        }
        unknown += u64::from(status == 409);
        assert_eq!(run(&fixture, &key), (status, answer), "the same again");
        let runs = fixture.get("/v1/runs?limit=1000").1["runs"].as_array().unwrap().len() as u64;
        assert!(runs <= round + 1, "{runs} runs by {} orders", round + 1);
        assert!(runs + unknown > round, "{runs} runs by {} orders, of which {unknown} are not known", round + 1);
        controller.signal(Signal::TERM);
        assert_eq!(controller.status(), 0);
    }
}
