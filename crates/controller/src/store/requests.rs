//! The SQL of requests that have an idempotency key: written down before they act, and with their answer afterwards.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use crate::store::{Reader, StoreError, Tx, to_ms};

/// A request, as its sender names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RequestKey {
    /// The sender.
    pub uid: u32,
    /// Its idempotency key.
    pub key: String,
}

/// SHA-256 of what was asked.
pub type RequestDigest = [u8; 32];

/// What is known of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownRequest {
    /// What was asked.
    pub digest: RequestDigest,
    /// The answer; none where it has not ended, or the controller ended before it had.
    pub answer: Option<StoredAnswer>,
}

/// An answer over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAnswer {
    /// The status.
    pub status: u16,
    /// The content type.
    pub content_type: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Tx<'_> {
    /// Writes down that a request begins, unless it is known: then it is returned, and is not to be acted on.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sqlite`].
    pub fn begin_request(
        &mut self,
        at: Timestamp,
        request: &RequestKey,
        digest: &RequestDigest,
    ) -> Result<Option<KnownRequest>, StoreError> {
        self.forget_requests(at)?;
        let known = find(&self.savepoint, request)?;
        if known.is_none() {
            let sql = "INSERT INTO request (uid, key, digest, begun_at) VALUES (?1, ?2, ?3, ?4)";
            self.savepoint.prepare_cached(sql)?.execute(params![request.uid, request.key, digest, to_ms(at)])?;
        }
        Ok(known)
    }

    /// Writes the answer down, also of a request whose beginning was not.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sqlite`].
    pub fn answer_request(
        &mut self,
        at: Timestamp,
        request: &RequestKey,
        digest: &RequestDigest,
        answer: &StoredAnswer,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO request (uid, key, digest, begun_at, status, type, body) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
                   ON CONFLICT DO UPDATE SET status = ?5, type = ?6, body = ?7";
        let StoredAnswer { status, content_type, body } = answer;
        let values = params![request.uid, request.key, digest, to_ms(at), status, content_type, body];
        self.savepoint.prepare_cached(sql)?.execute(values)?;
        Ok(())
    }

    /// Forgets a request that has done nothing: its sender may make it again.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sqlite`].
    pub fn forget_request(&mut self, request: &RequestKey) -> Result<(), StoreError> {
        self.savepoint.execute("DELETE FROM request WHERE uid = ?1 AND key = ?2", params![request.uid, request.key])?;
        Ok(())
    }

    /// Those that are too old or too many. With each that begins, so that there is never much to do.
    fn forget_requests(&mut self, at: Timestamp) -> Result<(), StoreError> {
        let count: i64 = self.savepoint.query_row("SELECT count(*) FROM request", [], |row| row.get(0))?;
        if count < KEEP_OLD_REQUESTS {
            return Ok(());
        }
        let keep_for = SignedDuration::try_from(KEEP_REQUESTS_FOR).unwrap_or(SignedDuration::MAX);
        let before = at.checked_sub(keep_for).unwrap_or(Timestamp::MIN);
        // Whatever their age, the latest ones stay: a clock that is a year ahead for a moment must not have an order carried
        // out twice.
        let sql = "DELETE FROM request WHERE (uid, key) IN (
                       SELECT uid, key FROM (
                           SELECT uid, key, begun_at, row_number() OVER (ORDER BY begun_at DESC) AS place FROM request
                       ) WHERE place >= ?3 OR (place >= ?2 AND begun_at < ?1))";
        let bounds = params![to_ms(before), KEEP_OLD_REQUESTS, KEEP_REQUESTS];
        self.savepoint.prepare_cached(sql)?.execute(bounds)?;
        Ok(())
    }
}

impl Reader {
    /// A request that is known by this key.
    ///
    /// # Errors
    ///
    /// As [`Reader::read`].
    pub async fn request(&self, request: RequestKey) -> Result<Option<KnownRequest>, StoreError> {
        self.read(move |connection| find(connection, &request)).await
    }
}

fn find(connection: &Connection, request: &RequestKey) -> Result<Option<KnownRequest>, StoreError> {
    let sql = "SELECT digest, status, type, body FROM request WHERE uid = ?1 AND key = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let known = statement.query_row(params![request.uid, request.key], |row| {
        let answer = match row.get(1)? {
            Some(status) => Some(StoredAnswer { status, content_type: row.get(2)?, body: row.get(3)? }),
            None => None,
        };
        Ok(KnownRequest { digest: row.get(0)?, answer })
    });
    Ok(known.optional()?)
}

/// How long a request is known: whoever has not heard of it for a day does not repeat it by itself any more.
pub const KEEP_REQUESTS_FOR: Duration = Duration::from_secs(24 * 60 * 60);
/// How many of the latest requests are known also when they are older than that.
const KEEP_OLD_REQUESTS: i64 = 1000;
/// How many requests are known: some megabytes.
pub const KEEP_REQUESTS: i64 = 10_000;

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::{KEEP_OLD_REQUESTS, KEEP_REQUESTS, KnownRequest, RequestKey, StoredAnswer};
    use crate::store::Store;

    const DIGEST: [u8; 32] = [7; 32];

    fn key(key: &str) -> RequestKey {
        RequestKey { uid: 1, key: key.into() }
    }

    async fn begin(store: &Store, at: Timestamp, name: &'static str) -> Option<KnownRequest> {
        store.writer().write(move |tx| tx.begin_request(at, &key(name), &DIGEST)).await.unwrap()
    }

    #[tokio::test]
    async fn a_request_is_known_with_its_answer_whatever_the_clock_does() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let at = Timestamp::UNIX_EPOCH;
        assert_eq!(begin(&store, at, "a").await, None);
        assert_eq!(begin(&store, at, "a").await, Some(KnownRequest { digest: DIGEST, answer: None }));
        let answer = StoredAnswer { status: 409, content_type: "text/plain".into(), body: b"no".into() };
        let known = Some(KnownRequest { digest: DIGEST, answer: Some(answer.clone()) });
        store.writer().write(move |tx| tx.answer_request(at, &key("a"), &DIGEST, &answer)).await.unwrap();
        let other = RequestKey { uid: 2, ..key("a") };
        assert_eq!(store.reader().request(other).await.unwrap(), None, "another user's key is another key");
        assert_eq!(begin(&store, at + SignedDuration::from_hours(24 * 365), "b").await, None);
        assert_eq!(begin(&store, at, "a").await, known);
    }

    /// Fills the table with so many requests, of which each begins a second after the one before.
    async fn fill(store: &Store, count: i64) {
        let filled = store.writer().write(move |tx| {
            let sql = "INSERT INTO request (uid, key, digest, begun_at) VALUES (1, ?1, zeroblob(32), ?1 * 1000)";
            let mut insert = tx.savepoint.prepare(sql)?;
            for number in 1..=count {
                insert.execute([number])?;
            }
            Ok(())
        });
        filled.await.unwrap();
    }

    async fn count(store: &Store) -> i64 {
        let count = |connection: &rusqlite::Connection| {
            Ok(connection.query_row("SELECT count(*) FROM request", [], |row| row.get(0))?)
        };
        store.reader().read(count).await.unwrap()
    }

    #[tokio::test]
    async fn the_oldest_goes_when_there_are_too_many_and_never_the_one_that_begins() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        fill(&store, KEEP_REQUESTS).await;
        // By a clock that was set back: older than all others.
        assert_eq!(begin(&store, Timestamp::UNIX_EPOCH, "new").await, None);
        assert_eq!(count(&store).await, KEEP_REQUESTS);
        assert!(store.reader().request(key("new")).await.unwrap().is_some());
        assert_eq!(store.reader().request(key("1")).await.unwrap(), None, "the oldest one");
        assert!(store.reader().request(key("2")).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn those_older_than_a_day_go_save_the_latest() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let total = KEEP_OLD_REQUESTS + 500;
        fill(&store, total).await;
        let last = Timestamp::from_second(total).unwrap();
        assert_eq!(begin(&store, last, "a").await, None);
        assert_eq!(count(&store).await, total + 1, "none is a day old");
        assert_eq!(begin(&store, last + SignedDuration::from_hours(25), "b").await, None);
        assert_eq!(count(&store).await, KEEP_OLD_REQUESTS);
        assert!(store.reader().request(key(&total.to_string())).await.unwrap().is_some());
    }
}
