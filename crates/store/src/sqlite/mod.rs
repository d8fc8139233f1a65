//! The embedded engine: one writer thread that commits in groups, readers beside it.

mod backup;
mod connection;
mod fault;
mod readers;
mod statement;
mod writer;

use std::{
    path::PathBuf,
    sync::{Arc, mpsc},
    time::Duration,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

pub(crate) use connection::Session;
pub(crate) use readers::Ticket;
pub(crate) use statement::{cell_at, cell_named};

use crate::{
    DbError, Notify, Reader, StoreConfig, Writer,
    lazy::{Lazy, Queue, Wake},
    overheard::Ear,
    sqlite::{
        connection::Opening,
        readers::{Scans, Shelf},
        writer::Message,
    },
    unit::Unit,
};

/// Units that may wait for the writer.
const WRITE_QUEUE_MAX: usize = 4_096;
/// How long `close` waits for the writer to finish.
const CLOSE_MAX: Duration = Duration::from_secs(10);

/// An open SQLite file.
pub(crate) struct Sqlite {
    inbox: mpsc::Sender<Message>,
    slots: Arc<Semaphore>,
    shelf: Arc<Shelf>,
    scans: Scans,
    lazy: Arc<Queue>,
    opening: Arc<Opening>,
    wait_max: Duration,
}

impl Sqlite {
    pub(crate) fn open(
        config: &StoreConfig,
        path: PathBuf,
        (notify, ear): (Notify, Arc<Ear>),
    ) -> Result<Self, DbError> {
        let opening = Arc::new(Opening::new(path, config.durability, ear));
        opening.make_file()?;
        let lazy = Arc::new(Queue::new());
        let session = Session::own(opening.writer()?, opening.ear());
        let (inbox, messages) = mpsc::channel();
        writer::start(session, messages, notify, Arc::clone(&lazy))?;
        Ok(Self {
            inbox,
            slots: Arc::new(Semaphore::new(WRITE_QUEUE_MAX)),
            shelf: Arc::new(Shelf::new(Arc::clone(&opening), config)),
            scans: Scans::start(&opening, config)?,
            lazy,
            opening,
            wait_max: config.wait_max,
        })
    }

    pub(crate) async fn write(&self, unit: Box<dyn Unit<Writer>>) -> Result<(), DbError> {
        let slot = take_slot(&self.slots, self.wait_max, "WRITE_QUEUE_MAX").await?;
        self.inbox.send(Message::Unit(unit, slot)).map_err(|_| DbError::Closed)
    }

    pub(crate) fn write_lazy(&self, lazy: Lazy) {
        let told = match self.lazy.push(lazy) {
            Wake::Not => return,
            Wake::First => self.inbox.send(Message::Lazy),
            Wake::Full => self.inbox.send(Message::Flush),
        };
        if told.is_err() {
            self.lazy.abandon();
        }
    }

    pub(crate) async fn flush_lazy(&self) -> Result<(), DbError> {
        self.inbox.send(Message::Flush).map_err(|_| DbError::Closed)?;
        self.lazy.flushed().await
    }

    pub(crate) fn lazy_dropped(&self) -> u64 {
        self.lazy.dropped()
    }

    pub(crate) async fn read(&self) -> Result<Reader, DbError> {
        self.shelf.lend().await
    }

    pub(crate) async fn scan(&self, unit: Box<dyn Unit<Reader>>) -> Result<Ticket, DbError> {
        self.scans.submit(unit).await
    }

    /// A writing transaction of its own, beside the writer thread: for a copy into an empty database.
    pub(crate) fn exclusive(&self) -> Result<Writer, DbError> {
        Ok(Writer::new(Reader::sqlite(Session::own(self.opening.writer()?, self.opening.ear()))))
    }

    pub(crate) async fn backup_to(&self, to: PathBuf) -> Result<(), DbError> {
        backup::run(Arc::clone(&self.opening), to).await
    }

    pub(crate) async fn close(&self) {
        self.slots.close();
        self.shelf.close();
        self.scans.close();
        let (done, finished) = oneshot::channel();
        if self.inbox.send(Message::Close(done)).is_ok()
            && tokio::time::timeout(CLOSE_MAX, finished).await.is_err()
        {
            tracing::warn!("the writer did not finish within CLOSE_MAX");
        }
    }
}

/// Take a place in a queue, waiting for one within limits.
pub(crate) async fn take_slot(
    slots: &Arc<Semaphore>,
    wait_max: Duration,
    limit: &'static str,
) -> Result<OwnedSemaphorePermit, DbError> {
    if let Ok(slot) = Arc::clone(slots).try_acquire_owned() {
        return Ok(slot);
    }
    match tokio::time::timeout(wait_max, Arc::clone(slots).acquire_owned()).await {
        Ok(Ok(slot)) => Ok(slot),
        Ok(Err(_)) => Err(DbError::Closed),
        Err(_) => Err(DbError::Busy { limit }),
    }
}
