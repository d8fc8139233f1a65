//! What patients consent to, surface by surface: what is withheld is answered as what is not there, and what may not be gathered is not
//! kept. The oracle asks the same of searches, reads and histories.

use http::Method;
use serde_json::{Value, json};

use crate::stage::{Calls, Heard, NORTH, NORTH_TWO, Stage, token, token_of};

const PATCH: (&str, &str) = ("content-type", "application/json-patch+json");
const CHANGE: &str = r#"[{"op":"add","path":"/language","value":"en"}]"#;
const TOLD: (&str, &str) = ("prefer", "return=OperationOutcome");

/// A Consent that lets everything be but what it denies.
pub fn denying(patient: &str, denied: Value) -> String {
    let mut provision = denied;
    provision["type"] = "deny".into();
    json!({
        "resourceType": "Consent", "id": format!("of-{patient}"), "status": "active",
        "scope": {"coding": [{"code": "patient-privacy"}]}, "category": [{"text": "privacy"}],
        "patient": {"reference": format!("Patient/{patient}")}, "dateTime": "2025-01-01",
        "policyRule": {"coding": [{"code": "OPTIN"}]}, "provision": provision,
    })
    .to_string()
}

/// All that is of a type.
pub fn of_type(name: &str) -> Value {
    json!({"class": [{"system": "http://hl7.org/fhir/resource-types", "code": name}]})
}

/// Let the patient's Consent be kept.
pub async fn consents(by: &Calls<'_>, patient: &str, denied: Value) {
    let heard = by.put(&format!("/fhir/Consent/of-{patient}"), &denying(patient, denied)).await;
    assert!([200, 201].contains(&heard.status), "{}", heard.body);
}

fn observation(id: &str, patient: &str) -> String {
    let id = if id.is_empty() { json!({}) } else { json!({"id": id}) };
    let mut record = json!({
        "resourceType": "Observation", "status": "final", "code": {"text": "x"},
        "identifier": [{"system": "urn:own", "value": patient}],
        "subject": {"reference": format!("Patient/{patient}")},
    });
    record.as_object_mut().unwrap().extend(id.as_object().unwrap().clone());
    record.to_string()
}

/// Two patients at two sites with an observation each; anna's at the first consents to none being told of them.
async fn filled(db: store::Db, denied: Value) -> Stage {
    let stage = Stage::with_foundation(db).await;
    for system in [stage.north(), stage.north().at(NORTH_TWO)] {
        for id in ["anna", "bert"] {
            let patient = json!({"resourceType": "Patient", "id": id}).to_string();
            system.put(&format!("/fhir/Patient/{id}"), &patient).await.expect(201);
            system.put(&format!("/fhir/Observation/{id}"), &observation(id, id)).await.expect(201);
        }
    }
    consents(&stage.north(), "anna", denied).await;
    stage
}

fn bundle(kind: &str, method: &str, url: &str, resource: Option<&str>) -> String {
    let mut entry = json!({"request": {"method": method, "url": url}});
    if let Some(resource) = resource {
        entry["resource"] = serde_json::from_str(resource).unwrap();
    }
    json!({"resourceType": "Bundle", "type": kind, "entry": [entry]}).to_string()
}

fn patching() -> String {
    let data = crypto::b64::encode_standard(CHANGE.as_bytes());
    json!({"resourceType": "Binary", "contentType": "application/json-patch+json", "data": data}).to_string()
}

/// The status of the one entry.
fn status(heard: &Heard) -> String {
    let done = heard.json();
    let status = done["entry"][0]["response"]["status"].as_str().unwrap();
    status.split(' ').next().unwrap().to_owned()
}

/// Without what is another in every answer.
fn plain(heard: &Heard) -> (u16, String) {
    (heard.status, heard.body.replace("anna", "ID").replace("nobody", "ID"))
}

on_db!(
    async fn what_is_withheld_is_not_meant_by_a_condition(db) {
        let stage = filled(db, of_type("Observation")).await;
        let system = stage.north();
        let there = system.clone().at(NORTH_TWO);
        there.get("/fhir/Observation/anna").await.expect(200);
        system.get("/fhir/Observation/anna").await.expect(404);
        let meant = |whose: &str| format!("/fhir/Observation?identifier=urn:own|{whose}");
        let patch = async |whose: &str| plain(&system.call(Method::PATCH, &meant(whose), &[PATCH], CHANGE).await);
        assert_eq!(patch("anna").await, patch("nobody").await);
        let delete = async |whose: &str| plain(&system.delete(&meant(whose)).await);
        assert_eq!(delete("anna").await, delete("nobody").await);
        for kind in ["batch", "transaction"] {
            for (method, resource) in [("DELETE", None), ("PATCH", Some(patching()))] {
                for at in ["/anna", "/nobody", "?identifier=urn:own|anna", "?identifier=urn:own|nobody"].chunks(2) {
                    let [own, nobody] = at else { panic!() };
                    let ask = async |at: &str| {
                        let entry = bundle(kind, method, &format!("Observation{at}"), resource.as_deref());
                        plain(&system.post("/fhir", &entry).await)
                    };
                    assert_eq!(ask(own).await, ask(nobody).await, "{kind} {method} {own}");
                }
            }
        }
        let read = bundle("batch", "GET", "Observation/anna/_history", None);
        assert_eq!(status(&system.post("/fhir", &read).await.expect(200)), "404");
        // What is not meant does not stand in the way, and is not written over.
        let unless = [("if-none-exist", "identifier=urn:own|anna")];
        system.call(Method::POST, "/fhir/Observation", &unless, &observation("", "bert")).await.expect(201);
        system.put(&meant("anna"), &observation("", "bert")).await.expect(201);
        let keeper = stage.by(token_of(1, "system/*.cruds", "", "", "Patient/anna"));
        assert_eq!(keeper.get("/fhir/Observation/anna").await.expect(200).header("etag"), "W/\"1\"");
        let history = keeper.get("/fhir/Observation/anna/_history").await.expect(200).json();
        assert_eq!(history["entry"].as_array().unwrap().len(), 1);
    }
);

on_db!(
    async fn what_may_not_be_gathered_is_not_kept(db) {
        let collect = json!({
            "action": [{"coding": [{"code": "collect"}]}],
            "actor": [{"role": {"text": "x"}, "reference": {"reference": "Device/d1"}}],
        });
        let stage = filled(db, collect).await;
        let device = stage.by(token_of(1, "system/*.cruds", "", "", "Device/d1"));
        let before = device.get("/fhir/_history?_count=200").await.expect(200).body;
        let told = |heard: Heard| heard.expect(403).tells("forbidden", "does not consent");
        told(device.post("/fhir/Observation", &observation("", "anna")).await);
        told(device.put("/fhir/Observation/anna", &observation("anna", "anna")).await);
        told(device.put("/fhir/Observation/bert", &observation("bert", "anna")).await);
        told(device.put("/fhir/Observation/new", &observation("new", "anna")).await);
        told(device.call(Method::PATCH, "/fhir/Observation/anna", &[PATCH], CHANGE).await);
        let meant = "/fhir/Observation?identifier=urn:own|anna";
        told(device.put(meant, &observation("", "anna")).await);
        told(device.put("/fhir/Observation?identifier=urn:own|nobody", &observation("", "anna")).await);
        told(device.call(Method::PATCH, meant, &[PATCH], CHANGE).await);
        let unless = [("if-none-exist", "identifier=urn:own|nobody")];
        told(device.call(Method::POST, "/fhir/Observation", &unless, &observation("", "anna")).await);
        for (method, at, resource) in [
            ("POST", "", observation("", "anna")),
            ("PUT", "/anna", observation("anna", "anna")),
            ("PUT", "?identifier=urn:own|nobody", observation("", "anna")),
            ("PATCH", "/anna", patching()),
        ] {
            let url = format!("Observation{at}");
            let batch = device.post("/fhir", &bundle("batch", method, &url, Some(&resource))).await;
            assert_eq!(status(&batch.expect(200)), "403", "{method} {url}");
            let whole = device.post("/fhir", &bundle("transaction", method, &url, Some(&resource))).await;
            whole.expect(403).tells("forbidden", "Bundle.entry[0]");
        }
        assert_eq!(device.get("/fhir/_history?_count=200").await.expect(200).body, before, "nothing is kept");
        // About another, by another, by her who consents, at another site, and where nobody asks.
        device.post("/fhir/Observation", &observation("", "bert")).await.expect(201);
        device.clone().at(NORTH_TWO).post("/fhir/Observation", &observation("", "anna")).await.expect(201);
        for who in ["Device/d2", "Patient/anna"] {
            let other = stage.by(token_of(1, "system/*.cruds", "", "", who));
            other.post("/fhir/Observation", &observation("", "anna")).await.expect(201);
        }
        asks_no_consents(&stage).await;
        device.post("/fhir/Observation", &observation("", "anna")).await.expect(201);
    }
);

/// The check taken out.
pub async fn asks_no_consents(stage: &Stage) {
    let admin = stage.by(token(1, "sites:admin", "", "")).at("");
    let sites = admin.get("/admin/fhir/sites").await.expect(200).json();
    let site = sites.as_array().unwrap().iter().find(|site| site["code"] == NORTH).unwrap().clone();
    let path = format!("/admin/fhir/sites/{}", site["id"].as_str().unwrap());
    let json = [("content-type", "application/json")];
    admin.call(Method::PUT, &path, &json, r#"{"consent":"off"}"#).await.expect(200);
}

on_db!(
    async fn what_is_not_understood_is_told_and_denies(db) {
        let stage = filled(db, json!({"period": {"end": "2001"}})).await;
        let system = stage.north();
        let whole: Value = serde_json::from_str(&denying("anna", json!({}))).unwrap();
        let changed = |at: &str, value: Value| {
            let mut changed = whole.clone();
            changed.as_object_mut().unwrap().remove("provision");
            *changed.pointer_mut(at).unwrap_or(&mut Value::Null) = value.clone();
            changed.as_object_mut().unwrap().insert(at.trim_start_matches('/').to_owned(), value);
            changed
        };
        let denied = |name: &str, value: Value| {
            changed("/provision", json!({"type": "deny", name: value}))
        };
        let actor = |of: &str| json!([{"role": {"text": "x"}, "reference": {"reference": format!("{of}/1")}}]);
        let types = "http://hl7.org/fhir/resource-types";
        for (at, consent) in [
            ("Consent.modifierExtension", changed("/modifierExtension", json!([{"url": "urn:x", "valueBoolean": true}]))),
            ("Consent.implicitRules", changed("/implicitRules", json!("urn:x"))),
            ("Consent.policyRule", changed("/policyRule", json!({"text": "as agreed"}))),
            ("Consent.provision.type", changed("/provision", json!({"type": "permit", "provision": [{"purpose": [{"code": "HRESCH"}]}, {}]}))),
            ("Consent.provision.actor", denied("actor", actor("CareTeam"))),
            ("Consent.provision.actor", denied("actor", actor("Group"))),
            ("Consent.provision.actor", denied("actor", actor("PractitionerRole"))),
            ("Consent.provision.action", denied("action", json!([{"text": "look"}]))),
            ("Consent.provision.class", denied("class", json!([{"system": types, "code": "Observatoin"}]))),
            ("Consent.provision.class", denied("class", json!([{"system": "urn:ietf:bcp:13", "code": "application/pdf"}]))),
            ("Consent.provision.code", denied("code", json!([{"text": "that"}]))),
            ("Consent.provision.data", denied("data", json!([{"meaning": "related", "reference": {"reference": "Observation/1"}}]))),
            ("Consent.provision.period", denied("period", json!({"start": "soon"}))),
            ("Consent.provision.dataPeriod", denied("dataPeriod", json!({"start": "soon"}))),
            ("Consent.provision.securityLabel", denied("securityLabel", json!([{"display": "secret"}]))),
        ] {
            let heard = system.call(Method::PUT, "/fhir/Consent/of-anna", &[TOLD], &consent.to_string()).await;
            let issues = heard.expect(200).json()["issue"].as_array().unwrap().clone();
            let is_told = |issue: &&Value| issue["severity"] == "warning" && issue["expression"][0] == at;
            assert!(issues.iter().any(|issue| is_told(&issue)), "{at}: {issues:?}");
            system.get("/fhir/Observation/anna").await.expect(404);
            system.get("/fhir/Observation/bert").await.expect(200);
        }
        // What withholds nothing is told too; what names nobody is refused.
        for (at, consent) in [
            ("Consent.scope", changed("/scope", json!({"coding": [{"code": "research"}]}))),
            ("Consent.patient", changed("/patient", json!({"reference": "https://other.example/fhir/Patient/anna"}))),
            ("Consent.policy", changed("/policy", json!([{"uri": "urn:x"}]))),
        ] {
            let heard = system.call(Method::PUT, "/fhir/Consent/of-anna", &[TOLD], &consent.to_string()).await;
            assert!(heard.expect(200).body.contains(&format!("\"{at}\"")), "{at}");
            system.get("/fhir/Observation/anna").await.expect(200);
        }
        let nobodys = changed("/patient", json!({"display": "Anna"})).to_string();
        system.put("/fhir/Consent/of-anna", &nobodys).await.expect(422).tells("required", "Consent.patient");
    }
);

on_db!(
    async fn what_nobody_has_labelled_is_normal(db) {
        let system = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
        let label = |code: &str| json!({"securityLabel": [{"system": system, "code": code}]});
        let stage = filled(db, label("R")).await;
        let north = stage.north();
        north.get("/fhir/Observation/anna").await.expect(200);
        consents(&north, "anna", label("N")).await;
        north.get("/fhir/Observation/anna").await.expect(404);
        let found = north.get("/fhir/Observation?_total=accurate").await.expect(200).json();
        assert_eq!((found["total"].as_u64(), found["entry"][0]["resource"]["id"].as_str()), (Some(1), Some("bert")));
    }
);

/// Whether the caller reads anna's observation, and whether a search finds it: both say the same.
async fn sees(by: &Calls<'_>, purpose: &str) -> bool {
    let said = [("purpose-of-use", purpose)];
    let headers = if purpose.is_empty() { &[][..] } else { &said };
    let read = by.call(Method::GET, "/fhir/Observation/anna", headers, "").await;
    let found = by.call(Method::GET, "/fhir/Observation?patient=anna", headers, "").await.expect(200);
    assert_eq!(read.status == 200, found.body.contains("Observation/anna"), "{purpose}");
    assert!([200, 404].contains(&read.status), "{}", read.body);
    read.status == 200
}

on_db!(
    async fn a_purpose_is_stated_or_every_denial_holds(db) {
        let stage = filled(db, json!({"purpose": [{"code": "TREAT"}]})).await;
        let system = stage.north();
        let reason = "http://terminology.hl7.org/CodeSystem/v3-ActReason";
        let coded = format!("{reason}|HRESCH");
        for (purpose, expected) in
            [("", false), ("TREAT", false), ("ETREAT", false), ("BTG", false), ("HRESCH", true), (&coded, true), ("urn:x|TREAT", true)]
        {
            assert_eq!(sees(&system, purpose).await, expected, "a denial of treatment, {purpose}");
        }
        // An opt-out, but for treatment and for a purpose of somebody's own.
        let mut permit: Value = serde_json::from_str(&denying("anna", json!({}))).unwrap();
        permit["policyRule"]["coding"][0]["code"] = "OPTOUT".into();
        permit["provision"] = json!({"type": "permit", "purpose": [{"system": reason, "code": "TREAT"}, {"system": "urn:x", "code": "audit"}]});
        system.put("/fhir/Consent/of-anna", &permit.to_string()).await.expect(200);
        for (purpose, expected) in
            [("", false), ("TREAT", true), ("COC", true), ("HRESCH", false), ("audit", false), ("urn:x|audit", true)]
        {
            assert_eq!(sees(&system, purpose).await, expected, "a permission of treatment, {purpose}");
        }
        // What the token states holds; the request chooses among it, and says nothing else.
        let token = |purposes: &str| stage.by(token_of(1, "system/*.rs", "", "", &format!("Device/d1{purposes}")));
        assert!(sees(&token("|TREAT"), "").await && sees(&token("|TREAT|HRESCH"), "ETREAT").await);
        assert!(!sees(&token("|TREAT|HRESCH"), "").await, "of several it says which");
        let refuse = async |by: &Calls<'_>, headers: &[(&str, &str)], status: u16| {
            by.call(Method::GET, "/fhir/Observation/anna", headers, "").await.expect(status);
        };
        refuse(&token("|HRESCH"), &[("purpose-of-use", "TREAT")], 403).await;
        for bad in ["two purposes", "urn:x|", ""] {
            refuse(&system, &[("purpose-of-use", bad)], 400).await;
        }
        refuse(&system, &[("purpose-of-use", "TREAT"), ("purpose-of-use", "HRESCH")], 400).await;
    }
);

/// What is on record of asking past consents.
async fn overridden(stage: &Stage) -> Vec<String> {
    let sql = "SELECT outcome FROM audit_event WHERE act = 'consent.overridden' ORDER BY outcome DESC";
    let rows: Vec<(String,)> = stage.db.read().await.unwrap().all(sql, store::binds![]).await.unwrap();
    rows.into_iter().map(|(outcome,)| outcome).collect()
}

on_db!(
    async fn the_glass_is_broken_by_whom_administrators_name_and_on_record(db) {
        let stage = filled(db, of_type("Observation")).await;
        let glass = [("purpose-of-use", "BTG"), ("break-glass-reason", "incident-4711")];
        let device = stage.by(token_of(1, "system/*.cruds", "", "", "Device/d1"));
        let get = async |by: &Calls<'_>, path: &str| by.call(Method::GET, path, &glass, "").await;
        // Off where nobody says otherwise, and on record too.
        get(&device, "/fhir/Observation/anna").await.expect(403).tells("forbidden", "no right");
        assert_eq!(overridden(&stage).await, ["refused"]);
        let admin = stage.by(token(1, "sites:admin", "", "")).at("");
        let sites = admin.get("/admin/fhir/sites").await.expect(200).json();
        let site = sites.as_array().unwrap().iter().find(|site| site["code"] == NORTH).unwrap().clone();
        let at = format!("/admin/fhir/sites/{}", site["id"].as_str().unwrap());
        let json = [("content-type", "application/json")];
        let name = async |body: &str| admin.call(Method::PUT, &at, &json, body).await;
        name(r#"{"break_glass":["Patient/1"]}"#).await.expect(400);
        let named = name(r#"{"break_glass":["Practitioner/m0","Device/d1"]}"#).await.expect(200).json();
        assert_eq!(named["break_glass"], json!(["Device/d1", "Practitioner/m0"]));
        // Everything that reads, and nothing without both headers.
        for path in [
            "Observation/anna", "Observation/anna/_history", "Observation?patient=anna", "?_type=Observation",
            "Patient/anna/Observation", "Patient/anna/$everything", "_history",
        ] {
            let path = format!("/fhir/{path}").replace("/?", "?");
            let heard = get(&device, &path).await.expect(200);
            assert!(heard.body.contains(r#""id":"anna""#) && heard.body.contains("Observation"), "{path}");
            assert_eq!(heard.header("break-glass"), "on-record", "{path}");
            let plain = device.get(&path).await;
            assert!(!plain.body.contains("Observation/anna\""), "{path}: {}", plain.body);
            assert_eq!(plain.header("break-glass"), "");
        }
        let read = bundle("batch", "GET", "Observation/anna", None);
        let heard = device.call(Method::POST, "/fhir", &glass, &read).await.expect(200);
        assert_eq!(status(&heard), "200");
        assert_eq!(overridden(&stage).await, [&["refused"][..], &["done"; 8]].concat());
        // What is written is bound as ever, what is answered later too.
        let whole = observation("anna", "anna");
        device.call(Method::PUT, "/fhir/Observation/anna", &glass, &whole).await.expect(404);
        device.call(Method::DELETE, "/fhir/Observation/anna", &glass, "").await.expect(404);
        let later = [glass[0], glass[1], ("prefer", "respond-async")];
        device.call(Method::GET, "/fhir/$export", &later, "").await.expect(400);
        for headers in [&glass[1..], &[("purpose-of-use", "TREAT"), glass[1]], &[glass[0], ("break-glass-reason", "she fell")]] {
            device.call(Method::GET, "/fhir/Observation/anna", headers, "").await.expect(400);
        }
        // Scopes, compartments and sites stay, and somebody else has no such right.
        let of_bert = stage.by(token_of(1, "patient/*.rs", "bert", "", "Device/d1"));
        let hidden = get(&of_bert, "/fhir/Observation/anna").await.expect(404).body;
        assert_eq!(hidden, get(&of_bert, "/fhir/Observation/nobody").await.expect(404).body);
        let patients = stage.by(token_of(1, "system/Patient.rs", "", "", "Device/d1"));
        get(&patients, "/fhir/Observation/anna").await.expect(403);
        get(&device.clone().at(NORTH_TWO), "/fhir/Observation/anna").await.expect(403).tells("forbidden", "no right");
        get(&stage.by(token_of(1, "system/*.rs", "", "", "Device/d2")), "/fhir/Observation/anna").await.expect(403);
        let practitioner = stage.by(token_of(1, "user/*.rs", "", "site", "Practitioner/m0"));
        get(&practitioner, "/fhir/Observation/anna").await.expect(200);
        name(r#"{"break_glass":[]}"#).await.expect(200);
        get(&device, "/fhir/Observation/anna").await.expect(403);
    }
);
