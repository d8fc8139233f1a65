//! What an owner says of an endpoint, and whether it is good.

use std::collections::BTreeMap;

use kernel::{Id, Issue, Secret, Study};
use outbound::Outbound;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use url::Url;
use utoipa::ToSchema;

use super::{Order, State};
use crate::{
    WebhookFault,
    event::{EventType, Wanted},
};

/// The longest name, in characters.
pub const NAME_CHARACTERS_MAX: usize = 100;
/// The longest address, in bytes.
pub const URL_BYTES_MAX: usize = 2_048;
/// Names in each of the lists that narrow.
pub const PATTERNS_MAX: usize = 100;
/// Header fields of one endpoint.
pub const HEADERS_MAX: usize = 16;
/// All of them together, in bytes.
pub const HEADERS_BYTES_MAX: usize = 8 << 10;
/// How long a call of an endpoint may take where its owner says nothing, in seconds.
pub const TIMEOUT_S: u16 = 15;
/// How long it may take at the most.
pub const TIMEOUT_S_MAX: u16 = 20;
/// What is shown of a field's value; sent back, it leaves the value as it is.
pub(super) const MASK: &str = "***";

/// An endpoint as its owner states it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WebhookEndpointIn)]
pub struct EndpointIn {
    /// What people call it: 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// Where events are sent: `https` on port 443 of a public host, or what this deployment's operator has named.
    #[schema(format = "uri", max_length = 2048)]
    pub url: String,
    /// Types of events, or `connection.*` for all that begin so; all where the list is empty.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub event_types: Vec<String>,
    /// Ids of studies: only events that name one of them.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub studies: Vec<String>,
    /// Ids of integrations: only events that name one of them.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub integrations: Vec<String>,
    /// Which events wait for others.
    #[serde(default)]
    pub order: Order,
    /// How long a call may take, in seconds: 1 to 20.
    #[serde(default = "usual_timeout")]
    #[schema(minimum = 1, maximum = 20)]
    pub timeout_s: u16,
    /// Header fields that are sent with each call. Their values are never shown; `***` leaves one as it is.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, String>)]
    pub headers: BTreeMap<String, Secret<String>>,
    /// `enabled` or `paused`.
    #[serde(default = "usual_state")]
    pub state: State,
}

const fn usual_timeout() -> u16 {
    TIMEOUT_S
}

const fn usual_state() -> State {
    State::Enabled
}

/// An endpoint whose every part is good.
pub(super) struct Settings {
    pub name: String,
    pub url: Url,
    pub wanted: Wanted,
    pub order: Order,
    pub timeout_s: u16,
    /// Names in lower case; a value that is not said stays as it is.
    pub fields: Vec<(String, Option<String>)>,
    pub state: State,
}

/// The document as what it should be.
///
/// # Errors
/// [`WebhookFault::Refused`] with the place of the first fault.
pub(super) fn read<T: DeserializeOwned>(document: &Value) -> Result<T, WebhookFault> {
    web::shaped(document).map_err(|issue| WebhookFault::Refused(vec![issue]))
}

impl EndpointIn {
    /// Everything that can be said without the database.
    pub(super) fn settled(self, outbound: &Outbound, known: &[EventType]) -> Result<Settings, WebhookFault> {
        let mut issues = Vec::new();
        let name = self.name.trim().to_owned();
        if !(1..=NAME_CHARACTERS_MAX).contains(&name.chars().count()) || name.chars().any(char::is_control) {
            issues.push(Issue::at("name", "must be 1 to 100 characters"));
        }
        let url = address(&self.url, outbound).map_err(|why| issues.push(Issue::at("url", why))).ok();
        for (at, pattern) in self.event_types.iter().enumerate() {
            if !is_known(pattern, known) {
                issues.push(Issue::at(
                    format!("event_types[{at}]"),
                    "is no type of events: see /api/v1/integrations/webhooks/event-types",
                ));
            }
        }
        for (field, list) in [
            ("event_types", &self.event_types),
            ("studies", &self.studies),
            ("integrations", &self.integrations),
        ] {
            let is_word =
                |word: &String| (1..=128).contains(&word.len()) && !word.chars().any(char::is_control);
            if list.len() > PATTERNS_MAX || !list.iter().all(is_word) {
                issues.push(Issue::at(field, "must be at most 100 names of 1 to 128 characters"));
            }
        }
        if !self.studies.iter().all(|study| study.parse::<Id<Study>>().is_ok()) {
            issues.push(Issue::at("studies", "must be ids of studies"));
        }
        if !(1..=TIMEOUT_S_MAX).contains(&self.timeout_s) {
            issues.push(Issue::at("timeout_s", "must be 1 to 20"));
        }
        if self.state == State::Disabled {
            issues.push(Issue::at("state", "must be enabled or paused"));
        }
        let fields = fields(&self.headers).map_err(|issue| issues.push(issue)).ok();
        match (url, fields) {
            (Some(url), Some(fields)) if issues.is_empty() => Ok(Settings {
                name,
                url,
                wanted: Wanted {
                    event_types: self.event_types,
                    studies: self.studies,
                    integrations: self.integrations,
                },
                order: self.order,
                timeout_s: self.timeout_s,
                fields,
                state: self.state,
            }),
            _ => Err(WebhookFault::Refused(issues)),
        }
    }
}

fn address(text: &str, outbound: &Outbound) -> Result<Url, &'static str> {
    const WORDS: &str =
        "must be https on port 443 of a public host, or an address that this deployment's operator has named";
    let url = Url::parse(text).map_err(|_| WORDS)?;
    if text.len() > URL_BYTES_MAX || url.as_str().len() > URL_BYTES_MAX {
        return Err("must not be longer than 2048 bytes");
    }
    if url.fragment().is_some() {
        return Err("must have no fragment");
    }
    outbound.check(&url).map_err(|_| WORDS)?;
    Ok(url)
}

fn is_known(pattern: &str, known: &[EventType]) -> bool {
    match pattern.strip_suffix('*') {
        Some("") => true,
        Some(family) => family.ends_with('.') && known.iter().any(|one| one.name.starts_with(family)),
        None => known.iter().any(|one| one.name == pattern),
    }
}

type Fields = Vec<(String, Option<String>)>;

fn fields(headers: &BTreeMap<String, Secret<String>>) -> Result<Fields, Issue> {
    let bytes: usize = headers.iter().map(|(name, value)| name.len() + value.expose().len()).sum();
    if headers.len() > HEADERS_MAX || bytes > HEADERS_BYTES_MAX {
        return Err(Issue::at("headers", "must be at most 16 fields and 8 KiB"));
    }
    let mut all = Fields::new();
    for (name, value) in headers {
        let shown: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
        let wrong = |why: &'static str| Issue::at(format!("headers.{shown}"), why);
        let (name, _) = outbound::webhook::field(name, value.expose()).map_err(wrong)?;
        if all.iter().any(|(other, _)| *other == name.as_str()) {
            return Err(wrong("is there more than once"));
        }
        let said = (value.expose() != MASK).then(|| value.expose().trim().to_owned());
        all.push((name.as_str().to_owned(), said));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, sync::Arc};

    use outbound::SystemLookup;
    use serde_json::json;

    use super::*;

    const KNOWN: [EventType; 2] = [
        EventType { name: "connection.linked", description: "", data: "{}" },
        EventType { name: "sync.done", description: "", data: "{}" },
    ];

    fn judged(document: &Value) -> Result<Settings, Vec<(String, String)>> {
        let allowed = BTreeSet::from(["127.0.0.1:9400".parse().unwrap()]);
        let outbound = Outbound::new(allowed, Arc::new(SystemLookup)).unwrap();
        let settled = read::<EndpointIn>(document).and_then(|new| new.settled(&outbound, &KNOWN));
        settled.map_err(|fault| match fault {
            WebhookFault::Refused(issues) => issues
                .into_iter()
                .map(|issue| (issue.path.into_owned(), issue.message.into_owned()))
                .collect(),
            other => panic!("{other}"),
        })
    }

    fn with(member: &str, value: Value) -> Value {
        let mut document = json!({"name": "Ours", "url": "https://hooks.example.org/in"});
        document[member] = value;
        document
    }

    #[test]
    fn what_is_good_is_taken() {
        for (member, value) in [
            ("name", json!("Ä")),
            ("url", json!("http://127.0.0.1:9400/x?y=1")),
            ("event_types", json!(["connection.linked", "sync.*", "*"])),
            ("order", json!("subject")),
            ("timeout_s", json!(20)),
            ("headers", json!({"Authorization": "Bearer x", "X-Team": "***"})),
            ("state", json!("paused")),
        ] {
            assert!(judged(&with(member, value)).is_ok(), "{member}");
        }
        let fields = judged(&with("headers", json!({"X-B": "1", "X-A": "***"}))).ok().unwrap().fields;
        assert_eq!(fields, [("x-a".to_owned(), None), ("x-b".to_owned(), Some("1".to_owned()))]);
    }

    #[test]
    fn what_is_wrong_is_named_and_its_value_is_not_repeated() {
        for (member, value, field) in [
            ("name", json!(""), "name"),
            ("name", json!(7), "name"),
            ("name", json!("x".repeat(101)), "name"),
            ("url", json!("https://hunter2@example.org/"), "url"),
            ("url", json!("http://example.org/"), "url"),
            ("url", json!("https://169.254.169.254/"), "url"),
            ("url", json!("https://hooks.example.org/#x"), "url"),
            ("url", json!(format!("https://hooks.example.org/{}", "x".repeat(2_048))), "url"),
            ("event_types", json!(["connection.linked", "connection.lost"]), "event_types[1]"),
            ("event_types", json!(["conn*"]), "event_types[0]"),
            ("studies", json!([""]), "studies"),
            ("integrations", json!(vec!["x"; 101]), "integrations"),
            ("order", json!("sometimes"), "order"),
            ("timeout_s", json!(0), "timeout_s"),
            ("timeout_s", json!(21), "timeout_s"),
            ("timeout_s", json!(-1), "timeout_s"),
            ("headers", json!({"Host": "hunter2"}), "headers.Host"),
            ("headers", json!({"a b": "hunter2"}), "headers.a b"),
            ("headers", json!({"X-A": "1", "x-a": "2"}), "headers.x-a"),
            ("headers", json!({"X-A": "x".repeat(9_000)}), "headers"),
            ("state", json!("disabled"), "state"),
            ("secret", json!("hunter2"), "secret"),
        ] {
            let issues = judged(&with(member, value.clone())).err().unwrap_or_default();
            assert_eq!(issues.first().map(|(path, _)| path.as_str()), Some(field), "{member}: {value}");
            assert!(!issues.iter().any(|(_, message)| message.contains("hunter2")), "{issues:?}");
        }
    }
}
