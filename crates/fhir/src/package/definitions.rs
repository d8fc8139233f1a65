//! What is made of a set of packages: checks of resources, and answers about codes.  `docs/validator.md`

use fhirpath::document::Document;
use kernel::Timestamp;
use validator::{Codes, Library, Validator, check::Request, package::Kind};

use crate::outcome::{Severity, Told};

/// What was found about a resource.
#[derive(Debug, Clone, Default)]
pub struct Checked {
    /// The worst first.
    pub issues: Vec<Told>,
}

impl Checked {
    /// Whether nothing stands against writing it.
    pub fn is_valid(&self) -> bool {
        !self.issues.iter().any(|told| matches!(told.severity(), Severity::Fatal | Severity::Error))
    }
}

/// A set of packages, ready to be asked. It is asked inside requests, so it waits for nothing; it lives as long as the process.
pub struct Definitions {
    library: &'static Library,
    codes: &'static Codes<'static>,
    validator: Validator<'static>,
}

impl Definitions {
    pub(super) fn new(library: Library) -> &'static Self {
        let library: &'static Library = Box::leak(Box::new(library));
        let codes: &'static Codes<'static> = Box::leak(Box::new(Codes::new(library)));
        let validator = Validator::new(library, Box::new(codes));
        Box::leak(Box::new(Self { library, codes, validator }))
    }

    /// The packages.
    pub fn library(&self) -> &'static Library {
        self.library
    }

    /// Their code systems and value sets.
    pub fn codes(&self) -> &'static Codes<'static> {
        self.codes
    }

    /// The type that a profile is of; nothing, where no package has the profile.
    pub fn profiled(&self, profile: &str) -> Option<&'static str> {
        let found = self.library.canonical_of_type(profile, "StructureDefinition")?;
        match &found.head.kind {
            Kind::Structure { defines, .. } => Some(defines),
            _ => None,
        }
    }

    /// What is to be said about a resource; `profiles` are asked beside those that it names itself.
    pub fn check(&self, document: &Document<'_>, profiles: &[&str], now: Timestamp) -> Checked {
        let mut findings = self.validator.validate(document, &Request { profiles, now }).findings;
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        let told = findings.into_iter().map(|finding| {
            let severity = match finding.severity {
                validator::Severity::Fatal => Severity::Fatal,
                validator::Severity::Error => Severity::Error,
                validator::Severity::Warning => Severity::Warning,
                validator::Severity::Information => Severity::Information,
            };
            let told =
                Told::new(severity, finding.message.code, finding.text()).at(finding.expression.clone());
            match finding.line {
                0 => told,
                line => told.at_place(line, finding.column),
            }
        });
        Checked { issues: told.collect() }
    }
}
