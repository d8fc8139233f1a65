//! HL7's own cases for validators, read in place: <https://github.com/FHIR/fhir-test-cases>, `validator/manifest.json`.
//!
//! `cases::agreed` runs every step that needs no network and compares it with what HL7's Java validator found. What agreed before
//! must agree again: `agreed.txt` beside this file. `HILUM_AGREED=write` writes that list and `docs/conformance/validator.md` anew.

mod compare;
mod report;
mod step;

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use validator::{Library, Package};

use crate::data;
use compare::Compared;
use step::Step;

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
    let compared = run(&base, &steps);
    let text = report::table(&compared);
    eprintln!("{text}");
    let agreed = report::agreed(&compared);
    let wants_writing = data::variable("HILUM_AGREED").is_some_and(|value| value == "write");
    if wants_writing {
        report::write(&compared, &text);
    }
    let lost = report::lost(include_str!("agreed.txt"), &agreed);
    assert!(wants_writing || lost.is_empty(), "agreed before, and no more: {lost:#?}");
    if let Some(name) = data::variable("HILUM_CASE") {
        compared.iter().filter(|one| one.name.contains(&name)).for_each(report::show);
    }
}

/// All steps on all cores; in their order. A step without its inputs is told and not counted.
fn run(base: &Library, steps: &[Step]) -> Vec<Compared> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    let work = || {
        while let Some((at, step)) = {
            let at = next.fetch_add(1, Ordering::Relaxed);
            steps.get(at).map(|step| (at, step))
        } {
            match step.run(base) {
                Some(found) => {
                    done.lock().unwrap().push((at, Compared::new(step, found)));
                }
                None => eprintln!("NOT COUNTED: {} {} has no inputs", step.name, step.kind),
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
