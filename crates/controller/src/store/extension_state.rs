//! The SQL of what extensions remember.

use std::collections::BTreeMap;

use rusqlite::params;

use crate::store::{StoreError, Tx};

impl Tx<'_> {
    /// Sets a key of an extension, or deletes it where there is no value.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sqlite`].
    pub fn keep_state(&mut self, extension: &str, key: &str, value: Option<&[u8]>) -> Result<(), StoreError> {
        match value {
            Some(value) => {
                let sql = "INSERT OR REPLACE INTO extension_state (extension, key, value) VALUES (?1, ?2, ?3)";
                self.savepoint.prepare_cached(sql)?.execute(params![extension, key, value])?;
            }
            None => {
                let sql = "DELETE FROM extension_state WHERE extension = ?1 AND key = ?2";
                self.savepoint.prepare_cached(sql)?.execute(params![extension, key])?;
            }
        }
        Ok(())
    }

    /// All that an extension remembers. Asked of the writer and not of a reader, so that it comes after the changes that
    /// wait in the queue: after a freeze these may be of the run before.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sqlite`].
    pub fn kept_state(&mut self, extension: &str) -> Result<BTreeMap<String, Vec<u8>>, StoreError> {
        let sql = "SELECT key, value FROM extension_state WHERE extension = ?1";
        let mut statement = self.savepoint.prepare_cached(sql)?;
        let rows = statement.query_map([extension], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
