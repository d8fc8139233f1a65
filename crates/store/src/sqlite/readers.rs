//! Reading beside the writer: a shelf of connections for keyed reads, and threads for scans.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc,
    },
    thread,
    time::Duration,
};

use rusqlite::{Connection, InterruptHandle};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    DbError, Reader, StoreConfig,
    sqlite::{Session, connection::Opening, take_slot},
    tx,
    unit::{Unit, poll_once},
};

/// Threads that scan.
const SCAN_THREADS: usize = 4;
/// Scans that may wait for a thread.
const SCAN_QUEUE_MAX: usize = 1_024;

/// Connections for keyed reads, opened when first needed.
pub(super) struct Shelf {
    opening: Arc<Opening>,
    idle: Mutex<Vec<Connection>>,
    places: Arc<Semaphore>,
    wait_max: Duration,
    closed: AtomicBool,
}

impl Shelf {
    pub(super) fn new(opening: Arc<Opening>, config: &StoreConfig) -> Self {
        Self {
            opening,
            idle: Mutex::default(),
            places: Arc::new(Semaphore::new(usize::from(config.connections_max.max(1)))),
            wait_max: config.wait_max,
            closed: AtomicBool::new(false),
        }
    }

    pub(super) async fn lend(self: &Arc<Self>) -> Result<Reader, DbError> {
        let place = take_slot(&self.places, self.wait_max, "connections_max").await?;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.opening.reader()?,
        };
        Ok(Reader::sqlite(Session::lent((connection, self.opening.ear()), Arc::clone(self), place)))
    }

    pub(super) fn put_back(&self, connection: Connection) {
        if !self.closed.load(Relaxed) {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
    }

    pub(super) fn close(&self) {
        self.closed.store(true, Relaxed);
        self.places.close();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// Threads that run scans, so that a long one blocks nobody.
pub(super) struct Scans {
    inbox: mpsc::Sender<Scan>,
    slots: Arc<Semaphore>,
    wait_max: Duration,
}

struct Scan {
    unit: Box<dyn Unit<Reader>>,
    slot: OwnedSemaphorePermit,
    progress: Arc<Mutex<Progress>>,
}

enum Progress {
    Waiting,
    Running(InterruptHandle),
    Over,
}

/// The caller's hold on its scan: a scan that nobody waits for any more is interrupted.
pub(crate) struct Ticket(Arc<Mutex<Progress>>);

impl Ticket {
    pub(crate) fn interrupt(&self) {
        let mut progress = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*progress {
            Progress::Running(handle) => handle.interrupt(),
            Progress::Waiting => *progress = Progress::Over,
            Progress::Over => {}
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.interrupt();
    }
}

type Inbox = Arc<Mutex<mpsc::Receiver<Scan>>>;

impl Scans {
    pub(super) fn start(opening: &Arc<Opening>, config: &StoreConfig) -> Result<Self, DbError> {
        let (inbox, scans) = mpsc::channel();
        let scans: Inbox = Arc::new(Mutex::new(scans));
        for number in 0..SCAN_THREADS {
            let (scans, opening) = (Arc::clone(&scans), Arc::clone(opening));
            thread::Builder::new()
                .name(format!("store-scan-{number}"))
                .spawn(move || run(&scans, &opening))
                .map_err(|error| DbError::unavailable(error.to_string()))?;
        }
        Ok(Self { inbox, slots: Arc::new(Semaphore::new(SCAN_QUEUE_MAX)), wait_max: config.wait_max })
    }

    pub(super) async fn submit(&self, unit: Box<dyn Unit<Reader>>) -> Result<Ticket, DbError> {
        let slot = take_slot(&self.slots, self.wait_max, "SCAN_QUEUE_MAX").await?;
        let progress = Arc::new(Mutex::new(Progress::Waiting));
        let scan = Scan { unit, slot, progress: Arc::clone(&progress) };
        self.inbox.send(scan).map_err(|_| DbError::Closed)?;
        Ok(Ticket(progress))
    }

    pub(super) fn close(&self) {
        self.slots.close();
    }
}

/// One scanning thread: it ends when nobody can send any more.
fn run(scans: &Inbox, opening: &Opening) {
    let mut reader: Option<Reader> = None;
    loop {
        let next = scans.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Scan { mut unit, slot, progress }) = next else { return };
        let fault = scan(&mut reader, opening, &mut *unit, &progress).err();
        unit.settle(fault);
        drop(slot);
    }
}

fn scan(
    kept: &mut Option<Reader>,
    opening: &Opening,
    unit: &mut dyn Unit<Reader>,
    progress: &Mutex<Progress>,
) -> Result<(), DbError> {
    let mut session = match kept.take() {
        Some(reader) => reader,
        None => Reader::sqlite(Session::own(opening.reader()?, opening.ear())),
    };
    let mark = |now| *progress.lock().unwrap_or_else(PoisonError::into_inner) = now;
    {
        let mut progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*progress, Progress::Over) {
            *kept = Some(session);
            return Err(DbError::Timeout { limit: "statement_max" });
        }
        *progress = Progress::Running(session.interrupt_handle()?);
    }
    let result = poll_once(unit.run(&mut session));
    mark(Progress::Over);
    // A snapshot that a panic has left open is thrown away with its connection.
    let is_clean = match session.session() {
        tx::Session::Sqlite(session) => !session.in_transaction(),
        tx::Session::Postgres(_) => false,
    };
    *kept = is_clean.then_some(session);
    result.map(drop)
}
