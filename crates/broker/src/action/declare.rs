//! How a provider's file declares an action.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::Normaliser;
use crate::provider::{Schema, TextTemplate};

/// One action of a provider.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActionDeclaration {
    /// Its name in the path: `heart-rate`.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// What it does and what to expect.
    pub description: String,
    /// The provider's scopes that it needs.
    #[serde(default)]
    pub scopes_needed: Vec<String>,
    /// JSON Schema of the input.
    pub input: Schema,
    /// JSON Schema of the output.
    pub output: Schema,
    /// The input speaks of days: `date`, or `from` and `to`.
    #[serde(default)]
    pub dates: Option<DateRules>,
    /// The call, or the calls to choose from: the first whose `needs` the input has.
    pub requests: Vec<RequestTemplate>,
    /// What is made of the answer.
    #[serde(default)]
    pub normalise: Normaliser,
    /// Whether doing it twice does no more than doing it once, so that it may be retried.
    pub safe: bool,
}

/// Rules for the days of an input. With them, templates can use the variables `from`, `to`, `until` (the day after
/// `to`) and, of each of the three, `…_year`, `…_month` and `…_day` as numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DateRules {
    /// The most days from `from` to `to`, both counted.
    pub days_max: u16,
}

/// A call to the provider.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestTemplate {
    /// The properties that the input must have for this call to be chosen.
    #[serde(default)]
    pub needs: Vec<String>,
    /// The method, upper case.
    pub method: String,
    /// The path below the API's base address; a variable is one segment or a part of one.
    pub path: TextTemplate,
    /// The query.
    #[serde(default)]
    pub query: BTreeMap<String, TextTemplate>,
    /// The JSON body. A text that is one variable and nothing else becomes that variable's value, whatever its type.
    #[serde(default)]
    pub body: Option<Value>,
    /// How the next page is asked for, where an answer may not be the whole.
    #[serde(default)]
    pub next_page: Option<NextPage>,
}

/// Paging by a cursor in the answer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NextPage {
    /// Where the cursor stands in the answer (JSON Pointer, RFC 6901); no text or an empty one: the last page.
    pub pointer: String,
    /// The parameter of the query that takes it.
    pub parameter: String,
}

impl ActionDeclaration {
    /// What a parser cannot check about the calls: field and message.
    pub(crate) fn check_requests(&self) -> Result<(), (String, String)> {
        if self.requests.is_empty() {
            return Err((String::from("requests"), String::from("there must be at least one")));
        }
        for (nth, request) in self.requests.iter().enumerate() {
            let at =
                |field: &str, message: &str| Err((format!("requests[{nth}].{field}"), message.to_owned()));
            if !matches!(request.method.as_str(), "GET" | "POST" | "PUT" | "PATCH" | "DELETE") {
                return at("method", "must be GET, POST, PUT, PATCH or DELETE");
            }
            let path = request.path.to_string();
            let segments_sound = path.split('/').skip(1).all(|segment| !matches!(segment, "" | "." | ".."));
            if !path.starts_with('/') || !segments_sound || path.contains(['?', '#', '\\', '%']) {
                return at("path", "begin with /; no empty segment, '.', '..', query or fragment");
            }
            let path = request.path.variables().map(|name| ("path", name));
            let query = request.query.values().flat_map(TextTemplate::variables).map(|name| ("query", name));
            let needs = request.needs.iter().map(|name| ("needs", name.as_str()));
            if let Some((field, name)) = path.chain(query).chain(needs).find(|(_, name)| !self.takes(name)) {
                return at(field, &format!("{name} is no property of the input"));
            }
        }
        Ok(())
    }

    /// Whether a variable of this name can have a value: a property of the input, or what its days amount to.
    fn takes(&self, name: &str) -> bool {
        let properties = self.input.document().get("properties");
        let of_days = || {
            let day =
                ["_year", "_month", "_day"].iter().find_map(|part| name.strip_suffix(part)).unwrap_or(name);
            self.dates.is_some() && matches!(day, "from" | "to" | "until")
        };
        properties.is_some_and(|properties| properties.get(name).is_some()) || of_days()
    }
}
