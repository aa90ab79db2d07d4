//! What the extension remembers from one run to the next.
//!
//! Values are JSON: anything that serde reads and writes. What was written by an earlier version of the extension should be
//! readable by the next: give new fields a default.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bindings::felhom::agentapi::state as host;
use crate::{CallError, Failure};

pub use host::StateError;

/// The value of a key; none where there is no such key. Needs the grant `state.get`.
///
/// # Errors
///
/// [`StateError`]; kind `invalid-state` where what is stored is not such a value.
pub fn get<T: DeserializeOwned>(key: &str) -> Result<Option<T>, Failure> {
    let Some(bytes) = get_bytes(key)? else { return Ok(None) };
    let value = serde_json::from_slice(&bytes);
    value.map(Some).map_err(|why| Failure::new("invalid-state", format!("the state {key:?}: {why}")))
}

/// Sets the value of a key: at most 64 KiB as JSON, and 1 MiB for all keys. Needs the grant `state.set`.
///
/// # Errors
///
/// [`StateError`]; kind `invalid-state` for a value that cannot be JSON.
pub fn set<T: Serialize + ?Sized>(key: &str, value: &T) -> Result<(), Failure> {
    let json = serde_json::to_vec(value);
    let json = json.map_err(|why| Failure::new("invalid-state", format!("the state {key:?}: {why}")))?;
    Ok(set_bytes(key, &json)?)
}

/// The bytes of a key; none where there is no such key. Needs the grant `state.get`.
///
/// # Errors
///
/// [`StateError`].
pub fn get_bytes(key: &str) -> Result<Option<Vec<u8>>, CallError<StateError>> {
    host::get(key).map_err(CallError::of("state.get"))
}

/// Sets the bytes of a key. Needs the grant `state.set`.
///
/// # Errors
///
/// [`StateError`].
pub fn set_bytes(key: &str, value: &[u8]) -> Result<(), CallError<StateError>> {
    host::set(key, value).map_err(CallError::of("state.set"))
}

/// Deletes a key, and says whether there was one. Needs the grant `state.delete`.
///
/// # Errors
///
/// [`StateError`].
pub fn delete(key: &str) -> Result<bool, CallError<StateError>> {
    host::delete(key).map_err(CallError::of("state.delete"))
}

/// The keys that begin with this text, in the order of their bytes. Needs the grant `state.list`.
///
/// # Errors
///
/// [`StateError`].
pub fn list(prefix: &str) -> Result<Vec<String>, CallError<StateError>> {
    host::list(prefix).map_err(CallError::of("state.list"))
}
