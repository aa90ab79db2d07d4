//! What has arrived before a request is sent decides over the connection: an answer that nobody asked for is not taken,
//! and no POST goes where a close has arrived.

use std::time::{Duration, Instant};

use agentapi_host::Agent;
use agentapi_scripted_agent::{Answer, Delivery, Place};
use fastrand::Rng;

use crate::support::{JOB, STORAGE, client_of};

/// Calls for each place that unasked bytes can have.
const CALLS: usize = 100;

/// A whole answer with this body.
fn whole(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

/// An operation with its right answer, and the answer that nobody asked for.
#[derive(Clone, Copy, Debug)]
enum Operation {
    Get,
    Post,
}

impl Operation {
    fn answer(self) -> &'static str {
        match self {
            Self::Get => STORAGE,
            Self::Post => JOB,
        }
    }

    fn unasked(self) -> String {
        whole(&self.answer().replace("101", "666"))
    }

    /// Whether the agent's answer to this very request is what the caller gets.
    async fn perform(self, client: &Agent) -> Result<bool, agentapi_host::Error> {
        match self {
            Self::Get => client.storage().await.map(|storage| storage.vmid == 101),
            Self::Post => client.start_backup().await.map(|job| job.vmid == 101),
        }
    }
}

/// Passes some time without giving the thread away: a timer would be a millisecond at least.
fn spin(time: Duration) {
    let started = Instant::now();
    while started.elapsed() < time {
        std::hint::spin_loop();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_came_before_its_request_is_not_taken() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = Rng::with_seed(seed);
    for operation in [Operation::Get, Operation::Post] {
        let short_pause = Duration::from_micros(random.u64(1..2000));
        for place in [Place::SameRecord, Place::SameSegment, Place::Later(short_pause), Place::AcrossTheRequest] {
            let answer = Answer::new(200, operation.answer()).unasked(operation.unasked(), place);
            let (client, peer) = client_of([answer]).await;
            for call in 1..=CALLS {
                let outcome = operation.perform(&client).await;
                assert!(matches!(outcome, Ok(true)), "{operation:?}, {place:?}, call {call}, seed {seed}: {outcome:?}");
                // What the agent has handed to the system by now has arrived: both are on this machine.
                peer.wait_for_unasked(call).await;
                spin(Duration::from_micros(random.u64(..2000) * random.u64(..2)));
            }
            assert_eq!((peer.requests().len(), peer.connections()), (CALLS, CALLS), "{operation:?}, {place:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_post_is_lost_on_a_connection_whose_end_has_arrived() {
    for delivery in [Delivery::CloseBeforeRequest, Delivery::ResetBeforeRequest, Delivery::NoCloseNotify] {
        let (client, peer) = client_of([Answer::new(200, JOB).delivery(delivery)]).await;
        for call in 1..=CALLS {
            let outcome = Operation::Post.perform(&client).await;
            assert!(matches!(outcome, Ok(true)), "{delivery:?}, call {call}: {outcome:?}");
            peer.wait_for_unasked(call).await;
        }
        assert_eq!((peer.requests().len(), peer.connections()), (CALLS, CALLS), "{delivery:?}");
    }
}

#[tokio::test]
async fn an_idle_connection_takes_no_flood() {
    // More than the buffers of both sockets hold, so that it cannot be sent unless somebody reads it.
    const FLOOD: usize = 64 << 20;
    let flood = Answer::new(200, STORAGE).unasked(vec![b'x'; FLOOD], Place::Later(Duration::ZERO));
    let (client, peer) = client_of([flood, Answer::new(200, STORAGE)]).await;
    client.storage().await.unwrap();
    // Nobody calls meanwhile. The agent's write fails, because the connection was closed at the first byte.
    peer.wait_for_unasked(1).await;
    for _ in 0..2 {
        assert_eq!(client.storage().await.unwrap().vmid, 101);
    }
    assert_eq!((peer.requests().len(), peer.connections()), (3, 2));
}
