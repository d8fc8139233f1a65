//! What a search finds here beside what it finds at HAPI: the same records under the same ids, every parameter of every type that they
//! have a value for, asked in every way that its kind knows.

mod material;
mod question;
mod report;
mod said;

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use crate::{
    hapi,
    hilum::{self, Validation},
    server::Server,
};

pub use self::{
    material::Record,
    question::{Asked, questions},
    report::Compared,
    said::{Said, say},
};

/// Who ask at once.
const CLIENTS: usize = 4;

/// Load both, ask both, tell where they differ.
pub fn compare() {
    let Some(peer) = hapi::start_compared() else { return };
    let own = hilum::on_sqlite(Validation::Off);
    let records = taken_by_both(&peer, &own, material::records());
    println!("{} records at both", records.len());
    let questions = questions(&records);
    println!("{} questions", questions.len());
    report::tell(&asked_of_both(&peer, &own, &questions));
}

/// What one of them does not take, the other does not keep.
fn taken_by_both(peer: &Server, own: &Server, records: Vec<Record>) -> Vec<Record> {
    let (by_peer, refused_by_peer) = material::load(peer, records);
    report::refused("HAPI", &refused_by_peer);
    let (by_both, refused_by_own) = material::load(own, by_peer);
    report::refused("Hilum", &refused_by_own);
    material::remove(peer, &refused_by_own);
    by_both
}

fn asked_of_both(peer: &Server, own: &Server, questions: &[Asked]) -> Vec<Compared> {
    let (next, compared) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                let (mut to_own, mut to_peer) = (own.place.connect(), peer.place.connect());
                while let Some(asked) = questions.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let own = say(&own.place, &mut to_own, &asked.target);
                    let peer = say(&peer.place, &mut to_peer, &asked.target);
                    compared.lock().unwrap().push(Compared { asked: asked.clone(), own, peer });
                }
            });
        }
    });
    let mut compared = compared.into_inner().unwrap();
    compared.sort_by(|one, other| one.asked.cmp(&other.asked));
    compared
}
