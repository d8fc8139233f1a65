//! Load on an address, and what it measures. One thread to a connection: a thread that sleeps until its call is due wakes
//! up more precisely than a timer of an event loop, and there is nothing in it to wait for but the call.

use std::{
    sync::{Arc, Barrier},
    thread,
    time::{Duration, Instant},
};

use crate::connection::Connection;

/// Keep-alive connections.
pub const CONNECTIONS: u32 = 64;
/// For all threads to be there before the first call is due.
const HEAD_START: Duration = Duration::from_millis(50);

/// Where the calls go, and what each must bring back.
pub struct Target {
    pub port: u16,
    pub request: Vec<u8>,
    pub body: Vec<u8>,
}

/// What one load has shown: every latency, the shortest first.
pub struct Measured {
    latencies: Vec<Duration>,
    /// Calls a second that were answered in the time that was counted.
    pub per_second: f64,
    /// Every call that was made, also those that were not counted.
    pub all: u64,
}

impl Measured {
    /// The latency that this share of the calls did not exceed, in milliseconds.
    pub fn quantile_ms(&self, share: f64) -> f64 {
        let rank = (share * self.latencies.len() as f64).ceil() as usize;
        let latency = self.latencies.get(rank.saturating_sub(1)).or(self.latencies.last());
        latency.map_or(f64::NAN, |latency| latency.as_secs_f64() * 1e3)
    }
}

/// When the calls of one connection are due.
#[derive(Clone, Copy)]
pub enum Schedule {
    /// At set instants, this many a second on all connections together, whatever became of the calls before. The latency
    /// counts from the instant, so that what a slow answer holds up is counted too (no coordinated omission).
    Open { per_second: u32 },
    /// As soon as the one before is answered.
    Closed,
}

/// Put the load on, first for a time that is not counted.
pub fn run(target: &Arc<Target>, schedule: Schedule, warm_up: Duration, counted: Duration) -> Measured {
    let barrier = Arc::new(Barrier::new(CONNECTIONS as usize));
    let begin = Instant::now() + HEAD_START;
    let from = begin + warm_up;
    let threads: Vec<_> = (0..CONNECTIONS)
        .map(|nth| {
            let (target, barrier) = (Arc::clone(target), Arc::clone(&barrier));
            thread::spawn(move || {
                let connection = Connection::open(target.port).unwrap();
                barrier.wait();
                one_connection(connection, nth, &target, schedule, begin, (from, from + counted))
            })
        })
        .collect();
    let (mut latencies, mut last, mut all) = (Vec::new(), from, 0);
    for thread in threads {
        let of_one = thread.join().unwrap();
        latencies.extend(of_one.latencies);
        last = last.max(of_one.ended);
        all += of_one.all;
    }
    latencies.sort_unstable();
    let per_second = latencies.len() as f64 / (last - from).max(counted).as_secs_f64();
    Measured { latencies, per_second, all }
}

struct OfOne {
    /// Of the calls that were due in the counted time.
    latencies: Vec<Duration>,
    ended: Instant,
    all: u64,
}

fn one_connection(
    mut connection: Connection,
    nth: u32,
    target: &Target,
    schedule: Schedule,
    begin: Instant,
    (from, until): (Instant, Instant),
) -> OfOne {
    let mut of_one = OfOne { latencies: Vec::new(), ended: Instant::now(), all: 0 };
    for turn in 0.. {
        let due = match schedule {
            Schedule::Open { per_second } => {
                begin + Duration::from_secs(1) * (turn * CONNECTIONS + nth) / per_second
            }
            Schedule::Closed => of_one.ended.max(begin),
        };
        if due >= until {
            break;
        }
        thread::sleep(due.saturating_duration_since(of_one.ended));
        let answer = connection.exchange(&target.request).unwrap();
        assert!(answer.status == 200 && answer.body == target.body, "{}{}", answer.head, answer.text());
        of_one.ended = Instant::now();
        of_one.all += 1;
        if due >= from {
            of_one.latencies.push(of_one.ended - due);
        }
    }
    of_one
}
