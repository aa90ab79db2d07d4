//! The steps from an empty file to today's tables. A step is never edited once it is released.

use rusqlite::{Connection, TransactionBehavior};

use crate::store::StoreError;

/// Step N brings a file of version N to version N + 1.
const STEPS: &[&str] = &[
    include_str!("../../migrations/0001.sql"),
    include_str!("../../migrations/0002_approvals.sql"),
    include_str!("../../migrations/0003_requests.sql"),
    include_str!("../../migrations/0004_samples.sql"),
    include_str!("../../migrations/0005_extensions.sql"),
    include_str!("../../migrations/0006_fleet.sql"),
];

/// Brings a file to today's version. The steps and the version are one transaction: a step that fails leaves the file as it
/// was.
///
/// # Errors
///
/// [`StoreError::Newer`], [`StoreError::Sqlite`].
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    apply(connection, STEPS)
}

fn apply(connection: &mut Connection, steps: &[&str]) -> Result<(), StoreError> {
    let known = i64::try_from(steps.len()).unwrap_or(i64::MAX);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    for step in steps.iter().skip(usize::try_from(found).unwrap_or_default()) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", known)?;
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::{STEPS, apply, migrate};
    use crate::store::StoreError;

    fn tables(connection: &Connection) -> String {
        connection.query_row("SELECT group_concat(sql) FROM sqlite_schema", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn a_step_that_fails_leaves_the_file_as_it_was_and_the_next_program_goes_on_from_there() {
        let mut connection = Connection::open_in_memory().unwrap();
        apply(&mut connection, STEPS).unwrap();
        let before = tables(&connection);
        let steps =
            [STEPS, &["CREATE TABLE half (a)", "CREATE TABLE whole (a); INSERT INTO nowhere VALUES (1)"]].concat();
        assert!(matches!(apply(&mut connection, &steps), Err(StoreError::Sqlite(_))));
        assert_eq!(tables(&connection), before);
        let mended = [STEPS, &["CREATE TABLE half (a)", "CREATE TABLE whole (a)"]].concat();
        apply(&mut connection, &mended).unwrap();
        assert!(tables(&connection).ends_with("CREATE TABLE half (a),CREATE TABLE whole (a)"));
    }

    #[test]
    fn migrating_twice_changes_nothing_and_a_newer_file_is_refused() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection).unwrap();
        let before = tables(&connection);
        migrate(&mut connection).unwrap();
        assert_eq!(tables(&connection), before);

        connection.pragma_update(None, "user_version", 1000).unwrap();
        let newer = migrate(&mut connection).unwrap_err();
        let known = i64::try_from(STEPS.len()).unwrap();
        assert!(matches!(newer, StoreError::Newer { found: 1000, known: found } if found == known));
    }
}
