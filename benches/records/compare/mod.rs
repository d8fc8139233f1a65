//! What a search finds here beside what it finds at HAPI: the same records under the same ids, every parameter of every type that they
//! have a value for, asked in every way that its kind knows. What was found is told in `docs/conformance/searches.md`.

mod material;
mod question;
mod report;
mod said;

use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
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
/// For so long it is asked; what is left then is said.
const ASKED_MAX: Duration = Duration::from_secs(75 * 60);
/// Steps over the questions, so that those that time is left for are of all types: a prime.
const STEP: usize = 7_919;

/// Load both, ask both, tell where they differ; of all types, or of those that are named.
pub fn compare(types: &[String]) {
    let Some(peer) = hapi::start_compared() else { return };
    let own = hilum::on_sqlite(Validation::Off);
    let records = taken_by_both(&peer, &own, material::records());
    println!("{} records at both", records.len());
    let mut questions = questions(&records);
    questions.retain(|asked| types.is_empty() || types.contains(&asked.of));
    println!("{} questions", questions.len());
    let compared = asked_of_both(&peer, &own, &questions);
    println!("{} of them asked", compared.len());
    report::tell(&compared);
}

/// What one of them does not take, the other does not keep.
fn taken_by_both(peer: &Server, own: &Server, records: Vec<Record>) -> Vec<Record> {
    material::announce(peer, &records);
    let (by_peer, refused_by_peer) = material::load(peer, records);
    report::refused("HAPI", &refused_by_peer);
    material::remove(peer, &refused_by_peer);
    let (by_both, refused_by_own) = material::load(own, by_peer);
    report::refused("Hilum", &refused_by_own);
    material::remove(peer, &refused_by_own);
    by_both
}

fn asked_of_both(peer: &Server, own: &Server, questions: &[Asked]) -> Vec<Compared> {
    let (next, compared) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let began = Instant::now();
    let draw = || {
        let nth = next.fetch_add(1, Ordering::Relaxed);
        let is_left = nth < questions.len() && began.elapsed() < ASKED_MAX;
        is_left.then(|| &questions[nth * STEP % questions.len()])
    };
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                let (mut to_own, mut to_peer) = (own.place.connect(), peer.place.connect());
                while let Some(asked) = draw() {
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
