//! Where a value goes: a path of elements of R4, each looked up in its type.

use fhir::parameter::Elements;
use fhirpath::model::{Model, TypeId};
use kernel::Issue;
use serde_json::Value;

use super::{REPETITION_MAX, TEXT_BYTES_MAX, source::Scalar, value::Primitive};

/// A step to an element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub name: String,
    pub nth: Nth,
}

/// Which of an element that may repeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nth {
    /// It does not repeat.
    Only,
    /// This one, from 0.
    At(usize),
    /// As many as there are values.
    Each,
}

/// What is at the end of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct End {
    pub path: Vec<Step>,
    pub type_id: TypeId,
}

/// A type of resource that records may become.
pub(super) fn resource(name: &str) -> Result<TypeId, &'static str> {
    let model = Elements::r4();
    let found = model.type_named(name).filter(|id| !model.is_abstract(*id));
    let parent = model.type_named("Resource");
    let found = found.filter(|id| parent.is_some_and(|parent| model.conforms(*id, parent)));
    found.ok_or("is no type of resource of R4")
}

/// Follows a path like `name[0].given` from a type of resource.
pub(super) fn follow(of: TypeId, text: &str) -> Result<End, String> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(format!("must have at most {TEXT_BYTES_MAX} bytes"));
    }
    let model = Elements::r4();
    let (mut at, mut path) = (of, Vec::new());
    for part in text.split('.') {
        let (name, number) = match part.split_once('[') {
            None => (part, None),
            Some((name, rest)) => {
                let number = rest.strip_suffix(']').and_then(|digits| digits.parse::<usize>().ok());
                let number = number.filter(|number| *number <= REPETITION_MAX);
                (
                    name,
                    Some(
                        number
                            .ok_or(format!("`{name}` is followed by no number from 0 to {REPETITION_MAX}"))?,
                    ),
                )
            }
        };
        if Primitive::named(model.type_name(at)).is_some() {
            return Err(format!("`{name}` stands behind a value that has no elements to be set"));
        }
        if path.is_empty() && matches!(name, "id" | "resourceType" | "implicitRules" | "contained") {
            return Err("cannot be set by a mapping: the id is made of the key".to_owned());
        }
        let Some(element) = model.element(at, name) else {
            let choices = model.choices(at, name);
            let owner = model.type_name(at);
            return Err(match choices.first() {
                Some((written, _)) => {
                    format!(
                        "`{name}` of {owner} is a choice: write it with its type, for example `{written}`"
                    )
                }
                None => format!("{owner} has no element `{name}`"),
            });
        };
        let nth = match (element.repeats, number) {
            (true, Some(number)) => Nth::At(number),
            (true, None) => Nth::Each,
            (false, None) => Nth::Only,
            (false, Some(_)) => return Err(format!("`{name}` does not repeat")),
        };
        path.push(Step { name: name.to_owned(), nth });
        at = element.type_id;
    }
    // Only the last step may take many values; what stands before it is the first of its kind.
    let last = path.len().saturating_sub(1);
    for step in path.iter_mut().take(last).filter(|step| step.nth == Nth::Each) {
        step.nth = Nth::At(0);
    }
    Ok(End { path, type_id: at })
}

impl End {
    pub fn type_name(&self) -> &'static str {
        Elements::r4().type_name(self.type_id)
    }

    /// Whether it is a type or one that specializes it.
    pub fn is(&self, name: &str) -> bool {
        let model = Elements::r4();
        model.type_named(name).is_some_and(|other| model.conforms(self.type_id, other))
    }

    /// The constant in JSON, if it is one of this type.
    pub fn constant(&self, at: &str, value: &Value, issues: &mut Vec<Issue>) {
        let repeats = self.path.last().is_some_and(|step| step.nth == Nth::Each);
        match value {
            Value::Array(items) if repeats => {
                items.iter().enumerate().for_each(|(nth, item)| {
                    checked(self.type_id, &format!("{at}.{nth}"), item, issues);
                });
            }
            value => checked(self.type_id, at, value, issues),
        }
    }
}

/// A whole value against its type; what JSON can nest is bounded by who read it.
fn checked(of: TypeId, at: &str, value: &Value, issues: &mut Vec<Issue>) {
    let model = Elements::r4();
    let name = model.type_name(of);
    if let Some(primitive) = Primitive::named(name) {
        let written =
            Scalar::of(value).ok_or("must be one value").and_then(|value| primitive.write(&value, None));
        if let Err(why) = written {
            issues.push(Issue::at(at.to_owned(), format!("{why} (the element is of type {name})")));
        }
        return;
    }
    let Value::Object(members) = value else {
        issues.push(Issue::at(at.to_owned(), format!("must be an object: the element is of type {name}")));
        return;
    };
    if members.is_empty() {
        issues.push(Issue::at(at.to_owned(), "must not be empty"));
    }
    for (member, value) in members {
        let place = format!("{at}.{member}");
        match (model.element(of, member), value) {
            (None, _) => issues.push(Issue::at(place, format!("{name} has no element `{member}`"))),
            (Some(element), Value::Array(items)) if element.repeats && !items.is_empty() => {
                for (nth, item) in items.iter().enumerate() {
                    checked(element.type_id, &format!("{place}.{nth}"), item, issues);
                }
            }
            (Some(element), _) if element.repeats => {
                issues.push(Issue::at(place, "must be a list of at least one: the element repeats"));
            }
            (Some(element), value) => checked(element.type_id, &place, value, issues),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(of: &str, path: &str) -> String {
        follow(resource(of).unwrap(), path).map_or_else(|why| why, |end| end.type_name().to_owned())
    }

    #[test]
    fn paths_are_those_of_r4() {
        for (of, path, told) in [
            ("Patient", "birthDate", "date"),
            ("Patient", "name.given", "string"),
            ("Patient", "name[1].given[0]", "string"),
            ("Patient", "contact.name.family", "string"),
            ("Observation", "valueQuantity.value", "decimal"),
            ("Observation", "effectiveDateTime", "dateTime"),
            ("Observation", "component[0].code.coding.system", "uri"),
            (
                "Observation",
                "value",
                "`value` of Observation is a choice: write it with its type, for example `valueQuantity`",
            ),
            ("Patient", "birthday", "Patient has no element `birthday`"),
            ("Patient", "birthDate.x", "`x` stands behind a value that has no elements to be set"),
            ("Patient", "birthDate[0]", "`birthDate` does not repeat"),
            ("Patient", "name[x]", "`name` is followed by no number from 0 to 31"),
            ("Patient", "", "Patient has no element ``"),
            ("Patient", "id", "cannot be set by a mapping: the id is made of the key"),
        ] {
            assert_eq!(why(of, path), told, "{of}.{path}");
        }
        for wrong in ["Resource", "DomainResource", "Quantity", "string", "Patients", ""] {
            assert!(resource(wrong).is_err(), "{wrong}");
        }
    }
}
