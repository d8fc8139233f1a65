//! How many connections there may be, in all and from one address.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::ServeLimits;
use crate::{Metrics, Networks};

/// Seats taken, by group of addresses.
type Taken = Arc<Mutex<HashMap<u128, usize>>>;

pub(super) struct Seats {
    places: Arc<Semaphore>,
    taken: Taken,
    per_address_max: usize,
    exempt: Networks,
    metrics: Metrics,
}

/// One connection's seat; dropping it gives it back.
pub(super) struct Seat {
    _place: OwnedSemaphorePermit,
    address: Option<(u128, Taken)>,
    metrics: Metrics,
}

impl Seats {
    pub(super) fn new(limits: &ServeLimits, metrics: &Metrics) -> Self {
        Self {
            places: Arc::new(Semaphore::new(limits.connections_max.min(Semaphore::MAX_PERMITS))),
            taken: Arc::default(),
            per_address_max: limits.connections_per_address_max,
            exempt: limits.trusted_proxies.clone(),
            metrics: metrics.clone(),
        }
    }

    /// A place among all connections, as soon as there is one.
    pub(super) async fn place(&self) -> OwnedSemaphorePermit {
        match self.places.clone().acquire_owned().await {
            Ok(place) => place,
            // Nobody closes the semaphore.
            Err(_) => std::future::pending().await,
        }
    }

    /// The seat for a connection from this address; none if it has too many.
    pub(super) fn take(&self, place: OwnedSemaphorePermit, address: IpAddr) -> Option<Seat> {
        let address = if self.exempt.contain(address) {
            None
        } else {
            let group = group(address);
            let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
            let count = taken.entry(group).or_default();
            if *count >= self.per_address_max {
                self.metrics.count_refused_connection();
                return None;
            }
            *count += 1;
            Some((group, self.taken.clone()))
        };
        self.metrics.connections().inc();
        Some(Seat { _place: place, address, metrics: self.metrics.clone() })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.metrics.connections().dec();
        let Some((group, taken)) = &self.address else { return };
        let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(group) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                taken.remove(group);
            }
        }
    }
}

/// What one customer has: an IPv4 address, or a /64 of IPv6.
fn group(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => address.to_bits() & !u128::from(u64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_has_only_so_many_seats() {
        let limits = ServeLimits {
            connections_max: 10,
            connections_per_address_max: 2,
            trusted_proxies: "10.0.0.0/8".parse().unwrap(),
            ..ServeLimits::default()
        };
        let metrics = Metrics::new();
        let seats = Seats::new(&limits, &metrics);
        let take = async |address: &str| seats.take(seats.place().await, address.parse().unwrap());
        let first = take("2001:db8::1").await;
        let _second = take("2001:db8::2").await.unwrap();
        assert!(take("2001:db8::3").await.is_none());
        assert!(take("2001:db8:0:1::1").await.is_some());
        drop(first);
        assert!(take("2001:db8::3").await.is_some());
        let _proxied = [
            take("10.0.0.1").await.unwrap(),
            take("10.0.0.1").await.unwrap(),
            take("10.0.0.1").await.unwrap(),
        ];
        assert_eq!(metrics.connections().get(), 4);
        assert_eq!(seats.taken.lock().unwrap().len(), 1, "addresses without connections are forgotten");
    }
}
