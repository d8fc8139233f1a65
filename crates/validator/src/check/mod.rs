//! Checking a resource against its type, the profiles that it declares and those that are asked for.

mod bundle;
mod control;
mod definition;
mod element;
mod extension;
mod findings;
mod invariant;
mod measure;
mod messages;
mod narrative;
mod place;
mod ports;
mod primitive;
mod questionnaire;
mod reference;
mod resource;
mod run;
mod slice;
mod terminology;
mod value;

pub use findings::Findings;
pub(crate) use findings::Place;
pub use questionnaire::QUESTIONS_DEEP_MAX;
pub use reference::References;
pub use run::{STEPS_MAX, TRIALS_MAX};
pub use terminology::{Coded, NoTerminology, Terminology};

use fhirpath::{
    document::{Document, DocumentLimits, Format, ParseFault},
    model::Definitions,
};
use kernel::Timestamp;

use crate::{
    Library,
    finding::{Finding, Outcome, Severity},
    program::Programs,
};
use reference::Links;
use run::Run;

/// `FINDINGS_MAX`: findings about one resource; what comes after them is not looked for.
pub const FINDINGS_MAX: usize = 10_000;

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
    programs: Programs<'a>,
    terminology: Box<dyn Terminology + 'a>,
    html: Html,
    entries: Vec<EntryProfile>,
    references: References,
    must_support: MustSupport,
}

/// A profile that resources of some entries of a Bundle have to conform to, although they do not declare it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryProfile {
    /// The type of resource.
    pub resource_type: Box<str>,
    /// Which of its type in the Bundle, from 0; nothing means each.
    pub number: Option<usize>,
    /// The canonical url of the profile.
    pub profile: Box<str>,
}

/// What is thought of HTML in strings and in markdown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Html {
    /// A warning.
    #[default]
    Warned,
    /// An error: for data that goes to pages which trust it.
    Refused,
}

/// What is told of the elements that profiles call must-support.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MustSupport {
    /// Nothing.
    #[default]
    Ignored,
    /// Of each whether it is there, as information, wherever the element that it belongs to is there.
    Reported,
}

impl<'a> Validator<'a> {
    /// Profiles are compiled when they are first needed.
    pub fn new(library: &'a Library, terminology: Box<dyn Terminology + 'a>) -> Self {
        Self {
            programs: Programs::new(library),
            terminology,
            html: Html::default(),
            entries: Vec::new(),
            references: References::default(),
            must_support: MustSupport::default(),
        }
    }

    /// With profiles for the entries of Bundles.
    #[must_use]
    pub fn with_entries(self, entries: Vec<EntryProfile>) -> Self {
        Self { entries, ..self }
    }

    /// With another mind about references that lead out of the document.
    #[must_use]
    pub fn with_references(self, references: References) -> Self {
        Self { references, ..self }
    }

    /// With another mind about HTML.
    #[must_use]
    pub fn with_html(self, html: Html) -> Self {
        Self { html, ..self }
    }

    /// With what is told of must-support elements.
    #[must_use]
    pub fn with_must_support(self, must_support: MustSupport) -> Self {
        Self { must_support, ..self }
    }

    /// The packages.
    pub fn library(&self) -> &'a Library {
        self.programs.library()
    }

    /// The types, as FHIRPath and the reader of XML need them.
    pub fn model(&self) -> &Definitions {
        self.programs.model()
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
    pub fn validate(&self, document: &Document<'_>, request: &Request<'_>) -> Outcome {
        let links = Links::new(document.root());
        let ports = ports::RunPorts { validator: self, document, links: &links, now: request.now };
        let mut run = Run::new(self, document, &links, &ports, request);
        run.check_root(request);
        let found = run.findings.into_found();
        if found.is_empty() {
            return Outcome::default();
        }
        let places = place::Places::new(document, self.model());
        Outcome { findings: found.into_iter().map(|found| places.finding(found)).collect() }
    }
}

fn unreadable(fault: &ParseFault) -> Finding {
    Finding {
        severity: Severity::Fatal,
        message: &messages::UNREADABLE,
        arguments: Box::new([fault.problem.to_string().into()]),
        expression: String::new(),
        line: fault.at.line,
        column: fault.at.column,
        profile: None,
    }
}
