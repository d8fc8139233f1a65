//! Conformance resources that lie outside of any package, in JSON or XML.

use fhirpath::{
    document::{Document, DocumentLimits},
    model::Model,
};

use super::{
    Manifest, Package, PackageFault, Version,
    read::{Folder, Origin, folder},
};

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
        let files = files.into_iter().map(|(name, bytes)| (name, json(bytes, model)));
        Self::of_json(manifest, Origin::Files, files)
    }

    /// A package that lies unpacked, as the cache of HL7's tools keeps it: its files under the names that they had in the archive
    /// (`package/package.json`), in any order.
    ///
    /// # Errors
    /// Where the manifest is missing or none.
    pub fn unpacked(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Result<Self, PackageFault> {
        let mut files: Vec<(String, Vec<u8>)> = files.into_iter().collect();
        files.sort_by(|(one, _), (other, _)| one.cmp(other));
        let manifest = files.iter().find(|(name, _)| name == "package/package.json");
        let manifest = Manifest::read(&manifest.ok_or(PackageFault::NoManifest)?.1)?;
        let resources = files.into_iter().filter(|(name, _)| matches!(folder(name), Folder::Resources));
        Ok(Self::of_json(manifest, Origin::Archive, resources.map(|(name, bytes)| (name, Ok(bytes)))))
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
