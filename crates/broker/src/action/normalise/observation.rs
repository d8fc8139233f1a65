//! The shape of what is handed on: FHIR R4 Observation and Bundle.  https://hl7.org/fhir/R4/observation.html

use jiff::Zoned;
use serde_json::{Map, Value, json};

use super::{Context, NormaliseFault, OBSERVATIONS_MAX, time};

/// What an Observation is about.
#[derive(Debug, Clone, Copy)]
pub(super) enum Measure {
    /// LOINC 8867-4.
    HeartRate,
    /// LOINC 8867-4 and 40443-4: vital signs at rest are still heart rates.
    RestingHeartRate,
    /// LOINC 41950-7.
    StepsInDay,
    /// LOINC 93832-4.
    Sleep,
    /// LOINC 93832-4, told apart in words: a nap is not a night.
    Nap,
}

impl Measure {
    fn slug(self) -> &'static str {
        match self {
            Self::HeartRate => "heart-rate",
            Self::RestingHeartRate => "resting-heart-rate",
            Self::StepsInDay => "steps",
            Self::Sleep | Self::Nap => "sleep",
        }
    }

    fn category(self) -> &'static str {
        match self {
            Self::HeartRate | Self::RestingHeartRate => "vital-signs",
            Self::StepsInDay | Self::Sleep | Self::Nap => "activity",
        }
    }

    fn code(self) -> Value {
        let heart_rate = coding("8867-4", "Heart rate");
        match self {
            Self::HeartRate => json!({"coding": [heart_rate]}),
            Self::RestingHeartRate => {
                json!({"coding": [heart_rate, coding("40443-4", "Heart rate --resting")], "text": "Resting heart rate"})
            }
            Self::StepsInDay => json!({"coding": [coding("41950-7", "Number of steps in 24 hour Measured")]}),
            Self::Sleep => json!({"coding": [coding("93832-4", "Sleep duration")]}),
            Self::Nap => {
                json!({"coding": [coding("93832-4", "Sleep duration")], "text": "Sleep duration (nap)"})
            }
        }
    }

    fn quantity(self, value: Value) -> Value {
        match self {
            Self::HeartRate | Self::RestingHeartRate => quantity(value, "beats/minute", "/min"),
            Self::StepsInDay => quantity(value, "steps/day", "{steps}/d"),
            Self::Sleep | Self::Nap => quantity(value, "min", "min"),
        }
    }
}

/// When it was.
pub(super) enum Effective {
    /// At an instant.
    At(Zoned),
    /// On a day, wherever the person was.
    Day(jiff::civil::Date),
    /// From one instant to another.
    Period(Zoned, Zoned),
    /// From one day to another.
    Days(jiff::civil::Date, jiff::civil::Date),
}

/// A part of a night: the stage's LOINC code where it has one, its name, and its minutes.
pub(super) struct Stage {
    pub loinc: Option<&'static str>,
    pub name: &'static str,
    pub minutes: u64,
}

fn coding(code: &str, display: &str) -> Value {
    json!({"system": "http://loinc.org", "code": code, "display": display})
}

fn quantity(value: Value, unit: &str, code: &str) -> Value {
    json!({"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": code})
}

/// The Observations of one answer, as many as are handed on.
pub(super) struct Observations<'c> {
    context: &'c Context<'c>,
    made: Vec<Value>,
}

impl<'c> Observations<'c> {
    pub fn new(context: &'c Context<'c>) -> Self {
        Self { context, made: Vec::new() }
    }

    /// Add one. `key` is what stays the same about it at the provider: with it the identifier is the same in every
    /// fetch, so a receiver can replace instead of adding.
    pub fn add(
        &mut self,
        measure: Measure,
        key: &str,
        effective: &Effective,
        value: impl Into<Value>,
        stages: &[Stage],
    ) -> Result<(), NormaliseFault> {
        if self.made.len() >= OBSERVATIONS_MAX {
            return Err(NormaliseFault::TooMany);
        }
        let context = self.context;
        let mut observation = Map::new();
        let mut put = |name: &str, value: Value| observation.insert(name.to_owned(), value);
        put("resourceType", json!("Observation"));
        put("meta", json!({"source": context.source}));
        let value_of = format!("{}.{}.{}.{key}", context.provider, measure.slug(), context.person);
        put("identifier", json!([{"system": system(context, "observation"), "value": value_of}]));
        put("status", json!(status(effective, context)));
        let category = json!({
            "system": "http://terminology.hl7.org/CodeSystem/observation-category",
            "code": measure.category(),
        });
        put("category", json!([{"coding": [category]}]));
        put("code", measure.code());
        let person = json!({"system": system(context, "person"), "value": context.person});
        put("subject", json!({"type": "Patient", "identifier": person}));
        let (name, when) = written(effective);
        put(name, when);
        put("valueQuantity", measure.quantity(value.into()));
        if !stages.is_empty() {
            put("component", stages.iter().map(component).collect());
        }
        self.made.push(Value::Object(observation));
        Ok(())
    }
}

/// Day totals grow until the day is over; everything else is said once.
fn status(effective: &Effective, context: &Context<'_>) -> &'static str {
    match effective {
        Effective::Day(day) if !time::was_over(*day, context) => "preliminary",
        Effective::At(_) | Effective::Day(_) | Effective::Period(..) | Effective::Days(..) => "final",
    }
}

fn written(effective: &Effective) -> (&'static str, Value) {
    match effective {
        Effective::At(instant) => ("effectiveDateTime", json!(time::date_time(instant))),
        Effective::Day(day) => ("effectiveDateTime", json!(day.to_string())),
        Effective::Period(start, end) => {
            ("effectivePeriod", json!({"start": time::date_time(start), "end": time::date_time(end)}))
        }
        Effective::Days(start, end) => {
            ("effectivePeriod", json!({"start": start.to_string(), "end": end.to_string()}))
        }
    }
}

fn component(stage: &Stage) -> Value {
    let code = match stage.loinc {
        Some(loinc) => json!({"coding": [coding(loinc, stage.name)]}),
        None => json!({"text": stage.name}),
    };
    json!({"code": code, "valueQuantity": quantity(json!(stage.minutes), "min", "min")})
}

fn system(context: &Context<'_>, kind: &str) -> String {
    format!("{}/identifier/{kind}", context.public_url.trim_end_matches('/'))
}

/// An address made of the identifier (a UUID of our own kind, RFC 9562 §5.8), so that it too is the same in every fetch.
fn full_url(observation: &Value) -> String {
    let digest =
        crypto::sha256(observation.get("identifier").map(Value::to_string).unwrap_or_default().as_bytes());
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(digest).for_each(|(byte, from)| *byte = from);
    uuid::Builder::from_custom_bytes(bytes).into_uuid().urn().to_string()
}

/// A collection of Observations, in the order in which they were added.
pub(super) fn bundle(observations: Observations<'_>, context: &Context<'_>) -> Value {
    let entry = |observation: Value| json!({"fullUrl": full_url(&observation), "resource": observation});
    let entries: Vec<Value> = observations.made.into_iter().map(entry).collect();
    let mut bundle = json!({
        "resourceType": "Bundle",
        "meta": {"source": context.source},
        "type": "collection",
        "timestamp": context.fetched_at.to_string(),
    });
    // FHIR has no empty arrays.
    if let (false, Value::Object(fields)) = (entries.is_empty(), &mut bundle) {
        fields.insert(String::from("entry"), Value::Array(entries));
    }
    bundle
}
