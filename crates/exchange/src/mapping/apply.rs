//! Applying a mapping to a record.

use serde_json::Value;

use super::{
    EACH_MAX, Given, Ids, KEY_BYTES_MAX, Mapped, Mapping, Unmapped,
    node::Node,
    rule::{Element, Made, Need, Read, Rule},
    source::{Expression, Text, View},
    target::{Nth, Step},
    value::quoted,
};

pub(super) fn apply(
    mapping: &Mapping,
    ids: &Ids,
    given: &Given,
    (stream, record): (&str, &Value),
) -> Vec<Mapped> {
    let mut mapped = Vec::new();
    each(mapping, (stream, record), |rule, view| match view {
        Err(why) => mapped.push(lost(rule, ids, (record, record), why)),
        Ok(view) => match is_for(rule, view) {
            Ok(false) => {}
            Ok(true) => mapped.push(made(rule, ids, given, view)),
            Err(why) => mapped.push(lost(rule, ids, (view.record, view.item), why.at("when"))),
        },
    });
    mapped
}

pub(super) fn names(mapping: &Mapping, ids: &Ids, (stream, record): (&str, &Value)) -> Vec<(String, String)> {
    let mut names = Vec::new();
    each(mapping, (stream, record), |rule, view| {
        // A record that is gone often says no more than its key: `when` is not asked.
        if let Ok(view) = view
            && let Ok(Some(key)) = key(&rule.key, view)
        {
            names.push((rule.target.clone(), ids.id(&rule.name, &key)));
        }
    });
    names
}

/// Goes through the rules of a stream and the items of each.
fn each(
    mapping: &Mapping,
    (stream, record): (&str, &Value),
    mut visit: impl FnMut(&Rule, Result<&View<'_>, Unmapped>),
) {
    let rules = mapping.streams.get(stream).map(Vec::as_slice).unwrap_or_default();
    let whole = rules.iter().any(Rule::asks_paths).then(|| Text::of(record));
    let whole_document = whole.as_ref().map(Text::document);
    for rule in rules {
        let items = match items(rule, record) {
            Ok(items) => items,
            Err(why) => {
                visit(rule, Err(why.at("each")));
                continue;
            }
        };
        for item in items {
            let text = (rule.asks_paths() && rule.each.is_some()).then(|| Text::of(item));
            let own = text.as_ref().map(Text::document);
            let documents = whole_document.as_ref().map(|whole| {
                let record = whole.as_ref().map_err(Unmapped::clone);
                let item = own.as_ref().unwrap_or(whole).as_ref().map_err(Unmapped::clone);
                (item, record)
            });
            visit(rule, Ok(&View { record, item, documents }));
        }
    }
}

fn items<'r>(rule: &Rule, record: &'r Value) -> Result<Vec<&'r Value>, Unmapped> {
    let Some(Expression::Pointer(pointer)) = &rule.each else { return Ok(vec![record]) };
    match record.pointer(pointer) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(items)) if items.len() > EACH_MAX => {
            Err(Unmapped::new("too-costly", format!("there are more than {EACH_MAX} items")))
        }
        Some(Value::Array(items)) => Ok(items.iter().collect()),
        Some(one) => Ok(vec![one]),
    }
}

fn is_for(rule: &Rule, view: &View<'_>) -> Result<bool, Unmapped> {
    rule.when.as_ref().map_or(Ok(true), |when| view.holds(when))
}

/// The parts of a key; none where one is missing.
fn key(parts: &[Expression], view: &View<'_>) -> Result<Option<Vec<String>>, Unmapped> {
    let (mut key, mut bytes) = (Vec::with_capacity(parts.len()), 0);
    for part in parts {
        let mut values = view.values(part)?.into_iter();
        let (Some(value), None) = (values.next(), values.next()) else { return Ok(None) };
        bytes += value.text().len();
        key.push(value.text().to_owned());
    }
    match bytes <= KEY_BYTES_MAX {
        true => Ok(Some(key)),
        false => Err(Unmapped::new("too-long", format!("has more than {KEY_BYTES_MAX} bytes"))),
    }
}

/// A record without a key is told apart by all that it says.
fn lost(rule: &Rule, ids: &Ids, (record, item): (&Value, &Value), why: Unmapped) -> Mapped {
    let all = [record.to_string(), item.to_string()];
    let id = ids.id(&format!("{}\0lost", rule.name), &all);
    Mapped { rule: rule.name.clone(), of: rule.target.clone(), id, resource: Err(why) }
}

fn made(rule: &Rule, ids: &Ids, given: &Given, view: &View<'_>) -> Mapped {
    let key = match key(&rule.key, view) {
        Ok(Some(key)) => key,
        Ok(None) => {
            let why = Unmapped::new("required", "the record has not one value for each part of its key");
            return lost(rule, ids, (view.record, view.item), why.at("key"));
        }
        Err(why) => return lost(rule, ids, (view.record, view.item), why.at("key")),
    };
    let id = ids.id(&rule.name, &key);
    let resource = resource(rule, ids, given, view).map(|node| node.resource(&rule.target, &id));
    Mapped { rule: rule.name.clone(), of: rule.target.clone(), id, resource }
}

fn resource(rule: &Rule, ids: &Ids, given: &Given, view: &View<'_>) -> Result<Node, Unmapped> {
    let (mut node, mut filled) = (Node::new(), Vec::new());
    for element in rule.elements.iter().filter(|element| !element.made.is_constant()) {
        let values = values(element, ids, given, view).map_err(|why| why.at(&element.place))?;
        if !values.is_empty() {
            filled.push(&element.path);
            node.put(&element.path, values);
        }
    }
    for element in &rule.elements {
        if let Made::Constant(constants) = &element.made
            && stands(rule, &element.path, &filled)
        {
            node.put(&element.path, constants.clone());
        }
    }
    Ok(node)
}

/// Whether a constant is set. A system without its code, a unit without its value says nothing: it goes where the rest of its element is missing.
fn stands(rule: &Rule, path: &[Step], filled: &[&Vec<Step>]) -> bool {
    let outer = (1..path.len()).rev().filter_map(|len| path.get(..len));
    for outer in outer {
        let beside = |other: &Element| !other.made.is_constant() && other.path.starts_with(outer);
        if rule.elements.iter().any(beside) {
            return filled.iter().any(|path| path.starts_with(outer));
        }
    }
    true
}

/// What an element is set to, in JSON; nothing if the record does not say it.
fn values(element: &Element, ids: &Ids, given: &Given, view: &View<'_>) -> Result<Vec<String>, Unmapped> {
    let (values, need) = match &element.made {
        Made::Constant(constants) => (constants.clone(), Need::Optional),
        Made::Read(read) => (read_values(read, view)?, read.need),
        Made::Quantity(read, beside) => {
            let quantity = |value: String| {
                let mut text = format!("{{\"value\":{value}");
                for (name, member) in beside {
                    text.push_str(&format!(",{}:{member}", quoted(name)));
                }
                text.push('}');
                text
            };
            (read_values(read, view)?.into_iter().map(quantity).collect(), read.need)
        }
        Made::Reference { rule, target, key: parts, need } => {
            let to = key(parts, view)?.map(|key| reference(&format!("{target}/{}", ids.id(rule, &key))));
            (Vec::from_iter(to), *need)
        }
        Made::Given(name, need) => (Vec::from_iter(given.get(name).map(|to| reference(to))), *need),
    };
    let takes_many = element.path.last().is_some_and(|step| step.nth == Nth::Each);
    match values.len() {
        0 if need == Need::Required => Err(Unmapped::new("required", "the record has no value")),
        0 | 1 => Ok(values),
        _ if takes_many => Ok(values),
        _ => Err(Unmapped::new("value", "there are several values for an element that has one")),
    }
}

fn reference(to: &str) -> String {
    format!("{{\"reference\":{}}}", quoted(to))
}

fn read_values(read: &Read, view: &View<'_>) -> Result<Vec<String>, Unmapped> {
    let mut made = Vec::new();
    for value in view.values(&read.from)? {
        let value = match &read.codes {
            None => value,
            Some(codes) => match codes.get(value.text()).or_else(|| codes.get(super::read::ANY_OTHER)) {
                Some(Some(code)) => code.clone(),
                Some(None) => continue,
                None => {
                    let words = format!("{} is not in the code map", quoted(value.text()));
                    return Err(Unmapped::new("code-invalid", words));
                }
            },
        };
        let written = read.of.write(&value, read.form.as_ref());
        let words = |why| Unmapped::new("value", format!("{} {why}", quoted(value.text())));
        made.push(written.map_err(words)?);
    }
    match (&read.default, made.is_empty()) {
        (Some(default), true) => Ok(vec![default.clone()]),
        _ => Ok(made),
    }
}

impl Rule {
    /// Whether anything of it is FHIRPath.
    fn asks_paths(&self) -> bool {
        let is_path = |expression: &Expression| matches!(expression, Expression::Path(_));
        let asks = |element: &Element| match &element.made {
            Made::Constant(_) | Made::Given(..) => false,
            Made::Read(read) | Made::Quantity(read, _) => is_path(&read.from),
            Made::Reference { key, .. } => key.iter().any(is_path),
        };
        self.when.as_ref().is_some_and(is_path)
            || self.key.iter().any(is_path)
            || self.elements.iter().any(asks)
    }
}
