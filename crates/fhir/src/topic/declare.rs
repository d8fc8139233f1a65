//! A topic as it is declared: SubscriptionTopic of R5, since R4 has no such type.  <https://hl7.org/fhir/R5/subscriptiontopic.html>

use std::collections::BTreeSet;

use fhirpath::path::Program;
use kernel::Issue;
use serde_json::Value;
use url::Url;

use super::condition::{Age, Terms, Why, condition};
use crate::{
    parameter::{Elements, ParameterId, ParameterKind, ResourceType},
    query::{Problem, Test, lookup},
};

/// The longest topic that is declared, in bytes.
pub const TOPIC_BYTES_MAX: usize = 64 << 10;
/// Triggers of one topic.
pub const TRIGGERS_MAX: usize = 32;
/// Filters, and shapes, of one topic.
pub const FILTERS_MAX: usize = 64;

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Became {
    Created,
    Updated,
    Deleted,
}

impl Became {
    pub const ALL: [Self; 3] = [Self::Created, Self::Updated, Self::Deleted];

    /// As `SubscriptionTopic.resourceTrigger.supportedInteraction` says it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "create",
            Self::Updated => "update",
            Self::Deleted => "delete",
        }
    }
}

/// What is an event, and how it may be narrowed.
#[derive(Debug)]
pub(crate) struct Topic {
    pub url: String,
    pub triggers: Vec<Trigger>,
    /// What subscriptions may filter by; none where they may filter by every parameter of the types.
    pub filters: Option<Vec<Filter>>,
    pub shapes: Vec<Shape>,
}

#[derive(Debug)]
pub(crate) struct Trigger {
    pub of: ResourceType,
    pub on: BTreeSet<Became>,
    pub query: Option<Criteria>,
    pub path: Option<Program>,
}

/// `queryCriteria`: what the record was, what it is, and what is said of one that was not, or is not any more.
#[derive(Debug)]
pub(crate) struct Criteria {
    pub previous: Option<Test>,
    pub of_created: Verdict,
    pub current: Option<Test>,
    pub of_deleted: Verdict,
    pub needs: Needs,
}

/// `resultForCreate`, `resultForDelete`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Passes,
    Fails,
}

/// `requireBoth`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    Both,
    Either,
}

#[derive(Debug)]
pub(crate) struct Filter {
    /// None for every type of the topic.
    pub of: Option<ResourceType>,
    pub parameter: String,
}

/// What goes with a record of a type: `notificationShape`.
#[derive(Debug)]
pub(crate) struct Shape {
    pub of: ResourceType,
    pub includes: Vec<ParameterId>,
}

impl Topic {
    /// Read one. Of one that is kept, what it may be narrowed by and what goes along is left out where the site does not have it any more:
    /// whoever narrows by it is refused by that.
    ///
    /// # Errors
    /// Everything that is at fault, each by its place.
    pub fn read(body: &Value, terms: Terms<'_>) -> Result<Self, Vec<Issue>> {
        let mut reader = Reading { terms, issues: Vec::new() };
        if body.get("resourceType").and_then(Value::as_str) != Some("SubscriptionTopic") {
            reader.fault("resourceType", "must be SubscriptionTopic");
        }
        let url = reader.url(body);
        if body.get("eventTrigger").is_some() {
            reader.fault("eventTrigger", "is not supported: use resourceTrigger");
        }
        let triggers = reader.each(body, "resourceTrigger", TRIGGERS_MAX, Reading::trigger);
        if body.get("resourceTrigger").is_none() {
            reader.fault("resourceTrigger", "is missing: without one there is no event");
        }
        let filters = reader.each(body, "canFilterBy", FILTERS_MAX, Reading::filter);
        let shapes = reader.each(body, "notificationShape", FILTERS_MAX, Reading::shape);
        let types: BTreeSet<ResourceType> = triggers.iter().map(|trigger| trigger.of).collect();
        for (nth, filter) in filters.iter().enumerate() {
            let of: Vec<ResourceType> =
                filter.of.map_or_else(|| types.iter().copied().collect(), |of| vec![of]);
            let unknown = of.iter().find_map(|of| lookup(terms.registry, &[*of], &filter.parameter).err());
            if let (Some(problem), Age::New) = (unknown, terms.age) {
                reader.fault(format!("canFilterBy[{nth}].filterParameter"), problem);
            }
        }
        match (url, reader.issues.is_empty()) {
            (Some(url), true) => Ok(Self { url, triggers, filters: Some(filters), shapes }),
            _ => Err(reader.issues),
        }
    }
}

struct Reading<'r> {
    terms: Terms<'r>,
    issues: Vec<Issue>,
}

fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name).and_then(Value::as_str)
}

impl Reading<'_> {
    fn fault(&mut self, at: impl Into<String>, why: impl Into<Why>) {
        self.issues.push(why.into().at(at));
    }

    fn url(&mut self, body: &Value) -> Option<String> {
        let url = text(body, "url").filter(|url| Url::parse(url).is_ok() && !url.contains('|'));
        if url.is_none() {
            self.fault(
                "url",
                "must be an absolute URL without a version: subscriptions name the topic by it",
            );
        }
        url.map(str::to_owned)
    }

    fn each<T>(
        &mut self,
        body: &Value,
        name: &'static str,
        max: usize,
        read: impl Fn(&mut Self, &Value, &str) -> Option<T>,
    ) -> Vec<T> {
        let Some(all) = body.get(name) else { return Vec::new() };
        match all.as_array() {
            Some(all) if all.len() <= max => {
                let read = |(nth, one): (usize, &Value)| read(self, one, &format!("{name}[{nth}]"));
                all.iter().enumerate().filter_map(read).collect()
            }
            Some(_) => {
                self.fault(name, format!("has more than {max}"));
                Vec::new()
            }
            None => {
                self.fault(name, "must be a list");
                Vec::new()
            }
        }
    }

    /// `Encounter`, or the URL of its definition.
    fn resource_type(&mut self, one: &Value, at: &str) -> Option<ResourceType> {
        let said = text(one, "resource").unwrap_or_default();
        let name = said.strip_prefix("http://hl7.org/fhir/StructureDefinition/").unwrap_or(said);
        let of = ResourceType::named(name).filter(|of| of.as_str() != "Subscription");
        if of.is_none() {
            self.fault(format!("{at}.resource"), "must be a type of R4 that can be told of");
        }
        of
    }

    fn trigger(&mut self, one: &Value, at: &str) -> Option<Trigger> {
        let of = self.resource_type(one, at)?;
        let on = self.interactions(one, at);
        let query =
            one.get("queryCriteria").map(|query| self.criteria(query, of, &format!("{at}.queryCriteria")));
        let path = text(one, "fhirPathCriteria").and_then(|text| {
            let compiled = Program::compile(text, Elements::r4());
            compiled.map_err(|fault| self.fault(format!("{at}.fhirPathCriteria"), fault.to_string())).ok()
        });
        Some(Trigger { of, on, query, path })
    }

    fn interactions(&mut self, one: &Value, at: &str) -> BTreeSet<Became> {
        let Some(said) = one.get("supportedInteraction") else { return Became::ALL.into_iter().collect() };
        let words = said.as_array().map(Vec::as_slice).unwrap_or_default();
        let known =
            |word: &Value| Became::ALL.into_iter().find(|became| word.as_str() == Some(became.as_str()));
        let on: BTreeSet<Became> = words.iter().filter_map(known).collect();
        if on.is_empty() || on.len() != words.len() {
            self.fault(
                format!("{at}.supportedInteraction"),
                "must be some of create, update and delete, each once",
            );
        }
        on
    }

    fn criteria(&mut self, one: &Value, of: ResourceType, at: &str) -> Criteria {
        let mut test = |name: &'static str| {
            let read = condition(text(one, name)?, of, self.terms);
            read.map_err(|why| self.fault(format!("{at}.{name}"), why)).ok()
        };
        let (previous, current) = (test("previous"), test("current"));
        let mut verdict = |name: &'static str| match text(one, name) {
            Some("test-passes") => Verdict::Passes,
            None | Some("test-fails") => Verdict::Fails,
            Some(_) => {
                self.fault(format!("{at}.{name}"), "must be test-passes or test-fails");
                Verdict::Fails
            }
        };
        let (of_created, of_deleted) = (verdict("resultForCreate"), verdict("resultForDelete"));
        let needs = match one.get("requireBoth").map(Value::as_bool) {
            Some(Some(true)) => Needs::Both,
            None | Some(Some(false)) => Needs::Either,
            Some(None) => {
                self.fault(format!("{at}.requireBoth"), "must be true or false");
                Needs::Both
            }
        };
        Criteria { previous, of_created, current, of_deleted, needs }
    }

    fn filter(&mut self, one: &Value, at: &str) -> Option<Filter> {
        let of = match one.get("resource") {
            Some(_) => Some(self.resource_type(one, at)?),
            None => None,
        };
        match text(one, "filterParameter") {
            Some(parameter) => Some(Filter { of, parameter: parameter.to_owned() }),
            None => {
                self.fault(format!("{at}.filterParameter"), "is missing");
                None
            }
        }
    }

    fn shape(&mut self, one: &Value, at: &str) -> Option<Shape> {
        let of = self.resource_type(one, at)?;
        if one.get("revInclude").is_some() {
            self.fault(format!("{at}.revInclude"), "is not supported");
        }
        let said = one.get("include").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let mut includes = Vec::new();
        for (nth, include) in said.iter().enumerate() {
            let include = include.as_str().unwrap_or_default();
            let name = include.split_once(':').filter(|(own, _)| *own == of.as_str()).map(|(_, name)| name);
            let found = name.map(|name| lookup(self.terms.registry, &[of], name));
            let at = || format!("{at}.include[{nth}]");
            match (found, self.terms.age) {
                (Some(Ok(parameter)), _) if parameter.kind == ParameterKind::Reference => {
                    includes.push(parameter.id);
                }
                (_, Age::Kept) => {}
                (Some(Err(problem @ Problem::BeingIndexed(_))), _) => self.fault(at(), problem),
                _ => self.fault(at(), format!("must be {of}: and the name of a reference parameter")),
            }
        }
        Some(Shape { of, includes })
    }
}

#[cfg(test)]
mod tests {
    use kernel::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::parameter::Registry;

    fn read(body: &Value) -> Result<Topic, Vec<String>> {
        let registry = Registry::r4();
        let terms = Terms { registry: &registry, now: Timestamp::from_seconds(0), age: Age::New };
        Topic::read(body, terms)
            .map_err(|issues| issues.into_iter().map(|issue| issue.path.into_owned()).collect())
    }

    fn admission() -> Value {
        json!({
            "resourceType": "SubscriptionTopic", "url": "http://example.org/topic/admission", "status": "active",
            "resourceTrigger": [{
                "resource": "http://hl7.org/fhir/StructureDefinition/Encounter",
                "supportedInteraction": ["create", "update"],
                "queryCriteria": {"previous": "status:not=in-progress", "resultForCreate": "test-passes",
                    "current": "status=in-progress", "requireBoth": true},
                "fhirPathCriteria": "%current.status = 'in-progress'",
            }],
            "canFilterBy": [{"resource": "Encounter", "filterParameter": "patient"}],
            "notificationShape": [{"resource": "Encounter", "include": ["Encounter:patient"]}],
        })
    }

    #[test]
    fn a_topic_is_read() {
        let topic = read(&admission()).unwrap();
        let trigger = &topic.triggers[0];
        assert_eq!(trigger.on.len(), 2);
        assert_eq!(trigger.query.as_ref().unwrap().needs, Needs::Both);
        assert!(trigger.path.is_some() && topic.shapes[0].includes.len() == 1);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (pointer, value, at) in [
            ("/url", json!("admission"), "url"),
            ("/resourceType", json!("Basic"), "resourceType"),
            ("/resourceTrigger/0/resource", json!("Encountre"), "resourceTrigger[0].resource"),
            ("/resourceTrigger/0/resource", json!("Subscription"), "resourceTrigger[0].resource"),
            (
                "/resourceTrigger/0/supportedInteraction",
                json!(["read"]),
                "resourceTrigger[0].supportedInteraction",
            ),
            (
                "/resourceTrigger/0/queryCriteria/current",
                json!("statu=x"),
                "resourceTrigger[0].queryCriteria.current",
            ),
            (
                "/resourceTrigger/0/queryCriteria/resultForCreate",
                json!("yes"),
                "resourceTrigger[0].queryCriteria.resultForCreate",
            ),
            (
                "/resourceTrigger/0/fhirPathCriteria",
                json!("%current..x"),
                "resourceTrigger[0].fhirPathCriteria",
            ),
            ("/canFilterBy/0/filterParameter", json!("colour"), "canFilterBy[0].filterParameter"),
            ("/notificationShape/0/include/0", json!("Encounter:status"), "notificationShape[0].include[0]"),
        ] {
            let mut body = admission();
            *body.pointer_mut(pointer).unwrap() = value;
            assert_eq!(read(&body).unwrap_err(), [at], "{pointer}");
        }
    }
}
