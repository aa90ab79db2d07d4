//! The bus on NATS JetStream. Keys are those of NATS's key-value stores, so that its own tools show them; they are read and
//! written by plain messages, because a guest may not ask for what a client library asks first.

mod connect;
mod messages;
pub mod objects;
pub mod users;

use std::fmt;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream::consumer::{DeliverPolicy, push};
use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::{self, Context};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use tokio::time::timeout;

use crate::bus::{Bus, BusError, Entry, Expect, Record, Start, Table, Watch};
use crate::name::GuestName;
use crate::nats::connect::Complaints;
use crate::nats::messages::{direct_entry, entry_of, record_of};

pub use connect::{Access, MIN_VERSION};

/// The coordinator's name on the bus: of a controller that plans for others, and of whoever looks at the fleet.
pub const COORDINATOR: &str = "coordinator";
/// The log of events.
pub(crate) const EVENTS: &str = "EVT";

/// The bus on NATS. Clones share the connection.
#[derive(Clone)]
pub struct NatsBus {
    client: Client,
    jetstream: Context,
    complaints: Complaints,
}

impl fmt::Debug for NatsBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NatsBus { .. }")
    }
}

impl NatsBus {
    /// Connects, and looks at the server's version.
    ///
    /// # Errors
    ///
    /// [`BusError::Unreachable`], [`BusError::Denied`] where it does not know the key, [`BusError::Unusable`] where it is too
    /// old.
    pub async fn connect(access: &Access) -> Result<Self, BusError> {
        let complaints = Complaints::default();
        let client = connect::connect(access, complaints.clone()).await?;
        let jetstream = jetstream::context::ContextBuilder::new().timeout(ANSWER_TIME).build(client.clone());
        Ok(Self { client, jetstream, complaints })
    }

    async fn publish(&self, subject: String, message: PublishMessage) -> Result<u64, BusError> {
        connect::check(&self.client)?;
        let sent = self.jetstream.send_publish(subject.clone(), message).await;
        let acknowledged = match sent {
            Ok(sent) => timeout(ANSWER_TIME, sent.into_future()).await,
            Err(why) => Ok(Err(why)),
        };
        match acknowledged {
            Ok(Ok(acknowledged)) => Ok(acknowledged.sequence),
            Ok(Err(why)) if why.kind() == PublishErrorKind::WrongLastSequence => {
                Err(BusError::Changed { key: subject.rsplit('.').next().unwrap_or_default().to_owned() })
            }
            Ok(Err(why)) if why.kind() == PublishErrorKind::StreamNotFound => Err(BusError::Missing { what: subject }),
            Ok(Err(why)) => Err(self.complaints.explain(&subject, why)),
            Err(elapsed) => Err(self.complaints.explain(&subject, elapsed)),
        }
    }

    /// The messages of a stream, from somewhere on.
    async fn consume(
        &self,
        stream: &str,
        filter: String,
        deliver_policy: DeliverPolicy,
    ) -> Result<Consuming, BusError> {
        connect::check(&self.client)?;
        let stream_handle =
            self.jetstream.get_stream_no_info(stream).await.map_err(|why| self.missing(stream, &why))?;
        let config = push::OrderedConfig {
            deliver_subject: self.client.new_inbox(),
            filter_subject: filter,
            deliver_policy,
            ..push::OrderedConfig::default()
        };
        let consumer = stream_handle.create_consumer(config).await.map_err(|why| self.missing(stream, &why))?;
        let (name, pending) = (consumer.cached_info().name.clone(), consumer.cached_info().num_pending);
        let messages = consumer.messages().await.map_err(|why| self.complaints.explain(stream, why))?;
        Ok(Consuming { name, pending, messages })
    }

    /// The number of the latest record; 0 where there is none.
    async fn latest_record(&self) -> Result<u64, BusError> {
        connect::check(&self.client)?;
        let stream = self.jetstream.get_stream(EVENTS).await;
        Ok(stream.map_err(|why| self.missing(EVENTS, &why))?.cached_info().state.last_sequence)
    }

    fn missing(&self, stream: &str, why: &dyn fmt::Display) -> BusError {
        match why.to_string() {
            text if text.contains("not found") => BusError::Missing { what: stream.to_owned() },
            text => self.complaints.explain(stream, text),
        }
    }

    async fn watch_as(&self, table: Table) -> Result<(String, Watch), BusError> {
        let stream = stream_of(table);
        let Consuming { name, pending, messages } =
            self.consume(&stream, key_subject(table, ">"), DeliverPolicy::LastPerSubject).await?;
        let complaints = self.complaints.clone();
        let mut changes = messages.map(move |message| entry_of(table, message, &complaints)).boxed();
        let mut entries = Vec::new();
        for _ in 0..pending {
            let entry =
                timeout(ANSWER_TIME, changes.next()).await.map_err(|why| self.complaints.explain(&stream, why))?;
            entries.extend(entry.transpose()?.filter(|entry| entry.value.is_some()));
        }
        Ok((name, Watch { entries, changes }))
    }
}

/// A consumer on the server, and what it delivers.
struct Consuming {
    name: String,
    /// How many messages are there already.
    pending: u64,
    messages: push::Ordered,
}

#[async_trait::async_trait]
impl Bus for NatsBus {
    fn connections(&self) -> u64 {
        self.client.statistics().connects.load(Ordering::Relaxed)
    }

    async fn put(&self, table: Table, key: &str, value: Bytes, expect: Expect) -> Result<u64, BusError> {
        let message = PublishMessage::build().payload(value);
        let message = match expect {
            Expect::Anything => message,
            Expect::Nothing => message.expected_last_subject_sequence(0),
            Expect::Revision(revision) => message.expected_last_subject_sequence(revision),
        };
        let set = self.publish(key_subject(table, key), message.clone()).await;
        // A key that was deleted is there to the server, as a message that says so.
        if let (Err(BusError::Changed { .. }), Expect::Nothing) = (&set, expect)
            && let Some(Entry { value: None, revision, .. }) =
                direct_entry(&self.client, table, key, &self.complaints).await?
        {
            let message = message.expected_last_subject_sequence(revision);
            return self.publish(key_subject(table, key), message).await;
        }
        set
    }

    async fn delete(&self, table: Table, key: &str, revision: u64) -> Result<(), BusError> {
        let message = PublishMessage::build().header("KV-Operation", "DEL").expected_last_subject_sequence(revision);
        self.publish(key_subject(table, key), message).await.map(drop)
    }

    async fn get(&self, table: Table, key: &str) -> Result<Option<Entry>, BusError> {
        connect::check(&self.client)?;
        let entry = direct_entry(&self.client, table, key, &self.complaints).await?;
        Ok(entry.filter(|entry| entry.value.is_some()))
    }

    async fn all(&self, table: Table) -> Result<Vec<Entry>, BusError> {
        let (consumer, Watch { entries, changes }) = self.watch_as(table).await?;
        drop(changes);
        // The server would keep it for half a minute, and has as many as it lets a stream have.
        let _ = self.jetstream.delete_consumer_from_stream(consumer, stream_of(table)).await;
        Ok(entries)
    }

    async fn watch(&self, table: Table) -> Result<Watch, BusError> {
        Ok(self.watch_as(table).await?.1)
    }

    async fn append(&self, guest: &GuestName, id: &str, payload: Bytes) -> Result<(), BusError> {
        let message = PublishMessage::build().payload(payload).message_id(id);
        self.publish(format!("evt.{guest}.event"), message).await.map(drop)
    }

    async fn follow(&self, start: Start) -> Result<BoxStream<'static, Result<Record, BusError>>, BusError> {
        let policy = match start {
            Start::New => DeliverPolicy::New,
            Start::After(sequence) => DeliverPolicy::ByStartSequence { start_sequence: sequence + 1 },
            Start::Latest(records) => {
                let after = self.latest_record().await?.saturating_sub(records);
                DeliverPolicy::ByStartSequence { start_sequence: after + 1 }
            }
        };
        let Consuming { messages, .. } = self.consume(EVENTS, "evt.>".into(), policy).await?;
        let complaints = self.complaints.clone();
        Ok(messages.map(move |message| record_of(message, &complaints)).boxed())
    }
}

/// The stream in which NATS keeps a table.
pub(crate) fn stream_of(table: Table) -> String {
    format!("KV_{}", table.name())
}

pub(crate) fn key_subject(table: Table, key: &str) -> String {
    format!("$KV.{}.{key}", table.name())
}

/// What a server on the other side of the world needs, many times over.
const ANSWER_TIME: Duration = Duration::from_secs(5);
