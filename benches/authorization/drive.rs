//! The load: connections that each do one thing after the other, as fast as they are answered, and what that costs the server.

use std::{
    sync::{
        Arc, Barrier,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{connection::Connection, place::Place};

/// Keep-alive connections.
pub const CONNECTIONS: usize = 64;
/// Clock ticks of `/proc/<pid>/stat` a second, on every Linux that we know of.
const TICKS_PER_SECOND: f64 = 100.0;

/// One turn of a connection: what is asked and checked again and again.
pub type Turn = Box<dyn FnMut(&mut Connection) + Send>;

/// What one load has shown.
pub struct Measured {
    /// Turns for each second of processor time that the server has spent.
    pub per_cpu_second: f64,
    /// Turns a second on the clock.
    pub per_second: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
}

/// Put the load on, first for a time that is not counted.
pub fn run(place: &Place, turns: Vec<Turn>, warm_up: Duration, counted: Duration) -> Measured {
    let is_over = Arc::new(AtomicBool::new(false));
    let done = Arc::new(AtomicU64::new(0));
    let barrier = Arc::new(Barrier::new(turns.len() + 1));
    let threads: Vec<_> = turns
        .into_iter()
        .map(|mut turn| {
            let (is_over, done, barrier) = (Arc::clone(&is_over), Arc::clone(&done), Arc::clone(&barrier));
            let mut connection = place.connect();
            thread::spawn(move || {
                let mut taken = Vec::with_capacity(100_000);
                barrier.wait();
                while !is_over.load(Ordering::Relaxed) {
                    let began = Instant::now();
                    turn(&mut connection);
                    done.fetch_add(1, Ordering::Relaxed);
                    taken.push((began, began.elapsed()));
                }
                taken
            })
        })
        .collect();
    barrier.wait();
    thread::sleep(warm_up);
    let (from, done_before, cpu_before) = (Instant::now(), done.load(Ordering::Relaxed), cpu_s(place.pid));
    thread::sleep(counted);
    let (until, done_after, cpu_after) = (Instant::now(), done.load(Ordering::Relaxed), cpu_s(place.pid));
    is_over.store(true, Ordering::Relaxed);
    let taken = threads.into_iter().flat_map(|thread| thread.join().unwrap());
    let mut latencies: Vec<f64> = taken
        .filter(|(began, took)| *began >= from && *began + *took <= until)
        .map(|(_, took)| took.as_secs_f64() * 1e3)
        .collect();
    latencies.sort_by(f64::total_cmp);
    let turns = (done_after - done_before) as f64;
    Measured {
        per_cpu_second: turns / (cpu_after - cpu_before),
        per_second: turns / (until - from).as_secs_f64(),
        p50_ms: quantile(&latencies, 0.5),
        p99_ms: quantile(&latencies, 0.99),
    }
}

/// The figure that this share of sorted figures does not exceed.
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).or(sorted.last()).copied().unwrap_or(f64::NAN)
}

/// Processor time that a process has spent in all its threads: utime and stime.  proc(5)
pub fn cpu_s(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let after_name = stat.rsplit_once(')').unwrap().1;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks = |nth: usize| fields[nth].parse::<f64>().unwrap();
    (ticks(11) + ticks(12)) / TICKS_PER_SECOND
}
