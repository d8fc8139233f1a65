//! One renewal of a connection at a time in this process, however many callers want it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use kernel::{Connection, Id, Timestamp};
use tokio::sync::watch;

use super::{
    claim::Wanted,
    refresh::{self, Renewal},
};
use crate::{Broker, By};

/// The renewals that are under way in this process.
#[derive(Clone, Default)]
pub(crate) struct Flights(Arc<Mutex<HashMap<Id<Connection>, Outcome>>>);

/// What will have come of a renewal.
pub(super) type Outcome = watch::Receiver<Option<Renewal>>;

impl Flights {
    /// Take part in the renewal of this connection; begin it if there is none. It goes on when the caller goes away.
    pub(super) fn join(&self, broker: &Broker, wanted: Wanted, by: By) -> Outcome {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(under_way) = flights.get(&wanted.connection) {
            return under_way.clone();
        }
        let (done, outcome) = watch::channel(None);
        flights.insert(wanted.connection, outcome.clone());
        drop(flights);
        let landing = Landing { flights: self.clone(), connection: wanted.connection };
        let this = broker.clone();
        broker.tasks.spawn(async move {
            let renewal = refresh::renew(&this, wanted, &by).await;
            drop(landing);
            done.send_replace(Some(renewal));
        });
        outcome
    }
}

/// Takes the flight off the list however it ends, a panic included.
struct Landing {
    flights: Flights,
    connection: Id<Connection>,
}

impl Drop for Landing {
    fn drop(&mut self) {
        self.flights.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.connection);
    }
}

/// The outcome of a flight, once it is there; none if it crashed.
pub(super) async fn landed(mut outcome: Outcome) -> Renewal {
    match outcome.wait_for(Option::is_some).await {
        Ok(renewal) => renewal.unwrap_or(Renewal::Failed),
        Err(_) => Renewal::Failed,
    }
}

/// Seconds from now until then, at least one.
pub(super) fn seconds_until(then: Timestamp, now: Timestamp) -> u64 {
    then.since(now).as_secs().saturating_add(1)
}
