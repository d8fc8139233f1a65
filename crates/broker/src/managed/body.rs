//! What callers state of an integration: read strictly, and checked as a whole.

use std::collections::BTreeSet;

use jobs::Schedule;
use kernel::{Id, Issue, Kind as Sort, Study};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use web::Problem;

use super::{
    CONFIG_BYTES_MAX, Kind, MAPPING_BYTES_MAX, Managed, NAME_CHARACTERS_MAX, REASON_CHARACTERS_MAX,
    STUDIES_MAX, credentials::Stated, kind,
};
use crate::provider::Catalogue;

/// A new integration, or a whole one that takes the place of what was there.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ManagedIntegrationWrite)]
pub struct Whole {
    /// Its name, the only one in the organisation.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// What sort of system it is; it stays.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// An entry of the catalogue, or `custom`; it stays.
    pub provider: String,
    /// Checked against the schema of the type.
    #[schema(value_type = Object)]
    pub config: Map<String, Value>,
    /// What proves us there, by name; `null` takes one away. Never shown again.
    #[serde(default)]
    #[schema(value_type = Option<BTreeMap<String, Option<String>>>, write_only)]
    pub credentials: Option<Stated>,
    /// `manual` where nothing is said.
    #[serde(default)]
    pub sync_frequency: Option<String>,
    /// The studies that it belongs to; none belongs to the organisation alone.
    #[serde(default)]
    #[schema(value_type = Option<Vec<StudyId>>, max_items = 32)]
    pub study_ids: Option<Vec<Id<Study>>>,
    /// Why; needed where the configuration, credentials or studies of an integration change.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 500)]
    pub reason: Option<String>,
}

/// A merge patch (RFC 7396): what is named is changed.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ManagedIntegrationPatch)]
pub struct Part {
    #[serde(default)]
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    /// Merged with what is there; a member that is `null` is taken away.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    config: Option<Map<String, Value>>,
    #[serde(default)]
    #[schema(value_type = Option<BTreeMap<String, Option<String>>>, write_only)]
    credentials: Option<Stated>,
    /// `null` is `manual`.
    #[serde(default, deserialize_with = "named")]
    #[schema(value_type = Option<String>)]
    sync_frequency: Option<Option<String>>,
    /// `null` is none.
    #[serde(default, deserialize_with = "named")]
    #[schema(value_type = Option<Vec<StudyId>>, max_items = 32)]
    study_ids: Option<Option<Vec<Id<Study>>>>,
    #[serde(default)]
    #[schema(min_length = 1, max_length = 500)]
    reason: Option<String>,
}

/// The id of a study of the organisation, as the document describes it.
#[derive(ToSchema)]
#[schema(value_type = String, format = "uuid")]
#[expect(dead_code, reason = "it is described, and read as what it is the id of")]
struct StudyId(String);

/// Tells `null` from what is not there.
fn named<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl Part {
    /// What there is to be after it.
    pub fn over(self, there: &Managed) -> Whole {
        let mut config = there.config.clone();
        if let Some(part) = self.config {
            merge(&mut config, part);
        }
        Whole {
            name: self.name.unwrap_or_else(|| there.name.clone()),
            kind: there.kind,
            provider: there.provider.clone(),
            config,
            credentials: self.credentials,
            sync_frequency: match self.sync_frequency {
                Some(stated) => stated,
                None => Some(there.sync_frequency.clone()),
            },
            study_ids: match self.study_ids {
                Some(stated) => stated,
                None => Some(there.studies.clone()),
            },
            reason: self.reason,
        }
    }
}

/// RFC 7396 §2; JSON from outside nests as deep as the door lets it.
fn merge(into: &mut Map<String, Value>, patch: Map<String, Value>) {
    for (name, value) in patch {
        match (value, into.get_mut(&name)) {
            (Value::Null, _) => {
                into.remove(&name);
            }
            (Value::Object(part), Some(Value::Object(there))) => merge(there, part),
            (Value::Object(part), _) => {
                let mut fresh = Map::new();
                merge(&mut fresh, part);
                into.insert(name, Value::Object(fresh));
            }
            (value, _) => {
                into.insert(name, value);
            }
        }
    }
}

impl Whole {
    /// Everything that is wrong with it and can be told without the database, as 422.
    pub fn check(&self, catalogue: &Catalogue) -> Result<(), Problem> {
        let issues = self.issues(catalogue);
        if issues.is_empty() { Ok(()) } else { Err(refused(issues)) }
    }

    fn issues(&self, catalogue: &Catalogue) -> Vec<Issue> {
        let mut issues = Vec::new();
        let mut wrong = |is_wrong: bool, field: &'static str, message: &'static str| {
            if is_wrong {
                issues.push(Issue::at(field, message));
            }
        };
        wrong(
            !is_line(&self.name, NAME_CHARACTERS_MAX),
            "name",
            "must be 1 to 100 characters, not blank, in one line",
        );
        wrong(
            !kind::is_known(catalogue, self.kind, &self.provider),
            "provider",
            "is no provider of this type",
        );
        wrong(self.studies().len() > STUDIES_MAX, "study_ids", "must be at most 32");
        let reason = self.reason.as_deref();
        wrong(
            reason.is_some_and(|text| !is_line(text, REASON_CHARACTERS_MAX)),
            "reason",
            "must be 1 to 500 characters, not blank, in one line",
        );
        let frequency = self.sync_frequency.as_deref().map(str::parse::<Schedule>);
        let is_large = [
            (
                self.config_bytes() > CONFIG_BYTES_MAX,
                "config",
                "must be at most 32768 bytes, without its mapping",
            ),
            (self.mapping_bytes() > MAPPING_BYTES_MAX, "config.mapping", "must be at most 262144 bytes"),
        ];
        for (is_large, field, message) in is_large {
            wrong(is_large, field, message);
        }
        wrong(has_nul(&self.config), "config", "must not hold the character U+0000");
        if let Some(Err(fault)) = frequency {
            issues.push(Issue::at("sync_frequency", fault.to_string()));
        }
        if !is_large.iter().any(|(is_large, ..)| *is_large) {
            issues.extend(self.kind.issues(&self.config));
        }
        issues.extend(self.credentials.iter().flat_map(|stated| stated.issues(self.kind)));
        issues
    }

    fn mapping_bytes(&self) -> usize {
        self.config.get(MAPPING).map_or(0, bytes)
    }

    fn config_bytes(&self) -> usize {
        let others = self.config.iter().filter(|(name, _)| *name != MAPPING);
        others.map(|(name, value)| name.len() + bytes(value)).sum()
    }

    /// The studies, each once, in order.
    pub fn studies(&self) -> Vec<Id<Study>> {
        let stated = self.study_ids.iter().flatten().copied();
        stated.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// How often, as it is written once it is read.
    pub fn frequency(&self) -> String {
        let stated = self.sync_frequency.as_deref().and_then(|text| text.parse().ok());
        stated.unwrap_or_else(Schedule::manual).as_str().to_owned()
    }
}

/// The member of a configuration that says what records become.
const MAPPING: &str = "mapping";

/// In JSON.
fn bytes(value: &Value) -> usize {
    serde_json::to_vec(value).map_or(usize::MAX, |text| text.len())
}

/// The findings as 422 `INT002`.
pub fn refused(issues: Vec<Issue>) -> Problem {
    Problem::new(Sort::Unsupported, "a field is not right").with_issues(issues)
}

/// Not blank, in one line, not longer than that.
pub fn is_line(text: &str, characters_max: usize) -> bool {
    !text.trim().is_empty() && text.chars().count() <= characters_max && !text.chars().any(char::is_control)
}

/// PostgreSQL keeps no U+0000 in texts.
fn has_nul(config: &Map<String, Value>) -> bool {
    fn within(value: &Value) -> bool {
        match value {
            Value::String(text) => text.contains('\0'),
            Value::Array(items) => items.iter().any(within),
            Value::Object(members) => has_nul(members),
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }
    config.iter().any(|(name, value)| name.contains('\0') || within(value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_merge_patch_is_merged_as_the_standard_says() {
        let cases = [
            (json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"b"}), json!({"b":"c"}), json!({"a":"b","b":"c"})),
            (json!({"a":"b","b":"c"}), json!({"a":null}), json!({"b":"c"})),
            (json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":{"b":"c"}}), json!({"a":{"b":"d","c":null}}), json!({"a":{"b":"d"}})),
            (json!({"a":[1]}), json!({"a":{"b":null,"c":1}}), json!({"a":{"c":1}})),
        ];
        for (there, patch, after) in cases {
            let (Value::Object(mut into), Value::Object(patch)) = (there, patch) else { panic!("objects") };
            merge(&mut into, patch);
            assert_eq!(Value::Object(into), after);
        }
    }

    #[test]
    fn a_configuration_and_its_mapping_are_measured_apart() {
        let of = |name: &str, bytes: usize| {
            let config = json!({name: {"text": "x".repeat(bytes)}});
            let body = json!({"name":"A","type":"api","provider":"custom","config":config});
            let whole: Whole = serde_json::from_value(body).ok().unwrap();
            let issues = whole.issues(&Catalogue::built_in().unwrap()).into_iter();
            issues
                .filter(|issue| issue.message.contains("bytes"))
                .map(|issue| issue.path.into_owned())
                .collect::<Vec<_>>()
        };
        for (name, max, field) in
            [("streams", CONFIG_BYTES_MAX, "config"), ("mapping", MAPPING_BYTES_MAX, "config.mapping")]
        {
            assert_eq!(of(name, max - 100), [""; 0], "{name}");
            assert_eq!(of(name, max), [field], "{name}");
        }
    }

    #[test]
    fn a_body_says_nothing_that_is_ours_to_say() {
        let good = json!({"name":"A","type":"hl7v2","provider":"custom","config":{"host":"h","port":1}});
        serde_json::from_value::<Whole>(good.clone()).ok().unwrap();
        for field in
            ["id", "org_id", "status", "created_by", "version", "enabled", "capabilities", "last_sync"]
        {
            let mut more = good.clone();
            more[field] = json!("x");
            assert!(serde_json::from_value::<Whole>(more).is_err(), "{field}");
        }
    }
}
