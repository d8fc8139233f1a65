//! Packages of strangers: read or refused, never a panic; what is taken has plain names, each once, within the limits.
#![no_main]

use std::{collections::BTreeSet, io::Write};

use flate2::{Compression, write::GzEncoder};
use libfuzzer_sys::fuzz_target;
use validator::{
    Package,
    package::{Examples, Limits},
};

const LIMITS: Limits = Limits {
    packed_bytes_max: 1 << 16,
    unpacked_bytes_max: 1 << 20,
    file_bytes_max: 1 << 16,
    entries_max: 20,
    ratio_max: 100,
    name_bytes_max: 100,
};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Sums are mended, so that what lies behind them is reached.
fn mended(tar: &[u8]) -> Vec<u8> {
    let mut tar = tar.to_vec();
    for block in tar.chunks_exact_mut(512).filter(|block| block[257..262] == *b"ustar") {
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
    tar
}

fn judge(tgz: &[u8]) {
    let Ok(package) = Package::read_within(tgz, &LIMITS, Examples::Kept) else { return };
    let mut names = BTreeSet::new();
    for resource in package.resources().chain(package.examples()) {
        let name = resource.name;
        assert!(name.len() <= LIMITS.name_bytes_max && resource.json().len() <= LIMITS.file_bytes_max);
        assert!(!name.starts_with('/') && !name.contains(['\\', '\0', ':']));
        assert!(name.split('/').all(|part| !matches!(part, "" | "." | "..")));
        assert!(names.insert(name.to_lowercase()), "{name} is there twice");
        let _ = resource.parse();
    }
    assert!(!package.manifest.name.contains("..") && !package.manifest.version.as_str().contains('/'));
}

fuzz_target!(|input: &[u8]| {
    judge(input);
    judge(&gzip(input));
    judge(&gzip(&mended(input)));
});
