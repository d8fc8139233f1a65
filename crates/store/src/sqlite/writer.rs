//! The writer thread: takes what is queued, runs every unit in its own savepoint, commits once, then acknowledges all.
//!
//! With full durability a commit costs a wait for the disk. Sharing it among all who wait is what makes many small durable
//! writes cheap; nobody is made to wait for company.

use std::{
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::{
    DbError, Notify, Reader, Writer,
    lazy::{LAZY_GROUP_MAX, LAZY_WAIT, Lazy, Queue},
    sqlite::Session,
    tx,
    unit::{Shape, Unit, Verdict, poll_once},
};

/// Units that share one commit.
const GROUP_UNITS_MAX: usize = 256;
/// A unit that holds the writer for longer is logged.
const SLOW_UNIT: Duration = Duration::from_millis(250);

pub(super) enum Message {
    Unit(Box<dyn Unit<Writer>>, OwnedSemaphorePermit),
    /// Lazy writes wait in their queue.
    Lazy,
    /// They are to be written now.
    Flush,
    Close(oneshot::Sender<()>),
}

struct Thread {
    writer: Writer,
    inbox: mpsc::Receiver<Message>,
    notify: Notify,
    lazy: Arc<Queue>,
    closing: Option<oneshot::Sender<()>>,
}

#[derive(Default)]
struct Group {
    units: Vec<Box<dyn Unit<Writer>>>,
    /// When the lazy writes have waited long enough.
    due: Option<Instant>,
    is_urgent: bool,
}

/// A unit that ran, and why it is not kept.
type Ran = (Box<dyn Unit<Writer>>, Outcome);

enum Outcome {
    /// To be committed with the group.
    Kept,
    /// Undone because its closure said so.
    Undone,
    /// Undone because of this.
    Failed(DbError),
}

pub(super) fn start(
    session: Session,
    inbox: mpsc::Receiver<Message>,
    notify: Notify,
    lazy: Arc<Queue>,
) -> Result<(), DbError> {
    let writer = Writer::new(Reader::sqlite(session));
    let thread = Thread { writer, inbox, notify, lazy, closing: None };
    thread::Builder::new()
        .name(String::from("store-writer"))
        .spawn(move || thread.run())
        .map(drop)
        .map_err(|error| DbError::unavailable(error.to_string()))
}

impl Thread {
    fn run(mut self) {
        loop {
            let mut group = Group::default();
            let goes_on = self.gather(&mut group);
            let to_the_last = group.is_urgent;
            self.commit(group);
            while to_the_last && self.lazy.len() > 0 {
                self.commit(Group::default());
            }
            if !goes_on {
                break;
            }
        }
        let Self { writer, notify, closing, .. } = self;
        notify.close();
        // Closing the connection moves the log into the file; only then is the database closed.
        drop(writer);
        if let Some(done) = closing {
            let _ = done.send(());
        }
    }

    /// Wait for work, then take what else is there. False when there will be no more.
    fn gather(&mut self, group: &mut Group) -> bool {
        // Those that came while the last group was written: nobody tells of them again.
        let waiting = self.lazy.len();
        group.is_urgent = waiting >= LAZY_GROUP_MAX;
        group.due = (waiting > 0).then(|| Instant::now() + LAZY_WAIT);
        while group.units.is_empty() && !group.is_urgent {
            let next = match group.due {
                None => self.inbox.recv().map_err(|_| mpsc::RecvTimeoutError::Disconnected),
                Some(due) => self.inbox.recv_timeout(due.saturating_duration_since(Instant::now())),
            };
            match next {
                Ok(message) => self.take(message, group),
                Err(mpsc::RecvTimeoutError::Timeout) => return true,
                Err(mpsc::RecvTimeoutError::Disconnected) => return false,
            }
            while group.units.len() < GROUP_UNITS_MAX && self.closing.is_none() {
                match self.inbox.try_recv() {
                    Ok(message) => self.take(message, group),
                    Err(_) => break,
                }
            }
        }
        self.closing.is_none()
    }

    fn take(&mut self, message: Message, group: &mut Group) {
        match message {
            Message::Unit(unit, place) => {
                group.units.push(unit);
                drop(place);
            }
            Message::Lazy => {
                group.due.get_or_insert_with(|| Instant::now() + LAZY_WAIT);
            }
            Message::Flush => group.is_urgent = true,
            Message::Close(done) => {
                self.closing = Some(done);
                group.is_urgent = true;
            }
        }
    }

    fn commit(&mut self, mut group: Group) {
        let lazies = self.lazy.group();
        if group.units.is_empty() && lazies.is_empty() {
            return;
        }
        let result = self.begin().map(|()| {
            let ran: Vec<Ran> = group.units.drain(..).map(|unit| self.run_unit(unit)).collect();
            self.run_lazies(&lazies);
            ran
        });
        let committed = result.map(|ran| (ran, self.end()));
        match committed {
            Err(fault) => {
                group.units.drain(..).for_each(|unit| unit.settle(Some(fault.clone())));
                self.lazies_lost(lazies.len(), &fault);
            }
            // First what was to be done once it is committed, so that whoever waits for the unit finds it done.
            Ok((ran, Ok(()))) => {
                self.deliver();
                settle(ran, None);
            }
            // One unit's deferred constraint must not cost the others their commit: each tries on its own.
            Ok((ran, Err(DbError::Foreign { .. }))) if ran.len() + lazies.len() > 1 => {
                self.commit_singly(ran);
                self.lazies_singly(&lazies);
            }
            Ok((ran, Err(fault))) => {
                settle(ran, Some(&fault));
                self.lazies_lost(lazies.len(), &fault);
            }
        }
        self.lazy.settle(lazies.len());
    }

    fn commit_singly(&mut self, ran: Vec<Ran>) {
        for (unit, outcome) in ran {
            if !matches!(outcome, Outcome::Kept) {
                settle(vec![(unit, outcome)], None);
                continue;
            }
            match self.begin() {
                Ok(()) => {
                    let again = self.run_unit(unit);
                    let fault = self.end().err();
                    self.deliver();
                    settle(vec![again], fault.as_ref());
                }
                Err(fault) => unit.settle(Some(fault)),
            }
        }
    }

    fn begin(&mut self) -> Result<(), DbError> {
        // What is left of a transaction that could not even be rolled back.
        if self.in_transaction() {
            self.control("ROLLBACK")?;
        }
        self.control("BEGIN IMMEDIATE")
    }

    /// Commit, or roll everything back.
    fn end(&mut self) -> Result<(), DbError> {
        if !self.in_transaction() {
            self.writer.unpublish(0);
            return Err(rolled_back());
        }
        self.control("COMMIT").inspect_err(|fault| {
            tracing::error!(%fault, "commit failed");
            self.writer.unpublish(0);
            if let Err(fault) = self.control("ROLLBACK") {
                tracing::error!(%fault, "rollback failed");
            }
        })
    }

    fn run_unit(&mut self, mut unit: Box<dyn Unit<Writer>>) -> Ran {
        if !self.in_transaction() {
            return (
                unit,
                Outcome::Failed(DbError::Commit {
                    why: Box::from("the engine has rolled back the whole group"),
                }),
            );
        }
        let shape = unit.shape();
        if shape != Shape::OneStatement
            && let Err(fault) = self.control("SAVEPOINT unit")
        {
            return (unit, Outcome::Failed(fault));
        }
        let mark = self.writer.published();
        drop(self.writer.take_doom());
        let began = Instant::now();
        let outcome = match poll_once(unit.run(&mut self.writer)) {
            Ok(Verdict::Keep) => self.writer.take_doom().map_or(Outcome::Kept, Outcome::Failed),
            Ok(Verdict::Undo) => Outcome::Undone,
            Err(fault) => {
                tracing::error!(%fault, "a unit of work is wrong");
                Outcome::Failed(fault)
            }
        };
        if began.elapsed() > SLOW_UNIT {
            tracing::warn!(elapsed_ms = began.elapsed().as_millis(), "a unit of work held the writer");
        }
        (unit, self.end_savepoint(shape, outcome, mark))
    }

    fn end_savepoint(&mut self, shape: Shape, outcome: Outcome, mark: usize) -> Outcome {
        let is_kept = matches!(outcome, Outcome::Kept);
        if !is_kept {
            self.writer.unpublish(mark);
        }
        // The engine rolls back by itself when the disk is full or fails: then there is no savepoint any more.
        let ended = match (self.in_transaction(), is_kept) {
            (true, _) if shape == Shape::OneStatement => Ok(()),
            (true, true) => self.control("RELEASE unit"),
            (true, false) => self.control("ROLLBACK TO unit").and_then(|()| self.control("RELEASE unit")),
            (false, true) => Err(rolled_back()),
            (false, false) => Ok(()),
        };
        match ended {
            Ok(()) => outcome,
            Err(fault) => Outcome::Failed(fault),
        }
    }

    fn run_lazies(&mut self, lazies: &[Lazy]) {
        for lazy in lazies {
            let sql = lazy.sql.text(self.writer.engine());
            // A failing statement undoes only itself; without a transaction to be in, none may run.
            let done =
                if self.in_transaction() { self.execute(sql, &lazy.binds) } else { Err(DbError::Closed) };
            if let Err(fault) = done {
                tracing::error!(%fault, "a lazy write failed");
                self.lazy.drop_some(1, "the statement failed");
            }
        }
    }

    fn lazies_singly(&mut self, lazies: &[Lazy]) {
        if lazies.is_empty() {
            return;
        }
        let done = self.begin().and_then(|()| {
            self.run_lazies(lazies);
            self.end()
        });
        if let Err(fault) = done {
            self.lazies_lost(lazies.len(), &fault);
        }
    }

    fn lazies_lost(&self, count: usize, fault: &DbError) {
        if count > 0 {
            self.lazy.drop_some(count as u64, &fault.to_string());
        }
    }

    fn deliver(&mut self) {
        for published in self.writer.take_published() {
            published.settle(&self.notify);
        }
    }

    fn in_transaction(&mut self) -> bool {
        match self.writer.session() {
            tx::Session::Sqlite(session) => session.in_transaction(),
            tx::Session::Postgres(_) => false,
        }
    }

    fn control(&mut self, sql: &str) -> Result<(), DbError> {
        self.execute(sql, &[])
    }

    /// Around the units, so past `Reader`'s bookkeeping of what failed within one.
    fn execute(&mut self, sql: &str, binds: &[crate::Value]) -> Result<(), DbError> {
        match self.writer.session() {
            tx::Session::Sqlite(session) => session.execute(sql, binds).map(drop),
            tx::Session::Postgres(_) => Err(DbError::Closed),
        }
    }
}

fn settle(ran: Vec<Ran>, commit: Option<&DbError>) {
    for (unit, outcome) in ran {
        match outcome {
            Outcome::Kept => unit.settle(commit.cloned()),
            Outcome::Undone => unit.settle(None),
            Outcome::Failed(fault) => unit.settle(Some(fault)),
        }
    }
}

fn rolled_back() -> DbError {
    DbError::Commit { why: Box::from("the engine has rolled back the whole group") }
}
