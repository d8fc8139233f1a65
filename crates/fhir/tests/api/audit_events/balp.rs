//! What IHE BALP 1.1.4 asks of an AuditEvent, written down from its profiles `IHE.BasicAudit.Create`, `Read`, `Update`, `Delete`, `Query`,
//! their `Patient` forms, and `IHE.BasicAudit.OAUTHaccessTokenUse.Minimal`.

use serde_json::Value;

const BALP: &str = "https://profiles.ihe.net/ITI/BALP";
const DICOM: &str = "http://dicom.nema.org/resources/ontology/DCM";
const CUSTODIAN: &str = "http://terminology.hl7.org/CodeSystem/provenance-participant-type";
const PARTICIPATION: &str = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType";

fn coded(coding: &Value) -> (&str, &str) {
    (coding["system"].as_str().unwrap_or_default(), coding["code"].as_str().unwrap_or_default())
}

fn all<'v>(of: &'v Value, list: &str) -> Vec<&'v Value> {
    of[list].as_array().into_iter().flatten().collect()
}

/// The agents of a type.
fn agents<'v>(event: &'v Value, system: &str, code: &str) -> Vec<&'v Value> {
    let is_it = |agent: &&Value| coded(&agent["type"]["coding"][0]) == (system, code);
    all(event, "agent").into_iter().filter(is_it).collect()
}

fn entities<'v>(event: &'v Value, kind: &str, role: &str) -> Vec<&'v Value> {
    let is_it = |entity: &&Value| entity["type"]["code"] == kind && entity["role"]["code"] == role;
    all(event, "entity").into_iter().filter(is_it).collect()
}

type Roles = [(&'static str, &'static str); 2];

/// By interaction: the profile, the action, the roles of client and server, of people.
fn expected(code: &str) -> (&'static str, &'static str, Roles, &'static [&'static str]) {
    let reading = [(DICOM, "110152"), (DICOM, "110153")];
    let writing = [(DICOM, "110153"), (DICOM, "110152")];
    match code {
        "create" => ("Create", "C", writing, &["AUT", "INF", "CST"]),
        "read" | "vread" => ("Read", "R", reading, &["IRCP"]),
        "update" | "patch" => ("Update", "U", writing, &["AUT", "INF", "CST"]),
        "delete" => ("Delete", "D", [(DICOM, "110150"), (CUSTODIAN, "custodian")], &["AUT", "INF", "CST"]),
        "search-type" | "search-system" => ("Query", "E", writing, &["IRCP"]),
        _ => ("", "", writing, &["IRCP"]),
    }
}

/// An event of something that was done conforms to the profile that it names; of what was refused it names none.
#[track_caller]
pub fn conforms(event: &Value) {
    let code = event["subtype"][0]["code"].as_str().unwrap();
    let (name, action, [client, server], people) = expected(code);
    assert_eq!(coded(&event["type"]), ("http://terminology.hl7.org/CodeSystem/audit-event-type", "rest"));
    assert_eq!(event["subtype"][0]["system"], "http://hl7.org/fhir/restful-interaction");
    assert!(event["recorded"].as_str().is_some_and(|at| at.ends_with('Z')), "{event}");
    assert!(event["source"]["observer"]["identifier"]["value"].is_string());
    let done = event["outcome"] == "0";
    assert_eq!(event["outcomeDesc"].is_null(), done, "{event}");
    if name.is_empty() || !done {
        assert!(event["meta"]["profile"].is_null(), "{event}");
    } else {
        let whose = if entities(event, "1", "1").is_empty() { "" } else { "Patient" };
        let profile = format!("{BALP}/StructureDefinition/IHE.BasicAudit.{whose}{name}");
        assert_eq!(event["meta"]["profile"], serde_json::json!([profile]), "{event}");
        assert_eq!(event["action"], action, "{event}");
        agents_are(event, client, server, people);
        entities_are(event, name);
    }
    tokens_are(event);
}

fn agents_are(event: &Value, client: (&str, &str), server: (&str, &str), people: &[&str]) {
    assert!(all(event, "agent").len() >= 2);
    for (system, code) in [client, server] {
        let found = agents(event, system, code);
        assert_eq!(found.len(), 1, "{code}: {event}");
        assert!(
            found[0]["who"].is_object() && found[0]["network"].is_object() && found[0]["media"].is_null()
        );
        if event["action"] == "D" {
            for name in ["role", "altId", "name", "location", "policy", "purposeOfUse"] {
                assert!(found[0][name].is_null(), "{name}: {event}");
            }
        }
    }
    let users: Vec<&Value> = people.iter().flat_map(|code| agents(event, PARTICIPATION, code)).collect();
    assert!(users.len() <= 1, "{event}");
    for user in users {
        assert!(user["who"].is_object() && user["requestor"] == true, "{event}");
        assert!(user["media"].is_null() && user["network"].is_null(), "{event}");
    }
}

fn entities_are(event: &Value, name: &str) {
    let (data, questions) = (entities(event, "2", "4"), entities(event, "2", "24"));
    if name == "Query" {
        assert_eq!((questions.len(), data.len()), (1, 0), "{event}");
        for absent in ["what", "lifecycle", "detail", "name"] {
            assert!(questions[0][absent].is_null(), "{event}");
        }
        assert!(questions[0]["query"].as_str().is_some_and(|query| !query.is_empty()), "{event}");
    } else {
        assert_eq!((data.len(), questions.len()), (1, 0), "{event}");
        assert!(data[0]["what"]["reference"].is_string(), "{event}");
    }
    let patients = entities(event, "1", "1");
    assert!(patients.len() <= 1, "one event for one patient: {event}");
    for patient in patients {
        assert!(patient["what"]["reference"].as_str().unwrap().starts_with("Patient/"));
        for absent in ["lifecycle", "securityLabel", "name", "query", "detail"] {
            assert!(patient[absent].is_null());
        }
    }
    let transactions: Vec<&Value> =
        all(event, "entity").into_iter().filter(|one| one["type"]["code"] == "XrequestId").collect();
    assert!(transactions.len() <= 1);
    for transaction in transactions {
        assert_eq!(transaction["type"]["system"], format!("{BALP}/CodeSystem/BasicAuditEntityType"));
        assert!(transaction["what"]["identifier"]["value"].is_string());
    }
}

/// `OAUTHaccessTokenUse.Minimal`: the `jti`, and never the token.
fn tokens_are(event: &Value) {
    let found = agents(event, &format!("{BALP}/CodeSystem/UserAgentTypes"), "UserOauthAgent");
    assert_eq!(found.len(), 1, "{event}");
    assert!(found[0]["policy"][0].as_str().is_some_and(|jti| jti.starts_with("urn:uuid:")), "{event}");
    assert!(found[0]["media"].is_null() && found[0]["network"].is_null());
}
