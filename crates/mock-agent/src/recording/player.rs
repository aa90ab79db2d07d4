//! Plays a recording: for each operation its answers, in the recorded order.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Mutex;
use std::time::Duration;

use agentapi_contract::{Method, Route};
use bytes::Bytes;
use http::StatusCode;
use tokio::time::sleep;

use super::{Outcome, Recording};
use crate::envelope::Answer;
use crate::lock::lock;
use crate::upstream::Upstream;

/// Answers by a recording.
#[derive(Debug)]
pub(crate) struct Player {
    /// One for each route, in the order of [`Route::ALL`].
    tracks: Mutex<Vec<Track>>,
    /// How many times faster than recorded; none for at once.
    speed: Option<f64>,
}

#[derive(Debug)]
struct Track {
    route: Route,
    recorded: usize,
    asked: usize,
    left: VecDeque<(Duration, Outcome)>,
}

impl Player {
    pub(crate) fn new(recording: Recording, speed: Option<f64>) -> Self {
        let mut tracks: Vec<_> =
            Route::ALL.map(|route| Track { route, recorded: 0, asked: 0, left: VecDeque::new() }).into();
        for exchange in recording.exchanges {
            if let Some(track) = tracks.iter_mut().find(|track| track.route == exchange.route) {
                track.recorded += 1;
                track.left.push_back((exchange.took, exchange.outcome));
            }
        }
        Self { tracks: Mutex::new(tracks), speed }
    }

    fn next(&self, route: Route) -> (Duration, Outcome) {
        let mut tracks = lock(&self.tracks);
        let played = tracks.iter_mut().find(|track| track.route == route).and_then(Track::next);
        played.unwrap_or_else(|| (Duration::ZERO, refused(format!("the recording has no answer to {}", route.name()))))
    }
}

impl Track {
    fn next(&mut self) -> Option<(Duration, Outcome)> {
        self.asked += 1;
        let repeats = self.route.method() == Method::Get;
        match self.left.len() {
            0 if self.recorded == 0 => None,
            0 => {
                let (route, recorded, asked) = (self.route.name(), self.recorded, self.asked);
                Some((
                    Duration::ZERO,
                    refused(format!("the recording has {recorded} {route}, and this is number {asked}")),
                ))
            }
            // A client that polls may do so more often than the recorded one. What acts is not answered twice.
            1 if repeats => self.left.front().cloned(),
            _ => self.left.pop_front(),
        }
    }
}

impl Upstream for Player {
    fn exchange(&self, route: Route, _body: Bytes) -> Pin<Box<dyn Future<Output = Outcome> + Send>> {
        let (took, outcome) = self.next(route);
        // A speed of nothing or less is no speed, and a time that cannot be computed is none to wait for.
        let wait = self.speed.and_then(|speed| Duration::try_from_secs_f64(took.as_secs_f64() / speed).ok());
        Box::pin(async move {
            if let Some(wait) = wait {
                sleep(wait).await;
            }
            outcome
        })
    }
}

/// 410, below 500: nothing was done.
fn refused(error: String) -> Outcome {
    let response = Answer::refused(StatusCode::GONE, error).into_response();
    Outcome::Answer { status: response.status().as_u16(), body: response.into_body() }
}
