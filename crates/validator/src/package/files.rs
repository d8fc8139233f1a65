//! Conformance resources that lie outside of any package, in JSON or XML.

use fhirpath::{
    document::{Document, DocumentLimits},
    model::Model,
};

use super::{Manifest, Package, Version};

impl Package {
    /// Files as one package of the name given. What is written in XML is kept as JSON, which needs the types of FHIR: which
    /// elements repeat and which are numbers, no XML says. Files that are no resources are [`Package::skipped`].
    pub fn of_files(
        name: &str,
        files: impl IntoIterator<Item = (String, Vec<u8>)>,
        model: &dyn Model,
    ) -> Self {
        let manifest = Manifest {
            name: name.to_owned(),
            version: Version::new("dev"),
            canonical: None,
            fhir_versions: vec!["4.0.1".to_owned()],
            dependencies: Vec::new(),
        };
        Self::of_json(manifest, files.into_iter().map(|(name, bytes)| (name, json(bytes, model))))
    }
}

fn json(bytes: Vec<u8>, model: &dyn Model) -> Result<Vec<u8>, String> {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    if text.trim_ascii_start().first() != Some(&b'<') {
        return Ok(bytes);
    }
    let document = Document::from_xml(text, &DocumentLimits::default(), model);
    document.map(|document| document.to_json().into_bytes()).map_err(|fault| fault.to_string())
}
