//! An export begins: what is asked for and by whom is kept, with the place up to which the site is exported.

use audit::Subject;
use axum::response::Response;
use jobs::enqueue;
use kernel::{BulkJob, Id, Interaction, Kind as Fault};
use serde_json::json;
use store::{DbError, Writer};
use web::Problem;

use super::{
    Wish,
    call::Call,
    group,
    pick::reach,
    run::Export,
    wish::{Level, Words},
};
use crate::{
    Fhir,
    bulk::{
        BULK_JOBS_RUNNING_MAX,
        begun::Begun,
        deidentify::{self, Rule, SAFE_HARBOR},
        held::Held,
        queries::{self, New},
        row::Kind,
    },
    interaction::{
        Asked,
        posted::{Said, invalid},
    },
};

/// Begin what is asked for.
pub(super) async fn begin(fhir: &Fhir, call: Call, level: Level) -> Said<Response> {
    let asked = &call.asked;
    let registry = fhir.records.registry_of(&asked.site.tenant);
    let words = Words { prefer: asked.prefer, registry: &registry, now: fhir.world.now() };
    let mut wish = Wish::read(level, &call.pairs, &words)?;
    permitted(fhir, asked, &wish)?;
    wish.rules = rules(fhir, asked, wish.deidentify.as_deref()).await?;
    let request = format!("{}{}", fhir.base, call.address);
    Ok(keep(fhir, asked, (wish, request)).await?.answer(fhir)?)
}

/// The group whose members are meant, as the caller may see it.
pub(super) async fn of_group(fhir: &Fhir, call: &Call, id: &str) -> Said<Level> {
    let (group, members) = group::group_of(fhir, &call.asked, id).await?;
    let named =
        call.pairs.iter().filter(|(name, _)| name == "patient").flat_map(|(_, value)| value.split(','));
    for reference in named {
        let id = reference.rsplit_once("Patient/").map_or(reference, |(_, id)| id).trim();
        if !members.contains(id) {
            return Err(invalid("patient names somebody who is not in the group", "patient").into());
        }
    }
    Ok(Level::Group { id: id.to_owned(), version: group.version })
}

/// Every type that is named has to be one of which the caller may have something; without names, any has to be.
fn permitted(fhir: &Fhir, asked: &Asked, wish: &Wish) -> Result<(), Problem> {
    let types = wish.types();
    for of in &types {
        asked.rule(*of, Interaction::Read)?;
        asked.rule(*of, Interaction::Search)?;
    }
    match reach(&asked.access, &types, &fhir.reader(&asked.site.tenant)).is_empty() {
        false => Ok(()),
        true => Err(Problem::new(Fault::Forbidden, "the access token lets no records be read and searched")
            .with_code("insufficient_scope")),
    }
}

/// The rules of the policy that is named; those of every site need no others.
async fn rules(fhir: &Fhir, asked: &Asked, policy: Option<&str>) -> Result<Vec<Rule>, Problem> {
    let Some(name) = policy.filter(|name| *name != SAFE_HARBOR) else { return Ok(Vec::new()) };
    let tenant = asked.site.tenant.number();
    let found = deidentify::rules(&mut fhir.db.read().await?, tenant, name).await?;
    found.ok_or_else(|| invalid("_deidentify names a policy that the site does not have", "_deidentify"))
}

async fn keep(fhir: &Fhir, asked: &Asked, (wish, request): (Wish, String)) -> Result<Begun, Problem> {
    let id: Id<BulkJob> = fhir.world.new_id();
    let (owned, tenant, by) = (fhir.clone(), asked.site.tenant.clone(), asked.by.clone());
    let now = fhir.world.now();
    let held = Held::of(asked);
    let details = json!({
        "site": tenant.site().to_string(),
        "types": wish.types.len(),
        "deidentified": wish.deidentify.is_some(),
        "level": match wish.level {
            Level::System => "system",
            Level::Patients => "patients",
            Level::Group { .. } => "group",
        },
    });
    let turn = tenant.number();
    let begun = fhir.db.write_in_turn(turn, async move |tx: &mut Writer| {
        if queries::running(tx, turn, held.client).await? >= BULK_JOBS_RUNNING_MAX {
            return Ok(Begun::TooMany);
        }
        let (horizon, taken_at) = queries::now_of(tx, turn, now).await?;
        let (asked, held, request) = (wish.clone(), held.clone(), request.clone());
        let new = New { key: (turn, id), kind: Kind::Export, asked, held, request, horizon, taken_at, now };
        queries::insert(tx, new).await?;
        enqueue(tx, &owned.world, &Export { tenant: turn, id }, now, None).await?;
        let entry = by.did("export.begun", Subject::of(id), details.clone());
        audit::record(tx, &owned.world, &entry).await?;
        Ok::<_, DbError>(Begun::Job(id))
    });
    Ok(begun.await?)
}
