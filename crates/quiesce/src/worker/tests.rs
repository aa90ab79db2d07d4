//! Orders, outcomes and the bell, with real threads.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use super::*;

/// A worker that does what the test says when the test says it, and the sender for that.
fn worker(bell: &Arc<Bell>) -> (Worker<&'static str>, Sender<()>) {
    let (go, gone): (_, Receiver<()>) = channel();
    let work = move |order: &str, desk: &Desk<_>| {
        if order == "post" {
            desk.post(Post::Frozen);
        }
        let _ = gone.recv();
        match order {
            "panic" => panic!("on purpose"),
            "cancelled?" if desk.cancel.is_set() => Outcome::NotFrozen,
            _ => Outcome::Done,
        }
    };
    (Worker::start("test", bell, SMALL_STACK, work).unwrap(), go)
}

fn outcome(bell: &Bell, worker: &Worker<&'static str>) -> Outcome {
    bell.wait(Some(now() + LONG), || worker.take_outcome()).expect("an outcome in time")
}

#[test]
fn a_ring_between_the_question_and_the_wait_is_not_missed() {
    let bell = Bell::default();
    let mut asked = 0;
    let answer = bell.wait(Some(now() + LONG), || {
        asked += 1;
        // What rings here comes after this answer was made up, and before the wait.
        if asked == 1 {
            bell.ring()
        }
        (asked == 2).then_some("rung")
    });
    assert_eq!((answer, asked), (Some("rung"), 2));
}

#[test]
fn a_wait_ends_at_its_limit_and_not_before() {
    let (bell, limit) = (Bell::default(), Duration::from_millis(30));
    let begun = now();
    assert_eq!(bell.wait(Some(begun + limit), || None::<()>), None);
    assert!(now() - begun >= limit);
    // One that is over already has asked once.
    assert_eq!(bell.wait(Some(begun), || Some(1)), Some(1));
}

#[test]
fn a_worker_takes_one_order_at_a_time_and_its_outcome_is_taken_once() {
    let bell = Arc::default();
    let (worker, go) = worker(&bell);
    assert!(worker.order("first") && worker.is_busy() && !worker.order("second"));
    go.send(()).unwrap();
    assert!(matches!(outcome(&bell, &worker), Outcome::Done));
    assert!(worker.take_outcome().is_none() && !worker.is_busy());

    // What nobody has taken is forgotten with the next order: it belongs to another one.
    assert!(worker.order("first"));
    go.send(()).unwrap();
    bell.wait(Some(now() + LONG), || (!worker.is_busy()).then_some(())).unwrap();
    assert!(worker.order("second"));
    assert!(worker.take_outcome().is_none());
    go.send(()).unwrap();
    outcome(&bell, &worker);
}

#[test]
fn a_worker_that_panics_says_so_and_takes_the_next_order() {
    let bell = Arc::default();
    let (worker, go) = worker(&bell);
    for (order, text) in [("panic", Some("a worker panicked")), ("next", None)] {
        assert!(worker.order(order));
        go.send(()).unwrap();
        let told = match outcome(&bell, &worker) {
            Outcome::Failed(why) => Some(why.to_string()),
            _ => None,
        };
        assert_eq!(told.as_deref(), text);
    }
}

#[test]
fn a_worker_can_tell_something_before_its_order_is_done() {
    let bell = Arc::default();
    let (worker, go) = worker(&bell);
    assert!(worker.order("post"));
    let posted = bell.wait(Some(now() + LONG), || worker.take_post());
    assert!(matches!(posted, Some(Post::Frozen)) && worker.is_busy() && worker.take_post().is_none());
    go.send(()).unwrap();
    outcome(&bell, &worker);
}

#[test]
fn what_cancels_one_order_does_not_cancel_the_next() {
    let bell = Arc::default();
    let (worker, go) = worker(&bell);
    let is_readable = || {
        let mut waited =
            [rustix::event::PollFd::from_borrowed_fd(worker.desk.cancel.event(), rustix::event::PollFlags::IN)];
        rustix::event::poll(&mut waited, Some(&rustix::event::Timespec::default())).unwrap() == 1
    };
    for is_cancelled in [true, false] {
        assert!(worker.order("cancelled?"));
        if is_cancelled {
            worker.cancel();
        }
        assert_eq!(is_readable(), is_cancelled);
        go.send(()).unwrap();
        assert_eq!(matches!(outcome(&bell, &worker), Outcome::NotFrozen), is_cancelled);
    }
}

#[tokio::test]
async fn a_cancel_is_found_by_who_waits_and_by_who_comes_later() {
    let cancel = Arc::new(Cancel::new().unwrap());
    let waits = tokio::spawn({
        let cancel = Arc::clone(&cancel);
        async move { cancel.wait().await }
    });
    tokio::task::yield_now().await;
    cancel.set();
    tokio::time::timeout(LONG, waits).await.unwrap().unwrap();
    tokio::time::timeout(LONG, cancel.wait()).await.unwrap();
}

#[test]
fn the_thread_of_a_worker_that_is_dropped_ends_after_its_order() {
    let bell = Arc::default();
    let (worker, go) = worker(&bell);
    assert!(worker.order("last"));
    drop(worker);
    go.send(()).unwrap();
    // The receiver goes with the thread.
    let until = now() + LONG;
    while go.send(()).is_ok() {
        assert!(now() < until, "the thread has not ended");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A bound that is only met when something is wrong.
const LONG: Duration = Duration::from_secs(30);
