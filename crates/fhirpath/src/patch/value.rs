//! The value of an operation, and whether it fits where it shall stand.

use super::{PatchProblem, limits::PART_DEPTH_MAX, read::text};
use crate::{
    document::{Content, Element, Kind, Member, Repeats},
    model::{ElementType, Model, TypeId},
};

/// A value as it was given.
#[derive(Debug)]
pub(super) enum Given<'p> {
    /// `valueQuantity`: the type as the name tells it, and the value.
    Value(&'p str, Element<'p>),
    /// `resource`
    Resource(Element<'p>),
    /// Elements by name, where the type has no name of its own (`Patient.contact`).
    Parts(Vec<(String, Given<'p>)>),
}

/// What stands where: its name as instances write it, and what its definition says, if there is one.
pub(super) struct Place {
    pub(super) name: String,
    pub(super) known: Option<ElementType>,
}

impl<'p> Given<'p> {
    pub(super) fn of_part(part: Element<'p>, depth: usize) -> Result<Self, PatchProblem> {
        let missing = PatchProblem::Part("value");
        if depth > PART_DEPTH_MAX {
            return Err(missing);
        }
        if let Some(resource) = part.child("resource") {
            return Ok(Self::Resource(resource));
        }
        if let Some(value) = part.children().find(|child| child.name().starts_with("value")) {
            let type_name = value.name().strip_prefix("value").filter(|name| !name.is_empty());
            return type_name.map(|name| Self::Value(name, value)).ok_or(missing);
        }
        let mut parts = Vec::new();
        for part in part.children().filter(|child| child.name() == "part") {
            let name = text(part, "name").ok_or(PatchProblem::Part("name"))?;
            parts.push((name, Self::of_part(part, depth + 1)?));
        }
        if parts.is_empty() { Err(missing) } else { Ok(Self::Parts(parts)) }
    }

    /// Where it stands under this name in an element of type `of`, and itself as it stands there.
    pub(super) fn placed(
        &self,
        model: &dyn Model,
        of: Option<TypeId>,
        name: &str,
    ) -> Result<(Place, Content<'p>), PatchProblem> {
        let place = self.place(model, of, name)?;
        if let Some(known) = place.known {
            self.check(model, known.type_id)?;
        }
        let content = self.content(model, place.known.map(|known| known.type_id))?;
        Ok((place, content))
    }

    fn place(&self, model: &dyn Model, of: Option<TypeId>, name: &str) -> Result<Place, PatchProblem> {
        let no_element = || PatchProblem::NoElement {
            type_name: of.map_or("", |of| model.type_name(of)).to_owned(),
            element: name.to_owned(),
        };
        let named = name.starts_with(|first: char| first.is_ascii_lowercase())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !named || name == "resourceType" {
            return Err(no_element());
        }
        let Some(of) = of else { return Ok(Place { name: name.to_owned(), known: None }) };
        let choices = model.choices(of, name);
        if choices.is_empty() {
            let known = model.element(of, name).ok_or_else(no_element)?;
            return Ok(Place { name: name.to_owned(), known: Some(known) });
        }
        let Self::Value(type_name, _) = self else { return Err(no_element()) };
        let written = format!("{name}{type_name}");
        let chosen = choices.into_iter().find(|(own, _)| *own == written);
        let wrong =
            || PatchProblem::WrongType { expected: format!("{name}[x]"), found: (*type_name).to_owned() };
        chosen.map(|(name, known)| Place { name, known: Some(known) }).ok_or_else(wrong)
    }

    fn check(&self, model: &dyn Model, expected: TypeId) -> Result<(), PatchProblem> {
        let expected_name = model.type_name(expected);
        let conforms = |name: &str| model.type_named(name).is_some_and(|id| model.conforms(id, expected));
        let (fits, found) = match self {
            _ if expected_name.is_empty() => (true, ""),
            Self::Parts(_) => (
                expected_name.contains('.') || matches!(expected_name, "BackboneElement" | "Element"),
                "parts",
            ),
            Self::Resource(resource) => {
                (resource.resource_type().is_some_and(|name| conforms(&name)), "resource")
            }
            Self::Value(name, value) if is_primitive(expected_name) => {
                (value.kind() != Kind::Object && fits_primitive(expected_name, name, *value), *name)
            }
            Self::Value(name, value) => (value.kind() == Kind::Object && conforms(name), *name),
        };
        if fits {
            return Ok(());
        }
        Err(PatchProblem::WrongType { expected: expected_name.to_owned(), found: found.to_owned() })
    }

    fn content(&self, model: &dyn Model, own: Option<TypeId>) -> Result<Content<'p>, PatchProblem> {
        let parts = match self {
            Self::Value(_, element) | Self::Resource(element) => return Ok(Content::Element(*element)),
            Self::Parts(parts) => parts,
        };
        let mut members: Vec<Member<'p>> = Vec::new();
        for (name, given) in parts {
            let (place, content) = given.placed(model, own, name)?;
            let repeats = place.repeats();
            match members.iter_mut().find(|member| member.name == place.name) {
                Some(_) if place.known.is_some_and(|known| !known.repeats) => {
                    return Err(PatchProblem::Exists(place.name));
                }
                Some(member) => member.items.push(content),
                None => members.push(Member { name: place.name, repeats, items: vec![content] }),
            }
        }
        Ok(Content::Object(members))
    }
}

impl Place {
    pub(super) fn repeats(&self) -> Repeats {
        match self.known {
            Some(known) if known.repeats => Repeats::Yes,
            _ => Repeats::No,
        }
    }
}

fn is_primitive(type_name: &str) -> bool {
    type_name.starts_with(|first: char| first.is_ascii_lowercase())
}

/// Strings may stand for other strings, since `Parameters` of many clients know no finer type; numbers for numbers of their kind.
fn fits_primitive(expected: &str, found: &str, value: Element<'_>) -> bool {
    let number = |name: &str| matches!(name, "integer" | "positiveInt" | "unsignedInt" | "decimal");
    let found = found.get(..1).unwrap_or_default().to_ascii_lowercase() + found.get(1..).unwrap_or_default();
    match expected {
        "boolean" => found == "boolean",
        "decimal" => number(&found),
        _ if number(expected) => number(&found) && value.raw().parse::<i64>().is_ok(),
        _ => is_primitive(&found) && !number(&found) && found != "boolean",
    }
}
