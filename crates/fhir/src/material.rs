//! Test material, read in place: synthetic patients and the examples of guides. Nothing of it is kept here.

use std::{
    io::Read,
    path::{Path, PathBuf},
    process::Command,
};

/// The folder with the shared test material; nothing, and a loud line, where it is missing.
#[expect(
    clippy::disallowed_methods,
    reason = "tests find their material by the environment, as `./test` sets it"
)]
pub(crate) fn data(test: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = std::env::var("HILUM_DATA").map_or_else(|_| PathBuf::from("../shared/data"), PathBuf::from);
    // `./test` gives a path from the root of the repository.
    let folder = if folder.is_relative() { root.join(folder) } else { folder };
    if folder.join("fhir/packages").is_dir() {
        return Some(folder);
    }
    eprintln!("SKIPPED {test}: there is no test material at {}", folder.display());
    None
}

/// Some of the transaction Bundles of synthetic patients, one of every `step`.
pub(crate) fn bundles(data: &Path, step: usize) -> Vec<Vec<u8>> {
    let folder = std::fs::read_dir(data.join("fhir/synthea")).unwrap();
    let mut paths: Vec<PathBuf> = folder.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "bz2"));
    paths.sort();
    let read = |path: &PathBuf| {
        let output = Command::new("bzip2").arg("-dc").arg(path).output().unwrap();
        assert!(output.status.success(), "{}", path.display());
        output.stdout
    };
    paths.iter().step_by(step).map(read).collect()
}

/// The JSON files of a package: tar's records of 512 bytes, a name, a size in octal, the bytes.
pub(crate) fn package(path: &Path) -> Vec<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).unwrap();
    flate2::read::GzDecoder::new(file).read_to_end(&mut bytes).unwrap();
    let text = |field: &[u8]| String::from_utf8_lossy(field).trim_end_matches(['\0', ' ']).to_owned();
    let (mut at, mut found) = (0, Vec::new());
    while let Some(header) = bytes.get(at..at + 512).filter(|header| header[0] != 0) {
        let size = usize::from_str_radix(text(&header[124..136]).trim(), 8).unwrap();
        let name = text(&header[..100]);
        at += 512;
        if matches!(header[156], b'0' | 0) && name.ends_with(".json") {
            found.push((name, bytes[at..at + size].to_vec()));
        }
        at += size.div_ceil(512) * 512;
    }
    found
}
