//! What a Subscription asks for.  Subscriptions R5 Backport 1.1.0 "backport-subscription", <https://hl7.org/fhir/R4/subscription.html>

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use kernel::{Issue, Timestamp};
use serde_json::Value;
use url::Url;

use super::{
    State,
    change::Change,
    condition::{Terms, Why, condition, names},
    declare::{Became, Topic},
    secrets::{Field, HEADERS_BYTES_MAX, HEADERS_MAX},
    topics::Topics,
};
use crate::{interaction::instant, parameter::ResourceType, query::Test};

/// Events of one notification where nothing is said, and at the most.
pub const BATCH: u32 = 20;
/// Events of one notification at the most.
pub const BATCH_MAX: u32 = 100;
/// The shortest period of heartbeats, in seconds: they are looked at that often.
pub const HEARTBEAT_S_MIN: u64 = 60;
/// The longest that an endpoint may take, in seconds, and where nothing is said.
pub const NOTICE_S_MAX: u64 = 30;
const NOTICE_S: u64 = 10;
/// Filters of one subscription.
const FILTERS_MAX: usize = 16;

const BACKPORT: &str = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-";
/// Where our kind of channel is defined.
pub(super) const CHANNELS: &str = "urn:hilum:subscription-channel";

/// How much of a record is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    Empty,
    IdOnly,
    FullResource,
}

impl Content {
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "empty" => Some(Self::Empty),
            "id-only" => Some(Self::IdOnly),
            "full-resource" => Some(Self::FullResource),
            _ => None,
        }
    }
}

/// How it is told.
#[derive(Debug, Clone)]
pub(super) enum Channel {
    /// A call of this address.
    Hook(Url),
    /// Whoever has asked for the stream.
    Sse,
}

impl Channel {
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Hook(_) => "rest-hook",
            Self::Sse => "sse",
        }
    }
}

/// What is told of.
#[derive(Debug)]
pub(super) enum About {
    Topic(Arc<Topic>),
    /// R4 as it was before topics: records that match when they are created or updated. The payload is the record, or nothing.
    Criteria {
        of: ResourceType,
        test: Test,
        sends: Sends,
    },
}

/// What R4's own notification sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sends {
    Nothing,
    Record,
}

/// What a Subscription asks for, read.
pub(super) struct Wanted {
    pub state: State,
    pub about: About,
    pub filters: Vec<(ResourceType, Test)>,
    pub channel: Channel,
    pub content: Content,
    pub fields: Vec<Field>,
    pub heartbeat: Option<Duration>,
    pub timeout: Duration,
    pub batch: u32,
    pub end: Option<Timestamp>,
}

impl Wanted {
    /// Read a Subscription.
    ///
    /// # Errors
    /// Everything that is at fault, each by its place.
    pub fn read(body: &Value, topics: &Topics, terms: Terms<'_>) -> Result<Self, Vec<Issue>> {
        let mut reader = Reader { terms, issues: Vec::new() };
        let empty = Value::Null;
        let channel = body.get("channel").unwrap_or(&empty);
        let state = reader.state(body);
        let about = reader.about(body, channel, topics);
        let filters = reader.filters(body, about.as_ref());
        let way = reader.channel(channel);
        let content = reader.content(channel);
        let end = body.get("end").and_then(|end| reader.end(end));
        let heartbeat = reader.number(channel, "heartbeat-period", &["valueUnsignedInt", "valueInteger"]);
        let timeout = reader.number(channel, "timeout", &["valueUnsignedInt", "valueInteger"]);
        let batch = reader.number(channel, "max-count", &["valuePositiveInt", "valueInteger"]);
        let fields = reader.fields(channel);
        match (state, about, way, reader.issues.is_empty()) {
            (Some(state), Some(about), Some(channel), true) => Ok(Self {
                state,
                about,
                filters,
                channel,
                content,
                fields,
                heartbeat: heartbeat.filter(|s| *s > 0).map(|s| Duration::from_secs(s.max(HEARTBEAT_S_MIN))),
                timeout: Duration::from_secs(timeout.unwrap_or(NOTICE_S).clamp(1, NOTICE_S_MAX)),
                batch: batch
                    .map_or(BATCH, |rows| u32::try_from(rows).unwrap_or(BATCH_MAX).clamp(1, BATCH_MAX)),
                end,
            }),
            _ => Err(reader.issues),
        }
    }

    /// The types of records that it may be told of.
    pub fn types(&self) -> BTreeSet<ResourceType> {
        match &self.about {
            About::Topic(topic) => topic.triggers.iter().map(|trigger| trigger.of).collect(),
            About::Criteria { of, .. } => [*of].into_iter().collect(),
        }
    }

    /// The topic's URL.
    pub fn topic(&self) -> Option<&str> {
        match &self.about {
            About::Topic(topic) => Some(&topic.url),
            About::Criteria { .. } => None,
        }
    }

    /// Whether it is told of this, as far as what it asks for goes.
    pub fn is_about(&self, change: &Change<'_>) -> bool {
        let fires = match &self.about {
            About::Topic(topic) => topic.triggers.iter().any(|trigger| trigger.fires(change)),
            About::Criteria { of, test, .. } => {
                let is = change.after.as_ref().is_some_and(|after| after.holds(test));
                *of == change.of && change.became != Became::Deleted && is
            }
        };
        let own = |(of, _): &&(ResourceType, Test)| *of == change.of;
        fires
            && change
                .record()
                .is_some_and(|record| self.filters.iter().filter(own).all(|(_, test)| record.holds(test)))
    }
}

struct Reader<'r> {
    terms: Terms<'r>,
    issues: Vec<Issue>,
}

/// The values of an extension of the backport.
fn extensions<'v>(on: Option<&'v Value>, name: &'v str) -> impl Iterator<Item = &'v Value> {
    let all = on.and_then(|on| on.get("extension")).and_then(Value::as_array);
    let is_it = move |one: &&Value| {
        let url = one.get("url").and_then(Value::as_str).unwrap_or_default();
        url.strip_prefix(BACKPORT) == Some(name)
    };
    all.into_iter().flatten().filter(is_it)
}

impl Reader<'_> {
    fn fault(&mut self, at: impl Into<String>, why: impl Into<Why>) {
        self.issues.push(why.into().at(at));
    }

    /// What an owner writes is that it shall be told, or that it shall not.
    fn state(&mut self, body: &Value) -> Option<State> {
        let state = body.get("status").and_then(Value::as_str).and_then(|word| word.parse().ok());
        if state.is_none() {
            self.fault("Subscription.status", "must be requested, or off");
        }
        state
    }

    fn about(&mut self, body: &Value, channel: &Value, topics: &Topics) -> Option<About> {
        let at = "Subscription.criteria";
        let Some(criteria) = body.get("criteria").and_then(Value::as_str) else {
            self.fault(at, "is missing: it is the canonical URL of a topic");
            return None;
        };
        let name = criteria.split('?').next().unwrap_or_default();
        if name.contains(':') {
            let topic = topics.get(criteria).map_err(|why| self.fault(at, why));
            return topic.map(About::Topic).ok();
        }
        let Some(of) = ResourceType::named(name).filter(|of| of.as_str() != "Subscription") else {
            self.fault(
                at,
                "is neither the URL of a topic nor a search of a type such as Observation?status=final",
            );
            return None;
        };
        let sends = if channel.get("payload").is_some() { Sends::Record } else { Sends::Nothing };
        match condition(criteria, of, self.terms) {
            Ok(test) => Some(About::Criteria { of, test, sends }),
            Err(why) => {
                self.fault(at, why);
                None
            }
        }
    }

    /// `Encounter?patient=Patient/1`, or without the type for every type of the topic.
    fn filters(&mut self, body: &Value, about: Option<&About>) -> Vec<(ResourceType, Test)> {
        let said: Vec<&Value> = extensions(body.get("_criteria"), "filter-criteria").collect();
        let Some(About::Topic(topic)) = about else {
            if about.is_some() && !said.is_empty() {
                self.fault(
                    "Subscription.criteria.extension",
                    "filters narrow a topic; a search says everything itself",
                );
            }
            return Vec::new();
        };
        if said.len() > FILTERS_MAX {
            self.fault("Subscription.criteria.extension", format!("has more than {FILTERS_MAX} filters"));
            return Vec::new();
        }
        let mut read = Vec::new();
        for (nth, one) in said.into_iter().enumerate() {
            let at = format!("Subscription.criteria.extension[{nth}].valueString");
            let words = one.get("valueString").and_then(Value::as_str).unwrap_or_default();
            match filter(words, topic, self.terms) {
                Ok(filters) => read.extend(filters),
                Err(why) => self.fault(at, why),
            }
        }
        read
    }

    fn channel(&mut self, channel: &Value) -> Option<Channel> {
        let kind =
            extensions(channel.get("_type"), "channel-type").next().and_then(|one| one.get("valueCoding"));
        let said = |name: &str| kind.and_then(|kind| kind.get(name)).and_then(Value::as_str);
        match (said("system"), said("code"), channel.get("type").and_then(Value::as_str)) {
            (Some(CHANNELS), Some("sse"), _) => Some(Channel::Sse),
            (None, None, Some("rest-hook")) | (_, Some("rest-hook"), Some("rest-hook")) => self.hook(channel),
            _ => {
                let words = format!(
                    "must be rest-hook, or have the extension backport-channel-type with {CHANNELS}|sse"
                );
                self.fault("Subscription.channel.type", words);
                None
            }
        }
    }

    fn hook(&mut self, channel: &Value) -> Option<Channel> {
        let endpoint = channel.get("endpoint").and_then(Value::as_str).and_then(|text| Url::parse(text).ok());
        if endpoint.is_none() {
            self.fault("Subscription.channel.endpoint", "must be the URL that is called");
        }
        endpoint.map(Channel::Hook)
    }

    fn content(&mut self, channel: &Value) -> Content {
        let media = channel.get("payload").and_then(Value::as_str);
        if media.is_some_and(|media| !matches!(media, "application/fhir+json" | "application/json")) {
            self.fault("Subscription.channel.payload", "must be application/fhir+json");
        }
        let said = extensions(channel.get("_payload"), "payload-content").next();
        let Some(said) = said else { return Content::Empty };
        let content = said.get("valueCode").and_then(Value::as_str).and_then(Content::parse);
        content.unwrap_or_else(|| {
            self.fault("Subscription.channel.payload.extension", "must be empty, id-only or full-resource");
            Content::Empty
        })
    }

    fn number(&mut self, channel: &Value, name: &'static str, members: &[&str]) -> Option<u64> {
        let one = extensions(Some(channel), name).next()?;
        let number = members.iter().find_map(|member| one.get(member)).and_then(Value::as_u64);
        if number.is_none() {
            self.fault("Subscription.channel.extension", format!("backport-{name} must be a whole number"));
        }
        number
    }

    fn end(&mut self, end: &Value) -> Option<Timestamp> {
        let end = end.as_str().and_then(instant);
        if end.is_none() {
            self.fault("Subscription.end", "must be an instant");
        }
        end
    }

    fn fields(&mut self, channel: &Value) -> Vec<Field> {
        let at = "Subscription.channel.header";
        let said = channel.get("header").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let bytes: usize = said.iter().filter_map(Value::as_str).map(str::len).sum();
        if said.len() > HEADERS_MAX || bytes > HEADERS_BYTES_MAX {
            self.fault(at, format!("has more than {HEADERS_MAX} fields, or {HEADERS_BYTES_MAX} bytes"));
            return Vec::new();
        }
        let mut fields = Vec::new();
        for (nth, line) in said.iter().enumerate() {
            match Field::parse(line.as_str().unwrap_or_default()) {
                Ok(field) => fields.push(field),
                Err(why) => self.fault(format!("{at}[{nth}]"), why),
            }
        }
        fields
    }
}

/// What a filter asks of records of each type that it is for.
fn filter(words: &str, topic: &Topic, terms: Terms<'_>) -> Result<Vec<(ResourceType, Test)>, Why> {
    let types: BTreeSet<ResourceType> = topic.triggers.iter().map(|trigger| trigger.of).collect();
    let for_types: Vec<ResourceType> = match words.split_once('?') {
        Some((name, _)) => {
            let of = ResourceType::named(name).filter(|of| types.contains(of));
            vec![of.ok_or("is for a type that the topic does not tell of")?]
        }
        None => types.into_iter().collect(),
    };
    let asked = names(words);
    if asked.is_empty() {
        return Err("asks for nothing: it is such as Encounter?patient=Patient/1".into());
    }
    let is_allowed = |of: ResourceType, name: &String| match &topic.filters {
        None => true,
        Some(filters) => {
            filters.iter().any(|one| one.of.is_none_or(|own| own == of) && one.parameter == *name)
        }
    };
    let mut tests = Vec::new();
    for of in for_types {
        if let Some(name) = asked.iter().find(|name| !is_allowed(of, name)) {
            return Err(format!("the topic cannot be filtered by {name}").into());
        }
        tests.push((of, condition(words, of, terms)?));
    }
    Ok(tests)
}
