//! FHIR R4 validation as a pure crate: bytes of packages in, findings out. Nothing here opens a file, a socket or a
//! clock; where packages come from is the caller's [`package::Source`].

pub mod check;
pub mod finding;
pub mod library;
pub mod package;
pub mod program;
pub mod snapshot;
pub mod terminology;

pub use check::Validator;
pub use fhirpath::document::Format;
pub use finding::{Finding, Outcome, Severity};
pub use library::Library;
pub use package::Package;
pub use snapshot::Snapshots;
pub use terminology::Codes;
