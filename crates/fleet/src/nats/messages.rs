//! From messages of NATS to entries and records.

use std::fmt::Display;

use async_nats::jetstream::Message;
use async_nats::{Client, HeaderMap, StatusCode};
use bytes::Bytes;
use jiff::Timestamp;
use tokio::time::timeout;

use crate::bus::{BusError, Entry, Record, Table};
use crate::nats::connect::Complaints;
use crate::nats::{ANSWER_TIME, key_subject, stream_of};

/// Reads a key by a direct get: one request, for which a guest may be given the right key by key.
pub(super) async fn direct_entry(
    client: &Client,
    table: Table,
    key: &str,
    complaints: &Complaints,
) -> Result<Option<Entry>, BusError> {
    let subject = format!("$JS.API.DIRECT.GET.{}.{}", stream_of(table), key_subject(table, key));
    let answer = match timeout(ANSWER_TIME, client.request(subject.clone(), Bytes::new())).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(why)) if why.kind() == async_nats::RequestErrorKind::NoResponders => {
            return Err(BusError::Missing { what: format!("table {}", table.name()) });
        }
        Ok(Err(why)) => return Err(complaints.explain(&subject, why)),
        Err(elapsed) => return Err(complaints.explain(&subject, elapsed)),
    };
    if answer.status == Some(StatusCode::NOT_FOUND) {
        return Ok(None);
    }
    let headers = answer.headers.unwrap_or_default();
    let text = |name: &str| headers.get(name).map(|value| value.as_str()).unwrap_or_default();
    let (revision, at) = (text("Nats-Sequence").parse(), text("Nats-Time-Stamp").parse());
    let (Ok(revision), Ok(at)) = (revision, at) else {
        return Err(BusError::Unusable(format!("the bus answered {subject} without the number of the message")));
    };
    Ok(Some(Entry { key: key.to_owned(), value: value(&headers, answer.payload), revision, at }))
}

/// An entry as a consumer delivers it.
pub(super) fn entry_of<E: Display>(
    table: Table,
    message: Result<Message, E>,
    complaints: &Complaints,
) -> Result<Entry, BusError> {
    let message = message.map_err(|why| complaints.explain(table.name(), why.to_string()))?;
    let (revision, at) = place(&message)?;
    let prefix = key_subject(table, "");
    let key = message.subject.strip_prefix(&prefix).unwrap_or_default().to_owned();
    let headers = message.headers.clone().unwrap_or_default();
    Ok(Entry { key, value: value(&headers, message.payload.clone()), revision, at })
}

/// A record as a consumer delivers it.
pub(super) fn record_of<E: Display>(message: Result<Message, E>, complaints: &Complaints) -> Result<Record, BusError> {
    let message = message.map_err(|why| complaints.explain("events", why.to_string()))?;
    let (sequence, at) = place(&message)?;
    let guest = message.subject.split('.').nth(1).unwrap_or_default();
    let guest = guest.parse().map_err(|why| BusError::Unusable(format!("an event of nobody: {why}")))?;
    Ok(Record { guest, sequence, at, payload: message.payload.clone() })
}

/// The message's number, and when the server took it.
fn place(message: &Message) -> Result<(u64, Timestamp), BusError> {
    let unusable =
        |why: &dyn Display| BusError::Unusable(format!("the bus delivered a message without a number: {why}"));
    let info = message.info().map_err(|why| unusable(&why))?;
    let at = Timestamp::from_nanosecond(info.published.unix_timestamp_nanos()).map_err(|why| unusable(&why))?;
    Ok((info.stream_sequence, at))
}

/// None where the message says that the key was deleted, or that it is too old.
fn value(headers: &HeaderMap, payload: Bytes) -> Option<Bytes> {
    let is_gone = headers.get("KV-Operation").is_some() || headers.get("Nats-Marker-Reason").is_some();
    (!is_gone).then_some(payload)
}
