//! A Subscription is written: it is asked for what the site has and the caller may see, and taken up in the same unit.

use axum::response::Response;
use http::{HeaderName, HeaderValue, StatusCode};
use kernel::{Interaction, Issue, Kind, Secret};
use serde_json::{Value, json};
use store::Writer;
use vault::Sealed;
use web::Problem;

use super::{
    State,
    condition::{Age, BEING_INDEXED, Terms},
    deliver::{self, Deliver},
    of_subscription,
    queries::{self, SubscriptionRow},
    secrets::Secrets,
    topics::Topics,
    wanted::{About, Channel, Wanted},
};
use crate::{
    Fhir,
    access::{OWNER_SYSTEM, Rule, owner_of},
    interaction::{
        answer,
        asked::Asked,
        posted::{Refusal, Said, document},
        search::INDEXED_AGAIN_S,
        update::absent,
        written::{checked, permitted, refused},
    },
    outcome::{Refused, Severity, Told},
    parameter::ResourceType,
    resource::{
        Absent, Condition, Draft, Expected, LogicalId, Method, Sheet, Version, WriteFault, newest_version,
    },
    tenant,
};

/// Subscriptions of one site that are not off.
pub const SUBSCRIPTIONS_MAX: i64 = 5_000;
/// Subscriptions of one owner at one site that are not off.
pub const SUBSCRIPTIONS_OF_OWNER_MAX: i64 = 500;

/// Why a Subscription is not written together with other records, or under a condition.
pub(crate) const ALONE: &str = "a Subscription is written by a call of its own, to its own address";

/// The field in which the key that signs notifications is shown, once.
const KEY_SHOWN: HeaderName = HeaderName::from_static("webhook-secret");

/// Whether records of this type are taken up by us.
pub(crate) fn is_subscription(of: ResourceType) -> bool {
    of.as_str() == "Subscription"
}

/// Refuse what would write a Subscription under a condition, or beside other records.
///
/// # Errors
/// 400.
pub(crate) fn written_alone(of: ResourceType) -> Result<(), Problem> {
    if is_subscription(of) { Err(Problem::new(Kind::Invalid, ALONE)) } else { Ok(()) }
}

/// A Subscription as it will be kept, and what is to be done about it.
struct Offer {
    draft: Draft,
    row: SubscriptionRow,
    /// Whether its endpoint hears of it before anything is told.
    shakes: Shakes,
    key: Secret<[u8; 32]>,
    issues: crate::package::Checked,
    rule: Rule,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shakes {
    First,
    Never,
}

/// A new Subscription.
pub(crate) async fn create(fhir: &Fhir, asked: &Asked, json: &str) -> Said<Response> {
    let offer = offer(fhir, asked, (fhir.records.new_id(), None), (json, Interaction::Create)).await?;
    let how = (Absent::Create, Condition::default());
    write(fhir, asked, offer, (Method::Post, how)).await
}

/// A Subscription is written anew: asked for again, whatever became of it before.
pub(crate) async fn replace(
    fhir: &Fhir,
    asked: &Asked,
    (id, expected): (LogicalId, Expected),
    json: &str,
) -> Said<Response> {
    let Some(of) = of_subscription() else { return Err(answer::missing().into()) };
    let before = queries::subscription(&mut reader(fhir).await?, asked.site.tenant.number(), &id).await;
    let before = before.map_err(Problem::from)?;
    let offer = offer(fhir, asked, (id, before), (json, Interaction::Update)).await?;
    let judge = offer.rule.judge(of, &fhir.reader(&asked.site.tenant));
    let condition = Condition { expected, judge, keep: None };
    write(fhir, asked, offer, (Method::Put, (absent(asked, of), condition))).await
}

async fn reader(fhir: &Fhir) -> Result<store::Reader, Problem> {
    Ok(fhir.db.read().await?)
}

async fn offer(
    fhir: &Fhir,
    asked: &Asked,
    (id, before): (LogicalId, Option<SubscriptionRow>),
    (json, interaction): (&str, Interaction),
) -> Said<Offer> {
    let Some(of) = of_subscription() else { return Err(answer::missing().into()) };
    asked.rule(of, interaction)?;
    let issues = checked(fhir, asked, &document(json)?)?;
    let mut body: Value = serde_json::from_str(json).unwrap_or_default();
    let tenant =
        &tenant::as_now(&mut reader(fhir).await?, &asked.site.tenant).await.map_err(Problem::from)?;
    let topics = Topics::of(fhir, tenant).await.map_err(Problem::from)?;
    let registry = fhir.records.registry_of(tenant);
    let terms = Terms { registry: &registry, now: fhir.world.now(), age: Age::New };
    let wanted = Wanted::read(&body, &topics, terms).map_err(|issues| unfit(&issues))?;
    for of in wanted.types() {
        asked.rule(of, Interaction::Search)?;
        asked.rule(of, Interaction::Read)?;
    }
    if let Channel::Hook(endpoint) = &wanted.channel
        && fhir.outbound.check(endpoint).is_err()
    {
        let words = "is no address that this deployment calls: https on port 443 of a public host, or one that its operator has named";
        return Err(unfit(&[Issue::at("Subscription.channel.endpoint", words)]));
    }
    let (state, shakes) = begins(&wanted);
    dress(&mut body, asked, (&id, state), &wanted);
    let text = body.to_string();
    let rule = permitted(fhir, asked, of, &document(&text)?, interaction)?;
    let draft = Draft::parse(&text, id.clone()).map_err(|fault| refused(WriteFault::from(fault)))?;
    let (sealed, key) = sealed(fhir, asked, (&id, before.as_ref()), &wanted).await?;
    let row = SubscriptionRow {
        id,
        version: 0,
        generation: 0,
        state,
        channel: wanted.channel.as_str().to_owned(),
        owner: (*asked.standing).clone(),
        secrets: Some(sealed),
        since: None,
        events: 0,
        delivered: 0,
        epoch: 0,
        failures: 0,
        failing_since: None,
        reason: None,
        heartbeat_s: wanted.heartbeat.and_then(|every| i64::try_from(every.as_secs()).ok()),
        sent_at: fhir.world.now(),
        ends_at: wanted.end,
    };
    Ok(Offer { draft, row, shakes, key, issues, rule })
}

/// An endpoint hears of a topic's subscription before anything is told of it. Whoever asks for a stream is there, and what R4 had
/// before topics knows no handshake.
fn begins(wanted: &Wanted) -> (State, Shakes) {
    match (wanted.state, &wanted.channel, &wanted.about) {
        (State::Off, ..) => (State::Off, Shakes::Never),
        (_, Channel::Hook(_), About::Topic(_)) => (State::Requested, Shakes::First),
        _ => (State::Active, Shakes::Never),
    }
}

/// What is kept of it: whose it is, how it stands, and of its secrets that there are some.
fn dress(body: &mut Value, asked: &Asked, (id, state): (&LogicalId, State), wanted: &Wanted) {
    let Some(members) = body.as_object_mut() else { return };
    members.insert("id".to_owned(), json!(id.as_str()));
    members.insert("status".to_owned(), json!(state.as_str()));
    members.remove("error");
    let meta = members.entry("meta").or_insert_with(|| json!({}));
    if !meta.is_object() {
        *meta = json!({});
    }
    let tags = meta.get("tag").and_then(Value::as_array).cloned().unwrap_or_default();
    let is_ours = |tag: &Value| tag.get("system").and_then(Value::as_str) == Some(OWNER_SYSTEM);
    let mut tags: Vec<Value> = tags.into_iter().filter(|tag| !is_ours(tag)).collect();
    tags.push(json!({"system": OWNER_SYSTEM, "code": owner_of(&asked.standing)}));
    if let Some(meta) = meta.as_object_mut() {
        meta.insert("tag".to_owned(), Value::Array(tags));
    }
    if let Some(channel) = members.get_mut("channel").and_then(Value::as_object_mut)
        && channel.contains_key("header")
    {
        let masked: Vec<Value> = wanted.fields.iter().map(|field| json!(field.masked())).collect();
        channel.insert("header".to_owned(), Value::Array(masked));
    }
}

async fn sealed(
    fhir: &Fhir,
    asked: &Asked,
    (id, before): (&LogicalId, Option<&SubscriptionRow>),
    wanted: &Wanted,
) -> Said<(Sealed, Secret<[u8; 32]>)> {
    let tenant = &asked.site.tenant;
    let vault = fhir.vault.tenant(tenant.organisation()).await.map_err(Problem::from)?;
    let before = before.and_then(|row| row.secrets.as_ref());
    let before = before.map(|sealed| Secrets::open(&vault, (tenant, id), sealed));
    let before = before.transpose().map_err(Problem::from)?;
    let secrets = Secrets::renewed(wanted.fields.clone(), before, fhir.world.secret());
    let sealed = secrets.seal(&vault, (tenant, id));
    let sealed = sealed.map_err(|_| Problem::new(Kind::Internal, Problem::INTERNAL))?;
    Ok((sealed, secrets.key))
}

fn unfit(issues: &[Issue]) -> Refusal {
    if let Some(issue) = issues.iter().find(|issue| issue.rule == BEING_INDEXED) {
        // As a search by it is answered.
        return Problem::new(Kind::Unavailable, issue.message.clone())
            .with_path(issue.path.clone())
            .with_retry_after(INDEXED_AGAIN_S)
            .into();
    }
    let told: Vec<Told> = issues
        .iter()
        .map(|issue| Told::new(Severity::Error, "value", issue.message.clone()).at(issue.path.clone()))
        .collect();
    Refused { status: StatusCode::UNPROCESSABLE_ENTITY, issues: told }.into()
}

/// Whether there may be one more beside those of the site and of the owner.
fn has_room((site, own): (i64, i64)) -> Result<(), WriteFault> {
    let (whose, max) = match (site >= SUBSCRIPTIONS_MAX, own >= SUBSCRIPTIONS_OF_OWNER_MAX) {
        (false, false) => return Ok(()),
        (true, _) => ("the site", SUBSCRIPTIONS_MAX),
        (false, true) => ("their owner", SUBSCRIPTIONS_OF_OWNER_MAX),
    };
    let words = format!("there are {max} subscriptions of {whose} that are not off, as many as there may be");
    let issues = vec![Told::new(Severity::Error, "conflict", words)];
    Err(Refused { status: StatusCode::CONFLICT, issues }.into())
}

/// The record, what is going on with it, and what is done first: one unit.
async fn write(
    fhir: &Fhir,
    asked: &Asked,
    offer: Offer,
    (method, (absent, condition)): (Method, (Absent, Condition)),
) -> Said<Response> {
    let Offer { draft, row, shakes, key, issues, .. } = offer;
    let (tenant, author, world) = (asked.site.tenant.clone(), asked.author(), fhir.world.clone());
    let (records, turn) = (fhir.records.clone(), tenant.number());
    let ready = draft.ready(&tenant, &fhir.records);
    let written = fhir
        .db
        .write_in_turn(turn, async move |tx: &mut Writer| {
            let Some(of) = of_subscription() else { return Err(WriteFault::Missing) };
            let stored = newest_version(tx, &tenant, of, &row.id).await?;
            condition.check(stored.as_ref())?;
            if absent == Absent::Refuse && stored.as_ref().is_none_or(Version::is_deletion) {
                return Err(WriteFault::Missing);
            }
            if row.state != State::Off {
                has_room(queries::others(tx, &tenant, &row).await?)?;
            }
            let mut sheet = Sheet::draw(tx, &records, &tenant, 1).await?;
            let version = sheet.put(&ready, method, stored.as_ref())?;
            sheet.write(tx, &author).await?;
            let place = version.rid.number();
            let since = (row.state == State::Active).then_some(place);
            let row = SubscriptionRow { version: version.version, since, ..row.clone() };
            let (_, epoch) = queries::take_up(tx, &tenant, &row).await?;
            if since.is_some() {
                queries::begin_feed(tx, &tenant, place).await?;
            }
            if shakes == Shakes::First {
                let job = Deliver::new(tenant.number(), &row.id, epoch);
                deliver::ask(tx, &world, &job, world.now()).await?;
            }
            Ok(version)
        })
        .await;
    let version = written.map_err(refused)?;
    let mut response = answer::wrote(fhir, &version, asked.prefer.answer, &issues);
    if version.version == 1
        && let Ok(mut shown) = HeaderValue::from_str(crypto::webhook::shown(&key).expose())
    {
        shown.set_sensitive(true);
        response.headers_mut().insert(KEY_SHOWN, shown);
    }
    Ok(response)
}
