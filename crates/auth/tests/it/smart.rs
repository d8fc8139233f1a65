//! SMART App Launch: launches, patients, and what goes with a token. SMART App Launch 2.2

use std::time::Duration;

use auth::{
    authorize::{self, AuthorizeFault, Decision},
    client::{self, Client, register::Registration},
    smart::{self, Encounter, PatientLink, Question, Relation, SmartFault, launch::NewLaunch},
};
use axum::body::Body;
use crypto::b64;
use http::{Request, StatusCode, header};
use kernel::Id;

use crate::house::{BASE, House, Reply, VERIFIER, authorize, on_each_engine, registration};

const FHIR: &str = "http://127.0.0.1:8080/fhir";
const SCOPES: &str =
    "openid fhirUser launch launch/patient launch/encounter offline_access patient/*.read user/*.rs";

on_each_engine! {
    async fn an_ehr_launches_an_application(db: Db) {
        let house = House::open(db).await;
        let (app, secret) = app(&house, "growth").await;
        let (mira, cookie) = patient(&house, "mira@example.org", &[]).await;
        fhir_user(&house, mira, "Practitioner/dr-1").await;
        let bearer = clinical_system(&house).await;
        let body = serde_json::json!({
            "client_id": app.client_id.as_str(), "user": mira.to_string(), "patient": "pat-1", "encounter": "enc-1",
            "need_patient_banner": false, "intent": "reconcile", "tenant": "north",
            "fhirContext": [{ "reference": "ImagingStudy/7" }],
        });
        let made = post_launch(&house, &bearer, &body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
        let made = made.json();
        assert_eq!((&made["iss"], &made["expires_in"]), (&FHIR.into(), &300.into()));

        let handle = made["launch"].as_str().unwrap();
        let url = authorize(&app, "launch openid fhirUser patient/Observation.rs offline_access", &[("aud", FHIR), ("launch", handle)]);
        assert!(house.get(&url, None).await.location().starts_with("/sign-in?"), "a launch outlives the sign-in");
        let asked = house.get(&url, Some(&cookie)).await;
        assert!(asked.location().starts_with("/consent?request="), "{}", asked.location());
        let code = code_in(&house.allow(&cookie, &asked.sent("request").unwrap()).await);
        let out = house.redeem(&app, &secret, &code).await.json();
        assert_eq!(out["scope"], "fhirUser launch offline_access openid patient/Observation.rs");
        let told = [("patient", "pat-1"), ("encounter", "enc-1"), ("intent", "reconcile"), ("tenant", "north")];
        for (member, value) in told {
            assert_eq!(out[member], value, "{member} in {out}");
        }
        assert_eq!(out["need_patient_banner"], false);
        assert_eq!(out["fhirContext"][0]["reference"], "ImagingStudy/7");
        assert_eq!(claims(out["id_token"].as_str().unwrap())["fhirUser"], format!("{FHIR}/Practitioner/dr-1"));

        let basic = Some((app.client_id.as_str(), secret.as_str()));
        let introspect = async |token: &str| {
            house.post("/oauth2/introspection", basic, &[("token", token)]).await.json()
        };
        let known = introspect(out["access_token"].as_str().unwrap()).await;
        for (member, value) in told {
            assert_eq!(known[member], value, "{member} in {known}");
        }
        assert_eq!(known["fhirUser"], format!("{FHIR}/Practitioner/dr-1"));

        let form = [("grant_type", "refresh_token"), ("refresh_token", out["refresh_token"].as_str().unwrap())];
        let again = house.post("/oauth2/token", basic, &form).await.json();
        assert_eq!((&again["patient"], &again["encounter"]), (&"pat-1".into(), &"enc-1".into()), "{again}");
        let next = again["refresh_token"].as_str().unwrap();
        let form = [("grant_type", "refresh_token"), ("refresh_token", next), ("scope", "openid")];
        let narrower = house.post("/oauth2/token", basic, &form).await.json();
        assert_eq!(narrower.get("patient"), None, "a token for less tells less: {narrower}");
    }

    async fn a_launch_is_for_one_application_and_one_person_once(db: Db) {
        let house = House::open(db).await;
        let (app, _) = app(&house, "growth").await;
        let (other, _) = self::app(&house, "other").await;
        let (mira, cookie) = patient(&house, "mira@example.org", &["pat-1"]).await;
        let (_, stranger) = patient(&house, "noor@example.org", &["pat-1"]).await;
        let bearer = clinical_system(&house).await;
        let body = serde_json::json!({ "client_id": app.client_id.as_str(), "user": mira.to_string(), "patient": "pat-1" });
        let launch = async || post_launch(&house, &bearer, &body).await.json()["launch"].as_str().unwrap().to_owned();
        let present = async |client: &Client, handle: &str, cookie: &str| {
            let url = authorize(client, "launch openid patient/*.read", &[("aud", FHIR), ("launch", handle)]);
            house.get(&url, Some(cookie)).await
        };
        let refused = |reply: &Reply| reply.sent("error");

        let handle = launch().await;
        assert_eq!(refused(&present(&other, &handle, &cookie).await).as_deref(), Some("invalid_request"), "another's launch");
        assert_eq!(refused(&present(&app, &handle, &cookie).await).as_deref(), Some("invalid_request"), "which is burnt by that");

        let handle = launch().await;
        assert_eq!(refused(&present(&app, &handle, &stranger).await).as_deref(), Some("invalid_request"), "another person's");

        let handle = launch().await;
        assert_eq!(refused(&present(&app, &handle, &cookie).await), None);
        assert_eq!(refused(&present(&app, &handle, &cookie).await).as_deref(), Some("invalid_request"), "a replay");

        let handle = launch().await;
        house.clock.advance(Duration::from_mins(5));
        assert_eq!(refused(&present(&app, &handle, &cookie).await).as_deref(), Some("invalid_request"), "too late");
        assert_eq!(refused(&present(&app, "hlm_la_made_up", &cookie).await).as_deref(), Some("invalid_request"));

        let handle = launch().await;
        let without = authorize(&app, "openid", &[("aud", FHIR), ("launch", &handle)]);
        assert_eq!(house.get(&without, Some(&cookie)).await.sent("error").as_deref(), Some("invalid_scope"));
        for outcome in ["done", "refused"] {
            assert!(house.acts().await.contains(&("launch.redeemed".to_owned(), outcome.to_owned())), "{outcome}");
        }
    }

    async fn who_may_make_a_launch(db: Db) {
        let house = House::open(db).await;
        let (app, _) = app(&house, "growth").await;
        let (mira, cookie) = patient(&house, "mira@example.org", &["pat-1"]).await;
        let (noor, _) = patient(&house, "noor@example.org", &["pat-2"]).await;
        let client_id = app.client_id.as_str();
        let portal = Registration { scopes: "openid launch:create".into(), ..registration("confidential") };
        let (portal, secret) = client::register(&house.auth, &house.acting(), "portal", &portal).await.unwrap();
        let secret = secret.unwrap().text.expose().clone();
        let mine = house.token(&portal, &secret, &cookie, "openid launch:create").await;
        let unscoped = house.token(&portal, &secret, &cookie, "openid").await;
        let system = clinical_system(&house).await;
        let foreign = Id::<kernel::Person>::from_bytes([9; 16]).to_string();
        let (mira, noor) = (mira.to_string(), noor.to_string());
        for (bearer, body, status) in [
            (&mine, serde_json::json!({ "client_id": client_id, "patient": "pat-1" }), 201),
            (&mine, serde_json::json!({ "client_id": client_id, "user": mira, "patient": "pat-1" }), 201),
            (&mine, serde_json::json!({ "client_id": client_id, "patient": "pat-2" }), 404),
            (&mine, serde_json::json!({ "client_id": client_id, "user": noor, "patient": "pat-2" }), 404),
            (&unscoped, serde_json::json!({ "client_id": client_id, "patient": "pat-1" }), 403),
            (&system, serde_json::json!({ "client_id": client_id, "user": noor, "patient": "pat-9" }), 201),
            (&system, serde_json::json!({ "client_id": client_id, "patient": "pat-1" }), 400),
            (&system, serde_json::json!({ "client_id": client_id, "user": foreign }), 404),
            (&system, serde_json::json!({ "client_id": client_id, "user": "Mira" }), 404),
            (&system, serde_json::json!({ "client_id": "nobody.nowhere", "user": mira }), 400),
            (&system, serde_json::json!({ "client_id": client_id, "user": mira, "patient": "../1" }), 400),
            (&system, serde_json::json!({ "client_id": client_id, "user": mira, "sub": "x" }), 400),
        ] {
            let reply = post_launch(&house, bearer, &body).await;
            assert_eq!(reply.status.as_u16(), status, "{body}: {}", reply.text());
        }
        assert_eq!(post_launch(&house, "junk", &serde_json::json!({})).await.status, StatusCode::UNAUTHORIZED);
    }

    async fn the_one_patient_there_is_goes_without_saying(db: Db) {
        let house = House::open(db).await;
        let (app, secret) = app(&house, "growth").await;
        let (_, cookie) = patient(&house, "mira@example.org", &["pat-1"]).await;
        for scope in ["launch/patient openid", "patient/Observation.rs"] {
            let asked = house.get(&authorize(&app, scope, &[("aud", FHIR)]), Some(&cookie)).await;
            let code = code_in(&house.allow(&cookie, &asked.sent("request").unwrap()).await);
            let out = house.redeem(&app, &secret, &code).await.json();
            assert_eq!(out["patient"], "pat-1", "{scope}: {out}");
        }
        let url = authorize(&app, "openid user/*.rs", &[("aud", FHIR)]);
        let asked = house.get(&url, Some(&cookie)).await;
        let code = code_in(&house.allow(&cookie, &asked.sent("request").unwrap()).await);
        assert_eq!(house.redeem(&app, &secret, &code).await.json().get("patient"), None, "who does not ask is not told");
    }

    async fn no_record_is_opened_without_a_patient(db: Db) {
        let house = House::open(db).await;
        let (app, _) = app(&house, "growth").await;
        let (_, cookie) = patient(&house, "mira@example.org", &[]).await;
        for scope in ["launch/patient", "openid patient/*.read", "patient/Observation.rs?code=1 user/*.rs"] {
            let reply = house.get(&authorize(&app, scope, &[("aud", FHIR)]), Some(&cookie)).await;
            assert_eq!(reply.sent("error").as_deref(), Some("access_denied"), "{scope}");
        }
        let reply = house.get(&authorize(&app, "openid user/*.rs", &[("aud", FHIR)]), Some(&cookie)).await;
        assert!(reply.location().starts_with("/consent?"), "what is about nobody needs nobody");
    }

    async fn a_person_chooses_among_their_patients_and_no_others(db: Db) {
        let house = House::open(db).await;
        let (app, secret) = app(&house, "growth").await;
        let (mira, cookie) = patient(&house, "mira@example.org", &["pat-1", "pat-2"]).await;
        patient(&house, "noor@example.org", &["pat-3"]).await;
        let url = authorize(&app, "launch/patient patient/*.read openid", &[("aud", FHIR)]);
        let asked = house.get(&url, Some(&cookie)).await;
        assert!(asked.location().starts_with("/launch/patient?request="), "{}", asked.location());
        let id = asked.sent("request").unwrap().parse().unwrap();
        let who = house.signed_in(&cookie).await.unwrap();
        let Question::Patient(patients) = smart::question(&house.auth, &who, id).await.unwrap() else { panic!() };
        let labels: Vec<_> = patients.iter().map(|link| (link.patient.as_str(), link.label.as_str())).collect();
        assert_eq!(labels, [("pat-1", "Record pat-1"), ("pat-2", "Record pat-2")]);

        let all = Decision::Allow("launch/patient openid patient/*.read".parse().unwrap());
        let early = authorize::decide(&house.auth, &who, id, &all).await;
        assert!(matches!(early, Err(AuthorizeFault::NotChosen)), "consent does not come before the choice");
        for stranger in ["pat-3", "pat-9", "", "../pat-1"] {
            let chosen = smart::answer(&house.auth, &who, id, stranger).await;
            assert!(matches!(chosen, Err(AuthorizeFault::Smart(_))), "{stranger}");
        }
        let noor = house.signed_in(&house.sign_in("noor@example.org").await).await.unwrap();
        let meddling = smart::answer(&house.auth, &noor, id, "pat-3").await;
        assert!(matches!(meddling, Err(AuthorizeFault::NotPending)), "another person's question");

        assert!(matches!(smart::answer(&house.auth, &who, id, "pat-2").await, Ok(Question::Nothing)));
        let pending = authorize::pending(&house.auth, &who, id).await.unwrap();
        assert_eq!((pending.is_open, pending.patient.as_deref()), (false, Some("Record pat-2")));
        smart::answer(&house.auth, &who, id, "pat-1").await.unwrap();
        let answer = authorize::decide(&house.auth, &who, id, &all).await.unwrap();
        let out = house.redeem(&app, &secret, &code_in(answer.address())).await.json();
        assert_eq!(out["patient"], "pat-2", "a choice is made once: {out}");

        let silent = house.get(&authorize(&app, "launch/patient", &[("aud", FHIR), ("prompt", "none")]), Some(&cookie)).await;
        assert_eq!(silent.sent("error").as_deref(), Some("interaction_required"));
        let again = house.get(&url, Some(&cookie)).await;
        assert!(again.location().starts_with("/launch/patient?"), "what was allowed for one patient does not choose the next");
        let forged = format!("{url}&patient=pat-3");
        assert!(house.get(&forged, Some(&cookie)).await.location().starts_with("/launch/patient?"), "an application chooses nobody");

        let who_else = smart::unlink_patient(&house.auth, &house.acting(), mira, &"pat-1".parse().unwrap()).await;
        assert!(who_else.is_ok());
        let id = again.sent("request").unwrap().parse().unwrap();
        let gone = smart::answer(&house.auth, &who, id, "pat-1").await;
        assert!(matches!(gone, Err(AuthorizeFault::Smart(SmartFault::NotLinked))), "unlinked meanwhile");
    }

    async fn a_person_who_drops_the_patient_tells_of_none(db: Db) {
        let house = House::open(db).await;
        let (app, secret) = app(&house, "growth").await;
        let (_, cookie) = patient(&house, "mira@example.org", &["pat-1"]).await;
        let who = house.signed_in(&cookie).await.unwrap();
        let url = authorize(&app, "launch/patient patient/*.read openid", &[("aud", FHIR)]);
        for (allowed, scope, is_told) in [
            ("openid", "openid", false),
            ("openid launch/patient", "launch/patient openid", true),
            ("openid patient/Observation.rs", "openid patient/Observation.read", true),
        ] {
            let asked = house.get(&format!("{url}&prompt=consent"), Some(&cookie)).await;
            let id = asked.sent("request").unwrap().parse().unwrap();
            let decision = Decision::Allow(allowed.parse().unwrap());
            let answer = authorize::decide(&house.auth, &who, id, &decision).await.unwrap();
            let out = house.redeem(&app, &secret, &code_in(answer.address())).await.json();
            assert_eq!(out["scope"], scope);
            assert_eq!(out.get("patient").is_some(), is_told, "{allowed}: {out}");
        }
    }

    async fn an_encounter_is_chosen_after_its_patient(db: Db) {
        let house = House::open(db).await;
        let (app, secret) = app(&house, "growth").await;
        let (_, cookie) = patient(&house, "mira@example.org", &["pat-1", "pat-2", "pat-3"]).await;
        for (patient, encounter) in [("pat-1", "enc-1"), ("pat-1", "enc-2"), ("pat-2", "enc-3")] {
            encounter_of(&house, patient, encounter).await;
        }
        let who = house.signed_in(&cookie).await.unwrap();
        let url = authorize(&app, "launch/encounter openid", &[("aud", FHIR), ("prompt", "consent")]);
        for (patient, choice, told, scope) in [
            ("pat-1", Some("enc-2"), Some("enc-2"), "launch/encounter openid"),
            ("pat-2", None, Some("enc-3"), "launch/encounter openid"),
            ("pat-3", None, None, "openid"),
        ] {
            let asked = house.get(&url, Some(&cookie)).await;
            let id = asked.sent("request").unwrap().parse().unwrap();
            let next = smart::answer(&house.auth, &who, id, patient).await.unwrap();
            assert_eq!(matches!(next, Question::Encounter(_)), choice.is_some(), "{patient}");
            if let Some(choice) = choice {
                assert!(smart::answer(&house.auth, &who, id, "enc-3").await.is_err(), "another patient's encounter");
                smart::answer(&house.auth, &who, id, choice).await.unwrap();
            }
            let code = code_in(&house.allow(&cookie, &id.to_string()).await);
            let out = house.redeem(&app, &secret, &code).await.json();
            assert_eq!((out.get("encounter").and_then(|id| id.as_str()), &out["scope"]), (told, &scope.into()));
        }
    }

    async fn an_application_names_the_fhir_server_that_it_means(db: Db) {
        let house = House::open(db).await;
        let (app, _) = app(&house, "growth").await;
        let (_, cookie) = patient(&house, "mira@example.org", &["pat-1"]).await;
        for aud in ["", "https://evil.example/fhir", BASE, "http://127.0.0.1:8080/fhir/x", "http://127.0.0.1:8080/FHIR"] {
            let reply = house.get(&authorize(&app, "openid patient/*.read", &[("aud", aud)]), Some(&cookie)).await;
            assert_eq!(reply.sent("error").as_deref(), Some("invalid_request"), "{aud}");
        }
        for more in [[("aud", FHIR)], [("resource", FHIR)]] {
            let reply = house.get(&authorize(&app, "openid patient/*.read", &more), Some(&cookie)).await;
            assert!(reply.location().starts_with("/consent?"), "{more:?} {}", reply.location());
        }
    }

    async fn scopes_are_granted_as_far_as_both_go(db: Db) {
        let house = House::open(db).await;
        let (app, secret) = app(&house, "growth").await;
        let (_, cookie) = patient(&house, "mira@example.org", &["pat-1"]).await;
        for (asked, granted) in [
            ("patient/*.*", "patient/*.read"),
            ("patient/Observation.cruds", "patient/Observation.rs"),
            ("patient/Observation.rs?category=a patient/Observation.rs?category=b", "patient/Observation.rs?category=a patient/Observation.rs?category=b"),
            ("user/Patient.cruds system/*.rs openid", "openid user/Patient.rs"),
        ] {
            let more = [("aud", FHIR), ("prompt", "consent")];
            let reply = house.get(&authorize(&app, asked, &more), Some(&cookie)).await;
            let code = code_in(&house.allow(&cookie, &reply.sent("request").unwrap()).await);
            assert_eq!(house.redeem(&app, &secret, &code).await.json()["scope"], granted, "{asked}");
        }
        for asked in ["patient/Patient.", "patient/Patient.sr", "openid user/*", "patient/Patient.rs?_count=1", "system/*.rs"] {
            let reply = house.get(&authorize(&app, asked, &[("aud", FHIR)]), Some(&cookie)).await;
            assert_eq!(reply.sent("error").as_deref(), Some("invalid_scope"), "{asked}");
        }
    }

    async fn the_configuration_says_what_works(db: Db) {
        let house = House::open(db).await;
        let reply = house.get("/fhir/.well-known/smart-configuration", None).await;
        assert_eq!(reply.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        assert_eq!(reply.headers[header::CONTENT_TYPE], "application/json");
        let says = reply.json();
        let metadata = house.get("/oauth2/.well-known/openid-configuration", None).await.json();
        for member in ["issuer", "jwks_uri", "authorization_endpoint", "token_endpoint", "grant_types_supported", "introspection_endpoint"] {
            assert_eq!(says[member], metadata[member], "{member}");
            assert!(!says[member].is_null(), "{member}");
        }
        assert_eq!(says["code_challenge_methods_supported"], serde_json::json!(["S256"]));
        let has = |name: &str| says["capabilities"].as_array().unwrap().contains(&name.into());
        for name in ["launch-ehr", "launch-standalone", "context-ehr-patient", "context-standalone-patient", "permission-v2"] {
            assert!(has(name), "{name}");
        }
        let offline = metadata["grant_types_supported"].as_array().unwrap().contains(&"refresh_token".into());
        assert_eq!(has("permission-offline"), offline);
        let rs256 = metadata["id_token_signing_alg_values_supported"].as_array().unwrap().contains(&"RS256".into());
        assert_eq!(has("sso-openid-connect"), rs256);
        assert_eq!(says["associated_endpoints"][0]["url"], FHIR);
    }

    async fn plain_stays_outside_of_smart_wherever_it_is_switched_on(db: Db) {
        let house = House::open_with(db, |config| config.pkce_plain = true).await;
        let (_, cookie) = patient(&house, "mira@example.org", &["pat-1"]).await;
        let (app, _) = app(&house, "growth").await;
        let methods = async |path: &str| house.get(path, None).await.json()["code_challenge_methods_supported"].clone();
        assert_eq!(methods("/oauth2/.well-known/openid-configuration").await, serde_json::json!(["S256", "plain"]));
        assert_eq!(methods("/fhir/.well-known/smart-configuration").await, serde_json::json!(["S256"]));
        let plain = [("code_challenge", VERIFIER), ("code_challenge_method", "plain"), ("aud", FHIR)];
        let asked = house.get(&authorize(&app, "openid launch/patient patient/*.rs", &plain), Some(&cookie)).await;
        assert_eq!(asked.sent("error").as_deref(), Some("invalid_request"));
        let registration = Registration { scopes: "openid launch/patient patient/*.rs".into(), ..registration("confidential") };
        let (other, _) = client::register(&house.auth, &house.acting(), "other", &registration).await.unwrap();
        for (scope, is_refused) in [("openid launch/patient", true), ("openid patient/*.rs", true), ("openid", false)] {
            let asked = house.get(&authorize(&other, scope, &plain[..2]), Some(&cookie)).await;
            assert_eq!(asked.sent("error").is_some(), is_refused, "{scope}");
        }
    }

    async fn links_are_one_organisation_s_business(db: Db) {
        let house = House::open(db).await;
        let (mira, cookie) = patient(&house, "mira@example.org", &["pat-1"]).await;
        let foreign = auth::Acting::system(Id::from_bytes([8; 16]));
        let named = auth::organisation::Named { id: Some(foreign.organisation), slug: "rival".into(), name: "Rival".into() };
        auth::organisation::create(&house.auth, &foreign, &named).await.unwrap();
        let link = link("pat-9");
        assert!(matches!(smart::link_patient(&house.auth, &foreign, mira, &link).await, Err(SmartFault::NoPerson)));
        let unlinked = smart::unlink_patient(&house.auth, &foreign, mira, &"pat-1".parse().unwrap()).await;
        assert!(matches!(unlinked, Err(SmartFault::NoPerson)));
        let who = house.signed_in(&cookie).await.unwrap();
        assert_eq!(smart::patients_of(&house.auth, &who).await.unwrap().len(), 1);
        for _ in 0..2 {
            smart::link_patient(&house.auth, &house.acting(), mira, &self::link("pat-1")).await.unwrap();
        }
        let linked = house.acts().await.into_iter().filter(|(act, _)| act == "patient.linked").count();
        assert_eq!(linked, 1, "declaring it again changes nothing");
        let (app, _) = app(&house, "growth").await;
        let new = NewLaunch { client_id: app.client_id.as_str().into(), patient: Some("pat-9".into()), ..NewLaunch::default() };
        assert!(matches!(smart::launch::begin(&house.auth, &who, &new).await, Err(SmartFault::NotLinked)));
    }
}

/// A SMART application.
async fn app(house: &House, suffix: &str) -> (Client, String) {
    let asked = Registration {
        profile: "smart-app-launch-2.2".into(),
        grant_types: vec!["authorization_code".into(), "refresh_token".into()],
        scopes: format!("{SCOPES} system/*.rs"),
        ..registration("confidential")
    };
    let (client, secret) = client::register(&house.auth, &house.acting(), suffix, &asked).await.unwrap();
    (client, secret.unwrap().text.expose().clone())
}

/// A clinical system's token for making launches.
async fn clinical_system(house: &House) -> String {
    let asked = Registration { scopes: "launch:create".into(), ..registration("confidential") };
    let (client, secret) = client::register(&house.auth, &house.acting(), "ehr", &asked).await.unwrap();
    let secret = secret.unwrap().text.expose().clone();
    let form = [("grant_type", "client_credentials"), ("scope", "launch:create")];
    let reply = house.post("/oauth2/token", Some((client.client_id.as_str(), &secret)), &form).await;
    reply.json()["access_token"].as_str().unwrap().to_owned()
}

fn link(id: &str) -> PatientLink {
    PatientLink {
        patient: id.parse().unwrap(),
        relation: Relation::Practitioner,
        label: format!("Record {id}"),
    }
}

/// A person who may open these records, signed in.
async fn patient(house: &House, email: &str, records: &[&str]) -> (Id<kernel::Person>, String) {
    let person = house.person(email, &[]).await;
    for id in records {
        smart::link_patient(&house.auth, &house.acting(), person.id, &link(id)).await.unwrap();
        house.clock.advance(Duration::from_millis(1));
    }
    (person.id, house.sign_in(email).await)
}

async fn encounter_of(house: &House, patient: &str, encounter: &str) {
    let declared = Encounter { encounter: encounter.parse().unwrap(), label: format!("Visit {encounter}") };
    smart::declare_encounter(&house.auth, &house.acting(), &patient.parse().unwrap(), &declared)
        .await
        .unwrap();
}

async fn fhir_user(house: &House, person: Id<kernel::Person>, resource: &str) {
    smart::declare_fhir_user(&house.auth, &house.acting(), person, &resource.parse().unwrap()).await.unwrap();
}

async fn post_launch(house: &House, bearer: &str, body: &serde_json::Value) -> Reply {
    let request = Request::post("/oauth2/launch")
        .header(header::AUTHORIZATION, format!("Bearer {bearer}"))
        .header(header::CONTENT_TYPE, "application/json");
    house.call(request.body(Body::from(body.to_string())).unwrap()).await
}

fn code_in(answer: &str) -> String {
    let address = url::Url::parse(answer).unwrap();
    let code = address.query_pairs().find(|(name, _)| name == "code");
    code.unwrap_or_else(|| panic!("{answer}")).1.into_owned()
}

fn claims(token: &str) -> serde_json::Value {
    serde_json::from_slice(&b64::decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}
