//! Checking a resource against its type, the profiles that it declares and those that are asked for.

mod findings;
mod terminology;

pub use findings::Findings;
pub use terminology::{Coded, NoTerminology, Terminology};

use fhirpath::{
    document::{Document, DocumentLimits, Format, ParseFault},
    model::Definitions,
};
use kernel::Timestamp;

use crate::{
    Library,
    finding::{Finding, Message, Outcome, Severity},
};
use findings::Found;

/// `FINDINGS_MAX`: findings about one resource; what comes after them is not looked for.
pub const FINDINGS_MAX: usize = 10_000;

static UNREADABLE: Message =
    Message::new("Document_Unreadable", "invalid", "the resource cannot be read: {0}");

/// What is asked of one resource.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Profiles that it must conform to, beside those that it declares in `meta.profile`.
    pub profiles: &'a [&'a str],
    /// What `now()` and `today()` answer.
    pub now: Timestamp,
}

/// A library, ready to check resources against; made once, used by all threads.
pub struct Validator<'a> {
    library: &'a Library,
    terminology: Box<dyn Terminology + 'a>,
}

impl<'a> Validator<'a> {
    /// Reads the types of the library; its profiles are compiled when they are first needed.
    pub fn new(library: &'a Library, terminology: Box<dyn Terminology + 'a>) -> Self {
        Self { library, terminology }
    }

    /// The packages.
    pub fn library(&self) -> &'a Library {
        self.library
    }

    /// The types, as FHIRPath and the reader of XML need them.
    pub fn model(&self) -> &Definitions {
        self.library.definitions()
    }

    /// Reads and checks a resource; what cannot be read is one fatal finding.
    pub fn validate_bytes(&self, bytes: &[u8], format: Format, request: &Request<'_>) -> Outcome {
        let limits = DocumentLimits::default();
        let document = match format {
            Format::Json => Document::from_json(bytes, &limits),
            Format::Xml => Document::from_xml(bytes, &limits, self.model()),
        };
        match document {
            Ok(document) => self.validate(&document, request),
            Err(fault) => Outcome { findings: vec![unreadable(&fault)] },
        }
    }

    /// Checks a resource.
    pub fn validate(&self, document: &Document<'_>, _request: &Request<'_>) -> Outcome {
        let findings = Findings::within(FINDINGS_MAX);
        let _ = &self.terminology;
        Outcome { findings: findings.into_found().into_iter().map(|found| placed(document, found)).collect() }
    }
}

fn unreadable(fault: &ParseFault) -> Finding {
    Finding {
        severity: Severity::Fatal,
        message: &UNREADABLE,
        arguments: Box::new([fault.problem.to_string().into()]),
        expression: String::new(),
        line: fault.at.line,
        column: fault.at.column,
        profile: None,
    }
}

fn placed(document: &Document<'_>, found: Found<'_>) -> Finding {
    let at = document.position(found.at.offset());
    Finding {
        severity: found.severity,
        message: found.message,
        arguments: found.arguments,
        expression: found.at.path(),
        line: at.line,
        column: at.column,
        profile: found.profile,
    }
}
