//! Transactions, one after the other and beside one another.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Instant,
};

use crate::{drive::cpu_s, material::Sent, server::Server};

/// What an import took.
pub struct Imported {
    pub resources: usize,
    pub wall_s: f64,
    pub cpu_s: f64,
}

impl Imported {
    pub fn per_second(&self) -> f64 {
        self.resources as f64 / self.wall_s
    }

    pub fn per_cpu_second(&self) -> f64 {
        self.resources as f64 / self.cpu_s
    }
}

/// Send each bundle once, by so many clients.
pub fn import(server: &Server, bundles: &[Sent], clients: usize) -> Imported {
    let next = AtomicUsize::new(0);
    let (began, cpu_before) = (Instant::now(), cpu_s(server.place.pid));
    std::thread::scope(|scope| {
        for _ in 0..clients {
            scope.spawn(|| {
                let mut connection = server.place.connect();
                while let Some(bundle) = bundles.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let request = server.place.request("POST", root(server), bundle.text.as_bytes());
                    let answer = server.place.ask(&mut connection, &request);
                    good(&answer, bundle.entries);
                }
            });
        }
    });
    let (wall_s, cpu_s) = (began.elapsed().as_secs_f64(), cpu_s(server.place.pid) - cpu_before);
    Imported { resources: bundles.iter().map(|bundle| bundle.entries).sum(), wall_s, cpu_s }
}

/// Where Bundles are sent.
pub fn root(server: &Server) -> &'static str {
    if server.place.base.is_empty() { "/" } else { "" }
}

/// Every entry was taken.
fn good(answer: &serde_json::Value, entries: usize) {
    let all = answer["entry"].as_array().unwrap();
    assert_eq!(all.len(), entries);
    for entry in all {
        let status = entry["response"]["status"].as_str().unwrap();
        assert!(status.starts_with('2'), "{entry}");
    }
}
