//! Units that wait for the same turn share a commit, which costs a wait for the disk: whoever has the turn runs its own unit and those
//! that wait behind it, each in a savepoint, and all are acknowledged when they are durable. Nobody is made to wait for company.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::{Mutex as AsyncMutex, OwnedSemaphorePermit};

use crate::{
    DbError, Reader, Writer,
    postgres::{
        Connections, Session,
        threads::{Attempt, Lanes, alone, begun, commit},
    },
    tx,
    unit::{Shape, Unit, Verdict, poll_caught},
};

/// Units of a turn that share a commit: PostgreSQL keeps that many savepoints of a transaction at hand.
const TURN_UNITS_MAX: usize = 48;
/// When a group has run for so long it takes no more units, so that who was quick is not made to wait for who is not.
const TURN_GROUP_SPAN: Duration = Duration::from_millis(20);

/// A unit that waits for its turn.
pub(super) struct Waiting {
    pub(super) turn: i64,
    pub(super) unit: Box<dyn Unit<Writer>>,
    pub(super) place: OwnedSemaphorePermit,
}

/// A queue of units.
#[derive(Default)]
pub(super) struct Lane {
    turn: AsyncMutex<()>,
    waiting: Mutex<VecDeque<Waiting>>,
}

impl Lane {
    fn waiting(&self) -> MutexGuard<'_, VecDeque<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first unit, if it waits for this turn, whichever where none is named.
    fn next(&self, turn: Option<i64>) -> Option<Waiting> {
        self.waiting().pop_front_if(|first| turn.is_none_or(|turn| first.turn == turn))
    }

    /// Whether a unit that waits for this turn is the next.
    fn has_next(&self, turn: i64) -> bool {
        self.waiting().front().is_some_and(|first| first.turn == turn)
    }
}

/// Wait for the turn, and run the units that it is the turn of by then; if another has run this one already, none may be left.
pub(super) async fn in_turn(connections: &Connections, lanes: &Lanes, lane: &Lane, own: Waiting) {
    lane.waiting().push_back(own);
    let _turn = lane.turn.lock().await;
    let Some(first) = lane.next(None) else { return };
    if !lane.has_next(first.turn) {
        return alone(connections, lanes, first.unit, first.place).await;
    }
    for Waiting { unit, place, .. } in together(connections, lane, first).await {
        alone(connections, lanes, unit, place).await;
    }
}

/// A unit that ran, and why it is not kept.
struct Ran {
    waiting: Waiting,
    fault: Option<DbError>,
}

/// Run units one after the other in one transaction, and commit once; those that are to be run again, each alone.
async fn together(connections: &Connections, lane: &Lane, first: Waiting) -> Vec<Waiting> {
    let session = match begun(connections, Shape::InTurn(first.turn)).await {
        Ok(session) => session,
        Err(fault) => {
            first.unit.settle(Some(fault));
            return Vec::new();
        }
    };
    let mut writer = Writer::new(Reader::postgres(session));
    let (began, turn) = (Instant::now(), first.turn);
    let (mut ran, mut next) = (Vec::new(), Some(first));
    let mut is_whole = true;
    while let Some(mut waiting) = next.take() {
        let ended = run(&mut writer, &mut *waiting.unit).await;
        is_whole = ended.is_ok();
        ran.push(Ran { waiting, fault: ended.unwrap_or_default() });
        if is_whole && ran.len() < TURN_UNITS_MAX && began.elapsed() < TURN_GROUP_SPAN {
            next = lane.next(Some(turn));
        }
    }
    let Ok(session) = session_of(&mut writer) else { return given_back(ran) };
    if !is_whole {
        // If this fails the connection is thrown away, which rolls back as well.
        drop(session.end("ROLLBACK").await);
        return given_back(ran);
    }
    match commit(session).await {
        Attempt::Done(None) => {
            writer.take_published().into_iter().for_each(|one| one.settle(&connections.notify));
            settle(ran, None);
            Vec::new()
        }
        Attempt::Done(Some(fault @ (DbError::CommitUnknown | DbError::Unavailable { .. }))) => {
            settle(ran, Some(&fault));
            Vec::new()
        }
        // What one of them did cannot be kept, which must not cost the others their commit.
        Attempt::Done(Some(_)) | Attempt::Again => given_back(ran),
    }
}

fn given_back(ran: Vec<Ran>) -> Vec<Waiting> {
    ran.into_iter().map(|one| one.waiting).collect()
}

/// A unit that was undone by itself has its own answer, whatever became of the others.
fn settle(ran: Vec<Ran>, commit: Option<&DbError>) {
    for Ran { waiting: Waiting { unit, place, .. }, fault } in ran {
        unit.settle(fault.or_else(|| commit.cloned()));
        drop(place);
    }
}

/// Run a unit in its savepoint: what it met, if a statement of it failed or it panicked.
///
/// # Errors
/// The transaction cannot go on.
async fn run(writer: &mut Writer, unit: &mut dyn Unit<Writer>) -> Result<Option<DbError>, DbError> {
    session_of(writer)?.mark_with_next();
    let mark = writer.published();
    let ran = poll_caught(unit.run(writer)).await;
    let doom = writer.take_doom();
    let session = session_of(writer)?;
    let is_unmarked = session.unmark();
    // What fails before the mark has failed the transaction, in which there is nothing to go back to but the unit before.
    if session.has_conflict() || is_unmarked && (doom.is_some() || ran.is_err()) {
        return Err(DbError::Conflict);
    }
    let fault = match (ran, doom) {
        (Ok(Verdict::Keep), None) => return Ok(None),
        (Ok(Verdict::Keep), Some(doom)) => Some(doom),
        (Ok(Verdict::Undo), _) => None,
        (Err(panicked), _) => Some(panicked),
    };
    writer.unpublish(mark);
    if !is_unmarked {
        session_of(writer)?.undo().await?;
    }
    Ok(fault)
}

fn session_of(writer: &mut Writer) -> Result<&mut Session, DbError> {
    match writer.session() {
        tx::Session::Postgres(session) => Ok(session),
        tx::Session::Sqlite(_) => Err(DbError::Closed),
    }
}
