//! Every parameter that some record has a value for, asked for some of these values in every way that its kind knows.

use std::collections::{BTreeMap, BTreeSet};

use fhir::{
    index::{DateRange, Entry, Quantity, Range, Reference, Token, Value, extract},
    parameter::{ParameterId, Registry, ResourceType},
};
use fhirpath::document::{Document, DocumentLimits};
use kernel::Timestamp;

use super::Record;

/// Values that a parameter of a type is asked for in each way.
const VALUES_MAX: usize = 3;
/// Letters of a text whose beginning is asked for.
const BEGINNING: usize = 5;
const MICROSECONDS: i64 = 1_000_000;

/// A question.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asked {
    pub of: String,
    pub parameter: String,
    /// In which way.
    pub form: &'static str,
    /// Behind the base.
    pub target: String,
}

/// By type and parameter: by way of asking, the values.
type Values = BTreeMap<(ResourceType, String), BTreeMap<&'static str, BTreeSet<String>>>;

/// All of them.
pub fn questions(records: &[Record]) -> Vec<Asked> {
    let registry = Registry::r4();
    let (mut values, mut types) = (Values::new(), BTreeSet::new());
    let there: BTreeSet<String> =
        records.iter().map(|record| format!("{}/{}", record.of, record.id)).collect();
    for record in records {
        types.insert(ResourceType::named(&record.of).unwrap());
        collect(record, &registry, &there, &mut values);
    }
    let mut all = Vec::new();
    for ((of, parameter), forms) in &values {
        for (form, words) in forms {
            let step = words.len().div_ceil(VALUES_MAX).max(1);
            all.extend(words.iter().step_by(step).map(|words| asked(*of, parameter, form, words)));
        }
    }
    // Whether others find a value where none is found here.
    for of in types {
        for parameter in registry.parameters(of).filter(|it| has_values(it.id, &it.code)) {
            for (form, is_missing) in [("has a value", "false"), ("has none", "true")] {
                all.push(asked(
                    of,
                    &parameter.code,
                    form,
                    &format!("{}:missing={is_missing}", parameter.code),
                ));
            }
        }
    }
    all
}

/// What every record has, or what has no values.
fn has_values(id: ParameterId, code: &str) -> bool {
    id != ParameterId::ID && id != ParameterId::LAST_UPDATED && !["_text", "_content", "near"].contains(&code)
}

fn asked(of: ResourceType, parameter: &str, form: &'static str, words: &str) -> Asked {
    let target = format!("/{of}?{words}&_count=500");
    Asked { of: of.as_str().to_owned(), parameter: parameter.to_owned(), form, target }
}

fn collect(record: &Record, registry: &Registry, there: &BTreeSet<String>, values: &mut Values) {
    let text = record.json.to_string();
    let document = Document::from_json(text.as_bytes(), &DocumentLimits::default()).unwrap();
    let entries = extract(document.root(), registry).unwrap();
    let of = entries.resource_type;
    for Entry { parameter, value } in &entries.entries {
        let Some(parameter) = registry.parameter_by_id(of, *parameter) else { continue };
        if !has_values(parameter.id, &parameter.code) {
            continue;
        }
        let code = parameter.code.as_ref();
        let own = values.entry((of, code.to_owned())).or_default();
        for (form, modifier, value) in forms(value) {
            own.entry(form).or_default().insert(format!("{code}{modifier}={}", percent(&value)));
        }
        let Value::Reference(Reference::Local { resource_type, id, .. }) = value else { continue };
        if there.contains(&format!("{resource_type}/{id}")) {
            own.entry("chain").or_default().insert(format!("{code}:{resource_type}._id={id}"));
            let include = format!("_id={}&_include={of}:{code}:{resource_type}", record.id);
            own.entry("_include").or_default().insert(include);
            // What refers is asked of the records that it refers to.
            let has = format!("_has:{of}:{code}");
            let others = values.entry((*resource_type, has.clone())).or_default();
            others.entry("_has").or_default().insert(format!("{has}:_id={}", record.id));
        }
    }
}

/// Way of asking, modifier, value.
type Form = (&'static str, &'static str, String);

fn forms(value: &Value<'_>) -> Vec<Form> {
    match value {
        Value::Token(token) => of_token(token),
        Value::TokenText(text) => vec![("token :text", ":text", escape(&text.exact))],
        Value::TypedToken(it) => {
            let parts = [&it.type_system, &it.type_code, &it.value].map(|part| escape(part));
            vec![("token :of-type", ":of-type", parts.join("|"))]
        }
        Value::Text(text) => of_text(&text.exact),
        Value::Reference(reference) => of_reference(reference),
        Value::Identifier(token) => vec![("reference :identifier", ":identifier", whole(token))],
        Value::Date(range) => of_date(*range),
        Value::Number(range) => of_number(*range, ""),
        Value::Quantity(quantity) => of_quantity(quantity),
        Value::Uri(uri) => of_uri(uri),
        Value::Composite(parts) => composite(parts).map_or_else(Vec::new, |it| vec![("composite", "", it)]),
        Value::Position(_) => Vec::new(),
    }
}

fn whole(token: &Token<'_>) -> String {
    let code = escape(&token.code);
    token.system.as_ref().map_or_else(|| code.clone(), |system| format!("{}|{code}", escape(system)))
}

fn of_token(token: &Token<'_>) -> Vec<Form> {
    let code = escape(&token.code);
    let mut all = Vec::new();
    if !token.code.is_empty() {
        all.push(("token, code", "", code.clone()));
        all.push(("token :not", ":not", whole(token)));
    }
    match &token.system {
        Some(system) => {
            all.push(("token, system|code", "", whole(token)));
            all.push(("token, system|", "", format!("{}|", escape(system))));
        }
        None => all.push(("token, |code", "", format!("|{code}"))),
    }
    all
}

fn of_text(text: &str) -> Vec<Form> {
    let begins: String = text.chars().take(BEGINNING).collect();
    let within: String = text.chars().skip(1).take(BEGINNING).collect();
    let mut all = vec![
        ("string, beginning", "", escape(begins.to_lowercase().trim())),
        ("string :exact", ":exact", escape(text)),
    ];
    if !within.trim().is_empty() {
        all.push(("string :contains", ":contains", escape(within.to_uppercase().trim())));
    }
    all.retain(|(_, _, words)| !words.is_empty());
    all
}

fn of_reference(reference: &Reference<'_>) -> Vec<Form> {
    match reference {
        Reference::Local { resource_type, id, .. } => vec![
            ("reference, Type/id", "", format!("{resource_type}/{id}")),
            ("reference, id", "", id.to_string()),
        ],
        Reference::Absolute { url } => vec![("reference, URL", "", escape(url))],
        Reference::Canonical { url, version } => {
            let versioned = version.as_ref().map(|version| format!("{}|{}", escape(url), escape(version)));
            let mut all = vec![("reference, canonical", "", escape(url))];
            all.extend(versioned.map(|it| ("reference, canonical|version", "", it)));
            all
        }
    }
}

fn of_date(range: DateRange) -> Vec<Form> {
    let mut all = Vec::new();
    if range.lo != i64::MIN {
        let at = Timestamp::from_seconds(range.lo.div_euclid(MICROSECONDS)).to_string();
        let second = at.chars().take("2000-01-01T00:00:00".len()).chain(['Z']).collect();
        let day = at.chars().take("2000-01-01".len()).collect::<String>();
        all.push(("date, day", "", day.clone()));
        all.push(("date, month", "", day.chars().take("2000-01".len()).collect()));
        let prefixed = [
            ("date ge", "ge"),
            ("date gt", "gt"),
            ("date le", "le"),
            ("date lt", "lt"),
            ("date ne", "ne"),
            ("date sa", "sa"),
            ("date eb", "eb"),
        ];
        all.extend(prefixed.map(|(form, prefix)| (form, "", format!("{prefix}{day}"))));
        all.push(("date, second", "", second));
    }
    all
}

fn of_number(range: Range, unit: &str) -> Vec<Form> {
    let Some(number) = range.lo.filter(|_| range.lo == range.hi) else { return Vec::new() };
    let form = |form: &'static str, prefix: &str| (form, "", format!("{prefix}{number}{unit}"));
    vec![
        form("number", ""),
        form("number gt", "gt"),
        form("number ge", "ge"),
        form("number lt", "lt"),
        form("number le", "le"),
        form("number ne", "ne"),
    ]
}

fn of_quantity(quantity: &Quantity<'_>) -> Vec<Form> {
    let mut all = of_number(quantity.range, "");
    let part =
        |part: &Option<std::borrow::Cow<'_, str>>| part.as_ref().map(|it| escape(it)).unwrap_or_default();
    let named = format!("|{}|{}", part(&quantity.system), part(&quantity.code));
    if quantity.system.is_some() && quantity.code.is_some() {
        all.extend(
            of_number(quantity.range, &named)
                .into_iter()
                .take(3)
                .zip(["quantity", "quantity gt", "quantity ge"])
                .map(|((_, modifier, words), form)| (form, modifier, words)),
        );
    }
    all
}

fn of_uri(uri: &str) -> Vec<Form> {
    let mut all = vec![("uri", "", escape(uri)), ("uri :above", ":above", format!("{}/more", escape(uri)))];
    if let Some((above, _)) = uri.rsplit_once('/').filter(|(above, _)| !above.ends_with('/')) {
        all.push(("uri :below", ":below", escape(above)));
    }
    all
}

/// The first way of asking of each part.
fn composite(parts: &[Value<'_>]) -> Option<String> {
    let part = |value: &Value<'_>| match value {
        Value::Token(token) => Some(whole(token)),
        other => forms(other).into_iter().next().map(|(_, _, words)| words),
    };
    Some(parts.iter().map(part).collect::<Option<Vec<_>>>()?.join("$"))
}

/// <https://hl7.org/fhir/R4/search.html#escaping>
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for letter in text.chars() {
        if matches!(letter, '\\' | ',' | '$' | '|') {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

fn percent(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
