//! The events of a row: one of each version and each of its patients, or one of each patient in an answer.

use store::{DbError, Reader};

use super::{Did, Row, name::Part, patients};
use crate::{
    resource::{Method, Records, Rid, Version, at_places, numbered},
    tenant::Tenant,
};

/// Versions that are looked up at once.
const VERSIONS_AT_ONCE: i64 = 200;

/// What one event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct About {
    pub part: Part,
    pub did: Did,
    /// The record: `Observation/1/_history/2`.
    pub record: Option<String>,
    pub patient: Option<String>,
}

/// The events of a row from a part on, in order; and where they go on, if these are not all.
pub(super) async fn of_row(
    reader: &mut Reader,
    records: &Records,
    tenant: &Tenant,
    (row, from): (&Row, Part),
) -> Result<(Vec<About>, Option<Part>), DbError> {
    let Some((first, last)) = row.places else { return Ok((answered(row, from), None)) };
    let start = Rid(first.0.saturating_add(i64::from(from.version)));
    let end = Rid(last.0.min(start.0.saturating_add(VERSIONS_AT_ONCE - 1)));
    let places: Vec<Rid> = (start.0..=end.0).map(Rid).collect();
    let mut versions = at_places(reader, tenant, &places).await?;
    versions.sort_by_key(|version| version.rid);
    let mut all = Vec::with_capacity(versions.len());
    for version in &versions {
        let whose = whose(reader, records, tenant, version).await?;
        let nth = u32::try_from(version.rid.0 - first.0).unwrap_or(u32::MAX);
        let did = match row.did {
            Did::Wrote => written_by(version),
            did => did,
        };
        let record = format!("{}/_history/{}", version.reference(), version.version);
        let about = |patient, whose| About {
            part: Part { version: nth, patient },
            did,
            record: Some(record.clone()),
            patient: whose,
        };
        all.extend(each(whose, about));
    }
    all.retain(|about| about.part >= from);
    let next = u32::try_from(end.0 + 1 - first.0).ok().filter(|_| end < last);
    let next = next.map(|version| Part { version, patient: 0 });
    Ok((all, next))
}

/// The patients whose record a version is; of a deletion those whose it was.
async fn whose(
    reader: &mut Reader,
    records: &Records,
    tenant: &Tenant,
    version: &Version,
) -> Result<Vec<String>, DbError> {
    if !version.is_deletion() {
        return Ok(patients::of(records.registry(), version));
    }
    let named = (version.resource_type, &version.id);
    let before = numbered(reader, tenant, named, version.version.saturating_sub(1)).await?;
    Ok(before.map(|before| patients::of(records.registry(), &before)).unwrap_or_default())
}

/// Those of an answer, or of what was refused.
fn answered(row: &Row, from: Part) -> Vec<About> {
    let about = |patient, whose| About {
        part: Part { version: 0, patient },
        did: row.did,
        record: row.named.clone(),
        patient: whose,
    };
    let mut all: Vec<About> = each(row.patients.clone(), about).collect();
    all.retain(|about| about.part >= from);
    all
}

fn each<F>(patients: Vec<String>, about: F) -> impl Iterator<Item = About>
where
    F: Fn(u16, Option<String>) -> About,
{
    let nobody = patients.is_empty().then_some((0, None));
    let somebody = (0..=u16::MAX).zip(patients.into_iter().map(Some));
    nobody.into_iter().chain(somebody).map(move |(nth, patient)| about(nth, patient))
}

fn written_by(version: &Version) -> Did {
    match (version.method, version.version) {
        (Method::Delete, _) => Did::Delete,
        (Method::Patch, _) => Did::Patch,
        (Method::Post, _) | (Method::Put, 1) => Did::Create,
        (Method::Put, _) => Did::Update,
    }
}
