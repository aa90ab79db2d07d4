//! Runs of a time, with no more of each than a calendar shows.

use jiff::Timestamp;
use rusqlite::params;

use crate::run::{RunId, RunState};
use crate::store::{Reader, StoreError, from_ms, to_ms};

/// What a calendar shows of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PastRun {
    pub(crate) id: RunId,
    pub(crate) state: RunState,
    pub(crate) queued_at: Timestamp,
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) ended_at: Option<Timestamp>,
    /// Whether it has started a backup.
    pub(crate) has_job: bool,
    pub(crate) frozen_ms: Option<i64>,
}

impl Reader {
    /// The runs of a subject that were activated from one time until before another, the oldest first. If there are more than
    /// so many, the newest of them.
    ///
    /// # Errors
    ///
    /// As [`Reader::read`].
    pub(crate) async fn past_runs(
        &self,
        subject: &'static str,
        from: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<PastRun>, StoreError> {
        self.read(move |connection| {
            let sql = "SELECT id, state, queued_at, started_at, ended_at, job_id IS NOT NULL, frozen_ms FROM run \
                       WHERE subject = ?1 AND queued_at >= ?2 AND queued_at < ?3 ORDER BY id DESC LIMIT ?4";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map(params![subject, to_ms(from), to_ms(until), limit], |row| {
                let state: String = row.get(1)?;
                Ok(PastRun {
                    id: RunId(row.get(0)?),
                    state: RunState::from_name(&state).unwrap_or(RunState::Unknown),
                    queued_at: from_ms(row.get(2)?),
                    started_at: row.get::<_, Option<i64>>(3)?.map(from_ms),
                    ended_at: row.get::<_, Option<i64>>(4)?.map(from_ms),
                    has_job: row.get(5)?,
                    frozen_ms: row.get(6)?,
                })
            })?;
            let mut runs = rows.collect::<Result<Vec<_>, _>>()?;
            runs.reverse();
            Ok(runs)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::RunEnd;
    use crate::store::Store;

    #[tokio::test]
    async fn the_runs_of_a_time_and_a_subject_are_listed_and_of_too_many_the_newest() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let at = |second| Timestamp::from_second(second).unwrap();
        let written = store.writer().write(move |tx| {
            for second in 0..5 {
                tx.queue_run(at(second), "backup", "", "")?;
                tx.queue_run(at(second), "other", "", "")?;
            }
            tx.begin_run(at(10), RunId(5))?;
            let end = RunEnd { job_id: Some("job".into()), frozen_ms: Some(7), ..RunEnd::new(RunState::Done, "") };
            tx.end_run(at(20), RunId(5), &end)
        });
        written.await.unwrap();
        let runs = store.reader().past_runs("backup", at(1), at(4), 100).await.unwrap();
        assert_eq!(runs.iter().map(|run| run.id.0).collect::<Vec<_>>(), [3, 5, 7]);
        let done = PastRun {
            id: RunId(5),
            state: RunState::Done,
            queued_at: at(2),
            started_at: Some(at(10)),
            ended_at: Some(at(20)),
            has_job: true,
            frozen_ms: Some(7),
        };
        assert_eq!(runs[1], done);
        assert_eq!((runs[2].state, runs[2].has_job, runs[2].ended_at), (RunState::Queued, false, None));
        let newest = store.reader().past_runs("backup", at(0), at(9), 2).await.unwrap();
        assert_eq!(newest.iter().map(|run| run.id.0).collect::<Vec<_>>(), [7, 9]);
    }
}
