//! The real packages, which lie beside the repository and are never part of it.

use std::path::PathBuf;

/// A file of `HILUM_DATA`; `None`, said loudly, where the material is not there.
pub(crate) fn bytes(path: &str) -> Option<Vec<u8>> {
    let file = root().join("fhir").join(path);
    let read = std::fs::read(&file).ok();
    if read.is_none() {
        eprintln!("SKIPPED: {} is not there", file.display());
    }
    read
}

pub(crate) const CORE: &str = "hl7.fhir.r4.core-4.0.1-reconstructed";

/// The folder of all the material.
pub(crate) fn root() -> PathBuf {
    variable("HILUM_DATA").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")),
        |root| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join(root),
    )
}

/// What the person who runs the tests says.
pub(crate) fn variable(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "tests find their material through the environment")]
    std::env::var(name).ok()
}
