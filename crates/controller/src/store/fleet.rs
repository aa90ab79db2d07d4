//! The SQL of what a guest's part in a fleet remembers.

use rusqlite::{OptionalExtension, params};

use crate::store::{StoreError, Tx};

impl Tx<'_> {
    /// Sets a key.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sqlite`].
    pub fn keep_for_fleet(&mut self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        let sql = "INSERT OR REPLACE INTO fleet (key, value) VALUES (?1, ?2)";
        self.savepoint.prepare_cached(sql)?.execute(params![key, value])?;
        Ok(())
    }

    /// The value of a key. Asked of the writer, so that it comes after the changes that wait in the queue.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sqlite`].
    pub fn kept_for_fleet(&mut self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT value FROM fleet WHERE key = ?1";
        Ok(self.savepoint.prepare_cached(sql)?.query_row([key], |row| row.get(0)).optional()?)
    }
}
