//! A unit of work on its way to a thread that runs it, with its type left behind.

use std::{
    any::Any,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll, Waker},
};

use tokio::sync::oneshot;

use crate::DbError;

/// Whether what the unit did is to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Keep,
    Undo,
}

pub(crate) type VerdictFuture<'a> = Pin<Box<dyn Future<Output = Verdict> + 'a>>;

/// What a unit does with the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Any number of statements: they are undone together.
    Any,
    /// As `Any`; and on PostgreSQL one at a time of all that have this number, each seeing what those before it committed.
    InTurn(i64),
    /// One statement, which undoes itself when it fails: it needs no savepoint.
    OneStatement,
}

/// A unit that runs against a `Tx` (a `Writer` or a `Reader`).
pub(crate) trait Unit<Tx>: Send {
    /// Run the closure; its answer stays inside. May be called again, which forgets the answer before.
    fn run<'a>(&'a mut self, tx: &'a mut Tx) -> VerdictFuture<'a>;
    /// What it does.
    fn shape(&self) -> Shape;
    /// Send the answer to whoever waits; a fault of the store goes in its place.
    fn settle(self: Box<Self>, fault: Option<DbError>);
}

struct Work<T, E, F> {
    unit: F,
    shape: Shape,
    outcome: Option<Result<T, E>>,
    answer: oneshot::Sender<Result<T, E>>,
}

/// Pack a closure; its answer will come out of the receiver.
pub(crate) fn pack<Tx, T, E, F>(shape: Shape, unit: F) -> (Box<dyn Unit<Tx>>, oneshot::Receiver<Result<T, E>>)
where
    Tx: 'static,
    F: AsyncFn(&mut Tx) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: From<DbError> + Send + 'static,
{
    let (answer, receiver) = oneshot::channel();
    (Box::new(Work { unit, shape, outcome: None, answer }), receiver)
}

impl<Tx, T, E, F> Unit<Tx> for Work<T, E, F>
where
    Tx: 'static,
    F: AsyncFn(&mut Tx) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: From<DbError> + Send + 'static,
{
    fn run<'a>(&'a mut self, tx: &'a mut Tx) -> VerdictFuture<'a> {
        self.outcome = None;
        Box::pin(async move {
            let outcome = (self.unit)(tx).await;
            let verdict = if outcome.is_ok() { Verdict::Keep } else { Verdict::Undo };
            self.outcome = Some(outcome);
            verdict
        })
    }

    fn shape(&self) -> Shape {
        self.shape
    }

    fn settle(self: Box<Self>, fault: Option<DbError>) {
        let outcome = match (fault, self.outcome) {
            (None, Some(outcome)) => outcome,
            (Some(fault), _) => Err(E::from(fault)),
            (None, None) => Err(E::from(DbError::Closed)),
        };
        // Whoever waited may have gone away; the work is done all the same.
        drop(self.answer.send(outcome));
    }
}

fn panicked(_payload: Box<dyn Any + Send>) -> DbError {
    // The payload may quote data; the panic hook has told the operator the place.
    DbError::Panicked
}

/// Poll a future that only awaits SQLite, which never waits: it is ready at once or it is wrong.
pub(crate) fn poll_once(mut future: VerdictFuture<'_>) -> Result<Verdict, DbError> {
    let mut context = Context::from_waker(Waker::noop());
    match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut context))) {
        Ok(Poll::Ready(verdict)) => Ok(verdict),
        Ok(Poll::Pending) => Err(DbError::Awaited),
        Err(payload) => Err(panicked(payload)),
    }
}

/// Poll a future to its end; a panic inside becomes an error.
pub(crate) async fn poll_caught(mut future: VerdictFuture<'_>) -> Result<Verdict, DbError> {
    std::future::poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(Poll::Ready(verdict)) => Poll::Ready(Ok(verdict)),
        Ok(Poll::Pending) => Poll::Pending,
        Err(payload) => Poll::Ready(Err(panicked(payload))),
    })
    .await
}
