//! Work on many entries, on several threads: what a transaction, or a page of a sync, needs no database for would else hold up whoever shares
//! its thread.

use std::num::NonZero;

use store::DbError;

/// Threads that work on the entries of one transaction.
pub const ENTRY_THREADS_MAX: usize = 4;
/// Entries that are worth a thread.
const ENTRIES_OF_A_THREAD: usize = 64;

/// Do this where it holds up nobody, if it is of many entries.
pub(crate) async fn aside<T: Send + 'static, E: From<DbError> + Send + 'static>(
    entries: usize,
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, E> {
    if entries <= ENTRIES_OF_A_THREAD {
        return work();
    }
    tokio::task::spawn_blocking(work).await.map_err(|_| E::from(DbError::Panicked))?
}

/// What is made of each, in their order, or the fault of the first that has one. It is told at which place it stands.
pub(crate) fn each<T: Send, U: Send, E: From<DbError> + Send>(
    all: Vec<T>,
    make: impl Fn(usize, T) -> Result<U, E> + Sync,
) -> Result<Vec<U>, E> {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let threads = cores.min(ENTRY_THREADS_MAX).min(all.len() / ENTRIES_OF_A_THREAD);
    if threads < 2 {
        return all.into_iter().enumerate().map(|(at, one)| make(at, one)).collect();
    }
    let length = all.len().div_ceil(threads);
    let mut rest = all.into_iter();
    let parts: Vec<Vec<T>> = (0..threads).map(|_| rest.by_ref().take(length).collect()).collect();
    let make = &make;
    let made = std::thread::scope(|scope| {
        let work = |(nth, part): (usize, Vec<T>)| {
            scope.spawn(move || {
                let placed = part.into_iter().enumerate();
                placed.map(|(at, one)| make(nth * length + at, one)).collect::<Result<Vec<U>, _>>()
            })
        };
        let working: Vec<_> = parts.into_iter().enumerate().map(work).collect();
        let panicked = |_| Err(E::from(DbError::Panicked));
        working.into_iter().map(|one| one.join().unwrap_or_else(panicked)).collect::<Result<Vec<_>, _>>()
    })?;
    Ok(made.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::{Problem, TransactionFault};

    #[test]
    fn each_is_made_in_its_place_and_the_first_fault_is_told() {
        for length in [0, 1, 64, 127, 128, 129, 1_000] {
            let made =
                each((0..length).collect(), |at, one: usize| Ok::<_, TransactionFault>((at, one))).unwrap();
            assert_eq!(made, (0..length).map(|one| (one, one)).collect::<Vec<_>>());
        }
        let fails = |at: usize, _: ()| match at {
            300 | 301 | 999 => Err(Problem::WrongType.of(at)),
            _ => Ok(()),
        };
        assert_eq!(each(vec![(); 1_000], fails).unwrap_err().entry, 300);
    }
}
