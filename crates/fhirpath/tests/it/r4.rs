//! R4's own definitions, read in place from the core package: nothing of it is kept here.

use std::{
    io::Read,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use fhirpath::{
    document::{Document, DocumentLimits},
    model::Definitions,
};

/// The folder with the shared test material; nothing, and a loud line, where it is missing.
#[expect(
    clippy::disallowed_methods,
    reason = "tests find their material by the environment, as `./test` sets it"
)]
pub(crate) fn data(test: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let folder = std::env::var("HILUM_DATA").map_or_else(|_| beside(), PathBuf::from);
    // `./test` gives a path from the root of the repository.
    let folder = if folder.is_relative() {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder)
    } else {
        folder
    };
    if folder.join("fhir/packages").is_dir() {
        return Some(folder);
    }
    eprintln!("SKIPPED {test}: there is no test material at {}", folder.display());
    None
}

pub(crate) fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/r4").join(name);
    std::fs::read(&path).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()))
}

/// The types of R4, read once.
pub(crate) fn model(data: &Path) -> &'static Definitions {
    static MODEL: OnceLock<Definitions> = OnceLock::new();
    MODEL.get_or_init(|| {
        let mut model = Definitions::new();
        for (name, bytes) in entries(&data.join("fhir/packages/hl7.fhir.r4.core-4.0.1-reconstructed.tgz")) {
            if name.starts_with("package/StructureDefinition-") {
                let document = Document::from_json(&bytes, &DocumentLimits::default()).unwrap();
                model.add(document.root()).unwrap_or_else(|fault| panic!("{name}: {fault}"));
            }
        }
        model
    })
}

/// The JSON files of a package: tar's records of 512 bytes, a name, a size in octal, the bytes.
pub(crate) fn entries(package: &Path) -> Vec<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(package).unwrap();
    flate2::read::GzDecoder::new(file).read_to_end(&mut bytes).unwrap();
    let text = |field: &[u8]| String::from_utf8_lossy(field).trim_end_matches(['\0', ' ']).to_owned();
    let (mut at, mut found) = (0, Vec::new());
    while let Some(header) = bytes.get(at..at + 512).filter(|header| header[0] != 0) {
        let size = usize::from_str_radix(&text(&header[124..136]), 8).unwrap();
        let name = text(&header[..100]);
        at += 512;
        if header[156] == b'0' && name.ends_with(".json") {
            found.push((name, bytes[at..at + size].to_vec()));
        }
        at += size.div_ceil(512) * 512;
    }
    found
}
