//! The threads on which units run: a unit's future stays on one thread, so it need not be `Send`, as on SQLite.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use tokio::{
    runtime::{Builder, Handle},
    sync::{Mutex as AsyncMutex, OwnedSemaphorePermit, mpsc, watch},
    task::{JoinSet, LocalSet},
};

use crate::{
    DbError, Reader, Value, Writer,
    postgres::{
        Connections, Session,
        lazily::Lazies,
        turn::{Lane, Waiting, in_turn},
    },
    tx,
    unit::{Shape, Unit, Verdict, poll_caught},
};

/// Threads that run units; each runs many at once, while they wait for the server.
const UNIT_THREADS: usize = 2;
/// How often a unit is run again after a conflict with another.
const RETRIES_MAX: u32 = 12;
/// The longest pause before a unit is run again.
const RETRY_PAUSE_MAX: Duration = Duration::from_millis(64);
/// What makes units see each other as if they ran one after another, as they do on SQLite.
const BEGIN: &str = "BEGIN ISOLATION LEVEL SERIALIZABLE";

/// Waits for a turn, until the transaction before has ended.
const TURN: &str = "SELECT pg_advisory_xact_lock($1)";
/// Queues of this node in which units wait for their turn, each for many turns: who waits here holds no connection.
const TURN_QUEUES: usize = 64;
/// What sets turns apart from other advisory locks of the database.
const TURN_CLASS: i64 = 0x6869_6c75_0000_0000;

/// Where units wait before they take a connection.
pub(super) struct Lanes {
    /// For those that have met a conflict.
    conflict: AsyncMutex<()>,
    turns: Vec<Lane>,
}

impl Lanes {
    fn new() -> Self {
        Self {
            conflict: AsyncMutex::new(()),
            turns: std::iter::repeat_with(Lane::default).take(TURN_QUEUES).collect(),
        }
    }

    fn turn(&self, turn: i64) -> Option<&Lane> {
        let queue = usize::try_from(turn.unsigned_abs() % TURN_QUEUES as u64).unwrap_or(0);
        self.turns.get(queue)
    }
}

/// Something to run.
pub(super) enum Task {
    Write(Arc<Connections>, Box<dyn Unit<Writer>>, OwnedSemaphorePermit),
    Scan(Arc<Connections>, Box<dyn Unit<Reader>>, OwnedSemaphorePermit),
    Lazies(Lazies),
}

/// Threads for units. They end when this is dropped, or in two steps: [`Threads::drain`], then [`Threads::end`].
pub(super) struct Threads {
    inboxes: Mutex<Vec<mpsc::UnboundedSender<Task>>>,
    turn: AtomicUsize,
    /// The runtime of each thread; also the connections live there.
    handles: (Handle, Vec<Handle>),
    /// Closed when every thread has run what it was given.
    drained: watch::Receiver<()>,
    /// Dropped to let the threads end: not before all have drained, for a unit may use a connection of another thread.
    lease: Mutex<Option<watch::Sender<()>>>,
}

impl Threads {
    pub(super) fn start() -> Result<Self, DbError> {
        let (lease, leased) = watch::channel(());
        let (busy, drained) = watch::channel(());
        let busy = Arc::new(busy);
        let lanes = Arc::new(Lanes::new());
        let mut inboxes = Vec::new();
        let mut start = |number| {
            let body = Body { busy: Arc::clone(&busy), leased: leased.clone(), lanes: Arc::clone(&lanes) };
            let (handle, inbox) =
                body.start(number).map_err(|error| DbError::unavailable(error.to_string()))?;
            inboxes.push(inbox);
            Ok(handle)
        };
        let first = start(0)?;
        let others = (1..UNIT_THREADS).map(start).collect::<Result<_, DbError>>()?;
        Ok(Self {
            inboxes: Mutex::new(inboxes),
            turn: AtomicUsize::new(0),
            handles: (first, others),
            drained,
            lease: Mutex::new(Some(lease)),
        })
    }

    pub(super) fn handles(&self) -> (Handle, Vec<Handle>) {
        self.handles.clone()
    }

    pub(super) fn give(&self, task: Task) -> Result<(), DbError> {
        let inboxes = self.inboxes.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = self.turn.fetch_add(1, Relaxed).checked_rem(inboxes.len()).ok_or(DbError::Closed)?;
        let inbox = inboxes.get(turn).ok_or(DbError::Closed)?;
        inbox.send(task).map_err(|_| DbError::Closed)
    }

    /// Take no more, and wait until what was given has been run.
    pub(super) async fn drain(&self) {
        self.inboxes.lock().unwrap_or_else(PoisonError::into_inner).clear();
        // Nothing is ever sent: this ends when the last thread lets go of its end.
        drop(self.drained.clone().changed().await);
    }

    /// Let the threads and the connections on them end.
    pub(super) fn end(&self) {
        drop(self.lease.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

/// What a thread is started with.
struct Body {
    busy: Arc<watch::Sender<()>>,
    leased: watch::Receiver<()>,
    lanes: Arc<Lanes>,
}

impl Body {
    fn start(self, number: usize) -> std::io::Result<(Handle, mpsc::UnboundedSender<Task>)> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (inbox, tasks) = mpsc::unbounded_channel();
        let name = format!("store-unit-{number}");
        thread::Builder::new()
            .name(name)
            .spawn(move || LocalSet::new().block_on(&runtime, self.run(tasks)))?;
        Ok((handle, inbox))
    }

    async fn run(mut self, mut tasks: mpsc::UnboundedReceiver<Task>) {
        let mut running = JoinSet::new();
        loop {
            tokio::select! {
                task = tasks.recv() => match task {
                    Some(Task::Write(connections, unit, place)) => {
                        running.spawn_local(write(connections, unit, Arc::clone(&self.lanes), place));
                    }
                    Some(Task::Scan(connections, unit, place)) => {
                        running.spawn_local(scan(connections, unit, place));
                    }
                    Some(Task::Lazies(lazies)) => {
                        running.spawn_local(lazies.run());
                    }
                    None => break,
                },
                Some(_) = running.join_next(), if !running.is_empty() => {}
            }
        }
        while running.join_next().await.is_some() {}
        drop(self.busy);
        // Connections live on until nobody can ask for them any more.
        drop(self.leased.changed().await);
    }
}

async fn scan(connections: Arc<Connections>, mut unit: Box<dyn Unit<Reader>>, place: OwnedSemaphorePermit) {
    let fault = match connections.session().await {
        Ok(session) => poll_caught(unit.run(&mut Reader::postgres(session))).await.err(),
        Err(fault) => Some(fault),
    };
    unit.settle(fault);
    drop(place);
}

/// Run a unit that is given, or those whose turn it is.
async fn write(
    connections: Arc<Connections>,
    unit: Box<dyn Unit<Writer>>,
    lanes: Arc<Lanes>,
    place: OwnedSemaphorePermit,
) {
    let lane = match unit.shape() {
        Shape::InTurn(turn) => lanes.turn(turn).map(|lane| (lane, turn)),
        Shape::Any | Shape::OneStatement => None,
    };
    match lane {
        Some((lane, turn)) => in_turn(&connections, &lanes, lane, Waiting { turn, unit, place }).await,
        None => alone(&connections, &lanes, unit, place).await,
    }
}

/// Run a unit until it is committed, refused, or has met too many conflicts.
pub(super) async fn alone(
    connections: &Connections,
    lanes: &Lanes,
    mut unit: Box<dyn Unit<Writer>>,
    place: OwnedSemaphorePermit,
) {
    let mut retries = 0;
    let fault = loop {
        // Units that have met a conflict go one at a time, so that they cannot keep defeating each other.
        let alone = if retries > 0 { Some(lanes.conflict.lock().await) } else { None };
        match attempt(connections, &mut *unit).await {
            Attempt::Done(fault) => break fault,
            Attempt::Again if retries == RETRIES_MAX => break Some(DbError::Conflict),
            Attempt::Again => {}
        }
        drop(alone);
        tokio::time::sleep(Duration::from_millis(1 << retries.min(6)).min(RETRY_PAUSE_MAX)).await;
        retries += 1;
    };
    unit.settle(fault);
    drop(place);
}

pub(super) enum Attempt {
    /// Over: committed, or undone because the closure said so (`None`) or for this fault.
    Done(Option<DbError>),
    Again,
}

async fn attempt(connections: &Connections, unit: &mut dyn Unit<Writer>) -> Attempt {
    let session = match begun(connections, unit.shape()).await {
        Ok(session) => session,
        Err(fault) => return Attempt::Done(Some(fault)),
    };
    let mut writer = Writer::new(Reader::postgres(session));
    let ran = poll_caught(unit.run(&mut writer)).await;
    let doom = writer.take_doom();
    let tx::Session::Postgres(session) = writer.session() else {
        return Attempt::Done(Some(DbError::Closed));
    };
    let fault = match (ran, doom) {
        (Ok(Verdict::Keep), None) => {
            let ended = commit(session).await;
            if matches!(ended, Attempt::Done(None)) {
                writer.take_published().into_iter().for_each(|one| one.settle(&connections.notify));
            }
            return ended;
        }
        (Ok(Verdict::Keep), Some(doom)) => Some(doom),
        (Ok(Verdict::Undo), _) => None,
        (Err(panicked), _) => Some(panicked),
    };
    // If this fails the connection is thrown away, which rolls back as well.
    drop(session.end("ROLLBACK").await);
    if session.has_conflict() { Attempt::Again } else { Attempt::Done(fault) }
}

/// A connection with an open transaction. One that turns out to be dead is replaced once: nothing has happened on it yet.
pub(super) async fn begun(connections: &Connections, shape: Shape) -> Result<Session, DbError> {
    let mut session = connections.session().await?;
    if let Err(fault) = begin(&mut session, shape).await {
        // Who waited for a turn in vain would wait in vain again.
        if matches!(fault, DbError::Timeout { .. }) {
            return Err(fault);
        }
        session = connections.session().await?;
        begin(&mut session, shape).await?;
    }
    Ok(session)
}

/// A turn is a lock of the transaction, taken before anything is read: with a snapshot of its own for each statement, the unit
/// sees what the units before it have committed.
async fn begin(session: &mut Session, shape: Shape) -> Result<(), DbError> {
    match shape {
        Shape::Any | Shape::OneStatement => session.begin(BEGIN).await,
        Shape::InTurn(turn) => {
            session.begin_with_next("BEGIN ISOLATION LEVEL READ COMMITTED");
            let lock = TURN_CLASS.wrapping_add(turn);
            session.execute(TURN, &[Value::Int(lock)]).await.map(drop)
        }
    }
}

pub(super) async fn commit(session: &mut Session) -> Attempt {
    match session.end("COMMIT").await {
        Ok(()) => Attempt::Done(None),
        Err(_) if session.has_conflict() => Attempt::Again,
        Err(DbError::Unavailable { .. }) => Attempt::Done(Some(DbError::CommitUnknown)),
        Err(fault) => Attempt::Done(Some(fault)),
    }
}
