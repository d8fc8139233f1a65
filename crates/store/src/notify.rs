//! Telling every node that something has changed. A message is a hint to look at the database, never the truth itself:
//! it may be lost when a node is cut off, which the subscriber learns as [`Signal::Resync`], and equal messages of one unit
//! may arrive as one.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::broadcast;

use crate::{DbError, Writer};

/// The longest payload, in bytes (PostgreSQL takes less than 8000 for channel and payload together).
pub const PAYLOAD_BYTES_MAX: usize = 7_900;
/// Messages that a slow subscriber may be behind before it is told to resync.
const BACKLOG_MAX: usize = 1_024;
/// The one PostgreSQL channel that all of ours travel on.
pub(crate) const WIRE_CHANNEL: &str = "hilum_store";
pub(crate) const NOTIFY_SQL: &str = "SELECT pg_notify('hilum_store', $1)";

/// What a subscriber is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signal {
    /// Something was published.
    Message(Arc<str>),
    /// Messages may have been missed: look at everything.
    Resync,
}

/// Subscriptions to what units of work publish.
#[derive(Clone, Default)]
pub struct Notify {
    channels: Arc<Mutex<BTreeMap<&'static str, broadcast::Sender<Signal>>>>,
}

/// A message on its way to the subscribers.
pub(crate) struct Message {
    channel: &'static str,
    payload: Arc<str>,
}

impl Message {
    pub(crate) fn new(channel: &'static str, payload: &str) -> Result<Self, DbError> {
        if channel.len() + payload.len() > PAYLOAD_BYTES_MAX {
            return Err(DbError::bind("the payload is longer than PAYLOAD_BYTES_MAX", NOTIFY_SQL));
        }
        Ok(Self { channel, payload: Arc::from(payload) })
    }

    pub(crate) fn wire(&self) -> String {
        format!("{}\n{}", self.channel, self.payload)
    }
}

impl Notify {
    /// The same as [`Writer::publish`].
    ///
    /// # Errors
    /// `DbError::Bind` if the payload is too long.
    pub async fn publish(
        &self,
        tx: &mut Writer,
        channel: &'static str,
        payload: &str,
    ) -> Result<(), DbError> {
        tx.publish(channel, payload).await
    }

    /// Hear what is published on this channel from now on, by this process or another.
    pub fn subscribe(&self, channel: &'static str) -> Subscription {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = channels.entry(channel).or_insert_with(|| broadcast::Sender::new(BACKLOG_MAX));
        Subscription { receiver: sender.subscribe() }
    }

    pub(crate) fn deliver(&self, message: Message) {
        self.send(message.channel, Signal::Message(message.payload));
    }

    pub(crate) fn deliver_wire(&self, wire: &str) {
        if let Some((channel, payload)) = wire.split_once('\n') {
            self.send(channel, Signal::Message(Arc::from(payload)));
        }
    }

    fn send(&self, channel: &str, signal: Signal) {
        let channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = channels.get(channel) {
            // Nobody may be listening at the moment.
            drop(sender.send(signal));
        }
    }

    pub(crate) fn resync_all(&self) {
        let channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        for sender in channels.values() {
            drop(sender.send(Signal::Resync));
        }
    }

    /// Let every subscriber's `next` end.
    pub(crate) fn close(&self) {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// A subscriber's end of a channel.
pub struct Subscription {
    receiver: broadcast::Receiver<Signal>,
}

impl Subscription {
    /// The next signal; none once the database is closed. Safe to drop and call again (in `select!`).
    pub async fn next(&mut self) -> Option<Signal> {
        match self.receiver.recv().await {
            Ok(signal) => Some(signal),
            Err(broadcast::error::RecvError::Lagged(_)) => Some(Signal::Resync),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}
