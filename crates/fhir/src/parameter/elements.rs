//! R4's types and elements, as a model for FHIRPath and for the paths of search parameters.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use fhirpath::model::{ElementType, Model, TypeId};

const TABLE: &str = include_str!("../../definitions/elements.tsv");

/// Types within types that are looked through for an element: R4 has four.
const BASES_MAX: usize = 8;

/// The types of R4.
#[derive(Default)]
pub struct Elements {
    types: Vec<Type>,
    ids: HashMap<&'static str, TypeId>,
    choice_names: HashSet<&'static str>,
}

#[derive(Default)]
struct Type {
    name: &'static str,
    base: Option<TypeId>,
    kind: TypeKind,
    elements: HashMap<Box<str>, Known>,
    choices: HashMap<&'static str, Vec<(String, ElementType)>>,
}

#[derive(Default, PartialEq)]
enum TypeKind {
    #[default]
    Concrete,
    Abstract,
}

struct Known {
    element: ElementType,
    system: Option<&'static str>,
    marks: &'static str,
}

/// Behind the name of an element: it repeats, it has to be there, it is of the summary.
const REPEATS: char = '*';
const MANDATORY: char = '!';
const OF_SUMMARY: char = '^';

static ELEMENTS: LazyLock<Elements> = LazyLock::new(|| Elements::read(TABLE));

impl Elements {
    /// Those of FHIR R4 (4.0.1).
    pub fn r4() -> &'static Self {
        &ELEMENTS
    }

    /// The code system of a `code`, where a required binding has but one.
    pub fn system(&self, of: TypeId, written: &str) -> Option<&'static str> {
        self.known(of, written)?.system
    }

    /// Whether records have to have the element.
    pub fn is_mandatory(&self, of: TypeId, written: &str) -> bool {
        self.known(of, written).is_some_and(|known| known.marks.contains(MANDATORY))
    }

    /// Whether the element is of the summary.  <https://hl7.org/fhir/R4/elementdefinition-definitions.html#ElementDefinition.isSummary>
    pub fn is_of_summary(&self, of: TypeId, written: &str) -> bool {
        self.known(of, written).is_some_and(|known| known.marks.contains(OF_SUMMARY))
    }

    /// Every element of a type as instances write it, with its type.
    #[cfg(test)]
    pub(crate) fn written(&self, of: TypeId) -> Vec<(&str, ElementType)> {
        let own = self.with_bases(of).flat_map(|own| &own.elements);
        let mut all: Vec<_> = own.map(|(name, known)| (&**name, known.element)).collect();
        all.sort_by_key(|(name, _)| *name);
        all
    }

    fn read(table: &'static str) -> Self {
        let mut all = Self::default();
        let mut at = None;
        for line in table.lines() {
            let mut fields = line.split('\t');
            let first = fields.next().unwrap_or_default();
            let (second, third) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
            if first.is_empty() {
                all.add_element(at, second, third, fields.next());
            } else {
                at = Some(all.add_type(first, second, third));
            }
        }
        all
    }

    fn add_type(&mut self, name: &'static str, base: &'static str, kind: &str) -> TypeId {
        let id = self.intern(name);
        let base = (!base.is_empty()).then(|| self.intern(base));
        if let Some(own) = self.types.get_mut(id.0 as usize) {
            own.base = base;
            own.kind = if kind == "abstract" { TypeKind::Abstract } else { TypeKind::Concrete };
        }
        id
    }

    fn intern(&mut self, name: &'static str) -> TypeId {
        if let Some(id) = self.ids.get(name) {
            return *id;
        }
        let id = TypeId(u32::try_from(self.types.len()).unwrap_or(u32::MAX));
        self.types.push(Type { name, ..Type::default() });
        self.ids.insert(name, id);
        id
    }

    fn add_element(
        &mut self,
        of: Option<TypeId>,
        marked: &'static str,
        types: &'static str,
        system: Option<&'static str>,
    ) {
        let name = marked.trim_end_matches([REPEATS, MANDATORY, OF_SUMMARY]);
        let marks = marked.strip_prefix(name).unwrap_or_default();
        let repeats = marks.contains(REPEATS);
        let types: Vec<(&str, TypeId)> = types.split('|').map(|of| (of, self.intern(of))).collect();
        let Some(own) = of.and_then(|of| self.types.get_mut(of.0 as usize)) else { return };
        let Some(choice) = name.strip_suffix("[x]") else {
            for (_, type_id) in types {
                own.elements
                    .insert(name.into(), Known { element: ElementType { type_id, repeats }, system, marks });
            }
            return;
        };
        self.choice_names.insert(choice);
        for (word, type_id) in types {
            let element = ElementType { type_id, repeats };
            let written = format!("{choice}{}", capital(word));
            own.elements.insert(written.as_str().into(), Known { element, system, marks });
            own.choices.entry(choice).or_default().push((written, element));
        }
    }

    fn known(&self, of: TypeId, written: &str) -> Option<&Known> {
        self.with_bases(of).find_map(|own| own.elements.get(written))
    }

    fn with_bases(&self, of: TypeId) -> impl Iterator<Item = &Type> {
        let first = self.types.get(of.0 as usize);
        let base = |own: &&Type| own.base.and_then(|base| self.types.get(base.0 as usize));
        std::iter::successors(first, base).take(BASES_MAX)
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

impl Model for Elements {
    fn type_named(&self, name: &str) -> Option<TypeId> {
        self.ids.get(name).copied()
    }

    fn type_name(&self, id: TypeId) -> &str {
        self.types.get(id.0 as usize).map_or("", |own| own.name)
    }

    fn base(&self, id: TypeId) -> Option<TypeId> {
        self.types.get(id.0 as usize).and_then(|own| own.base)
    }

    fn element(&self, of: TypeId, written: &str) -> Option<ElementType> {
        self.known(of, written).map(|known| known.element)
    }

    fn choices(&self, of: TypeId, name: &str) -> Vec<(String, ElementType)> {
        self.with_bases(of).find_map(|own| own.choices.get(name)).cloned().unwrap_or_default()
    }

    fn is_choice(&self, name: &str) -> bool {
        self.choice_names.contains(name)
    }

    fn is_abstract(&self, id: TypeId) -> bool {
        self.types.get(id.0 as usize).is_some_and(|own| own.kind == TypeKind::Abstract)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn type_of(of: &str, written: &str) -> Option<&'static str> {
        let all = Elements::r4();
        all.element(all.type_named(of)?, written).map(|element| all.type_name(element.type_id))
    }

    #[test]
    fn elements_have_their_types() {
        for (of, written, expected) in [
            ("Patient", "name", Some("HumanName")),
            ("Patient", "id", Some("id")),
            ("Patient", "meta", Some("Meta")),
            ("Patient", "deceasedDateTime", Some("dateTime")),
            ("Patient", "deceased", None),
            ("Patient", "deceasedString", None),
            ("Patient", "contact", Some("Patient.contact")),
            ("Patient.contact", "extension", Some("Extension")),
            ("Questionnaire.item", "item", Some("Questionnaire.item")),
            ("Age", "value", Some("decimal")),
            ("Extension", "valueReference", Some("Reference")),
            ("Meta", "account", None),
        ] {
            assert_eq!(type_of(of, written), expected, "{of}.{written}");
        }
    }

    #[test]
    fn what_has_to_be_there_and_what_is_of_the_summary_is_known() {
        let all = Elements::r4();
        for (of, written, mandatory, summary) in [
            ("Patient", "name", false, true),
            ("Patient", "deceasedBoolean", false, true),
            ("Patient", "contact", false, false),
            ("Patient", "text", false, false),
            ("Patient", "meta", false, true),
            ("Patient.link", "other", true, true),
            ("Observation", "status", true, true),
            ("Observation", "valueQuantity", false, true),
            ("Observation", "note", false, false),
            ("Encounter", "class", true, true),
            ("DeviceRequest", "codeReference", true, true),
            ("Claim", "use", true, true),
            ("Claim", "subType", false, false),
            ("Attachment", "data", false, false),
            ("Attachment", "url", false, true),
        ] {
            let of_type = all.type_named(of).unwrap();
            let known = (all.is_mandatory(of_type, written), all.is_of_summary(of_type, written));
            assert_eq!(known, (mandatory, summary), "{of}.{written}");
        }
    }

    #[test]
    fn choices_repetition_and_systems_are_known() {
        let all = Elements::r4();
        let named = |name| all.type_named(name).unwrap();
        let choices = all.choices(named("Observation"), "effective");
        let written: Vec<&str> = choices.iter().map(|(written, _)| written.as_str()).collect();
        assert_eq!(written, ["effectiveDateTime", "effectivePeriod", "effectiveTiming", "effectiveInstant"]);
        assert!(all.is_choice("value") && !all.is_choice("family"));
        assert!(all.element(named("Patient"), "name").unwrap().repeats);
        assert!(!all.element(named("Patient"), "gender").unwrap().repeats);
        assert!(
            all.conforms(named("Age"), named("Quantity"))
                && all.conforms(named("Patient"), named("Resource"))
        );
        assert!(all.is_abstract(named("DomainResource")) && !all.is_abstract(named("Patient")));
        let system = all.system(named("Patient"), "gender");
        assert_eq!(system, Some("http://hl7.org/fhir/administrative-gender"));
        assert_eq!(all.system(named("Patient"), "language"), None);
    }
}
