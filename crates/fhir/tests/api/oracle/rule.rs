//! The rule of docs/fhir.md, "Who may do what", once more and from nothing of the crate.

use serde_json::Value;

use crate::stage::{Calls, Stage, token_of};

/// Somebody who calls.
#[derive(Debug, Clone, Copy)]
pub struct Somebody {
    pub scopes: &'static str,
    /// The patient in context.
    pub patient: &'static str,
    /// `site`, or the patients of the person.
    pub sight: &'static str,
    /// The record that they are, and what they ask for.
    pub who: &'static str,
}

/// Whose records a scope opens.
enum Whose {
    All,
    Of(Vec<&'static str>),
}

impl Somebody {
    pub fn calls<'a>(&self, stage: &'a Stage) -> Calls<'a> {
        stage.by(token_of(1, self.scopes, self.patient, self.sight, self.who))
    }

    /// What the scopes open of a type, each with its search.
    fn opened(&self, letter: char, of: &str) -> Vec<(Whose, &'static str)> {
        let scopes = self.scopes.split(' ').filter_map(|scope| {
            let (level, rest) = scope.split_once('/').unwrap();
            let (what, rights) = rest.split_once('.').unwrap();
            let (rights, search) = rights.split_once('?').unwrap_or((rights, ""));
            let letters = match rights {
                "read" => "rs",
                "write" => "cud",
                "*" => "cruds",
                letters => letters,
            };
            let whose = match (level, self.sight) {
                ("system", _) | ("user", "site") => Whose::All,
                ("user", patients) => Whose::Of(patients.split(',').filter(|id| !id.is_empty()).collect()),
                _ => Whose::Of([self.patient].into_iter().filter(|id| !id.is_empty()).collect()),
            };
            let is_nobody = matches!(&whose, Whose::Of(patients) if patients.is_empty());
            let is_it = (what == "*" || what == of) && letters.contains(letter) && !is_nobody;
            is_it.then_some((whose, search))
        });
        scopes.collect()
    }

    /// Whether the type is anything to the caller; 403 if not.
    pub fn has_any(&self, letter: char, of: &str) -> bool {
        !self.opened(letter, of).is_empty()
    }

    pub fn may(&self, letter: char, record: &Value) -> bool {
        let of = record["resourceType"].as_str().unwrap();
        let own = patients_of(record);
        self.opened(letter, of).iter().any(|(whose, search)| {
            let is_theirs = match whose {
                Whose::All => true,
                Whose::Of(patients) => patients.iter().any(|id| own.iter().any(|own| own == id)),
            };
            is_theirs && search.split('&').filter(|one| !one.is_empty()).all(|one| matches(one, record))
        })
    }
}

/// `category=laboratory`, `status=final`.
fn matches(search: &str, record: &Value) -> bool {
    let (name, wanted) = search.split_once('=').unwrap();
    match name {
        "status" => record["status"] == wanted,
        "category" => {
            let all = record["category"].as_array().into_iter().flatten();
            all.flat_map(|one| one["coding"].as_array().into_iter().flatten()).any(|it| it["code"] == wanted)
        }
        other => panic!("{other}"),
    }
}

/// <https://hl7.org/fhir/R4/compartmentdefinition-patient.html>
pub fn patients_of(record: &Value) -> Vec<String> {
    let mut paths: Vec<&Value> = Vec::new();
    match record["resourceType"].as_str().unwrap() {
        "Patient" => return vec![record["id"].as_str().unwrap().to_owned()],
        "Practitioner" => {}
        "Consent" => paths.push(&record["patient"]),
        "Group" => {
            paths.extend(record["member"].as_array().into_iter().flatten().map(|one| &one["entity"]));
        }
        "Condition" => paths.extend([&record["subject"], &record["asserter"]]),
        "Observation" => {
            paths.push(&record["subject"]);
            paths.extend(record["performer"].as_array().into_iter().flatten());
        }
        "List" => paths.extend([&record["subject"], &record["source"]]),
        _ => paths.push(&record["subject"]),
    }
    let references = paths.into_iter().filter_map(|path| path["reference"].as_str());
    references.filter_map(|text| text.strip_prefix("Patient/")).map(str::to_owned).collect()
}
