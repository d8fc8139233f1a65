//! The values of a record, by all parameters of its type.

use std::borrow::Cow;

use fhirpath::{
    document::Element,
    evaluate::{Budget, Context, Evaluator, Item},
    model::Model,
    value::Value as PathValue,
};
use kernel::Timestamp;

use super::{
    Entries, Entry, Membership, Plan, Position, Range, Reference, Text, Token, Value, Wanted, date, number,
    path::Filter,
    plan::{Edge, Leaf, Origin, Part, Take},
    reference, token,
};
use crate::parameter::{Compartment, Elements, ParameterId, ParameterKind, Registry, ResourceType};

/// Limits of one record; each stands in `docs/limits.md`.
pub mod limits {
    /// Combinations of the parts of one element for one composite parameter: further ones are not found by it.
    pub const COMBINATIONS_MAX: usize = 256;
    /// Values of one record: of one with more the rest is not found by.
    pub const ENTRIES_MAX: usize = 100_000;
    /// Steps of an expression that is no path.
    pub const STEPS_MAX: u64 = 100_000;
}

/// What a record can be found by; nothing if its type is not one of R4's.
///
/// `record` is a resource: the root of a document, or an entry of a Bundle.
pub fn extract<'d>(record: Element<'d>, registry: &Registry) -> Option<Entries<'d>> {
    taken(record, registry, None)
}

/// The same with nothing but what is wanted of it; all of it if it is of another type.
pub(crate) fn extract_wanted<'d>(
    record: Element<'d>,
    registry: &Registry,
    wanted: &Wanted,
) -> Option<Entries<'d>> {
    taken(record, registry, Some(wanted))
}

fn taken<'d>(record: Element<'d>, registry: &Registry, wanted: Option<&Wanted>) -> Option<Entries<'d>> {
    let resource_type = ResourceType::named(&record.resource_type()?)?;
    let id = record.child("id").and_then(|id| id.text()).unwrap_or_default();
    let wanted = wanted.filter(|wanted| wanted.of == resource_type);
    let mut entries = Entries {
        resource_type,
        id,
        entries: Vec::with_capacity(if wanted.is_some() { 4 } else { 32 }),
        compartments: Vec::new(),
        unindexed: Vec::new(),
    };
    let Some(plan) = registry.plan(resource_type) else { return Some(entries) };
    let mut walk = Walk { plan, wanted, base: registry.base(), record, out: &mut entries.entries };
    walk.visit(0, record);
    run_programs((plan, wanted), registry.base(), record, &mut entries);
    finish((plan, wanted), &mut entries);
    Some(entries)
}

/// The patients in whose compartments a record is: of its values those alone are looked at that say it.
pub fn patients<'d>(record: Element<'d>, registry: &Registry) -> Vec<Cow<'d, str>> {
    let named = record.resource_type().and_then(|name| ResourceType::named(&name));
    let Some((of, plan)) = named.and_then(|of| Some((of, registry.patients(of)?))) else {
        return Vec::new();
    };
    let mut values = Vec::new();
    Walk { plan, wanted: None, base: registry.base(), record, out: &mut values }.visit(0, record);
    let owner = ResourceType::named(Compartment::Patient.as_str());
    let mut all: Vec<Cow<'d, str>> = values
        .into_iter()
        .filter_map(|entry| match entry.value {
            Value::Reference(Reference::Local { resource_type, id, .. }) if Some(resource_type) == owner => {
                Some(id)
            }
            _ => None,
        })
        .collect();
    let own = record.child("id").and_then(|id| id.text()).filter(|id| Some(of) == owner && !id.is_empty());
    all.extend(own);
    all.sort_unstable();
    all.dedup();
    all
}

struct Walk<'p, 'o, 'd> {
    plan: &'p Plan,
    wanted: Option<&'p Wanted>,
    base: Option<&'p str>,
    record: Element<'d>,
    out: &'o mut Vec<Entry<'d>>,
}

impl<'d> Walk<'_, '_, 'd> {
    fn visit(&mut self, at: usize, element: Element<'d>) {
        let plan = self.plan;
        let Some(node) = plan.node(at) else { return };
        let wanted = self.wanted;
        for leaf in &node.leaves {
            if wanted.is_none_or(|wanted| wanted.takes(at, leaf.parameter)) {
                self.leaf(leaf, element);
            }
        }
        let is_reached = |edge: &Edge| wanted.is_none_or(|wanted| wanted.is_reached(edge.to));
        if !node.edges.iter().any(is_reached) {
            return;
        }
        for child in element.children() {
            let hash = child.name_hash();
            let from = node.edges.partition_point(|edge| edge.name.hash() < hash);
            let same = node.edges.get(from..).unwrap_or_default();
            for edge in same.iter().take_while(|edge| edge.name.hash() == hash) {
                if is_reached(edge)
                    && child.is_named(&edge.name)
                    && edge.filters.iter().all(|filter| passes(filter, child))
                {
                    self.visit(edge.to, child);
                }
            }
        }
    }

    fn leaf(&mut self, leaf: &Leaf, element: Element<'d>) {
        if self.out.len() >= limits::ENTRIES_MAX {
            return;
        }
        match &leaf.take {
            Take::Composite(components) => self.composite(leaf.parameter, components, element),
            take_ => {
                let out = &mut *self.out;
                take(take_, element, self.base, &mut |value| {
                    out.push(Entry { parameter: leaf.parameter, value });
                });
            }
        }
    }

    fn composite(&mut self, parameter: ParameterId, components: &[Part], element: Element<'d>) {
        let mut parts: Vec<Vec<Value<'d>>> = Vec::with_capacity(components.len());
        // Values are rarer than codes, and without one of them there is nothing to combine.
        for component in components.iter().rev() {
            let mark = self.out.len();
            let begin = match component.origin {
                Origin::Element => element,
                Origin::Record => self.record,
            };
            self.visit(component.root, begin);
            let found = self.out.drain(mark..).map(|entry| entry.value);
            let part: Vec<_> = found.filter(is_compared_in_composites).collect();
            if part.is_empty() {
                return;
            }
            parts.push(part);
        }
        parts.reverse();
        for combination in combinations(&parts) {
            self.out.push(Entry { parameter, value: Value::Composite(combination) });
        }
    }
}

/// Modifiers do not reach into composites.
fn is_compared_in_composites(value: &Value<'_>) -> bool {
    !matches!(value, Value::TokenText(_) | Value::TypedToken(_) | Value::Identifier(_))
}

fn combinations<'d>(parts: &[Vec<Value<'d>>]) -> Vec<Box<[Value<'d>]>> {
    let mut all: Vec<Vec<Value<'d>>> = vec![Vec::with_capacity(parts.len())];
    for part in parts {
        let longer = all.iter().flat_map(|begun| {
            part.iter().map(move |value| begun.iter().chain(std::iter::once(value)).cloned().collect())
        });
        all = longer.take(limits::COMBINATIONS_MAX).collect();
    }
    all.into_iter().map(Vec::into_boxed_slice).collect()
}

fn passes(filter: &Filter, element: Element<'_>) -> bool {
    match filter {
        Filter::ResolvesTo(of) => reference::leads_to(element, of),
        Filter::Says { name, text } => {
            element.child(name).and_then(|child| child.text()).as_deref() == Some(&**text)
        }
        Filter::First => {
            let first = element.parent().and_then(|parent| parent.child(element.name()));
            first == Some(element)
        }
    }
}

/// The values of one element.
fn take<'d>(how: &Take, element: Element<'d>, base: Option<&str>, push: &mut dyn FnMut(Value<'d>)) {
    let one = match how {
        Take::Coding => return token::of_coding(element, push),
        Take::Concept => return token::of_concept(element, push),
        Take::Identifier => return token::of_identifier(element, push),
        Take::Name | Take::Address => return parts(element, push),
        Take::Code(system) => token::of_text(element, *system),
        Take::Contact => token::of_contact(element),
        Take::Text => text(element),
        Take::Reference => {
            token::of_reference(element).into_iter().for_each(&mut *push);
            token::of_display(element).into_iter().for_each(&mut *push);
            reference::of_reference(element, base)
        }
        Take::Canonical => reference::of_canonical(element, base).map(Value::Reference),
        Take::Inline(of) => reference::of_inline(element, of),
        Take::Moment => date::of_text(element).map(Value::Date),
        Take::Period => date::of_period(element).map(Value::Date),
        Take::Timing => date::of_timing(element).map(Value::Date),
        Take::Number => number::of_number(element),
        Take::NumberRange => number::of_number_range(element),
        Take::Quantity => number::of_quantity(element),
        Take::Money => number::of_money(element),
        Take::QuantityRange => number::of_range(element),
        Take::Sampled => number::of_sampled(element),
        Take::Uri => uri(element).map(Value::Uri),
        Take::CanonicalUri => {
            // A definition is asked for with its version or without.
            let plain = uri(element).and_then(|uri| uri.split_once('|').map(|(plain, _)| plain.to_owned()));
            plain.into_iter().for_each(|plain| push(Value::Uri(plain.into())));
            uri(element).map(Value::Uri)
        }
        Take::Position => position(element),
        Take::Composite(_) => None,
    };
    one.into_iter().for_each(push);
}

fn uri(element: Element<'_>) -> Option<Cow<'_, str>> {
    element.text().filter(|uri| !uri.is_empty())
}

fn text(element: Element<'_>) -> Option<Value<'_>> {
    element.text().filter(|text| !text.is_empty()).map(|exact| Value::Text(Text { exact }))
}

/// The parts of a name or an address. <https://hl7.org/fhir/R4/search.html#string>
fn parts<'d>(element: Element<'d>, push: &mut dyn FnMut(Value<'d>)) {
    let of_name = |name: &str| matches!(name, "text" | "family" | "given" | "prefix" | "suffix");
    let of_address =
        |name: &str| matches!(name, "line" | "city" | "district" | "state" | "postalCode" | "country");
    for child in element.children().filter(|child| of_name(child.name()) || of_address(child.name())) {
        text(child).into_iter().for_each(&mut *push);
    }
}

fn position(element: Element<'_>) -> Option<Value<'_>> {
    let degrees =
        |name: &str| element.child(name)?.raw().parse::<f64>().ok().filter(|degrees| degrees.is_finite());
    let (latitude, longitude) = (degrees("latitude")?, degrees("longitude")?);
    Some(Value::Position(Position { latitude, longitude }))
}

/// What is no path is run by FHIRPath.
fn run_programs<'d>(
    (plan, wanted): (&Plan, Option<&Wanted>),
    base: Option<&str>,
    record: Element<'d>,
    entries: &mut Entries<'d>,
) {
    let is_wanted = |parameter: ParameterId| wanted.is_none_or(|wanted| wanted.asks(parameter));
    if !plan.programs.iter().any(|(parameter, ..)| is_wanted(*parameter)) {
        return;
    }
    let model = Elements::r4();
    let budget = Budget { steps_max: limits::STEPS_MAX, items_max: limits::ENTRIES_MAX, until: None };
    // Nothing that selects values of a record may depend on when it is asked.
    let context = Context::new(model, Timestamp::from_micros(0)).with_budget(budget);
    let mut evaluator = Evaluator::new(context);
    for (parameter, kind, program) in plan.programs.iter().filter(|(parameter, ..)| is_wanted(*parameter)) {
        let Ok(items) = evaluator.evaluate(program, record.into()) else {
            entries.unindexed.push(*parameter);
            continue;
        };
        for item in items {
            let out = &mut entries.entries;
            values_of(*kind, item, base, &mut |value| out.push(Entry { parameter: *parameter, value }));
        }
    }
}

/// The values of what an expression selects.
pub(super) fn values_of<'d>(
    kind: ParameterKind,
    item: &Item<'d>,
    base: Option<&str>,
    push: &mut dyn FnMut(Value<'d>),
) {
    match item {
        Item::Element(element) => {
            if let Some(how) = how(Elements::r4(), kind, *element) {
                take(&how, *element, base, push);
            }
        }
        Item::Value(value) => made(kind, value, base).into_iter().for_each(push),
    }
}

fn how(model: &Elements, kind: ParameterKind, element: Element<'_>) -> Option<Take> {
    let system = element.parent().and_then(|parent| model.system(type_of(model, parent)?, element.name()));
    Take::of(kind, model.type_name(type_of(model, element)?), system)
}

fn type_of(model: &Elements, element: Element<'_>) -> Option<fhirpath::model::TypeId> {
    if let Some(name) = element.resource_type() {
        return model.type_named(&name);
    }
    let parent = type_of(model, element.parent()?)?;
    model.element(parent, element.name()).map(|element| element.type_id)
}

/// A value that an expression made.
fn made<'d>(kind: ParameterKind, value: &PathValue<'d>, base: Option<&str>) -> Option<Value<'d>> {
    let text = || Cow::Owned(value.to_string());
    match (kind, value) {
        (ParameterKind::Token, _) => Some(Value::Token(Token { system: None, code: text() })),
        (ParameterKind::String, _) => Some(Value::Text(Text { exact: text() })),
        (ParameterKind::Uri, _) => Some(Value::Uri(text())),
        (ParameterKind::Date, _) => date::range(&value.to_string()).map(Value::Date),
        (ParameterKind::Reference, _) => reference::read(text(), base).map(Value::Reference),
        (ParameterKind::Number, PathValue::Integer(whole)) => {
            Some(Value::Number(Range::point((*whole).into())))
        }
        (ParameterKind::Number, PathValue::Decimal(number)) => Some(Value::Number(Range::point(*number))),
        _ => None,
    }
}

/// Sorts, drops what is there twice, and tells whose record it is.
fn finish((plan, wanted): (&Plan, Option<&Wanted>), entries: &mut Entries<'_>) {
    let order = |a: &Entry<'_>, b: &Entry<'_>| {
        let by_value = || a.value.partial_cmp(&b.value).unwrap_or(std::cmp::Ordering::Equal);
        a.parameter.cmp(&b.parameter).then_with(by_value)
    };
    entries.entries.sort_by(order);
    entries.entries.dedup();
    if let Some(own) = Compartment::named(entries.resource_type.as_str()).filter(|_| !entries.id.is_empty()) {
        entries.compartments.push(Membership { compartment: own, id: entries.id.clone() });
    }
    let mut found = Vec::new();
    let is_wanted = |of: Compartment| wanted.is_none_or(|wanted| wanted.compartments.contains(&of));
    for (parameter, compartment, owner) in plan.compartments.iter().filter(|(_, of, _)| is_wanted(*of)) {
        found.extend(entries.of(*parameter).filter_map(|value| match value {
            Value::Reference(Reference::Local { resource_type, id, .. }) if resource_type == owner => {
                Some(Membership { compartment: *compartment, id: id.clone() })
            }
            _ => None,
        }));
    }
    entries.compartments.append(&mut found);
    entries.compartments.sort_unstable();
    entries.compartments.dedup();
}

impl<'d> Entries<'d> {
    /// The values of one parameter.
    pub fn of(&self, parameter: ParameterId) -> impl Iterator<Item = &Value<'d>> {
        let from = self.entries.partition_point(|entry| entry.parameter < parameter);
        let own = self.entries.get(from..).unwrap_or_default().iter();
        own.take_while(move |entry| entry.parameter == parameter).map(|entry| &entry.value)
    }
}
