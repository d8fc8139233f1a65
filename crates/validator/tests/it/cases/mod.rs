//! HL7's own cases for validators, read in place: <https://github.com/FHIR/fhir-test-cases>, `validator/manifest.json`.
//!
//! `cases::agreed` runs every step that needs no network, and every other one whose questions to a terminology server were recorded, and
//! compares it with what HL7's Java validator found. What agreed before must agree again: `agreed.txt` and `agreed_with_server.txt` beside
//! this file. `HILUM_AGREED=write` writes these lists and `docs/conformance/validator.md` anew.

mod compare;
mod report;
mod step;

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use validator::{Library, Package};

use crate::{
    data,
    recorded::{Answers, Replay},
};
use compare::Compared;
use step::{Issue, Step};

/// What HL7's validator loads by itself for R4.
pub(crate) fn base() -> Option<Library> {
    let names = [data::CORE, "hl7.terminology.r4-7.0.1", "hl7.fhir.uv.extensions.r4-5.2.0"];
    let mut packages = Vec::new();
    for name in names {
        packages.push(Package::read(&data::bytes(&format!("packages/{name}.tgz"))?).unwrap());
    }
    Some(Library::new(packages))
}

#[test]
fn agreed() {
    let Some(steps) = step::offline() else { return };
    let Some(base) = base() else { return };
    base.definitions();
    let alone = run(&steps, |step| step.run(&base, None));
    let Some(answers) = Answers::read() else { return };
    let others = step::others(&steps).unwrap();
    // A step counts here if it asks the server, and if all that it asks was asked by HL7's validator too.
    let replayed = run(&others, |step| {
        let server = Replay::new(&answers);
        let found = step.run(&base, Some(&server));
        if data::variable("HILUM_CASE").is_some_and(|name| step.name.contains(&name))
            && !server.unknown().is_empty()
        {
            eprintln!("{} {} asks what nobody recorded: {:#?}", step.name, step.kind, server.unknown());
        }
        found.filter(|_| server.knew_all())
    });
    eprintln!("{}\n{}", report::table(&alone), report::table(&replayed));
    let wants_writing = data::variable("HILUM_AGREED").is_some_and(|value| value == "write");
    if wants_writing {
        report::write(&alone, &replayed);
    }
    let lists = [(include_str!("agreed.txt"), &alone), (include_str!("agreed_with_server.txt"), &replayed)];
    for (list, compared) in lists {
        let lost = report::lost(list, &report::agreed(compared));
        assert!(wants_writing || lost.is_empty(), "agreed before, and no more: {lost:#?}");
    }
    if let Some(name) = data::variable("HILUM_CASE") {
        alone.iter().chain(&replayed).filter(|one| one.name.contains(&name)).for_each(report::show);
    }
}

/// All steps on all cores; in their order. A step that cannot be run is told and not counted.
fn run(steps: &[Step], one: impl Fn(&Step) -> Option<Vec<Issue>> + Sync) -> Vec<Compared> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    let work = || {
        while let Some((at, step)) = {
            let at = next.fetch_add(1, Ordering::Relaxed);
            steps.get(at).map(|step| (at, step))
        } {
            match one(step) {
                Some(found) => {
                    done.lock().unwrap().push((at, Compared::new(step, found)));
                }
                None => eprintln!("NOT COUNTED: {} {} cannot be run here", step.name, step.kind),
            }
        }
    };
    std::thread::scope(|scope| {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        for _ in 0..cores {
            scope.spawn(work);
        }
    });
    let mut done = done.into_inner().unwrap();
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, compared)| compared).collect()
}
