//! How many calls of one endpoint are under way: one that does not answer holds up its own subscriptions, and not the workers.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use url::Url;

/// Calls of one endpoint that one node makes at a time.
pub const ENDPOINT_SLOTS: usize = 2;

/// The calls that are under way, by site and endpoint.
#[derive(Clone, Default)]
pub(crate) struct Slots(Arc<Mutex<BTreeMap<String, usize>>>);

/// A call that is under way.
pub(super) struct Slot {
    slots: Slots,
    of: String,
}

impl Slots {
    /// A place for a call; none while there are enough.
    pub(super) fn take(&self, tenant: i64, endpoint: &Url) -> Option<Slot> {
        let host = endpoint.host_str().unwrap_or_default();
        let of = format!("{tenant} {host}:{}", endpoint.port_or_known_default().unwrap_or_default());
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(of.clone()).or_default();
        if *count >= ENDPOINT_SLOTS {
            return None;
        }
        *count += 1;
        Some(Slot { slots: self.clone(), of })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = self.slots.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.of) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.of);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_has_so_many_places_and_gets_them_back() {
        let (slots, one) = (Slots::default(), "https://a.example/x".parse().unwrap());
        let held: Vec<Slot> = (0..ENDPOINT_SLOTS).filter_map(|_| slots.take(1, &one)).collect();
        assert_eq!(held.len(), ENDPOINT_SLOTS);
        assert!(slots.take(1, &"https://a.example:443/y".parse().unwrap()).is_none());
        assert!(slots.take(1, &"https://b.example/x".parse().unwrap()).is_some());
        assert!(slots.take(2, &one).is_some());
        drop(held);
        assert!(slots.take(1, &one).is_some() && slots.0.lock().unwrap().is_empty());
    }
}
