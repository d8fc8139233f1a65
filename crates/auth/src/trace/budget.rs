//! How much is written about one client: anybody can name one and fail.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use kernel::{Client, Id, Timestamp};

/// How many failures of one client are written down in a minute.
const FAILURES_A_MINUTE: u32 = 20;

/// Of how many clients failures are written down in a minute.
const CLIENTS_A_MINUTE: usize = 2_000;

/// What was written in this minute.
#[derive(Default)]
pub(crate) struct Budget(Mutex<Minute>);

#[derive(Default)]
struct Minute {
    nth: i64,
    written: HashMap<Id<Client>, u32>,
}

impl Budget {
    /// Whether one more failure of this client is written down.
    pub(super) fn takes(&self, client: Id<Client>, now: Timestamp) -> bool {
        let mut minute = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let nth = now.as_seconds() / 60;
        if minute.nth != nth {
            *minute = Minute { nth, written: HashMap::new() };
        }
        let is_full = minute.written.len() >= CLIENTS_A_MINUTE && !minute.written.contains_key(&client);
        if is_full {
            return false;
        }
        let written = minute.written.entry(client).or_insert(0);
        *written += 1;
        *written <= FAILURES_A_MINUTE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_fails_all_the_time_is_written_down_so_often_and_no_more() {
        let budget = Budget::default();
        let (one, other) = (Id::from_bytes([1; 16]), Id::from_bytes([2; 16]));
        let at = Timestamp::from_seconds;
        let written = (0..100).filter(|_| budget.takes(one, at(60))).count();
        assert_eq!(written, 20);
        assert!(budget.takes(other, at(60)), "one client takes nothing from another");
        assert!(budget.takes(one, at(120)));
        for nth in 0..5_000_u32 {
            let mut bytes = [3; 16];
            bytes[..4].copy_from_slice(&nth.to_be_bytes());
            budget.takes(Id::from_bytes(bytes), at(180));
        }
        assert!(budget.0.lock().unwrap().written.len() <= CLIENTS_A_MINUTE);
    }
}
