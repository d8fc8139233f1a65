//! One step of an export: a stretch of the site's versions, those of them that were the newest at kick-off, as lines.

use std::collections::HashSet;

use serde_json::json;
use store::{DbError, Reader, Writer};

use super::{
    Wish, group,
    pick::{Hidden, Pick},
    wish::Level,
};
use crate::{
    Fhir,
    bulk::{
        OUTPUT_BYTES_MAX,
        chunk::{Chunk, Lines, append},
        deidentify::{Key, Policy},
        held::Standing,
        queries::{self, Progress},
        row::{Job, Role},
    },
    parameter::ResourceType,
    resource::{LogicalId, Rid, Version, walk},
    tenant::{self, Tenant},
};

/// Versions that one step looks at.
pub const STEP_VERSIONS: i64 = 4_096;
/// Bytes of bodies, as they are kept, that one step reads; one body may be larger.
pub const STEP_PACKED_BYTES: i64 = 4 << 20;
/// Bytes of lines after which a step ends.
pub const STEP_LINE_BYTES: usize = 32 << 20;

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stepped {
    /// There is more to do.
    On,
    /// All of it is in the output.
    Through,
    /// The output has grown beyond [`OUTPUT_BYTES_MAX`].
    Full,
    /// The site is not searched any more by what `_typeFilter` asks.
    Unasked,
    /// The step was another's, or the export is not under way any more.
    Overtaken,
}

/// What a stretch came to.
struct Stretch {
    to: Rid,
    chunks: Vec<Chunk>,
}

/// Go on by one step.
pub(super) async fn step(fhir: &Fhir, job: &Job<Wish>, standing: Standing) -> Result<Stepped, StepFault> {
    let tenant = tenant::as_now(&mut fhir.db.read().await?, &standing.site.tenant).await?;
    let members = members(fhir, &tenant, &job.asked).await?;
    let pick = Pick::new(&job.asked, &standing.access, fhir.reader(&tenant), members);
    let Some(pick) = pick else { return Ok(Stepped::Unasked) };
    let pick = pick.hiding(hidden(fhir, &tenant, &job.asked).await?);
    let from = begin(fhir, job, &tenant, &pick).await?;
    if from >= job.horizon {
        return Ok(Stepped::Through);
    }
    if job.packed_bytes > OUTPUT_BYTES_MAX {
        return Ok(Stepped::Full);
    }
    let horizon = job.horizon;
    let made =
        fhir.db.scan(async move |reader: &mut Reader| stretch(reader, &tenant, &pick, (from, horizon)).await);
    let Stretch { to, chunks } = made.await?;
    let (key, now) = ((job.tenant, job.id), fhir.world.now());
    let step = Progress {
        from,
        to,
        resources: chunks.iter().map(|chunk| chunk.resources).sum(),
        packed_bytes: chunks.iter().filter_map(|chunk| i64::try_from(chunk.body.len()).ok()).sum(),
    };
    let went_on = fhir.db.write(async move |tx: &mut Writer| {
        if !queries::advance(tx, key, step, now).await? {
            return Ok(Stepped::Overtaken);
        }
        append(tx, key, &chunks).await?;
        Ok::<_, DbError>(Stepped::On)
    });
    Ok(went_on.await?)
}

/// Why a step was not done.
#[derive(Debug, thiserror::Error)]
pub(super) enum StepFault {
    /// The rules of its de-identification do not hold any more.
    #[error("the rules of the de-identification cannot be read")]
    Rules,
    /// The keys.
    #[error(transparent)]
    Vault(#[from] vault::VaultError),
    /// The database.
    #[error(transparent)]
    Store(#[from] DbError),
}

impl kernel::Fault for StepFault {
    fn kind(&self) -> kernel::Kind {
        match self {
            Self::Rules => kernel::Kind::Invalid,
            Self::Vault(fault) => fault.kind(),
            Self::Store(fault) => fault.kind(),
        }
    }

    fn public(&self) -> std::borrow::Cow<'static, str> {
        "the export cannot go on".into()
    }
}

/// What is left out of each record. Rules that cannot be read any more end the export.
async fn hidden(fhir: &Fhir, tenant: &Tenant, wish: &Wish) -> Result<Option<Hidden>, StepFault> {
    if wish.deidentify.is_none() {
        return Ok(None);
    }
    let policy = Policy::read(&wish.rules).map_err(|_| StepFault::Rules)?;
    let vault = fhir.vault.tenant(tenant.organisation()).await?;
    Ok(Some(Hidden { policy, key: Key::new(vault, tenant.site()), base: fhir.base.clone() }))
}

/// Who is in the group, as it was at kick-off.
async fn members(fhir: &Fhir, tenant: &Tenant, wish: &Wish) -> Result<Option<HashSet<String>>, DbError> {
    let Level::Group { id, version } = &wish.level else { return Ok(None) };
    let (Some(of), Ok(id)) = (ResourceType::named("Group"), id.parse::<LogicalId>()) else {
        return Ok(Some(HashSet::new()));
    };
    let group = fhir.records.vread(tenant, (of, &id), *version).await?;
    let text = group.and_then(|group| group.body);
    Ok(Some(text.map(|text| group::members(text.as_str(), &fhir.base)).unwrap_or_default()))
}

/// Where the step begins. Of what is older than `_since`, nothing is looked at: places are in order of time.
async fn begin(fhir: &Fhir, job: &Job<Wish>, tenant: &Tenant, pick: &Pick) -> Result<Rid, DbError> {
    let (Some(since), true) = (pick.since(), job.place.number() == 0) else { return Ok(job.place) };
    let (tenant, horizon) = (tenant.clone(), job.horizon);
    let sought = fhir
        .db
        .scan(async move |reader: &mut Reader| walk::last_until(reader, &tenant, since, horizon).await);
    let (first, key) = (sought.await?, (job.tenant, job.id));
    fhir.db.write(async move |tx: &mut Writer| queries::begin_at(tx, key, first).await).await?;
    Ok(first)
}

async fn stretch(
    reader: &mut Reader,
    tenant: &Tenant,
    pick: &Pick,
    (from, horizon): (Rid, Rid),
) -> Result<Stretch, DbError> {
    let end = Rid::numbered(horizon.number().min(from.number().saturating_add(STEP_VERSIONS)));
    let there = walk::newest_of(reader, tenant, (from, end), horizon).await?;
    let mut wanted = there.iter().filter(|one| pick.may_take(one.resource_type, one.at)).peekable();
    let mut lines = Lines::default();
    let mut gone: Vec<String> = Vec::new();
    let mut to = end;
    while wanted.peek().is_some() {
        let (mut bytes, mut batch) = (0, Vec::new());
        while let Some(one) = wanted.peek()
            && (batch.is_empty() || bytes + one.bytes <= STEP_PACKED_BYTES)
        {
            bytes += one.bytes;
            batch.push(one.rid);
            wanted.next();
        }
        let versions = walk::versions(reader, tenant, &batch).await?;
        for mut version in versions {
            pick.weigh(reader, tenant, &mut version).await?;
            add(reader, tenant, pick, (&mut lines, &mut gone), &version).await?;
        }
        if lines.bytes() >= STEP_LINE_BYTES && wanted.peek().is_some() {
            to = batch.last().copied().unwrap_or(end);
            break;
        }
    }
    if !gone.is_empty() {
        lines.push(Role::Deleted, "Bundle", &deletions(&gone))?;
    }
    Ok(Stretch { to, chunks: lines.chunks()? })
}

async fn add(
    reader: &mut Reader,
    tenant: &Tenant,
    pick: &Pick,
    (lines, gone): (&mut Lines, &mut Vec<String>),
    version: &Version,
) -> Result<(), DbError> {
    if !version.is_deletion() {
        if let Some(line) = pick.line(version) {
            lines.push(Role::Output, version.resource_type.as_str(), &line)?;
        }
        return Ok(());
    }
    if pick.tells_of_deletions() {
        // Of a deletion knows who could see what was deleted.
        let mut before = walk::before(reader, tenant, version).await?;
        if let Some(before) = &mut before {
            pick.weigh(reader, tenant, before).await?;
        }
        gone.extend(before.filter(|before| pick.has(before)).map(|_| pick.reference(version)));
    }
    Ok(())
}

/// <https://hl7.org/fhir/uv/bulkdata/STU2/export.html#response---complete-status>, `deleted`
fn deletions(gone: &[String]) -> String {
    let entry = |reference: &String| json!({"request": {"method": "DELETE", "url": reference}});
    json!({
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": gone.iter().map(entry).collect::<Vec<_>>(),
    })
    .to_string()
}
