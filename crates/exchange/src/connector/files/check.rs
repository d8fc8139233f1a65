//! Whether files could be pulled from a shelf.

use kernel::World;

use super::{Files, Hand, Shelf, WINDOW_BYTES};
use crate::{
    connector::{Findings, Outcome, StepName, look::words},
    format::{Position, Rest, What, read},
};

const STEPS: [StepName; 7] = [
    StepName::Name,
    StepName::Connection,
    StepName::Tls,
    StepName::HostKey,
    StepName::SignIn,
    StepName::Directory,
    StepName::SampleRead,
];

/// Look at all of it.
pub(super) async fn check<S: Shelf>(files: &Files<S>, world: &World) -> Findings {
    let mut findings = Findings::default();
    if let Some(mut hand) = files.shelf.try_reach(world, &mut findings).await {
        look(files, world, (&mut hand, &mut findings)).await;
        hand.leave().await;
    }
    let came_to = |name: &StepName| !matches!(name, StepName::Tls | StepName::HostKey);
    let steps: Vec<StepName> = STEPS.into_iter().filter(came_to).collect();
    findings.skip_rest(&steps);
    findings
}

async fn look<S: Shelf>(
    files: &Files<S>,
    world: &World,
    (hand, findings): (&mut S::Hand, &mut Findings),
) -> Option<()> {
    let began = world.now();
    let listed = hand.list().await;
    let said = match &listed {
        Ok(listed) if listed.iter().any(|file| files.rules.stream(&file.name).is_some()) => {
            (Outcome::Passed, "there are files that fit the patterns")
        }
        Ok(_) => (Outcome::Warning, "there is no file yet that fits the patterns"),
        Err(fault) => (Outcome::Failed, words(fault)),
    };
    findings.tell(StepName::Directory, (world, began), said);
    let mut listed = listed.ok()?;
    listed.retain(|file| files.rules.stream(&file.name).is_some());
    listed.sort_by_key(|file| file.version.modified_ms);
    let began = world.now();
    let said = match listed.last() {
        None => (Outcome::Warning, "there is no file to be read yet"),
        Some(file) => {
            let stream = files.rules.stream(&file.name).unwrap_or_default();
            match hand.read(file, 0, WINDOW_BYTES).await {
                Err(fault) => (Outcome::Failed, words(&fault)),
                Ok(None) => (Outcome::Warning, "the newest file is changing: it was not read"),
                Ok(Some(bytes)) => {
                    let is_end = bytes.len() as u64 >= file.version.size;
                    let rest = if is_end { Rest::Nothing } else { Rest::More };
                    match read(&files.rules.shape(&file.name), &Position::default(), &bytes, rest) {
                        Err(fault) => (Outcome::Failed, fault.0),
                        Ok(chunk) => {
                            let (found, _) = files.records.of((stream, &file.name), &chunk.rows);
                            let is_record = |row: &crate::format::Row| matches!(row.what, What::Record(_));
                            match chunk.rows.iter().any(is_record) {
                                false => (Outcome::Warning, "the newest file has no record at its beginning"),
                                true if found.iter().any(|one| one.text.is_ok()) => (
                                    Outcome::Passed,
                                    "the newest file can be read, and its records are mapped",
                                ),
                                true => (
                                    Outcome::Failed,
                                    "the mapping makes nothing of the newest file's records",
                                ),
                            }
                        }
                    }
                }
            }
        }
    };
    findings.tell(StepName::SampleRead, (world, began), said);
    Some(())
}
