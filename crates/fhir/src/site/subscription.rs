//! Bundles of APIs that an organisation can subscribe to, and the types of records that belong to each. The bundles are the
//! categories of <https://hl7.org/fhir/R4/resourcelist.html>.  Contract 3, "subscription"

use std::{collections::BTreeSet, fmt, str::FromStr};

use crate::parameter::ResourceType;

/// One bundle of APIs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subscription {
    /// Conformance, terminology, security, documents, messages.
    Foundation,
    /// Individuals, entities, workflow, management.
    Base,
    /// Summary, diagnostics, medications, care, requests.
    Clinical,
    /// Support, billing, payment.
    Financial,
    /// Public health and research, definitions, quality, medication definition.
    Specialized,
}

/// The text is no subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be one of foundation, base, clinical, financial, specialized")]
pub struct UnknownSubscription;

impl Subscription {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Foundation, Self::Base, Self::Clinical, Self::Financial, Self::Specialized];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Foundation => "foundation",
            Self::Base => "base",
            Self::Clinical => "clinical",
            Self::Financial => "financial",
            Self::Specialized => "specialized",
        }
    }

    /// What is said of records of a type where the organisation does not have it.
    pub(crate) fn missing(self, of: ResourceType) -> String {
        format!("{of} needs the subscription `{self}`, which the organisation of the site does not have")
    }

    /// The one that records of a type belong to.
    pub fn of(resource_type: &str) -> Self {
        let has = |types: &[&str]| types.contains(&resource_type);
        match () {
            () if has(FOUNDATION) => Self::Foundation,
            () if has(BASE) => Self::Base,
            () if has(CLINICAL) => Self::Clinical,
            () if has(FINANCIAL) => Self::Financial,
            () => Self::Specialized,
        }
    }
}

impl fmt::Display for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Subscription {
    type Err = UnknownSubscription;
    fn from_str(text: &str) -> Result<Self, UnknownSubscription> {
        Self::ALL.into_iter().find(|known| known.as_str() == text).ok_or(UnknownSubscription)
    }
}

/// What an organisation has subscribed to: the APIs that its sites may call. At first nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan(BTreeSet<Subscription>);

impl Plan {
    /// Whether records of this type may be called for.
    ///
    /// # Errors
    /// The subscription that is missing.
    pub fn admits(&self, resource_type: &str) -> Result<(), Subscription> {
        let needed = Subscription::of(resource_type);
        if self.0.contains(&needed) { Ok(()) } else { Err(needed) }
    }

    /// What is here and not there.
    pub(super) fn but<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = Subscription> + 'a {
        self.0.difference(&other.0).copied()
    }

    /// The subscriptions, in their order.
    pub fn iter(&self) -> impl Iterator<Item = Subscription> {
        self.0.iter().copied()
    }
}

impl FromIterator<Subscription> for Plan {
    fn from_iter<I: IntoIterator<Item = Subscription>>(all: I) -> Self {
        Self(all.into_iter().collect())
    }
}

const FOUNDATION: &[&str] = &[
    "CapabilityStatement",
    "StructureDefinition",
    "ImplementationGuide",
    "SearchParameter",
    "MessageDefinition",
    "OperationDefinition",
    "CompartmentDefinition",
    "StructureMap",
    "GraphDefinition",
    "ExampleScenario",
    "CodeSystem",
    "ValueSet",
    "ConceptMap",
    "NamingSystem",
    "TerminologyCapabilities",
    "Provenance",
    "AuditEvent",
    "Consent",
    "Composition",
    "DocumentManifest",
    "DocumentReference",
    "CatalogEntry",
    "Basic",
    "Binary",
    "Bundle",
    "Linkage",
    "MessageHeader",
    "OperationOutcome",
    "Parameters",
    "Subscription",
];

const BASE: &[&str] = &[
    "Patient",
    "Practitioner",
    "PractitionerRole",
    "RelatedPerson",
    "Person",
    "Group",
    "Organization",
    "OrganizationAffiliation",
    "HealthcareService",
    "Endpoint",
    "Location",
    "Substance",
    "BiologicallyDerivedProduct",
    "Device",
    "DeviceMetric",
    "Task",
    "Appointment",
    "AppointmentResponse",
    "Schedule",
    "Slot",
    "VerificationResult",
    "Encounter",
    "EpisodeOfCare",
    "Flag",
    "List",
    "Library",
];

const CLINICAL: &[&str] = &[
    "AllergyIntolerance",
    "AdverseEvent",
    "Condition",
    "Procedure",
    "FamilyMemberHistory",
    "ClinicalImpression",
    "DetectedIssue",
    "Observation",
    "Media",
    "DiagnosticReport",
    "Specimen",
    "BodyStructure",
    "ImagingStudy",
    "QuestionnaireResponse",
    "MolecularSequence",
    "MedicationRequest",
    "MedicationAdministration",
    "MedicationDispense",
    "MedicationStatement",
    "Medication",
    "MedicationKnowledge",
    "Immunization",
    "ImmunizationEvaluation",
    "ImmunizationRecommendation",
    "CarePlan",
    "CareTeam",
    "Goal",
    "ServiceRequest",
    "NutritionOrder",
    "VisionPrescription",
    "RiskAssessment",
    "RequestGroup",
    "Communication",
    "CommunicationRequest",
    "DeviceRequest",
    "DeviceUseStatement",
    "GuidanceResponse",
    "SupplyRequest",
    "SupplyDelivery",
];

const FINANCIAL: &[&str] = &[
    "Coverage",
    "CoverageEligibilityRequest",
    "CoverageEligibilityResponse",
    "EnrollmentRequest",
    "EnrollmentResponse",
    "Claim",
    "ClaimResponse",
    "Invoice",
    "PaymentNotice",
    "PaymentReconciliation",
    "Account",
    "ChargeItem",
    "ChargeItemDefinition",
    "Contract",
    "ExplanationOfBenefit",
    "InsurancePlan",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_in_one_bundle_and_what_is_missing_is_named() {
        let all: Vec<&str> = [FOUNDATION, BASE, CLINICAL, FINANCIAL].concat();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
        let plan: Plan = [Subscription::Base, Subscription::Clinical].into_iter().collect();
        for (resource_type, expected) in [
            ("Patient", Ok(())),
            ("Observation", Ok(())),
            ("Claim", Err(Subscription::Financial)),
            ("Provenance", Err(Subscription::Foundation)),
            ("ResearchStudy", Err(Subscription::Specialized)),
        ] {
            assert_eq!(plan.admits(resource_type), expected, "{resource_type}");
        }
        assert_eq!(Plan::default().admits("Patient"), Err(Subscription::Base));
    }

    #[test]
    fn words_come_back() {
        for one in Subscription::ALL {
            assert_eq!(one.as_str().parse(), Ok(one));
        }
        assert_eq!("Clinical".parse::<Subscription>(), Err(UnknownSubscription));
    }
}
