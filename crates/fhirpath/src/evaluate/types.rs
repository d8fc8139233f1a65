//! Types of items, looked up when an operation needs them. N1 §6.3, §10.2; <https://hl7.org/fhir/R4/fhirpath.html#types>

use std::{cell::Cell, sync::Arc};

use super::{Answer, EvaluationFault, Evaluator, Item};
use crate::{
    document::{Element, Kind},
    model::{Model, TypeId},
    path::{TypeSpecifier, TypeTest},
    value::{Decimal, Quantity, Temporal, Text, TypeInfo, Unit, Value},
};

const SYSTEM_TYPES: [&str; 9] =
    ["Any", "Boolean", "String", "Integer", "Decimal", "Date", "DateTime", "Time", "Quantity"];

/// Document, element, and the type, if there is one.
type Known = (usize, u32, Option<TypeId>);

/// The types of the elements that were asked for last, each in the place that its address has. Documents outlive the evaluator,
/// so that an address is always the same element.
#[derive(Debug, Default)]
pub(super) struct KnownTypes {
    places: Vec<Cell<Option<Known>>>,
    model: usize,
}

impl KnownTypes {
    const PLACES: usize = 128;

    /// With another model, nothing is known any more.
    pub(super) fn are_of(&mut self, model: &dyn Model) {
        let address = std::ptr::from_ref(model).addr();
        if self.model != address {
            self.places = vec![Cell::new(None); Self::PLACES];
            self.model = address;
        }
    }

    fn of(&self, element: Element<'_>, find: impl FnOnce() -> Option<TypeId>) -> Option<TypeId> {
        let (document, index) = (std::ptr::from_ref(element.document()).addr(), element.index());
        let place = self.places.get(index as usize % Self::PLACES);
        match place.and_then(Cell::get) {
            Some((own, at, type_id)) if own == document && at == index => type_id,
            _ => {
                let found = find();
                if let Some(place) = place {
                    place.set(Some((document, index, found)));
                }
                found
            }
        }
    }
}

impl<'d> Evaluator<'d> {
    /// The type of an element: a resource says it itself, any other has it from its parent's definition.
    pub(crate) fn type_of(&self, element: Element<'d>) -> Option<TypeId> {
        self.types.of(element, || {
            if element.says_type() {
                return self.context.model.type_named(&element.resource_type()?);
            }
            let parent = self.type_of(element.parent()?)?;
            self.context.model.element(parent, element.name()).map(|element| element.type_id)
        })
    }

    fn type_name_of(&self, element: Element<'d>) -> Option<&'d str> {
        let model = self.context.model;
        self.type_of(element).map(|id| model.type_name(id))
    }

    /// Whether the definition of `of` has an element written so; nothing is known without a definition, so then it has.
    pub(super) fn is_element(&self, of: Element<'d>, written: &str) -> bool {
        self.type_of(of).is_none_or(|id| self.context.model.element(id, written).is_some())
    }

    /// Whether an element is of the type called so, or of one that specializes it.
    pub(super) fn is_called(&self, element: Element<'d>, name: &str) -> bool {
        if element.says_type() && element.resource_type().as_deref() == Some(name) {
            return true;
        }
        let model = self.context.model;
        matches!((self.type_of(element), model.type_named(name)), (Some(own), Some(named)) if model.conforms(own, named))
    }

    /// The item as one of FHIRPath's own types; nothing if it has no value.
    pub(super) fn value_of(&self, item: &Item<'d>) -> Option<Value<'d>> {
        match item {
            Item::Value(value) => Some(value.clone()),
            Item::Element(element) => self.value_of_element(*element),
        }
    }

    fn value_of_element(&self, element: Element<'d>) -> Option<Value<'d>> {
        match element.kind() {
            Kind::Boolean => Some(Value::Boolean(element.raw() == "true")),
            Kind::Number => self.number(element),
            Kind::Markup => element.text().map(|text| Value::String(text.into())),
            Kind::String => Some(self.string(element)),
            Kind::Object => self.quantity(element).map(|quantity| Value::Quantity(Box::new(quantity))),
            _ => None,
        }
    }

    fn number(&self, element: Element<'d>) -> Option<Value<'d>> {
        let raw = element.raw();
        let decimal = raw.contains(['.', 'e', 'E']) || self.type_name_of(element) == Some("decimal");
        let whole = raw.parse().ok().filter(|_| !decimal);
        whole.map(Value::Integer).or_else(|| raw.parse().ok().map(Value::Decimal))
    }

    /// Only what begins with a digit can be a date or time, or, in XML without a model, anything but a string.
    fn string(&self, element: Element<'d>) -> Value<'d> {
        let Some(text) = element.plain_text() else {
            return Value::String(element.text().unwrap_or_default().into());
        };
        let at = if text.starts_with(|first: char| first.is_ascii_digit()) {
            match self.type_name_of(element) {
                Some("date") => Temporal::date(text),
                Some("dateTime" | "instant") => Temporal::date_time(text),
                Some("time") => Temporal::time(text),
                _ => None,
            }
        } else {
            None
        };
        at.map_or(Value::String(Text::Borrowed(text)), |at| Value::Temporal(Box::new(at)))
    }

    /// <https://hl7.org/fhir/R4/fhirpath.html#quantity>: one with a comparator is no `System.Quantity`.
    fn quantity(&self, element: Element<'d>) -> Option<Quantity> {
        let value = element.child("value").filter(|value| value.kind() == Kind::Number)?;
        if element.child("comparator").is_some() || !self.is_called(element, "Quantity") {
            return None;
        }
        let value: Decimal = value.raw().parse().ok()?;
        let text = |name: &str| element.child(name).and_then(|child| child.text());
        let unit = match (text("code"), text("unit")) {
            (Some(code), _) => Unit::Ucum(code.into()),
            (None, Some(unit)) => Unit::calendar(&unit).unwrap_or_else(|| Unit::Ucum(unit.into())),
            (None, None) => Unit::one(),
        };
        Some(Quantity { value, unit })
    }

    /// What a fault calls an item: its type, never its value.
    pub(super) fn kind_name(&self, item: &Item<'d>) -> String {
        match item {
            Item::Value(value) => value.type_name().to_owned(),
            Item::Element(element) => {
                self.type_name_of(*element).map_or_else(|| format!("`{}`", element.name()), str::to_owned)
            }
        }
    }

    /// `type()`
    pub(super) fn type_info(&self, item: &Item<'d>) -> TypeInfo {
        match item {
            Item::Value(value) => TypeInfo { namespace: "System", name: value.type_name().into() },
            Item::Element(element) => {
                let known = self.type_name_of(*element);
                let name: Option<Arc<str>> =
                    known.map(Into::into).or_else(|| element.resource_type().map(|name| (*name).into()));
                match (name, element.kind()) {
                    (Some(name), _) => TypeInfo { namespace: "FHIR", name },
                    (None, Kind::Boolean) => TypeInfo { namespace: "FHIR", name: "boolean".into() },
                    (None, Kind::Object) => TypeInfo { namespace: "FHIR", name: "Element".into() },
                    (None, _) => TypeInfo { namespace: "FHIR", name: "string".into() },
                }
            }
        }
    }

    /// `is`, `as` and `ofType` of what stands on the stack from `base` on.
    pub(super) fn test_type(&mut self, base: usize, test: TypeTest, of: &TypeSpecifier) -> Answer {
        if test == TypeTest::OfType {
            for item in self.pop_all(base) {
                if self.is_exactly(&item, of)? {
                    self.push(item)?;
                }
            }
            return Ok(());
        }
        let what = if test == TypeTest::Is { "is" } else { "as" };
        let Some(item) = self.pop_single(base, what)? else {
            return Ok(());
        };
        match test {
            TypeTest::Is => {
                let truth = self.is_of(&item, of)?;
                self.push_truth(Some(truth))
            }
            _ if self.is_exactly(&item, of)? => self.push(item),
            _ => Ok(()),
        }
    }

    fn is_of(&self, item: &Item<'d>, of: &TypeSpecifier) -> Result<bool, EvaluationFault> {
        let model = self.context.model;
        let named = model.type_named(&of.name);
        let system = SYSTEM_TYPES.contains(&&*of.name);
        match (item, of.namespace.as_deref()) {
            (Item::Value(value), Some("System")) => Ok(value.type_name() == &*of.name),
            (Item::Value(value), None) if value.type_name() == &*of.name => Ok(true),
            (Item::Element(_), Some("System")) => Ok(false),
            (Item::Element(element), _) => {
                let own = self.type_of(*element);
                match (own, named) {
                    (Some(own), Some(named)) => Ok(model.conforms(own, named)),
                    _ if element.resource_type().as_deref() == Some(&*of.name) => Ok(true),
                    (_, None) if !system => Err(EvaluationFault::UnknownType(of.name.to_string())),
                    _ => Ok(false),
                }
            }
            (Item::Value(_), _) if named.is_none() && !system => {
                Err(EvaluationFault::UnknownType(of.name.to_string()))
            }
            _ => Ok(false),
        }
    }

    /// As `is`, but a primitive has to be of the very type: a code is not selected as a string.
    fn is_exactly(&self, item: &Item<'d>, of: &TypeSpecifier) -> Result<bool, EvaluationFault> {
        if !self.is_of(item, of)? {
            return Ok(false);
        }
        let primitive = of.name.starts_with(|first: char| first.is_ascii_lowercase());
        Ok(match item {
            Item::Element(element) if primitive => self.type_name_of(*element) == Some(&of.name),
            _ => true,
        })
    }
}
