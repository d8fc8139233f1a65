//! One step of an import of lines that were sent: a piece of them, written in the unit that says how far it is.

use store::{DbError, Writer};

use super::{
    INPUT,
    write::{Unit, read},
};
use crate::{
    Fhir,
    bulk::{
        chunk::unpack,
        held::Standing,
        queries::{self, Progress},
        row::Job,
    },
    resource::Rid,
};

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stepped {
    On,
    Through,
    Overtaken,
}

/// Go on by one step.
pub(super) async fn step<Asked>(
    fhir: &Fhir,
    job: &Job<Asked>,
    standing: &Standing,
) -> Result<Stepped, DbError> {
    if job.place >= job.horizon {
        return Ok(Stepped::Through);
    }
    let (key, from) = ((job.tenant, job.id), job.place);
    let found = queries::chunk_at(&mut fhir.db.read().await?, key, (INPUT, from.number())).await?;
    let missing = || DbError::Corrupt { why: "a piece of what was sent is missing".into() };
    let (starts, bytes, body) = found.filter(|(starts, ..)| *starts == from.number()).ok_or_else(missing)?;
    let text = String::from_utf8(unpack(&body, bytes)?).map_err(|_| missing())?;
    let lines = read(fhir, standing, (&text, job.resources + 1), None);
    let all = i64::try_from(text.lines().count()).unwrap_or(i64::MAX);
    let step = Progress { from, to: Rid::numbered(starts + bytes), resources: all, packed_bytes: 0 };
    let (unit, now) = (Unit::new(fhir, (job, standing), lines, 0), fhir.world.now());
    fhir.db
        .write_in_turn(job.tenant, async move |tx: &mut Writer| {
            if !queries::advance(tx, key, step, now).await? {
                return Ok(Stepped::Overtaken);
            }
            unit.write(tx, key).await?;
            Ok(Stepped::On)
        })
        .await
}
