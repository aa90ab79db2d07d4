//! The SQL of samples: each is folded into one row for each step, so that old ones are thinned by forgetting the finer rows.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use crate::sample::{Measure, Point, Sample, Series, Step};
use crate::store::{Reader, StoreError, Tx, from_ms, to_ms};

impl Tx<'_> {
    /// Adds what was measured at one time.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sqlite`].
    pub fn add_samples(&mut self, at: Timestamp, samples: &[Sample]) -> Result<(), StoreError> {
        let sql = "INSERT INTO sample (series, step, slot, min, max, sum, count) VALUES (?1, ?2, ?3, ?4, ?4, ?4, 1) \
                   ON CONFLICT DO UPDATE SET min = min(min, ?4), max = max(max, ?4), sum = sum + ?4, count = count + 1";
        for sample in samples {
            let Some(series) = self.series_of(at, sample)? else { continue };
            for step in Step::ALL {
                let seconds = seconds(*step);
                let slot = at.as_second().div_euclid(seconds);
                self.savepoint.prepare_cached(sql)?.execute(params![series, seconds, slot, sample.value])?;
            }
        }
        Ok(())
    }

    /// None where there are too many, and each was seen during the last day.
    fn series_of(&mut self, at: Timestamp, sample: &Sample) -> Result<Option<i64>, StoreError> {
        let (measure, of, now) = (sample.measure.name(), &sample.of, to_ms(at));
        let known = "UPDATE series SET last_at = ?3 WHERE measure = ?1 AND of = ?2 RETURNING id";
        let id =
            self.savepoint.prepare_cached(known)?.query_row(params![measure, of, now], |row| row.get(0)).optional()?;
        if id.is_some() {
            return Ok(id);
        }
        let count: u32 = self.savepoint.query_row("SELECT count(*) FROM series", [], |row| row.get(0))?;
        if count >= MAX_SERIES {
            let gone =
                "DELETE FROM series WHERE id = (SELECT id FROM series WHERE last_at < ?1 ORDER BY last_at LIMIT 1)";
            let day_ago = at.checked_sub(SignedDuration::from_hours(24)).unwrap_or(Timestamp::MIN);
            if self.savepoint.execute(gone, [to_ms(day_ago)])? == 0 {
                return Ok(None);
            }
        }
        let new = "INSERT INTO series (measure, of, last_at) VALUES (?1, ?2, ?3) RETURNING id";
        Ok(Some(self.savepoint.query_row(new, params![measure, of, now], |row| row.get(0))?))
    }

    /// Forgets some points that are beyond those that are kept. How many.
    ///
    /// Counted, and not by their age: a clock that was years ahead for a moment must not cost all plots.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sqlite`].
    pub fn forget_samples(&mut self) -> Result<usize, StoreError> {
        let sql = "DELETE FROM sample WHERE (series, step, slot) IN (
                       SELECT series, step, slot FROM (
                           SELECT series, step, slot, row_number() OVER (PARTITION BY series ORDER BY slot DESC) AS place
                           FROM sample WHERE step = ?1
                       ) WHERE place > ?2 LIMIT ?3)";
        let forget = |step: &Step| self.savepoint.execute(sql, params![seconds(*step), step.kept(), POINTS_IN_A_BITE]);
        let counts = Step::ALL.iter().map(forget).collect::<Result<Vec<_>, _>>()?;
        Ok(counts.iter().sum())
    }
}

impl Reader {
    /// What is measured.
    ///
    /// # Errors
    ///
    /// As [`Reader::read`].
    pub async fn series(&self) -> Result<Vec<Series>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT measure, of, last_at FROM series ORDER BY id")?;
            let rows = statement.query_map([], |row| {
                let (measure, of, last_at): (String, _, _) = (row.get(0)?, row.get(1)?, from_ms(row.get(2)?));
                // One that only a newer version knows is left out.
                Ok(Measure::from_name(&measure).map(|measure| Series { measure, of, last_at }))
            })?;
            Ok(rows.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
        })
        .await
    }

    /// The points of one series from one time up to another, the oldest first. Where nothing was measured there is none.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`] if this was never measured; otherwise as [`Reader::read`].
    pub async fn points(
        &self,
        measure: Measure,
        of: String,
        step: Step,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Point>, StoreError> {
        self.read(move |connection| {
            let id = "SELECT id FROM series WHERE measure = ?1 AND of = ?2";
            let id = connection.query_row(id, params![measure.name(), of], |row| row.get(0)).optional()?;
            let id: i64 = id.ok_or_else(|| StoreError::NotFound(format!("series {measure} of {of:?}")))?;
            points(connection, id, step, from, until)
        })
        .await
    }
}

fn points(
    connection: &Connection,
    series: i64,
    step: Step,
    from: Timestamp,
    until: Timestamp,
) -> Result<Vec<Point>, StoreError> {
    let sql = "SELECT slot, min, sum / count, max FROM sample \
               WHERE series = ?1 AND step = ?2 AND slot BETWEEN ?3 AND ?4 ORDER BY slot";
    let seconds = seconds(step);
    let slot = |at: Timestamp| at.as_second().div_euclid(seconds);
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params![series, seconds, slot(from), slot(until)], |row| {
        let at = from_ms(row.get::<_, i64>(0)?.saturating_mul(seconds).saturating_mul(1000));
        Ok(Point { at, min: row.get(1)?, mean: row.get(2)?, max: row.get(3)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn seconds(step: Step) -> i64 {
    i64::try_from(step.duration().as_secs()).unwrap_or(i64::MAX)
}

/// Series at once: those of a host with eight storage targets and some disks. All of it is 8 MiB at most.
pub(super) const MAX_SERIES: u32 = 48;
/// Some 300 KiB.
const POINTS_IN_A_BITE: i64 = 10_000;

#[cfg(test)]
mod tests;
