//! The exchanges of one instance, as the component holds them: a `future-incoming-response`, the `incoming-response` in it,
//! its `incoming-body`, and the `input-stream` of that.
//!
//! An answer is whole before the component sees any of it, so that the four are handles of one record, and the record's
//! number is what stands for each of them. wasmtime-wasi-http has an allocation of unknown type for each, with a stream that
//! is polled.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::watch;
use tokio::task::spawn;
use tokio_util::task::AbortOnDropHandle;
use wasmtime::bail;
use wasmtime_wasi_http::p2::bindings::http::types::ErrorCode;

use crate::network::Answer;

/// The most exchanges of which an instance holds a handle. The client has one at a time.
const MAX_EXCHANGES: usize = 256;

type Outcome = Result<Answer, ErrorCode>;

/// The exchanges, by their numbers.
#[derive(Default)]
pub(super) struct Exchanges(Vec<Option<Exchange>>);

/// One exchange.
pub(super) struct Exchange {
    progress: Progress,
    status: u16,
    /// What the stream has not given yet.
    unread: Bytes,
    /// The handles that there were, and those of them that there still are, as bits.
    given: u8,
    held: u8,
}

enum Progress {
    /// In a task, which is aborted when this is dropped.
    UnderWay(UnderWay),
    Ended(Outcome),
    /// The component has the outcome.
    Taken,
}

struct UnderWay {
    _task: AbortOnDropHandle<()>,
    outcome: Arc<Mutex<Option<Outcome>>>,
    end: watch::Receiver<()>,
}

/// One of the four resources.
#[derive(Clone, Copy)]
#[repr(u8)]
pub(super) enum Handle {
    Future = 1,
    Response = 2,
    Body = 4,
    Stream = 8,
}

impl Exchanges {
    /// Adds one that has ended.
    pub(super) fn add_ended(&mut self, outcome: Outcome) -> wasmtime::Result<u32> {
        self.add(Progress::Ended(outcome))
    }

    /// Adds one that is made in a task.
    pub(super) fn add_task(
        &mut self,
        exchange: impl Future<Output = Outcome> + Send + 'static,
    ) -> wasmtime::Result<u32> {
        let outcome = Arc::default();
        let (tell, end) = watch::channel(());
        let slot = Arc::clone(&outcome);
        let task = AbortOnDropHandle::new(spawn(async move {
            let outcome = exchange.await;
            *lock(&slot) = Some(outcome);
            // Dropped after that, and by a panic too: the end is seen in any case.
            drop(tell);
        }));
        self.add(Progress::UnderWay(UnderWay { _task: task, outcome, end }))
    }

    fn add(&mut self, progress: Progress) -> wasmtime::Result<u32> {
        let future = Handle::Future as u8;
        let exchange = Some(Exchange { progress, status: 0, unread: Bytes::new(), given: future, held: future });
        let number = self.free_number()?;
        match self.0.get_mut(number) {
            Some(slot) => *slot = exchange,
            None => self.0.push(exchange),
        }
        Ok(u32::try_from(number)?)
    }

    /// Fails where there is no room for one more: to be called before it is begun.
    pub(super) fn check_room(&self) -> wasmtime::Result<()> {
        self.free_number().map(drop)
    }

    fn free_number(&self) -> wasmtime::Result<usize> {
        let free = self.0.iter().position(Option::is_none).unwrap_or(self.0.len());
        if free == MAX_EXCHANGES {
            bail!("more than {MAX_EXCHANGES} exchanges at once");
        }
        Ok(free)
    }

    pub(super) fn at(&mut self, number: u32) -> wasmtime::Result<&mut Exchange> {
        match self.0.get_mut(number as usize) {
            Some(Some(exchange)) => Ok(exchange),
            _ => bail!("no exchange {number}"),
        }
    }

    /// Drops a handle, and the exchange with the last one.
    pub(super) fn release(&mut self, number: u32, handle: Handle) -> wasmtime::Result<()> {
        let exchange = self.at(number)?;
        // Source: `incoming-body` of `wasi:http/types`, whose stream is its child.
        if matches!(handle, Handle::Body) && exchange.holds(Handle::Stream) {
            bail!("the body was dropped before its stream");
        }
        exchange.held &= !(handle as u8);
        if let (0, Some(slot)) = (exchange.held, self.0.get_mut(number as usize)) {
            *slot = None;
        }
        Ok(())
    }
}

impl Exchange {
    /// The end of an exchange that is under way; none once it has ended.
    pub(super) fn end(&self) -> Option<watch::Receiver<()>> {
        match &self.progress {
            Progress::UnderWay(under_way) => Some(under_way.end.clone()),
            _ => None,
        }
    }

    /// Gives the outcome away: none while there is no outcome, an error the second time. An answer has a handle then.
    pub(super) fn take_outcome(&mut self) -> Option<Result<Result<(), ErrorCode>, ()>> {
        if let Progress::UnderWay(under_way) = &self.progress {
            // First whether it is over: over without an outcome is a panic, which must not look like an answer of the agent.
            let is_over = under_way.end.has_changed().is_err();
            let outcome = lock(&under_way.outcome).take();
            let outcome = outcome.or_else(|| is_over.then(failed_task))?;
            self.progress = Progress::Ended(outcome);
        }
        Some(match mem::replace(&mut self.progress, Progress::Taken) {
            Progress::Ended(Ok(answer)) => {
                (self.status, self.unread) = (answer.status.as_u16(), answer.body);
                self.give(Handle::Response);
                Ok(Ok(()))
            }
            Progress::Ended(Err(code)) => Ok(Err(code)),
            Progress::UnderWay(_) | Progress::Taken => Err(()),
        })
    }

    pub(super) fn status(&self) -> u16 {
        self.status
    }

    /// Makes a handle, unless there was one before.
    pub(super) fn give(&mut self, handle: Handle) -> bool {
        let is_new = self.given & handle as u8 == 0;
        self.given |= handle as u8;
        if is_new {
            self.held |= handle as u8;
        }
        is_new
    }

    fn holds(&self, handle: Handle) -> bool {
        self.held & handle as u8 != 0
    }

    /// As much as is wanted of what is left of the body; none at its end.
    pub(super) fn read(&mut self, most: u64) -> Option<Bytes> {
        if self.unread.is_empty() {
            return None;
        }
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        Some(if most < self.unread.len() { self.unread.split_to(most) } else { mem::take(&mut self.unread) })
    }
}

fn failed_task() -> Outcome {
    Err(ErrorCode::InternalError(Some("the exchange has failed".into())))
}

fn lock(outcome: &Mutex<Option<Outcome>>) -> MutexGuard<'_, Option<Outcome>> {
    outcome.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::{Answer, Bytes, ErrorCode, Exchanges, Handle, MAX_EXCHANGES};

    fn answer(body: &'static str) -> Result<Answer, ErrorCode> {
        Ok(Answer { status: StatusCode::ACCEPTED, body: Bytes::from_static(body.as_bytes()) })
    }

    #[test]
    fn an_answer_is_given_once_and_its_body_read_in_pieces_to_the_end() {
        let mut exchanges = Exchanges::default();
        let number = exchanges.add_ended(answer("whole")).unwrap();
        let exchange = exchanges.at(number).unwrap();
        assert!(exchange.end().is_none());
        assert!(matches!(exchange.take_outcome(), Some(Ok(Ok(())))));
        assert!(matches!(exchange.take_outcome(), Some(Err(()))));
        assert_eq!(exchange.status(), 202);
        assert!(exchange.give(Handle::Body) && !exchange.give(Handle::Body));
        let read: Vec<_> = [0, 2, u64::MAX, 1].map(|most| exchange.read(most)).into();
        assert_eq!(read, [Some(Bytes::new()), Some("wh".into()), Some("ole".into()), None]);
    }

    #[test]
    fn an_exchange_lives_as_long_as_a_handle_of_it() {
        let mut exchanges = Exchanges::default();
        let number = exchanges.add_ended(answer("")).unwrap();
        let exchange = exchanges.at(number).unwrap();
        exchange.take_outcome();
        assert!(exchange.give(Handle::Body) && exchange.give(Handle::Stream));
        exchanges.release(number, Handle::Future).unwrap();
        assert!(exchanges.release(number, Handle::Body).is_err(), "its stream is there");
        for handle in [Handle::Stream, Handle::Body] {
            exchanges.release(number, handle).unwrap();
        }
        assert!(exchanges.at(number).is_ok());
        exchanges.release(number, Handle::Response).unwrap();
        assert!(exchanges.at(number).is_err());
        assert_eq!(exchanges.add_ended(answer("")).unwrap(), number, "its place is free");
    }

    #[tokio::test]
    async fn one_in_a_task_has_no_outcome_before_its_end_and_a_panic_is_none_of_the_agent() {
        let failed = ErrorCode::InternalError(Some("the exchange has failed".into()));
        for (is_broken, expected) in [(false, Ok(())), (true, Err(failed))] {
            let mut exchanges = Exchanges::default();
            let task = async move { if is_broken { panic!("on purpose") } else { answer("") } };
            let number = exchanges.add_task(task).unwrap();
            let exchange = exchanges.at(number).unwrap();
            assert!(exchange.take_outcome().is_none());
            let mut end = exchange.end().unwrap();
            assert!(end.changed().await.is_err(), "it tells by being dropped");
            assert_eq!(format!("{:?}", exchange.take_outcome()), format!("{:?}", Some(Ok::<_, ()>(expected))));
        }
    }

    #[test]
    fn there_are_no_more_than_may_be() {
        let mut exchanges = Exchanges::default();
        for _ in 0..MAX_EXCHANGES {
            exchanges.add_ended(answer("")).unwrap();
        }
        assert!(exchanges.check_room().is_err() && exchanges.add_ended(answer("")).is_err());
        exchanges.release(7, Handle::Future).unwrap();
        assert!(exchanges.check_room().is_ok());
        assert_eq!(exchanges.add_ended(answer("")).unwrap(), 7);
    }
}
