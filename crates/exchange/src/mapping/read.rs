//! Reading a mapping as it is declared: everything that is wrong with it is told at its field.

use std::{collections::BTreeMap, sync::Arc};

use fhirpath::ucum;
use kernel::Issue;
use serde::Deserialize;
use serde_json::Value;

use super::{
    CODE_MAPS_MAX, CODES_MAX, ELEMENTS_MAX, KEY_PARTS_MAX, Mapping, RULES_MAX, STREAMS_MAX,
    date::Form,
    rule::{Codes, Element, Made, Need, Read, Rule},
    source::{Expression, Scalar},
    target::{self, End, Nth},
    value::{Primitive, quoted},
};

/// The member of a code map for every code that it does not name.
pub(super) const ANY_OTHER: &str = "*";
const UCUM: &str = "http://unitsofmeasure.org";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Declared {
    #[serde(default)]
    code_maps: BTreeMap<String, BTreeMap<String, Value>>,
    streams: BTreeMap<String, Vec<DeclaredRule>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeclaredRule {
    target: String,
    name: Option<String>,
    each: Option<String>,
    when: Option<String>,
    key: Value,
    set: BTreeMap<String, Value>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct DeclaredValue {
    from: Option<String>,
    #[serde(default, deserialize_with = "stated")]
    constant: Option<Value>,
    code_map: Option<String>,
    date: Option<String>,
    zone: Option<String>,
    #[serde(default, deserialize_with = "stated")]
    default: Option<Value>,
    #[serde(default)]
    required: bool,
    quantity: Option<DeclaredQuantity>,
    reference: Option<DeclaredReference>,
}

/// Tells `null` from what is not there.
fn stated<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeclaredQuantity {
    value: String,
    unit: Option<String>,
    code: Option<String>,
    system: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeclaredReference {
    to: Option<String>,
    key: Option<Value>,
    given: Option<String>,
}

impl Mapping {
    /// Reads what is declared.
    ///
    /// # Errors
    /// Everything that is wrong with it, each finding at its field: `streams.visits.0.set.status`.
    pub fn read(declared: &Value) -> Result<Self, Vec<Issue>> {
        let declared: Declared = web::shaped(declared).map_err(|issue| vec![issue])?;
        let mut reader = Reader::default();
        reader.code_maps(&declared.code_maps);
        reader.name_rules(&declared.streams);
        let mut streams = BTreeMap::new();
        for (stream, rules) in &declared.streams {
            let read = rules.iter().enumerate().filter_map(|(nth, rule)| {
                let at = format!("streams.{stream}.{nth}");
                reader.rule(&at, rule)
            });
            streams.insert(stream.clone(), read.collect());
        }
        if reader.issues.is_empty() { Ok(Self { streams }) } else { Err(reader.issues) }
    }
}

#[derive(Default)]
struct Reader {
    issues: Vec<Issue>,
    codes: BTreeMap<String, Codes>,
    /// Rules by name, with their types and how many parts their keys have.
    rules: BTreeMap<String, (String, usize)>,
}

impl Reader {
    fn wrong(&mut self, at: impl Into<String>, message: impl Into<String>) {
        self.issues.push(Issue::at(at.into(), message.into()));
    }

    fn noted<T, E: Into<String>>(&mut self, at: &str, read: Result<T, E>) -> Option<T> {
        read.map_err(|why| self.wrong(at, why)).ok()
    }

    fn code_maps(&mut self, declared: &BTreeMap<String, BTreeMap<String, Value>>) {
        if declared.len() > CODE_MAPS_MAX {
            self.wrong("code_maps", format!("must be at most {CODE_MAPS_MAX}"));
        }
        for (name, codes) in declared {
            let at = format!("code_maps.{name}");
            if codes.is_empty() || codes.len() > CODES_MAX {
                self.wrong(&at, format!("must have 1 to {CODES_MAX} codes"));
            }
            let mut read = BTreeMap::new();
            for (code, to) in codes {
                match (Scalar::of(to), to) {
                    (Some(to), _) if !to.text().is_empty() => {
                        read.insert(code.clone(), Some(to));
                    }
                    (_, Value::Null) => {
                        read.insert(code.clone(), None);
                    }
                    _ => self.wrong(format!("{at}.{code}"), "must be one value, or null to leave it out"),
                }
            }
            self.codes.insert(name.clone(), Arc::new(read));
        }
    }

    /// References may lead to rules of any stream, so all names are known before the first is read.
    fn name_rules(&mut self, streams: &BTreeMap<String, Vec<DeclaredRule>>) {
        if streams.is_empty() || streams.len() > STREAMS_MAX {
            self.wrong("streams", format!("must be 1 to {STREAMS_MAX}"));
        }
        for (stream, rules) in streams {
            let at = format!("streams.{stream}");
            if stream.is_empty() || stream.len() > 255 {
                self.wrong(&at, "must be called by 1 to 255 bytes");
            }
            if rules.is_empty() || rules.len() > RULES_MAX {
                self.wrong(&at, format!("must have 1 to {RULES_MAX} rules"));
            }
            for (nth, rule) in rules.iter().enumerate() {
                let name = rule.name.as_ref().unwrap_or(&rule.target).clone();
                let parts = rule.key.as_array().map_or(1, Vec::len);
                if name.is_empty() || name.len() > 64 || name.contains(char::is_control) {
                    self.wrong(format!("{at}.{nth}.name"), "must have 1 to 64 bytes");
                }
                if self.rules.insert(name, (rule.target.clone(), parts)).is_some() {
                    self.wrong(format!("{at}.{nth}.name"), "is the name of another rule: give each its own");
                }
            }
        }
    }

    fn rule(&mut self, at: &str, declared: &DeclaredRule) -> Option<Rule> {
        let of = self.noted(&format!("{at}.target"), target::resource(&declared.target))?;
        let each = match &declared.each {
            None => None,
            Some(text) => match self.expression(&format!("{at}.each"), text)? {
                pointer @ Expression::Pointer(_) => Some(pointer),
                _ => {
                    self.wrong(format!("{at}.each"), "must be a JSON pointer to a list");
                    return None;
                }
            },
        };
        let when = match &declared.when {
            None => None,
            Some(text) => Some(self.expression(&format!("{at}.when"), text)?),
        };
        let key = self.key(&format!("{at}.key"), &declared.key);
        if declared.set.is_empty() || declared.set.len() > ELEMENTS_MAX {
            self.wrong(format!("{at}.set"), format!("must set 1 to {ELEMENTS_MAX} elements"));
        }
        let mut elements: Vec<Element> = Vec::new();
        for (place, value) in &declared.set {
            let field = format!("{at}.set.{place}");
            let Some(end) = self.noted(&field, target::follow(of, place)) else { continue };
            let Some(made) = self.made(&field, &end, value) else { continue };
            let path = end.path;
            if let Some(other) = elements.iter().find(|other| overlap(&other.path, &path)) {
                let message = format!("sets what `{}` sets", other.place);
                self.wrong(&field, message);
            }
            elements.push(Element { place: place.clone(), path, made });
        }
        let name = declared.name.as_ref().unwrap_or(&declared.target).clone();
        Some(Rule { name, target: declared.target.clone(), each, when, key: key?, elements })
    }

    fn expression(&mut self, at: &str, text: &str) -> Option<Expression> {
        self.noted(at, Expression::of(text))
    }

    fn key(&mut self, at: &str, declared: &Value) -> Option<Vec<Expression>> {
        let parts: Vec<&str> = match declared {
            Value::String(one) => vec![one],
            Value::Array(parts) => parts.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let is_whole = declared.as_array().is_none_or(|all| all.len() == parts.len());
        if !is_whole || parts.is_empty() || parts.len() > KEY_PARTS_MAX {
            self.wrong(at, format!("must be one expression or a list of 1 to {KEY_PARTS_MAX}"));
            return None;
        }
        let read: Vec<_> = parts.iter().map(|part| self.expression(at, part)).collect();
        read.into_iter().collect()
    }

    fn made(&mut self, at: &str, end: &End, declared: &Value) -> Option<Made> {
        let value = match declared {
            Value::String(from) => DeclaredValue { from: Some(from.clone()), ..DeclaredValue::default() },
            declared => match web::shaped::<DeclaredValue>(declared) {
                Ok(value) => value,
                Err(issue) if issue.path.is_empty() || issue.path == "." => {
                    self.wrong(at, issue.message.into_owned());
                    return None;
                }
                Err(issue) => {
                    self.wrong(format!("{at}.{}", issue.path), issue.message.into_owned());
                    return None;
                }
            },
        };
        let sources = [
            value.from.is_some(),
            value.constant.is_some(),
            value.quantity.is_some(),
            value.reference.is_some(),
        ];
        if sources.into_iter().filter(|is_there| *is_there).count() != 1 {
            self.wrong(at, "must have one of `from`, `constant`, `quantity` and `reference`");
            return None;
        }
        let need = if value.required { Need::Required } else { Need::Optional };
        if value.from.is_none() {
            let beside = [
                ("code_map", value.code_map.is_some()),
                ("date", value.date.is_some()),
                ("zone", value.zone.is_some()),
                ("default", value.default.is_some()),
                ("required", value.required && value.constant.is_some()),
            ];
            for (name, _) in beside.into_iter().filter(|(_, is_there)| *is_there) {
                self.wrong(format!("{at}.{name}"), "does not go with this: it belongs to `from`");
            }
        }
        match value {
            DeclaredValue { constant: Some(constant), .. } => {
                let before = self.issues.len();
                end.constant(&format!("{at}.constant"), &constant, &mut self.issues);
                (self.issues.len() == before).then(|| constants(end, &constant))?
            }
            DeclaredValue { quantity: Some(quantity), .. } => self.quantity(at, end, quantity, need),
            DeclaredValue { reference: Some(reference), .. } => self.reference(at, end, &reference, need),
            value => {
                let Some(of) = Primitive::named(end.type_name()) else {
                    let message = format!("is of type {}, which is more than one value", end.type_name());
                    self.wrong(at, message);
                    return None;
                };
                self.read(at, of, &value, need).map(Made::Read)
            }
        }
    }

    fn read(&mut self, at: &str, of: Primitive, value: &DeclaredValue, need: Need) -> Option<Read> {
        let from = self.expression(&format!("{at}.from"), value.from.as_deref().unwrap_or_default())?;
        let codes = match &value.code_map {
            None => None,
            Some(name) => match self.codes.get(name).cloned() {
                Some(codes) => Some(codes),
                None => {
                    self.wrong(format!("{at}.code_map"), "is not among `code_maps`");
                    return None;
                }
            },
        };
        let form = match (&value.date, &value.zone) {
            (None, None) => None,
            (date, zone) if of.is_time() => match Form::of(date.as_deref(), zone.as_deref()) {
                Ok(form) => Some(form),
                Err((field, message)) => {
                    self.wrong(format!("{at}.{field}"), message);
                    return None;
                }
            },
            (date, _) => {
                let field = if date.is_some() { "date" } else { "zone" };
                self.wrong(format!("{at}.{field}"), "is for elements that are dates or times");
                return None;
            }
        };
        let written = |codes: &Codes| {
            let to = codes.iter().filter_map(|(code, to)| Some((code.clone(), to.as_ref()?)));
            let wrong = to.filter_map(|(code, to)| Some((code, of.write(to, form.as_ref()).err()?)));
            wrong.map(|(code, why)| format!("`{code}` becomes what {why}")).next()
        };
        if let Some(why) = codes.as_ref().and_then(written) {
            self.wrong(format!("{at}.code_map"), why);
        }
        let default = match &value.default {
            None => None,
            Some(default) => {
                let written =
                    Scalar::of(default).ok_or("must be one value").and_then(|value| of.write(&value, None));
                Some(self.noted(&format!("{at}.default"), written)?)
            }
        };
        Some(Read { from, codes, form, default, need, of })
    }

    fn quantity(&mut self, at: &str, end: &End, declared: DeclaredQuantity, need: Need) -> Option<Made> {
        let at = format!("{at}.quantity");
        if !end.is("Quantity") {
            let message = format!("the element is of type {}", end.type_name());
            self.wrong(&at, message);
            return None;
        }
        let value = DeclaredValue { from: Some(declared.value), ..DeclaredValue::default() };
        let read = self.read(&format!("{at}.value"), Primitive::Decimal, &value, need)?;
        let system = declared.code.as_ref().map(|_| declared.system.unwrap_or_else(|| UCUM.to_owned()));
        if let (Some(code), Some(UCUM)) = (&declared.code, system.as_deref())
            && let Err(fault) = ucum::check(code)
        {
            self.wrong(format!("{at}.code"), format!("is no unit of UCUM: {fault}"));
        }
        let members = [("unit", declared.unit), ("system", system), ("code", declared.code)];
        let mut beside = Vec::new();
        for (name, member) in members {
            let Some(member) = member else { continue };
            if member.trim().is_empty() {
                self.wrong(format!("{at}.{name}"), "must not be empty");
            }
            beside.push((name, quoted(&member)));
        }
        Some(Made::Quantity(read, beside))
    }

    fn reference(&mut self, at: &str, end: &End, declared: &DeclaredReference, need: Need) -> Option<Made> {
        let at = format!("{at}.reference");
        if !end.is("Reference") {
            let message = format!("the element is of type {}", end.type_name());
            self.wrong(&at, message);
            return None;
        }
        match declared {
            DeclaredReference { given: Some(name), to: None, key: None } => {
                Some(Made::Given(name.clone(), need))
            }
            DeclaredReference { given: None, to: Some(to), key: Some(key) } => {
                let Some((target, parts)) = self.rules.get(to).cloned() else {
                    self.wrong(format!("{at}.to"), "is the name of no rule");
                    return None;
                };
                let key = self.key(&format!("{at}.key"), key)?;
                if key.len() != parts {
                    let message = format!("must have {parts} parts, as the key of `{to}` has");
                    self.wrong(format!("{at}.key"), message);
                }
                Some(Made::Reference { rule: to.clone(), target, key, need })
            }
            _ => {
                self.wrong(&at, "must have `to` and `key`, or `given`");
                None
            }
        }
    }
}

/// A constant as it is written: values of primitives as the element takes them, `5` for a decimal `"5"`.
fn constants(end: &End, constant: &Value) -> Option<Made> {
    let repeats = end.path.last().is_some_and(|step| step.nth == Nth::Each);
    let one = |value: &Value| match Primitive::named(end.type_name()) {
        Some(of) => of.write(&Scalar::of(value)?, None).ok(),
        None => Some(value.to_string()),
    };
    let all = match constant {
        Value::Array(items) if repeats => items.iter().map(one).collect::<Option<Vec<String>>>()?,
        value => vec![one(value)?],
    };
    Some(Made::Constant(all))
}

/// Whether two paths set the same, or the one sets all of what the other sets a part of.
fn overlap(one: &[target::Step], other: &[target::Step]) -> bool {
    let same = |(one, other): (&target::Step, &target::Step)| {
        one.name == other.name && (one.nth == other.nth || one.nth == Nth::Each || other.nth == Nth::Each)
    };
    one.iter().zip(other).all(same)
}
