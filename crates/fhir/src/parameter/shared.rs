//! Parameters that need no rows of their own, since those of others have all of theirs.

use std::collections::HashMap;

use super::{Parameter, ParameterId, ResourceType, registry::HL7};

/// Parameters whose values are those of two others together. All are of Observation: what it says itself, and what its components say.
/// <https://hl7.org/fhir/R4/observation.html#search>
const UNIONS: [(&str, [&str; 2]); 6] = [
    ("combo-code", ["code", "component-code"]),
    ("combo-code-value-concept", ["code-value-concept", "component-code-value-concept"]),
    ("combo-code-value-quantity", ["code-value-quantity", "component-code-value-quantity"]),
    ("combo-data-absent-reason", ["data-absent-reason", "component-data-absent-reason"]),
    ("combo-value-concept", ["value-concept", "component-value-concept"]),
    ("combo-value-quantity", ["value-quantity", "component-value-quantity"]),
];

/// What one type's parameters share.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shared {
    unions: HashMap<ParameterId, [ParameterId; 2]>,
    patient: Option<(ParameterId, ParameterId)>,
}

impl Shared {
    pub(super) fn of<'p>(of: ResourceType, known: impl Fn(&str) -> Option<&'p Parameter>) -> Self {
        // One of a package that has taken the place of R4's may select something else.
        let id = |code: &str| Some(known(code).filter(|own| own.url.starts_with(HL7))?.id);
        let union = |(whole, [a, b]): (&str, [&str; 2])| Some((id(whole)?, [id(a)?, id(b)?]));
        let unions = match of.as_str() {
            "Observation" => UNIONS.into_iter().filter_map(union).collect(),
            _ => HashMap::new(),
        };
        let patient = known("patient").zip(known("subject"));
        let patient = patient.filter(|(patient, subject)| is_part(of, patient, subject));
        Self { unions, patient: patient.map(|(patient, subject)| (patient.id, subject.id)) }
    }

    /// The two parameters whose values together are those of this one.
    pub(crate) fn union(&self, id: ParameterId) -> Option<[ParameterId; 2]> {
        self.unions.get(&id).copied()
    }

    /// The parameter whose references to patients are the references of this one.
    pub(crate) fn patients_of(&self, id: ParameterId) -> Option<ParameterId> {
        self.patient.filter(|(patient, _)| *patient == id).map(|(_, subject)| subject)
    }
}

/// Whether a type's `patient` is its `subject` where that leads to a Patient.
fn is_part(of: ResourceType, patient: &Parameter, subject: &Parameter) -> bool {
    let (patient, subject) = (path(of, patient), path(of, subject));
    let base = patient.and_then(|path| path.strip_suffix(".where(resolve() is Patient)"));
    base.is_some() && base == subject
}

/// The only alternative of an expression that is about a type.
fn path(of: ResourceType, parameter: &Parameter) -> Option<&str> {
    let begin = format!("{of}.");
    let mut paths = parameter.expression.split(" | ").filter(|path| path.contains(&begin));
    paths.next().filter(|_| paths.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameter::Registry;

    #[test]
    fn who_a_record_is_about_is_kept_once() {
        let registry = Registry::r4();
        let shares = |of: &str| {
            let of = ResourceType::named(of).unwrap();
            let patient = registry.parameter(of, "patient").unwrap().id;
            registry.shared(of).unwrap().patients_of(patient).is_some()
        };
        assert!(
            ["Observation", "Condition", "Procedure", "DiagnosticReport", "Account"]
                .map(shares)
                .iter()
                .all(|is| *is)
        );
        assert!(
            !["Claim", "Coverage", "Appointment", "EnrollmentRequest", "Immunization"]
                .map(shares)
                .iter()
                .any(|is| *is)
        );
    }

    #[test]
    fn a_union_is_what_its_parts_are() {
        let registry = Registry::r4();
        let of = ResourceType::named("Observation").unwrap();
        let sorted = |expressions: Vec<&str>| {
            let mut paths: Vec<String> = expressions
                .iter()
                .flat_map(|one| one.split(" | "))
                .filter(|path| path.contains("Observation"))
                .map(String::from)
                .collect();
            paths.sort_unstable();
            paths
        };
        for (whole, parts) in UNIONS {
            let known = |code| registry.parameter(of, code).unwrap();
            let union = sorted(vec![&known(whole).expression]);
            assert_eq!(union, sorted(parts.map(|part| known(part).expression.as_ref()).to_vec()), "{whole}");
            let components =
                |code| known(code).components.iter().map(|one| one.expression.clone()).collect::<Vec<_>>();
            assert_eq!(parts.map(components), [components(whole), components(whole)], "{whole}");
            assert_eq!(
                registry.shared(of).unwrap().union(known(whole).id),
                Some(parts.map(|part| known(part).id))
            );
        }
    }
}
