//! Consents by chance, and what they withhold, from nothing of the crate: `docs/decisions/0015-consent-in-the-access-decision.md`.

use http::Method;
use serde_json::{Value, json};

use super::{
    Known, current, differing, differing_around, graph,
    graph::Chance,
    known::{Past, noticed, reads_and_histories},
    rule::{Somebody, patients_of},
    versions,
};
use crate::{
    consent::asks_no_consents,
    stage::{Calls, Stage, token_of},
};

/// Whose clock it is: the stage's stands still.
const NOW: &str = "2026";

pub const CALLERS: [Somebody; 8] = [
    who("system/*.cruds", "", "", ""),
    who("system/*.rs", "", "", "Practitioner/m0|ETREAT"),
    who("user/*.rs", "", "site", "Practitioner/m0|HRESCH"),
    who("system/Observation.rs?category=laboratory system/Patient.rs system/List.s", "", "", "Device/d1"),
    who("patient/*.rs", "p0", "p0", "Patient/p0"),
    who("patient/*.rs", "p1", "p0", "Patient/p0"),
    who("system/*.rs", "", "", "Patient/p1|TREAT"),
    who("patient/*.rs user/Practitioner.rs system/Group.s", "p1", "site", "Device/d1|HRESCH"),
];

/// Those who ask around.
const AROUND: [usize; 5] = [0, 1, 2, 5, 7];

const fn who(
    scopes: &'static str,
    patient: &'static str,
    sight: &'static str,
    who: &'static str,
) -> Somebody {
    Somebody { scopes, patient, sight, who }
}

/// Is barred from nothing.
pub fn keeper(stage: &Stage) -> Calls<'_> {
    stage.by(token_of(1, "system/*.cruds", "", "", "Patient/p0,Patient/p1"))
}

fn provision(chance: &Chance, depth: usize) -> Value {
    let mut made = json!({"type": chance.one(&["permit", "deny"])});
    let members = made.as_object_mut().unwrap();
    for _ in 0..chance.below(3) {
        let (name, value) = match chance.below(9) {
            0 | 1 => {
                let reference = match chance.below(3) {
                    0 => json!({"reference": "Practitioner/m0"}),
                    1 => json!({"identifier": {"system": "urn:who", "value": "Device/d1"}}),
                    _ => json!({"reference": "Device/d1"}),
                };
                ("actor", json!([{"role": {"text": "x"}, "reference": reference}]))
            }
            2 => ("action", json!([{"coding": [{"code": chance.one(&["access", "correct", "collect"])}]}])),
            3 => ("purpose", json!([{"code": chance.one(&["TREAT", "HRESCH"])}])),
            4 => {
                let system = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
                ("securityLabel", json!([{"system": system, "code": chance.one(&["N", "R"])}]))
            }
            5 => {
                let code = chance.one(&["Observation", "Condition", "Patient"]);
                ("class", json!([{"system": "http://hl7.org/fhir/resource-types", "code": code}]))
            }
            6 => (
                "code",
                json!([{"coding": [{"system": "http://a.example", "code": chance.one(&["a", "b"])}]}]),
            ),
            7 => {
                let own = json!({"meaning": "instance", "reference": chance.any("Observation")});
                ("data", json!([own]))
            }
            _ => ("period", json!({"end": chance.one(&["2001", "2999"])})),
        };
        members.insert(name.to_owned(), value);
    }
    if depth < 2 && chance.below(2) == 0 {
        let inner: Vec<Value> = (0..=chance.below(2)).map(|_| provision(chance, depth + 1)).collect();
        members.insert("provision".to_owned(), inner.into());
    }
    made
}

pub fn consent(chance: &Chance, patient: &str, nth: usize) -> Value {
    let mut made = json!({
        "resourceType": "Consent",
        "id": format!("{patient}-{nth}"),
        "status": chance.one(&["active", "active", "active", "inactive"]),
        "scope": {"coding": [{"code": chance.one(&["patient-privacy", "patient-privacy", "research"])}]},
        "category": [{"text": "privacy"}],
        "patient": {"reference": format!("Patient/{patient}")},
        "dateTime": chance.one(&["2020", "2021-05", "2022-01-01"]),
    });
    let members = made.as_object_mut().unwrap();
    if chance.below(5) > 0 {
        let code = chance.one(&["OPTIN", "OPTIN", "OPTOUT"]);
        members.insert("policyRule".to_owned(), json!({"coding": [{"code": code}]}));
    }
    if chance.below(4) > 0 {
        let mut root = provision(chance, 0);
        if chance.below(2) == 0 {
            root.as_object_mut().unwrap().remove("type");
        }
        members.insert("provision".to_owned(), root);
    }
    made
}

/// What a rule says, by the path to it: deeper ones stand in those that their path begins with.
struct Said {
    is_permit: bool,
    path: Vec<usize>,
    /// The conditions of all that it stands in, with its own.
    conditions: Vec<(String, Value)>,
    is_unclear: bool,
}

fn said(consent: &Value) -> Vec<Said> {
    let base = match consent["policyRule"]["coding"][0]["code"].as_str() {
        Some("OPTIN") => Some(true),
        Some("OPTOUT") => Some(false),
        _ => None,
    };
    let mut all = Vec::new();
    let root = consent.get("provision");
    let own = root.and_then(|root| root["type"].as_str()).map(|word| word == "permit");
    let whole = |is_permit, is_unclear| Said { is_permit, path: vec![], conditions: vec![], is_unclear };
    match (base, root, own) {
        (Some(base), Some(root), Some(_)) => {
            all.push(whole(base, false));
            gather(root, None, &[0], &[], &mut all);
        }
        (Some(base), Some(root), None) => gather(root, Some((base, false)), &[], &[], &mut all),
        (Some(base), None, _) => all.push(whole(base, false)),
        (None, Some(root), Some(own)) => gather(root, Some((own, false)), &[], &[], &mut all),
        (None, Some(root), None) => gather(root, Some((false, true)), &[], &[], &mut all),
        (None, None, _) => all.push(whole(false, true)),
    }
    all
}

fn gather(
    provision: &Value,
    says: Option<(bool, bool)>,
    path: &[usize],
    around: &[(String, Value)],
    all: &mut Vec<Said>,
) {
    let mut conditions = around.to_vec();
    for (name, value) in provision.as_object().unwrap() {
        if name != "type" && name != "provision" {
            conditions.push((name.clone(), value.clone()));
        }
    }
    let (is_permit, is_unclear) = says.unwrap_or((provision["type"] == "permit", false));
    all.push(Said { is_permit, path: path.to_vec(), conditions: conditions.clone(), is_unclear });
    for (nth, inner) in provision["provision"].as_array().into_iter().flatten().enumerate() {
        let path: Vec<usize> = path.iter().copied().chain([nth]).collect();
        gather(inner, None, &path, &conditions, all);
    }
}

fn has_code(value: &Value, code: &str) -> bool {
    match value {
        Value::Object(members) => {
            (value["system"] == "http://a.example" && value["code"] == code)
                || members.iter().any(|(name, value)| name != "meta" && has_code(value, code))
        }
        Value::Array(all) => all.iter().any(|value| has_code(value, code)),
        _ => false,
    }
}

fn holds(
    (name, value): &(String, Value),
    is_permit: bool,
    who: &Somebody,
    action: &str,
    record: &Value,
) -> bool {
    let (user, purpose) = who.who.split_once('|').unwrap_or((who.who, ""));
    let first = &value[0];
    match name.as_str() {
        "actor" => {
            let named = &first["reference"];
            named["reference"] == user || named["identifier"]["value"] == user
        }
        "action" => first["coding"][0]["code"] == action,
        // Who states none is under every denial, and has no permission that is bound to one.
        "purpose" if purpose.is_empty() => !is_permit,
        "purpose" => first["code"] == purpose || (purpose == "ETREAT" && first["code"] == "TREAT"),
        "securityLabel" => {
            let degree = |code: &Value| ["N", "R", "V"].iter().position(|known| code == known).unwrap();
            let own: Vec<&Value> = record["meta"]["security"].as_array().into_iter().flatten().collect();
            // What nobody has labelled is normal, for a denial.
            if own.is_empty() {
                return !is_permit && first["code"] == "N";
            }
            own.into_iter().map(|label| degree(&label["code"])).any(|own| match is_permit {
                true => own <= degree(&first["code"]),
                false => own >= degree(&first["code"]),
            })
        }
        "class" => record["resourceType"] == first["code"],
        "code" => has_code(record, first["coding"][0]["code"].as_str().unwrap()),
        "data" => {
            let own =
                format!("{}/{}", record["resourceType"].as_str().unwrap(), record["id"].as_str().unwrap());
            first["reference"]["reference"] == own
        }
        _ => value["end"].as_str().unwrap() > NOW,
    }
}

impl Said {
    fn speaks(&self, who: &Somebody, action: &str, record: &Value) -> bool {
        let is_named = self.conditions.iter().any(|(name, _)| name == "action");
        (is_named || action != "collect")
            && self.conditions.iter().all(|one| holds(one, self.is_permit, who, action, record))
    }

    fn names(&self) -> Vec<&str> {
        self.conditions.iter().map(|(name, _)| name.as_str()).filter(|name| *name != "period").collect()
    }
}

/// Whether the consents among the records let it be done.
pub fn permits(records: &[Value], who: &Somebody, letter: char, record: &Value) -> bool {
    let of = record["resourceType"].as_str().unwrap();
    if of == "Consent" {
        return true;
    }
    let actions: &[&str] = if "ud".contains(letter) { &["access", "correct"] } else { &["access"] };
    let user = who.who.split('|').next().unwrap_or_default();
    patients_of(record).iter().filter(|id| user != format!("Patient/{id}")).all(|id| {
        let is_own = |one: &&Value| {
            one["resourceType"] == "Consent"
                && one["status"] == "active"
                && one["scope"]["coding"][0]["code"] == "patient-privacy"
                && one["patient"]["reference"] == format!("Patient/{id}")
        };
        let consents: Vec<(&Value, Vec<Said>)> =
            records.iter().filter(is_own).map(|one| (one, said(one))).collect();
        let all = || consents.iter().flat_map(|(consent, said)| said.iter().map(move |one| (*consent, one)));
        actions.iter().all(|action| {
            let speaking = |is_permit| {
                all().filter(move |(_, one)| one.is_permit == is_permit && one.speaks(who, action, record))
            };
            speaking(false).all(|(consent, denial)| {
                speaking(true).any(|(other, permission)| {
                    let deeper = permission.path.len() > denial.path.len();
                    match other["id"] == consent["id"] {
                        true => deeper && permission.path.starts_with(&denial.path),
                        false => {
                            // Of years and months the first moment counts.
                            let date = |one: &Value| format!("{:-<10}", one["dateTime"].as_str().unwrap());
                            let is_newer = date(other) > date(consent) && !denial.is_unclear;
                            is_newer && denial.names().iter().all(|name| permission.names().contains(name))
                        }
                    }
                })
            })
        })
    })
}

/// Records and consents in turn, so that each is written before and behind the other; some are written anew, some deleted.
async fn filled(db: store::Db, seed: u64) -> Stage {
    let stage = Stage::with_foundation(db).await;
    let (chance, keeper) = (Chance::new(seed), keeper(&stage));
    let write = async |nth: usize| {
        let all = ["p0", "p1"].map(|patient| consent(&chance, patient, nth));
        graph::write(&keeper, all.into_iter()).await;
    };
    write(0).await;
    write(1).await;
    graph::fill(&keeper, &chance).await;
    write(2).await;
    write(1).await;
    keeper.delete("/fhir/Consent/p1-0").await.expect(200);
    stage
}

on_db!(
    async fn what_is_found_is_what_consents_leave(db) {
        let stage = filled(db, 11).await;
        let all = current(&versions(&keeper(&stage)).await);
        let (mut withheld, mut fruitful) = (0, 0);
        for (nth, somebody) in (0..).zip(&CALLERS) {
            let twin = stage.twin(nth).await;
            let opened = all.iter().filter(|record| somebody.may('s', record));
            let (seen, barred): (Vec<&Value>, Vec<&Value>) =
                opened.partition(|record| permits(&all, somebody, 's', record));
            graph::write(&twin, seen.into_iter().cloned()).await;
            let (differ, found) = differing(&somebody.calls(&stage), somebody, &twin).await;
            assert!(differ.is_empty(), "{somebody:?}: {differ:#?}");
            fruitful += found;
            if withheld == 0 && !barred.is_empty() {
                // Where nobody asks consents, it is noticed.
                graph::write(&twin, barred.iter().copied().cloned()).await;
                let (differ, _) = differing(&somebody.calls(&stage), somebody, &twin).await;
                assert!(differ.len() > 1, "{somebody:?}: {differ:#?}");
            }
            withheld += barred.len();
        }
        assert!(withheld > 10 && fruitful > 60, "{withheld} withheld, {fruitful} find something");
    }
);

on_db!(
    async fn what_is_found_around_is_what_consents_leave(db) {
        let stage = filled(db, 17).await;
        let all = current(&versions(&keeper(&stage)).await);
        let (mut fruitful, mut refused, mut withheld, mut sample) = (0, 0, 0, None);
        for (nth, who) in (0..).zip(AROUND.map(|nth| &CALLERS[nth])) {
            let twin = stage.twin(nth).await;
            let may = |letter, record: &Value| who.may(letter, record) && permits(&all, who, letter, record);
            graph::write(&twin, all.iter().filter(|record| may('s', record)).cloned()).await;
            let known = Known { all: &all, may: &may };
            let (differ, found, closed) =
                differing_around(&who.calls(&stage), (who, known), &twin).await;
            assert!(differ.is_empty(), "{who:?}: {differ:#?}");
            let barred = all.iter().filter(|record| who.may('s', record) && !may('s', record)).count();
            if nth == 0 {
                sample = Some((twin, barred));
            }
            withheld += barred;
            (fruitful, refused) = (fruitful + found, refused + closed);
        }
        assert!(
            fruitful > 40 && refused > 10 && withheld > 30,
            "{fruitful} find something, {refused} are refused, {withheld} withheld"
        );
        // Without the check it is noticed.
        let (twin, barred) = sample.unwrap();
        assert!(barred > 0);
        asks_no_consents(&stage).await;
        let who = &CALLERS[AROUND[0]];
        let may = |letter, record: &Value| who.may(letter, record) && permits(&all, who, letter, record);
        let known = Known { all: &all, may: &may };
        let (differ, ..) = differing_around(&who.calls(&stage), (who, known), &twin).await;
        for form in ["?", "Patient/p", "$everything"] {
            assert!(differ.iter().any(|search| search.contains(form)), "{form}: {differ:#?}");
        }
    }
);

on_db!(
    async fn what_is_read_is_what_consents_leave(db) {
        let stage = filled(db, 13).await;
        let versions = versions(&keeper(&stage)).await;
        let past = Past::with_consents(&versions, current(&versions));
        let mut barred = 0;
        for who in &CALLERS {
            reads_and_histories(&stage, &past, who).await;
            barred += past.withheld(who);
        }
        assert!(barred > 10, "{barred}");
        // Without the check it is noticed: by what is read, and by what became of it.
        asks_no_consents(&stage).await;
        assert_eq!(noticed(&stage, &past, &CALLERS[0]).await, [true, true]);
    }
);

on_db!(
    async fn what_is_withheld_is_not_changed(db) {
        let stage = filled(db, 11).await;
        let before = versions(&keeper(&stage)).await;
        let all = current(&before);
        let who = Somebody { who: "Device/d1|HRESCH", ..CALLERS[0] };
        let caller = who.calls(&stage);
        let patch = [("content-type", "application/json-patch+json")];
        let change = r#"[{"op":"add","path":"/language","value":"en"}]"#;
        let mut asked = 0;
        for record in all.iter().filter(|record| !permits(&all, &who, 'u', record)) {
            let (of, id) = (record["resourceType"].as_str().unwrap(), record["id"].as_str().unwrap());
            let path = format!("/fhir/{of}/{id}");
            let there = caller.call(Method::PATCH, &path, &patch, change).await;
            let nowhere = caller.call(Method::PATCH, &format!("/fhir/{of}/x9"), &patch, change).await;
            assert_eq!((there.status, there.body), (404, nowhere.body), "{path}");
            caller.put(&path, &record.to_string()).await.expect(404);
            caller.delete(&path).await.expect(404);
            let gone = |id: &str| {
                let request = json!({"request": {"method": "DELETE", "url": format!("{of}/{id}")}});
                json!({"resourceType": "Bundle", "type": "transaction", "entry": [request]}).to_string()
            };
            let there = caller.post("/fhir", &gone(id)).await;
            assert_eq!(there.body, caller.post("/fhir", &gone("x9")).await.body);
            asked += 1;
        }
        assert!(asked > 2, "{asked}");
        assert_eq!(versions(&keeper(&stage)).await, before, "and nothing is changed");
        // Without the check all of it is.
        asks_no_consents(&stage).await;
        for record in all.iter().filter(|record| !permits(&all, &who, 'u', record)) {
            let (of, id) = (record["resourceType"].as_str().unwrap(), record["id"].as_str().unwrap());
            caller.call(Method::PATCH, &format!("/fhir/{of}/{id}"), &patch, change).await.expect(200);
        }
    }
);
