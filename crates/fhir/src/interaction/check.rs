//! Whether what is written is good: the definitions of FHIR and the packages that are loaded.  `docs/validator.md`

use fhirpath::document::Document;
use validator::{Library, Validator, check::Request, terminology::Codes};

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

/// Checks resources. It is asked inside requests, so it waits for nothing.
pub trait Check: Send + Sync + 'static {
    /// What is to be said about a resource; `profiles` are asked beside those that it names itself.
    fn check(&self, document: &Document<'_>, profiles: &[&str]) -> Checked;
}

/// The validator with the packages of this deployment.
pub struct PackageCheck {
    validator: Validator<'static>,
    world: kernel::World,
}

impl PackageCheck {
    /// With this library, which lives as long as the process.
    pub fn new(library: &'static Library, world: kernel::World) -> Self {
        Self { validator: Validator::new(library, Box::new(Codes::new(library))), world }
    }
}

impl Check for PackageCheck {
    fn check(&self, document: &Document<'_>, profiles: &[&str]) -> Checked {
        let request = Request { profiles, now: self.world.now() };
        let mut findings = self.validator.validate(document, &request).findings;
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
