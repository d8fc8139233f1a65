//! EHR launch: somebody who works on a patient's record opens an application there.  SMART App Launch 2.2 §2.0.6
//!
//! Whoever makes a launch gets a handle, which the browser takes to the application and the application to
//! `/oauth2/authorize`. It is bound to the application and to the person who will sit there, lives five minutes, and is
//! spent by the first who presents it.

use std::time::Duration;

use axum::{Extension, extract::State};
use http::StatusCode;
use kernel::{Client, Id, Issue, Person, RequestId, Secret, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;
use utoipa::ToSchema;
use web::{Answer, Bearer, Json};

use super::{FhirId, SmartFault, queries};
use crate::{
    Acting, Auth, SignedIn,
    authorize::AuthorizeFault,
    client::{self, ClientIdText},
};

/// How long a launch waits for its application.
pub const LAUNCH_LIFETIME: Duration = Duration::from_mins(5);

/// The scope with which a clinical system makes launches.
pub const CREATE: &str = "launch:create";

/// How large the context of a launch may be, in bytes of JSON.
pub const CONTEXT_BYTES_MAX: usize = 4_096;

/// How many further records a launch may name.
const FHIR_CONTEXT_MAX: usize = 20;

/// The longest text in a context, in bytes.
const TEXT_BYTES_MAX: usize = 500;

/// What a handle begins with.
const PREFIX: &str = "hlm_la_";

/// Keeps digests of handles apart from every other digest.
const PURPOSE: &str = "smart_launch";

/// A launch to be made.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[schema(as = LaunchRequest)]
#[serde(deny_unknown_fields)]
pub struct NewLaunch {
    /// The application's `client_id`.
    pub client_id: String,
    /// The person who will sit there (`sub`). May be left out where a person's own token is presented.
    #[serde(default)]
    pub user: Option<String>,
    /// The patient's id.
    #[serde(default)]
    pub patient: Option<String>,
    /// The encounter's id.
    #[serde(default)]
    pub encounter: Option<String>,
    /// Further records: objects with `reference`, `canonical` or `identifier`.
    #[serde(default, rename = "fhirContext")]
    #[schema(value_type = Vec<Object>)]
    pub fhir_context: Vec<Value>,
    /// What the application should do.
    #[serde(default)]
    pub intent: Option<String>,
    /// Whether the application has to show whom it is about.
    #[serde(default)]
    pub need_patient_banner: Option<bool>,
    /// Where the application finds how to look.
    #[serde(default)]
    pub smart_style_url: Option<String>,
    /// The EHR's own word for the organisation.
    #[serde(default)]
    pub tenant: Option<String>,
}

/// A launch that waits.
#[derive(Serialize, ToSchema)]
#[schema(as = LaunchResponse)]
pub struct LaunchOut {
    /// The handle, for the parameter `launch`.
    launch: String,
    /// Our FHIR server, for the parameter `iss`.
    iss: String,
    /// In seconds.
    expires_in: u64,
}

/// A launch as its row holds it.
#[derive(Debug, Clone)]
pub(super) struct LaunchRow {
    pub client: Id<Client>,
    pub person: Id<Person>,
    pub context: Map<String, Value>,
    pub expires_at: Timestamp,
}

/// Make a launch.
#[utoipa::path(post, path = "/oauth2/launch", tag = "smart", operation_id = "create_launch", request_body = NewLaunch,
    responses((status = 201, description = "The launch", body = LaunchOut)),
    security(("bearer" = ["launch:create"])))]
pub(crate) async fn create(
    State(auth): State<Auth>,
    request: Option<Extension<RequestId>>,
    bearer: Bearer,
    Json(new): Json<NewLaunch>,
) -> Answer<(StatusCode, Json<LaunchOut>)> {
    bearer.require(CREATE)?;
    let caller = &bearer.0;
    let person = match (&new.user, caller.person) {
        (None, Some(person)) => person,
        (None, None) => return Err(SmartFault::at("user", "must name the person who will sit there").into()),
        (Some(named), own) => named
            .parse()
            .ok()
            .filter(|named| own.is_none_or(|own| own == *named))
            .ok_or(SmartFault::NoPerson)?,
    };
    let acting = Acting {
        actor: caller.actor(),
        organisation: caller.organisation,
        request: request.map(|Extension(id)| id),
    };
    let whose = if caller.person.is_some() { Whose::LinkedToPerson } else { Whose::AnyPatient };
    let handle = insert(&auth, &acting, person, whose, &new).await?;
    let out = LaunchOut {
        launch: handle.expose().clone(),
        iss: auth.config().fhir_base(),
        expires_in: LAUNCH_LIFETIME.as_secs(),
    };
    Ok((StatusCode::CREATED, Json(out)))
}

/// Make a launch for a person who is signed in, about a patient whom they are linked to; the handle.
///
/// # Errors
/// [`SmartFault::NotLinked`], [`SmartFault::Refused`] naming every field at fault.
pub async fn begin(auth: &Auth, who: &SignedIn, new: &NewLaunch) -> Result<Secret<String>, SmartFault> {
    insert(auth, &who.acting(), who.person, Whose::LinkedToPerson, new).await
}

/// Which patients a launch may be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// Those that the person is linked to.
    LinkedToPerson,
    /// Any: a clinical system knows whose record is open.
    AnyPatient,
}

async fn insert(
    auth: &Auth,
    acting: &Acting,
    person: Id<Person>,
    whose: Whose,
    new: &NewLaunch,
) -> Result<Secret<String>, SmartFault> {
    let context = read(new).map_err(SmartFault::Refused)?;
    let client_id = new.client_id.parse::<ClientIdText>().ok();
    let handle = crypto::token::generate(auth.world(), PREFIX);
    let digest = auth.vault().digest(PURPOSE, handle.expose().as_bytes());
    let patient = context.get("patient").and_then(Value::as_str).and_then(|id| id.parse::<FhirId>().ok());
    let (world, acting) = (auth.world().clone(), acting.clone());
    let expires_at = auth.world().now() + LAUNCH_LIFETIME;
    auth.db()
        .write(async move |tx| -> Result<(), SmartFault> {
            let client = match &client_id {
                Some(id) => client::queries::by_client_id(tx, id).await?,
                None => None,
            };
            let client = client
                .filter(|client| client.disabled_at.is_none())
                .ok_or(SmartFault::at("client_id", "must name an application that is registered here"))?;
            if !queries::is_live_person_of(tx, acting.organisation, person).await? {
                return Err(SmartFault::NoPerson);
            }
            if let (Whose::LinkedToPerson, Some(patient)) = (whose, &patient)
                && queries::link(tx, person, patient).await?.is_none()
            {
                return Err(SmartFault::NotLinked);
            }
            let row = LaunchRow { client: client.id, person, context: context.clone(), expires_at };
            queries::insert_launch(tx, &digest, &row).await?;
            let details = serde_json::json!({ "client": client.id, "members": members(&context) });
            Ok(audit::record(tx, &world, &acting.entry("launch.created", person, details)).await?)
        })
        .await?;
    Ok(handle)
}

/// What the audit trail keeps of a context: what it says something about, not what.
fn members(context: &Map<String, Value>) -> Vec<&String> {
    context.keys().collect()
}

/// Everything that can be wrong with a context is decided here.
fn read(new: &NewLaunch) -> Result<Map<String, Value>, Vec<Issue>> {
    let mut issues = Vec::new();
    let mut context = Map::new();
    for (name, id) in [("patient", &new.patient), ("encounter", &new.encounter)] {
        match id.as_deref().map(str::parse::<FhirId>) {
            Some(Ok(id)) => drop(context.insert(name.to_owned(), String::from(id).into())),
            Some(Err(why)) => issues.push(Issue::at(name, why.to_string())),
            None => {}
        }
    }
    if new.encounter.is_some() && new.patient.is_none() {
        issues.push(Issue::at("encounter", "needs its patient"));
    }
    if new.fhir_context.len() > FHIR_CONTEXT_MAX || !new.fhir_context.iter().all(is_reference) {
        issues.push(Issue::at(
            "fhirContext",
            "must be at most 20 objects with reference, canonical or identifier",
        ));
    } else if !new.fhir_context.is_empty() {
        context.insert("fhirContext".to_owned(), new.fhir_context.clone().into());
    }
    for (name, text) in [("intent", &new.intent), ("tenant", &new.tenant)] {
        match text.as_deref() {
            Some(text) if is_text(text) => drop(context.insert(name.to_owned(), text.into())),
            Some(_) => issues.push(Issue::at(name, "must be 1 to 500 bytes of text")),
            None => {}
        }
    }
    match new.smart_style_url.as_deref() {
        Some(url) if is_web(url) => drop(context.insert("smart_style_url".to_owned(), url.into())),
        Some(_) => issues.push(Issue::at("smart_style_url", "must be an https address")),
        None => {}
    }
    if let Some(need) = new.need_patient_banner {
        context.insert("need_patient_banner".to_owned(), need.into());
    }
    if issues.is_empty() && Value::Object(context.clone()).to_string().len() > CONTEXT_BYTES_MAX {
        issues.push(Issue::at("fhirContext", "the context must be at most 4096 bytes"));
    }
    if issues.is_empty() { Ok(context) } else { Err(issues) }
}

fn is_text(text: &str) -> bool {
    (1..=TEXT_BYTES_MAX).contains(&text.len()) && !text.chars().any(char::is_control)
}

fn is_web(text: &str) -> bool {
    let is_loopback = |url: &Url| matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"));
    let is_good = |url: Url| url.scheme() == "https" || url.scheme() == "http" && is_loopback(&url);
    text.len() <= TEXT_BYTES_MAX && Url::parse(text).is_ok_and(is_good)
}

/// One record beside patient and encounter, which have members of their own (§3.0.3.1).
fn is_reference(value: &Value) -> bool {
    let named = |name| value.get(name).and_then(Value::as_str);
    let reference = named("reference").is_none_or(|reference| {
        let role = named("role").filter(|role| *role != "launch");
        let parts = reference.split_once('/');
        parts.is_some_and(|(on, id)| {
            id.parse::<FhirId>().is_ok() && (role.is_some() || !matches!(on, "Patient" | "Encounter"))
        })
    });
    let says_what = ["reference", "canonical", "identifier"].iter().any(|name| value.get(name).is_some());
    value.is_object() && says_what && reference
}

/// Take the context of a launch, once.
///
/// # Errors
/// The database; inside, in one word for the audit trail, why the handle is not good.
pub(super) async fn redeem(
    auth: &Auth,
    who: &SignedIn,
    client: Id<Client>,
    handle: &str,
) -> Result<Result<Map<String, Value>, &'static str>, AuthorizeFault> {
    let digest = auth.vault().digest(PURPOSE, handle.as_bytes());
    let (world, acting, person) = (auth.world().clone(), who.acting(), who.person);
    auth.db()
        .write(async move |tx| -> Result<_, AuthorizeFault> {
            let row = queries::take_launch(tx, &digest).await?;
            let judged = judge(row, client, person, world.now());
            let entry = acting.entry("launch.redeemed", client, Value::Null);
            let outcome = match &judged {
                Ok(_) => audit::Outcome::Done,
                Err(why) => audit::Outcome::Refused(why),
            };
            audit::record(tx, &world, &audit::Entry { outcome, ..entry }).await?;
            Ok(judged)
        })
        .await
}

fn judge(
    row: Option<LaunchRow>,
    client: Id<Client>,
    person: Id<Person>,
    now: Timestamp,
) -> Result<Map<String, Value>, &'static str> {
    let row = row.ok_or("unknown")?;
    if row.client != client {
        Err("another_client")
    } else if row.person != person {
        Err("another_person")
    } else if now >= row.expires_at {
        Err("expired")
    } else {
        Ok(row.context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn a_whole_context_is_read() {
        let new = NewLaunch {
            patient: text("pat-1"),
            encounter: text("enc-1"),
            fhir_context: vec![
                serde_json::json!({ "reference": "ImagingStudy/7" }),
                serde_json::json!({ "reference": "Patient/8", "role": "https://x.example/role" }),
                serde_json::json!({ "canonical": "https://x.example/q|1" }),
            ],
            intent: text("reconcile-medications"),
            need_patient_banner: Some(false),
            smart_style_url: text("https://x.example/style.json"),
            tenant: text("north"),
            ..NewLaunch::default()
        };
        let context = read(&new).unwrap();
        let names: Vec<&str> = context.keys().map(String::as_str).collect();
        let all = [
            "encounter",
            "fhirContext",
            "intent",
            "need_patient_banner",
            "patient",
            "smart_style_url",
            "tenant",
        ];
        assert_eq!(names, all);
        assert_eq!(read(&NewLaunch::default()), Ok(Map::new()));
    }

    #[test]
    fn every_member_at_fault_is_named() {
        let none = NewLaunch::default;
        let context = |value: Value| NewLaunch { fhir_context: vec![value], ..none() };
        for (new, field) in [
            (NewLaunch { patient: text("../1"), ..none() }, "patient"),
            (NewLaunch { encounter: text("1"), ..none() }, "encounter"),
            (NewLaunch { intent: text(""), ..none() }, "intent"),
            (NewLaunch { tenant: text("a\nb"), ..none() }, "tenant"),
            (NewLaunch { smart_style_url: text("http://x.example/"), ..none() }, "smart_style_url"),
            (NewLaunch { smart_style_url: text("javascript:1"), ..none() }, "smart_style_url"),
            (context("x".into()), "fhirContext"),
            (context(serde_json::json!({})), "fhirContext"),
            (context(serde_json::json!({ "reference": "Patient/1" })), "fhirContext"),
            (context(serde_json::json!({ "reference": "Encounter/1", "role": "launch" })), "fhirContext"),
            (context(serde_json::json!({ "reference": "ImagingStudy/a b" })), "fhirContext"),
            (context(serde_json::json!({ "canonical": "x".repeat(CONTEXT_BYTES_MAX) })), "fhirContext"),
            (
                NewLaunch { fhir_context: vec![serde_json::json!({ "canonical": "x" }); 21], ..none() },
                "fhirContext",
            ),
        ] {
            let issues = read(&new).err().unwrap_or_default();
            assert_eq!(issues.iter().map(|issue| &*issue.path).collect::<Vec<_>>(), [field], "{new:?}");
        }
    }

    #[test]
    fn a_launch_is_good_for_whom_it_was_made() {
        let at = Timestamp::from_seconds;
        let (client, person) = (Id::from_bytes([1; 16]), Id::from_bytes([2; 16]));
        let row = || Some(LaunchRow { client, person, context: Map::new(), expires_at: at(300) });
        assert_eq!(judge(row(), client, person, at(299)), Ok(Map::new()));
        assert_eq!(judge(row(), client, person, at(300)), Err("expired"));
        assert_eq!(judge(row(), Id::from_bytes([9; 16]), person, at(1)), Err("another_client"));
        assert_eq!(judge(row(), client, Id::from_bytes([9; 16]), at(1)), Err("another_person"));
        assert_eq!(judge(None, client, person, at(1)), Err("unknown"));
    }
}
