//! When care was given: what `start` and `end` of `$everything` leave out.  <https://hl7.org/fhir/R4/patient-operation-everything.html>
//!
//! "The date range relates to care dates, not record currency dates". A record's care began and ended when its type's search parameters
//! say, the first of them that it has a value of; of a type that is not named here, and without any value, it is of no time and always
//! there.

use web::Problem;

use crate::{
    Fhir,
    interaction::posted::invalid,
    parameter::ResourceType,
    query::{Handling, Reading, Test, read_test},
};

/// Search parameters that say when, by type. Recorded dates come last: they count where a record says nothing better.
const CARE: &[(&[&str], &[&str])] = &[
    (
        &[
            "AdverseEvent",
            "AllergyIntolerance",
            "Appointment",
            "AuditEvent",
            "CarePlan",
            "CareTeam",
            "ClinicalImpression",
            "Consent",
            "Encounter",
            "EpisodeOfCare",
            "FamilyMemberHistory",
            "Flag",
            "Immunization",
            "ImmunizationEvaluation",
            "ImmunizationRecommendation",
            "Invoice",
            "List",
            "Observation",
            "Procedure",
            "ResearchSubject",
            "RiskAssessment",
            "Schedule",
            "SupplyRequest",
        ],
        &["date"],
    ),
    (&["Composition", "DocumentReference", "MeasureReport"], &["period", "date"]),
    (&["DiagnosticReport"], &["date", "issued"]),
    (
        &[
            "Basic",
            "Claim",
            "ClaimResponse",
            "CoverageEligibilityRequest",
            "CoverageEligibilityResponse",
            "DocumentManifest",
            "ExplanationOfBenefit",
            "Media",
        ],
        &["created"],
    ),
    (&["Account"], &["period"]),
    (&["ChargeItem"], &["occurrence", "entered-date"]),
    (&["Communication"], &["sent", "received"]),
    (&["CommunicationRequest", "ServiceRequest"], &["occurrence", "authored"]),
    (&["DetectedIssue"], &["identified"]),
    (&["DeviceRequest"], &["event-date", "authored-on"]),
    (&["ImagingStudy"], &["started"]),
    (&["MedicationAdministration"], &["effective-time"]),
    (&["MedicationDispense"], &["whenhandedover", "whenprepared"]),
    (&["MedicationRequest"], &["date", "authoredon"]),
    (&["MedicationStatement"], &["effective"]),
    (&["NutritionOrder"], &["datetime"]),
    (&["Provenance"], &["when", "recorded"]),
    (&["QuestionnaireResponse", "RequestGroup"], &["authored"]),
    (&["Specimen"], &["collected"]),
    (&["VisionPrescription"], &["datewritten"]),
];

/// What begins by one parameter and ends by another; what has not ended goes on.
const LASTING: &[(&str, Bounds)] = &[
    ("Condition", Bounds { begins: &["onset-date", "recorded-date"], ends: &["abatement-date"] }),
    ("Goal", Bounds { begins: &["start-date"], ends: &["target-date"] }),
];

struct Bounds {
    begins: &'static [&'static str],
    ends: &'static [&'static str],
}

/// Which end of the range is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bound {
    /// Care that ended before is not there.
    Start,
    /// Care that began after is not there.
    End,
}

impl Bound {
    const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::End => "end",
        }
    }

    /// "Ends before" and "starts after".  <https://hl7.org/fhir/R4/search.html#prefix>
    const fn prefix(self) -> &'static str {
        match self {
            Self::Start => "eb",
            Self::End => "sa",
        }
    }
}

/// The test of what is not left out.
pub(super) fn within(fhir: &Fhir, bound: Bound, value: &str) -> Result<Test, Problem> {
    let wrong = || invalid("it must be a date", bound.name());
    if !value.bytes().next().is_some_and(|first| first.is_ascii_digit()) {
        return Err(wrong());
    }
    let reading = Reading { registry: &fhir.registry, now: fhir.world.now(), handling: Handling::Strict };
    let asked = format!("{}{value}", bound.prefix());
    let outside = |name: &str, codes: &[&str]| -> Option<Result<Test, Problem>> {
        let of = ResourceType::named(name)?;
        let outside = beyond(of, codes, &asked, &reading)?;
        Some(outside.map(|test| Test::All(vec![Test::OfType(vec![of]), test])).map_err(|()| wrong()))
    };
    let dated = CARE.iter().flat_map(|(types, codes)| types.iter().filter_map(|of| outside(of, codes)));
    let lasting = LASTING.iter().filter_map(|(of, bounds)| {
        outside(of, if bound == Bound::Start { bounds.ends } else { bounds.begins })
    });
    let all: Vec<Test> = dated.chain(lasting).collect::<Result<_, _>>()?;
    Ok(Test::Not(Box::new(Test::AnyOf(all))))
}

/// The first of the parameters that the record has a value of is beyond what is asked.
fn beyond(of: ResourceType, codes: &[&str], asked: &str, reading: &Reading<'_>) -> Option<Result<Test, ()>> {
    let (code, others) = codes.split_first()?;
    let read = |name: &str, value: &str| read_test(name, value, &[of], reading).map_err(|_| ());
    let first = read(code, asked);
    Some(match beyond(of, others, asked, reading) {
        None => first,
        Some(others) => first.and_then(|first| {
            let missing = read(&format!("{code}:missing"), "true")?;
            Ok(Test::AnyOf(vec![first, Test::All(vec![missing, others?])]))
        }),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::parameter::{Compartment, ParameterKind, Registry};

    #[test]
    fn every_type_and_parameter_that_is_named_is_one_of_r4() {
        let registry = Registry::r4();
        let both = LASTING.iter().map(|(of, bounds)| (&**of, [bounds.begins, bounds.ends].concat()));
        let all = CARE.iter().flat_map(|(types, codes)| types.iter().map(|of| (*of, codes.to_vec())));
        let mut named = BTreeSet::new();
        for (of, codes) in all.chain(both) {
            assert!(named.insert(of), "{of} is named twice");
            let of = ResourceType::named(of).unwrap();
            for code in codes {
                assert_eq!(registry.parameter(of, code).unwrap().kind, ParameterKind::Date, "{of:?} {code}");
            }
        }
    }

    #[test]
    fn what_has_no_date_of_care_is_named_here() {
        let registry = Registry::r4();
        let members = ["Patient", "Encounter"]
            .into_iter()
            .flat_map(|name| registry.member_types(Compartment::named(name).unwrap()));
        let is_dated = |name: &str| {
            CARE.iter().any(|(types, _)| types.contains(&name)) || LASTING.iter().any(|(of, _)| *of == name)
        };
        let of_no_time: BTreeSet<String> =
            members.map(|of| of.as_str().to_owned()).filter(|name| !is_dated(name)).collect();
        let expected = [
            "AppointmentResponse",
            "BodyStructure",
            "Coverage",
            "DeviceUseStatement",
            "EnrollmentRequest",
            "Group",
            "MolecularSequence",
            "Patient",
            "Person",
            "RelatedPerson",
            "SupplyDelivery",
        ];
        assert_eq!(of_no_time, expected.map(str::to_owned).into_iter().collect());
    }
}
