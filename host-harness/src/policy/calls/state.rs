//! What an extension remembers.

use std::sync::Arc;

use agentapi_contract::wit::Function;
use agentapi_quiesce::error_chain;
use serde::Serialize;
use serde_json::{Value, json};

use crate::policy::bindings::felhom::agentapi::state::{self, StateError};
use crate::policy::calls::{Calls, missing_grant};
use crate::policy::grants::{STATE_DELETE, STATE_GET, STATE_LIST, STATE_SET};
use crate::policy::observed::{ObservedError, OpenCall};
use crate::policy::state_store::{EntryError, Lasts, StateStore};

impl state::Host for Calls {
    async fn get(&mut self, key: String) -> wasmtime::Result<Result<Option<Vec<u8>>, StateError>> {
        let (call, store) = match self.admit_state(STATE_GET, json!({ "key": key }))? {
            Ok(admitted) => admitted,
            Err(denied) => return Ok(Err(denied)),
        };
        let value = self.entries.get(&*store, &self.identity.name, &key).await;
        Ok(end(call, value, |value| json!(value.as_deref().map(shown))))
    }

    async fn set(&mut self, key: String, value: Vec<u8>) -> wasmtime::Result<Result<(), StateError>> {
        let arguments = json!({ "key": key, "value": shown(&value) });
        let (call, store) = match self.admit_state(STATE_SET, arguments)? {
            Ok(admitted) => admitted,
            Err(denied) => return Ok(Err(denied)),
        };
        let lasts = self.lasts();
        let outcome = self.entries.set(&*store, &self.identity.name, &key, value, lasts).await;
        Ok(end(call, outcome, |()| Value::Null))
    }

    async fn delete(&mut self, key: String) -> wasmtime::Result<Result<bool, StateError>> {
        let (call, store) = match self.admit_state(STATE_DELETE, json!({ "key": key }))? {
            Ok(admitted) => admitted,
            Err(denied) => return Ok(Err(denied)),
        };
        let lasts = self.lasts();
        let outcome = self.entries.delete(&*store, &self.identity.name, &key, lasts).await;
        Ok(end(call, outcome, |was_there| json!(was_there)))
    }

    async fn list(&mut self, prefix: String) -> wasmtime::Result<Result<Vec<String>, StateError>> {
        let (call, store) = match self.admit_state(STATE_LIST, json!({ "prefix": prefix }))? {
            Ok(admitted) => admitted,
            Err(denied) => return Ok(Err(denied)),
        };
        let keys = self.entries.keys(&*store, &self.identity.name, &prefix).await;
        Ok(end(call, keys, |keys| json!(keys)))
    }
}

/// A call that may be made, and has begun, with the store that it concerns.
type Admitted = (OpenCall, Arc<dyn StateStore>);

impl Calls {
    /// Begins a call of the state, if it may be made. The audit hears of none: they concern nothing but the extension.
    fn admit_state(&mut self, function: Function, arguments: Value) -> wasmtime::Result<Result<Admitted, StateError>> {
        self.budget.spend()?;
        let call = self.observed.begin(function, arguments);
        let rule = match &self.state_store {
            _ if !self.grants.allows(function) => missing_grant(function),
            Some(store) => return Ok(Ok((call, Arc::clone(store)))),
            None => "the controller keeps no state for extensions".into(),
        };
        call.failed(|| ObservedError::denied(&rule));
        Ok(Err(StateError::Denied(rule)))
    }

    fn lasts(&self) -> Lasts {
        if self.dry_run.is_some() { Lasts::WithinTheRun } else { Lasts::BeyondTheRun }
    }
}

fn end<T: Serialize>(
    call: OpenCall,
    outcome: Result<T, EntryError>,
    described: impl FnOnce(&T) -> Value,
) -> Result<T, StateError> {
    match outcome {
        Ok(answer) => {
            call.answered(&described(&answer));
            Ok(answer)
        }
        Err(error) => {
            let (kind, error) = match error {
                EntryError::InvalidKey(why) => ("invalid-key", StateError::InvalidKey(why)),
                EntryError::TooLarge(what) => ("too-large", StateError::TooLarge(what)),
                EntryError::Store(cause) => {
                    tracing::error!(cause = %error_chain(&cause), "the state of an extension");
                    ("failed", StateError::Failed("the state cannot be read or written now".into()))
                }
            };
            let (StateError::Denied(text)
            | StateError::InvalidKey(text)
            | StateError::TooLarge(text)
            | StateError::Failed(text)) = &error;
            call.failed(|| ObservedError::new(kind, text));
            Err(error)
        }
    }
}

/// A value for whoever looks on: as the JSON or text that it is, or by its length.
fn shown(value: &[u8]) -> Value {
    match str::from_utf8(value) {
        Ok(text) => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
        Err(_) => format!("{} bytes", value.len()).into(),
    }
}
