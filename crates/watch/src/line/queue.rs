//! Lines on their way: whoever says one goes on at once, and what does not fit is counted.

use std::{sync::Arc, time::Duration};

use kernel::{Timestamp, World};
use store::{Db, Writer};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep, timeout, timeout_at},
};
use web::{
    Metrics, Shutdown,
    metrics::prometheus_client::metrics::{counter::Counter, family::Family},
};

use super::{
    Line,
    write::{self, Known, LINES_OF_A_UNIT},
};

/// Lines that may wait to be written; what comes beyond is dropped and counted.
pub const LINES_WAITING_MAX: usize = 16_384;
/// How long the first line of a unit waits for others.
const GATHERED_FOR: Duration = Duration::from_millis(100);
/// How long whoever reads waits for what was said before.
pub const CAUGHT_UP_IN: Duration = Duration::from_secs(1);
/// How long is waited before a unit that failed is tried again; after the last one its lines are dropped and counted.
const TRIED_AGAIN: [Duration; 3] =
    [Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(5)];

/// What is sent to the writer.
pub(crate) enum Note {
    Line(Timestamp, Box<Line>),
    /// Answer when everything before this is written or dropped.
    Flush(oneshot::Sender<()>),
}

/// Where lines are said. Clones say them in the same place.
#[derive(Clone)]
pub struct Log(Option<Arc<Inner>>);

struct Inner {
    world: World,
    notes: mpsc::Sender<Note>,
    dropped: Counter,
    /// By what has happened.
    said: Family<[(&'static str, &'static str); 1], Counter>,
}

impl Log {
    /// A log that nobody keeps.
    pub const fn off() -> Self {
        Self(None)
    }

    pub(crate) fn open(world: &World) -> (Self, mpsc::Receiver<Note>) {
        let (notes, receiver) = mpsc::channel(LINES_WAITING_MAX);
        let inner =
            Inner { world: world.clone(), notes, dropped: Counter::default(), said: Family::default() };
        (Self(Some(Arc::new(inner))), receiver)
    }

    /// Say it. This never waits.
    pub fn note(&self, line: Line) {
        let Some(inner) = &self.0 else { return };
        inner.said.get_or_create_owned(&[("event", line.what.said().0)]).inc();
        let note = Note::Line(inner.world.now(), Box::new(line));
        if inner.notes.try_send(note).is_err() {
            self.drop_some(1);
        }
    }

    /// Say it once this unit is committed, and not if it is undone.
    pub fn note_in(&self, tx: &mut Writer, line: Line) {
        let own = self.clone();
        tx.once_committed(move || own.note(line));
    }

    /// How many lines were dropped since the process began.
    pub fn dropped(&self) -> u64 {
        self.0.as_ref().map_or(0, |inner| inner.dropped.get())
    }

    /// Show at `/metrics` what happens, by event, and how many lines were dropped.
    pub fn show(&self, metrics: &Metrics) {
        let Some(inner) = &self.0 else { return };
        metrics.register("integration_events", "What happened to integrations, by event", inner.said.clone());
        metrics.register("integration_log_dropped", "Lines of logs that were dropped", inner.dropped.clone());
    }

    /// Wait until everything that was said before is written or dropped.
    pub async fn flush(&self) {
        let Some(inner) = &self.0 else { return };
        let (done, written) = oneshot::channel();
        if inner.notes.send(Note::Flush(done)).await.is_ok() {
            // A writer that has ended has nothing left to write.
            drop(written.await);
        }
    }

    /// The same, but not for longer than this: a database that is busy keeps nobody from reading what is there. Whether it was in time.
    pub(crate) async fn caught_up(&self, within: Duration) -> bool {
        timeout(within, self.flush()).await.is_ok()
    }

    /// Logged at the first and then at every doubling, so that an outage does not flood the operator's log.
    fn drop_some(&self, count: u64) {
        let Some(inner) = &self.0 else { return };
        let before = inner.dropped.inc_by(count);
        let after = before.saturating_add(count);
        if before == 0 || before.ilog2() != after.ilog2() {
            tracing::warn!(dropped = after, "lines of integrations' logs were dropped");
        }
    }
}

/// Write what is said, in units of some lines, until the shutdown begins and nothing waits any more.
pub(crate) async fn keep_writing(db: Db, log: Log, mut notes: mpsc::Receiver<Note>, shutdown: Shutdown) {
    let mut known = Known::default();
    loop {
        let first = tokio::select! {
            biased;
            note = notes.recv() => note,
            () = shutdown.begun(), if !notes.is_closed() => {
                notes.close();
                continue;
            }
        };
        let Some(first) = first else { return };
        let (lines, flushes) = gathered(first, &mut notes).await;
        if !lines.is_empty() {
            let count = lines.len();
            if !written(&db, lines, &mut known, &shutdown).await {
                log.drop_some(u64::try_from(count).unwrap_or(u64::MAX));
            }
        }
        for flush in flushes {
            // Whoever asked may have gone.
            let _gone = flush.send(());
        }
    }
}

type Gathered = (Vec<(Timestamp, Line)>, Vec<oneshot::Sender<()>>);

async fn gathered(first: Note, notes: &mut mpsc::Receiver<Note>) -> Gathered {
    let (mut lines, mut flushes) = (Vec::new(), Vec::new());
    let until = Instant::now() + GATHERED_FOR;
    let mut next = Some(first);
    while let Some(note) = next {
        match note {
            Note::Line(at, line) => lines.push((at, *line)),
            Note::Flush(done) => flushes.push(done),
        }
        if !flushes.is_empty() || lines.len() >= LINES_OF_A_UNIT {
            break;
        }
        next = timeout_at(until, notes.recv()).await.unwrap_or_default();
    }
    (lines, flushes)
}

async fn written(db: &Db, lines: Vec<(Timestamp, Line)>, known: &mut Known, shutdown: &Shutdown) -> bool {
    let lines = Arc::new(lines);
    for pause in TRIED_AGAIN {
        match write::unit(db, &lines, known).await {
            Ok(()) => return true,
            Err(fault) => {
                tracing::warn!(%fault, "lines of integrations' logs are not written; it will be tried again")
            }
        }
        tokio::select! {
            () = sleep(pause) => {}
            () = shutdown.begun() => break,
        }
    }
    write::unit(db, &lines, known).await.is_ok()
}

#[cfg(test)]
mod tests {
    use kernel::Id;

    use super::*;
    use crate::What;

    #[tokio::test]
    async fn whoever_reads_waits_for_a_writer_that_does_not_write_only_so_long() {
        let (world, _clock) = testkit::world();
        let (log, nobody_writes) = Log::open(&world);
        log.note(Line::of(Id::from_bytes([1; 16]), What::SyncBegun));
        assert!(!log.caught_up(Duration::from_millis(1)).await);
        drop(nobody_writes);
        assert!(log.caught_up(CAUGHT_UP_IN).await);
    }
}
