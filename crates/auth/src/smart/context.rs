//! The launch context that goes with a grant: what a request needs of it, where it comes from, and what of it the application
//! gets.  SMART App Launch 2.2 §2.0.7, §3.0.3

use kernel::{Client, Id, Level, Scopes, SmartScopes};
use serde_json::{Map, Value};

use super::{FhirId, SmartFault, encounter, fhir_user, launch, patient};
use crate::{Auth, SignedIn, authorize::AuthorizeFault, client::Profile};

/// What an application is told of a launch. Read by its user's decision about scopes.
pub(crate) type Context = Map<String, Value>;

/// What a request says beside its scopes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Wish {
    /// Which FHIR server the application means; `resource` says the same (RFC 8707).
    pub aud: Option<String>,
    /// The handle of a launch.
    pub launch: Option<String>,
}

impl Wish {
    pub(crate) fn read<'a>(one: impl Fn(&'static str) -> Option<&'a str>) -> Self {
        let text = |name| one(name).map(str::to_owned);
        Self { aud: text("aud").or_else(|| text("resource")), launch: text("launch") }
    }
}

/// Whether the request means our FHIR server, and which of its scopes it can have here: there is no `launch` without a launch.
///
/// # Errors
/// The error that the application is told, and why.
pub(crate) fn admit(
    profile: Profile,
    fhir_base: &str,
    scopes: &Scopes,
    wish: &Wish,
) -> Result<Scopes, (&'static str, &'static str)> {
    let is_smart = profile.requires_aud() || !SmartScopes::of(scopes).is_empty();
    let means_us = wish.aud.as_deref().is_none_or(|aud| aud.strip_suffix('/').unwrap_or(aud) == fhir_base);
    if profile.requires_aud() && wish.aud.is_none() {
        return Err(("invalid_request", "aud is missing: it must be the base URL of this FHIR server"));
    }
    if is_smart && !means_us {
        return Err(("invalid_request", "aud is not the base URL of this FHIR server"));
    }
    match (&wish.launch, scopes.has("launch")) {
        (Some(_), false) => {
            Err(("invalid_scope", "a launch needs the scope launch, for which the client is registered"))
        }
        (None, true) => {
            let without = without(scopes, "launch");
            let nothing = ("invalid_request", "the scope launch needs the parameter launch");
            if without.is_empty() { Err(nothing) } else { Ok(without) }
        }
        (Some(_), true) | (None, false) => Ok(scopes.clone()),
    }
}

/// What is found out before the person is asked anything.
#[derive(Debug)]
pub(crate) enum Found {
    /// Everything that the scopes need.
    Whole(Scopes, Context),
    /// The person has to choose.
    Open(Scopes, Context),
    /// The application is told this error and why.
    Refused(&'static str, &'static str),
}

/// What is missing in a context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// A patient.
    Patient,
    /// An encounter of the patient.
    Encounter,
}

/// Whether some scope lets the records of a patient be opened: then there has to be one.
pub(crate) fn is_about_a_patient(scopes: &Scopes) -> bool {
    SmartScopes::of(scopes).iter().any(|scope| scope.level() == Level::Patient)
}

/// What the scopes need and the context lacks.
pub(crate) fn missing(scopes: &Scopes, context: &Context) -> Option<Missing> {
    let has = |name: &str| context.contains_key(name);
    let wants_encounter = scopes.has("launch/encounter");
    if !has("patient") && (scopes.has("launch/patient") || wants_encounter || is_about_a_patient(scopes)) {
        Some(Missing::Patient)
    } else if wants_encounter && !has("encounter") {
        Some(Missing::Encounter)
    } else {
        None
    }
}

/// What of a context goes with the scopes that were granted. A patient's records are opened with a patient or not at all.
pub(crate) fn settle(scopes: Scopes, mut context: Context) -> (Scopes, Context) {
    let is_launched = scopes.has("launch");
    context.retain(|name, _| match name.as_str() {
        "patient" => is_launched || scopes.has("launch/patient") || is_about_a_patient(&scopes),
        "encounter" => is_launched || scopes.has("launch/encounter"),
        "fhirUser" => scopes.has("fhirUser"),
        _ => is_launched,
    });
    let keeps = |name: &str| match name {
        "launch/patient" => context.contains_key("patient"),
        "launch/encounter" => context.contains_key("encounter"),
        "fhirUser" => context.contains_key("fhirUser"),
        _ => context.contains_key("patient") || !name.starts_with("patient/"),
    };
    let kept = scopes.iter().filter(|scope| keeps(scope.as_str())).cloned().collect();
    (kept, context)
}

/// Find out what there is to know for a request of a person who is signed in. A launch is spent by this.
pub(crate) async fn find(
    auth: &Auth,
    who: &SignedIn,
    client: Id<Client>,
    scopes: Scopes,
    handle: Option<&str>,
) -> Result<Found, AuthorizeFault> {
    let mut context = match handle {
        None => Context::new(),
        Some(handle) => match launch::redeem(auth, who, client, handle).await? {
            Ok(context) => context,
            Err(_) => {
                return Ok(Found::Refused(
                    "invalid_request",
                    "the launch is unknown, was used before, is over, or was made for somebody else",
                ));
            }
        },
    };
    let mut scopes = scopes;
    if scopes.has("fhirUser") {
        match fhir_user::fhir_user_of(auth, &mut auth.db().read().await?, who.person).await? {
            Some(user) => drop(context.insert("fhirUser".to_owned(), user.into())),
            None => scopes = without(&scopes, "fhirUser"),
        }
    }
    if missing(&scopes, &context) == Some(Missing::Patient) {
        let mut patients = patient::patients_of(auth, who).await?.into_iter();
        match (patients.next(), patients.next()) {
            (None, _) => {
                return Ok(Found::Refused("access_denied", "no patient's record is linked to this account"));
            }
            (Some(only), None) => {
                drop(context.insert("patient".to_owned(), String::from(only.patient).into()))
            }
            (Some(_), Some(_)) => return Ok(Found::Open(scopes, context)),
        }
    }
    let (scopes, context) = with_encounter(auth, who, scopes, context).await?;
    Ok(match missing(&scopes, &context) {
        Some(_) => Found::Open(scopes, context),
        None if scopes.is_empty() => Found::Refused("invalid_scope", "nothing of this can be granted"),
        None => Found::Whole(scopes, context),
    })
}

/// The only encounter there is goes without saying; where there is none, there is nothing to ask for.
pub(super) async fn with_encounter(
    auth: &Auth,
    who: &SignedIn,
    scopes: Scopes,
    mut context: Context,
) -> Result<(Scopes, Context), SmartFault> {
    let patient = patient_in(&context);
    let (Some(Missing::Encounter), Some(patient)) = (missing(&scopes, &context), patient) else {
        return Ok((scopes, context));
    };
    let mut encounters = encounter::encounters_of(auth, who.organisation, &patient).await?.into_iter();
    match (encounters.next(), encounters.next()) {
        (None, _) => Ok((without(&scopes, "launch/encounter"), context)),
        (Some(only), None) => {
            context.insert("encounter".to_owned(), String::from(only.encounter).into());
            Ok((scopes, context))
        }
        (Some(_), Some(_)) => Ok((scopes, context)),
    }
}

pub(super) fn patient_in(context: &Context) -> Option<FhirId> {
    context.get("patient").and_then(Value::as_str).and_then(|id| id.parse().ok())
}

fn without(scopes: &Scopes, name: &str) -> Scopes {
    scopes.iter().filter(|scope| scope.as_str() != name).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(names: &str) -> Context {
        names.split_whitespace().map(|name| (name.to_owned(), "1".into())).collect()
    }

    #[test]
    fn which_request_is_admitted() {
        let (oauth, smart) = (Profile::OAuth21, Profile::SmartAppLaunch);
        let ours = "https://h.example/fhir";
        for (profile, scopes, aud, launch, expected) in [
            (oauth, "openid", None, None, Ok("openid")),
            (oauth, "openid", Some("https://api.example"), None, Ok("openid")),
            (oauth, "patient/*.read", None, None, Ok("patient/*.read")),
            (oauth, "patient/*.read", Some("https://api.example"), None, Err("invalid_request")),
            (smart, "openid", None, None, Err("invalid_request")),
            (smart, "openid", Some(ours), None, Ok("openid")),
            (smart, "openid", Some("https://h.example/fhir/"), None, Ok("openid")),
            (smart, "openid", Some("https://h.example/fhir//"), None, Err("invalid_request")),
            (smart, "openid", Some("https://h.example/fhir2"), None, Err("invalid_request")),
            (smart, "openid", Some("https://h.example"), None, Err("invalid_request")),
            (smart, "openid", Some("https://evil.example/fhir"), None, Err("invalid_request")),
            (smart, "launch openid", Some(ours), Some("x"), Ok("launch openid")),
            (smart, "launch openid", Some(ours), None, Ok("openid")),
            (smart, "launch", Some(ours), None, Err("invalid_request")),
            (smart, "openid", Some(ours), Some("x"), Err("invalid_scope")),
        ] {
            let text = |text: Option<&str>| text.map(str::to_owned);
            let wish = Wish { aud: text(aud), launch: text(launch) };
            let got = admit(profile, ours, &scopes.parse().unwrap(), &wish);
            let expected = expected.map(|scopes| scopes.parse().unwrap());
            assert_eq!(got.map_err(|(error, _)| error), expected, "{profile:?} {scopes} {aud:?} {launch:?}");
        }
        let one = |name| (name == "resource").then_some(ours);
        assert_eq!(Wish::read(one).aud.as_deref(), Some(ours));
    }

    #[test]
    fn what_is_missing() {
        for (scopes, there, expected) in [
            ("openid", "", None),
            ("launch", "", None),
            ("user/*.read", "", None),
            ("launch/patient", "", Some(Missing::Patient)),
            ("patient/Observation.r", "", Some(Missing::Patient)),
            ("launch patient/Observation.r", "", Some(Missing::Patient)),
            ("patient/Observation.r", "patient", None),
            ("launch/encounter", "", Some(Missing::Patient)),
            ("launch/encounter", "patient", Some(Missing::Encounter)),
            ("launch/encounter", "patient encounter", None),
            ("patient/Patient.", "", None),
        ] {
            assert_eq!(missing(&scopes.parse().unwrap(), &context(there)), expected, "{scopes} {there}");
        }
    }

    #[test]
    fn the_application_learns_what_was_granted_and_opens_no_record_without_a_patient() {
        let all = "encounter fhirUser intent need_patient_banner patient";
        for (scopes, there, kept, told) in [
            ("launch openid", all, "launch openid", "encounter intent need_patient_banner patient"),
            ("openid", all, "openid", ""),
            ("fhirUser openid", all, "fhirUser openid", "fhirUser"),
            ("fhirUser openid", "", "openid", ""),
            ("launch/patient", all, "launch/patient", "patient"),
            ("patient/*.read", all, "patient/*.read", "patient"),
            ("patient/*.read user/*.read", "encounter", "user/*.read", ""),
            ("launch/patient launch/encounter", "patient", "launch/patient", "patient"),
        ] {
            let (scopes, told_now) = settle(scopes.parse().unwrap(), context(there));
            assert_eq!(scopes, kept.parse().unwrap(), "{there}");
            assert_eq!(told_now, context(told), "{scopes}");
        }
    }
}
