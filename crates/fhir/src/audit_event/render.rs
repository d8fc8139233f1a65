//! An event as a resource, in the shape of IHE BALP 1.1.4.  <https://profiles.ihe.net/ITI/BALP/1.1.4/content.html>

use base64::{Engine, engine::general_purpose::STANDARD};
use http::StatusCode;
use kernel::Timestamp;
use serde_json::{Value, json};

use super::{Agent, Did, Row, event::About, name};
use crate::{resource::Instant, tenant::Tenant};

const BALP: &str = "https://profiles.ihe.net/ITI/BALP";
const DICOM: &str = "http://dicom.nema.org/resources/ontology/DCM";
const PARTICIPATION: &str = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType";
const CUSTODIAN: &str = "http://terminology.hl7.org/CodeSystem/provenance-participant-type";
const ENTITY: &str = "http://terminology.hl7.org/CodeSystem/audit-entity-type";
const ROLE: &str = "http://terminology.hl7.org/CodeSystem/object-role";

/// Who tells.
#[derive(Debug, Clone)]
pub(super) struct Voice {
    /// `https://…/fhir`
    pub base: String,
    /// Who gives access tokens: they name clients and people.
    pub issuer: String,
    /// The code of the site.
    pub site: String,
    pub shown: Shown,
}

/// How much of an event is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// All of it.
    Whole,
    /// Of what was asked for the names of the parameters, and not their values: they may be about others.
    Names,
}

/// When a row was made.
pub(super) fn at(row: &Row) -> Timestamp {
    let bytes = row.id.as_bytes().iter().take(6);
    let millis = bytes.fold(0_i64, |millis, byte| (millis << 8) | i64::from(*byte));
    Timestamp::from_micros(millis * 1_000)
}

/// The event, and its id.
pub(super) fn event(voice: &Voice, tenant: &Tenant, row: &Row, about: &About) -> (String, Value) {
    let id = name::written(tenant, row.id, about.part);
    let recorded = Instant(at(row)).to_string();
    let status = StatusCode::from_u16(row.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut event = json!({
        "resourceType": "AuditEvent",
        "id": id,
        "meta": {"versionId": "1", "lastUpdated": recorded},
        "type": {"system": "http://terminology.hl7.org/CodeSystem/audit-event-type", "code": "rest", "display": "RESTful Operation"},
        "subtype": [{"system": "http://hl7.org/fhir/restful-interaction", "code": about.did.code()}],
        "action": about.did.action(),
        "recorded": recorded,
        "outcome": outcome(status),
        "agent": agents(voice, &row.agent, about.did),
        "source": {
            "site": voice.site,
            "observer": {"identifier": {"value": voice.base}},
            "type": [{"system": "http://terminology.hl7.org/CodeSystem/security-source-type", "code": "4", "display": "Application Server"}],
        },
    });
    let entities = entities(voice, row, about);
    if let Some(members) = event.as_object_mut() {
        if !entities.is_empty() {
            members.insert("entity".to_owned(), entities.into());
        }
        if !is_done(status) {
            members.insert("outcomeDesc".to_owned(), status.to_string().into());
        }
    }
    if let (Some(profile), true) = (profile(about), is_done(status))
        && let Some(meta) = event.get_mut("meta").and_then(Value::as_object_mut)
    {
        meta.insert("profile".to_owned(), json!([profile]));
    }
    (id, event)
}

/// The profile that an event of what was done conforms to.
fn profile(about: &About) -> Option<String> {
    let profile = about.did.profile()?;
    // What was answered without a record of it (a deletion of nothing) says none.
    if !about.did.is_question() && about.record.is_none() {
        return None;
    }
    let whose = if about.patient.is_some() { "Patient" } else { "" };
    Some(format!("{BALP}/StructureDefinition/IHE.BasicAudit.{whose}{profile}"))
}

fn is_done(status: StatusCode) -> bool {
    !status.is_client_error() && !status.is_server_error()
}

/// <http://hl7.org/fhir/audit-event-outcome>
fn outcome(status: StatusCode) -> &'static str {
    match status {
        status if is_done(status) => "0",
        status if status.is_client_error() => "4",
        _ => "8",
    }
}

fn concept(system: &str, code: &str, display: &str) -> Value {
    json!({"coding": [{"system": system, "code": code, "display": display}]})
}

fn source_role() -> Value {
    concept(DICOM, "110153", "Source Role ID")
}
fn destination_role() -> Value {
    concept(DICOM, "110152", "Destination Role ID")
}

/// Data flow from the source to the destination, so of a reading the server is the source.
fn agents(voice: &Voice, agent: &Agent, did: Did) -> Vec<Value> {
    let (client, server) = match did {
        Did::Read | Did::Vread | Did::HistoryOfRecord | Did::HistoryOfType | Did::HistoryOfSite => {
            (destination_role(), source_role())
        }
        Did::Delete => {
            (concept(DICOM, "110150", "Application"), concept(CUSTODIAN, "custodian", "Custodian"))
        }
        _ => (source_role(), destination_role()),
    };
    let address = agent.address.map_or_else(
        || json!({"address": voice.base, "type": "5"}),
        |address| json!({"address": address.to_string(), "type": "2"}),
    );
    let client_id = agent.client_id.clone().or_else(|| agent.client.map(|client| client.to_string()));
    let who = match client_id {
        Some(id) => json!({"identifier": {"system": voice.issuer, "value": id}}),
        None => json!({"identifier": {"value": voice.base}}),
    };
    let mut all = vec![
        json!({"type": client, "who": who, "requestor": agent.person.is_none(), "network": address}),
        json!({"type": server, "who": {"identifier": {"value": voice.base}}, "requestor": false,
            "network": {"address": voice.base, "type": "5"}}),
    ];
    all.extend(user(voice, agent, did));
    all.extend(agent.token.map(|token| {
        json!({"type": {"coding": [{"system": format!("{BALP}/CodeSystem/UserAgentTypes"), "code": "UserOauthAgent"}]},
            "requestor": agent.person.is_some(), "policy": [format!("urn:uuid:{token}")]})
    }));
    all
}

/// The person behind it.
fn user(voice: &Voice, agent: &Agent, did: Did) -> Option<Value> {
    let person = agent.person?;
    let role = match did {
        Did::Create | Did::Update | Did::Patch | Did::Delete => {
            concept(PARTICIPATION, "AUT", "author (originator)")
        }
        _ => concept(PARTICIPATION, "IRCP", "information recipient"),
    };
    let mut who = json!({"identifier": {"system": voice.issuer, "value": person.to_string()}});
    if let (Some(record), Some(members)) = (agent.records.first(), who.as_object_mut()) {
        members.insert("reference".to_owned(), record.as_str().into());
    }
    let mut user = json!({"type": role, "who": who, "requestor": true});
    if let Some(members) = user.as_object_mut().filter(|_| !agent.purposes.is_empty()) {
        members.insert(
            "purposeOfUse".to_owned(),
            agent.purposes.iter().map(|purpose| purpose_of_use(purpose)).collect(),
        );
    }
    Some(user)
}

fn purpose_of_use(purpose: &str) -> Value {
    let (system, code) = purpose.split_once('|').unwrap_or((ACT_REASON, purpose));
    json!({"coding": [{"system": system, "code": code}]})
}

const ACT_REASON: &str = "http://terminology.hl7.org/CodeSystem/v3-ActReason";

fn entities(voice: &Voice, row: &Row, about: &About) -> Vec<Value> {
    let mut all = Vec::new();
    let kind = |code: &str, display: &str| json!({"system": ENTITY, "code": code, "display": display});
    let role = |code: &str, display: &str| json!({"system": ROLE, "code": code, "display": display});
    if let (Some(asked), true) = (&row.asked, about.did.is_question()) {
        let asked = match voice.shown {
            Shown::Whole => asked.clone(),
            Shown::Names => names(asked),
        };
        all.push(json!({"type": kind("2", "System Object"), "role": role("24", "Query"), "query": STANDARD.encode(asked)}));
    } else if let Some(record) = &about.record {
        all.push(json!({"what": {"reference": record}, "type": kind("2", "System Object"), "role": role("4", "Domain Resource")}));
    }
    if let Some(patient) = &about.patient {
        all.push(json!({"what": {"reference": format!("Patient/{patient}")}, "type": kind("1", "Person"), "role": role("1", "Patient")}));
    }
    if let Some(request) = &row.request {
        all.push(json!({"what": {"identifier": {"value": request.as_str()}},
            "type": {"system": format!("{BALP}/CodeSystem/BasicAuditEntityType"), "code": "XrequestId"}}));
    }
    all
}

/// A search without the values of its parameters, and without the record that its address names.
fn names(asked: &str) -> String {
    let (place, question) = asked.split_once('?').unwrap_or((asked, ""));
    let parts: Vec<&str> = place.split('/').collect();
    let place = match parts.as_slice() {
        [of, _, rest @ ..] => [&[*of, "*"], rest].concat().join("/"),
        _ => place.to_owned(),
    };
    let names: Vec<&str> = question.split('&').filter_map(|pair| pair.split('=').next()).collect();
    let names = names.into_iter().filter(|name| !name.is_empty()).map(|name| format!("{name}=*"));
    let names = names.collect::<Vec<_>>().join("&");
    if names.is_empty() { place } else { format!("{place}?{names}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_search_the_values_can_be_left_out() {
        for (asked, shown) in [
            ("Observation?patient=bert&code=7", "Observation?patient=*&code=*"),
            ("Patient/bert/Observation?code=7", "Patient/*/Observation?code=*"),
            ("Patient/bert/$everything", "Patient/*/$everything"),
            ("Patient", "Patient"),
            ("?_type=Patient", "?_type=*"),
            ("$export?_since=2026&&", "$export?_since=*"),
        ] {
            assert_eq!(names(asked), shown);
        }
    }
}
