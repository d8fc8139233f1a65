//! Archives as tools write them, and as no tool writes them.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};

pub(crate) const MANIFEST: &str = r#"{"name":"a.b","version":"1.0.0","fhirVersions":["4.0.1"]}"#;

/// A tar archive in the making.
#[derive(Default)]
pub(crate) struct Archive(pub(crate) Vec<u8>);

impl Archive {
    /// With a good manifest in it.
    pub(crate) fn package() -> Self {
        Self::default().file("package/package.json", MANIFEST)
    }

    pub(crate) fn file(self, name: impl AsRef<[u8]>, content: impl AsRef<[u8]>) -> Self {
        self.entry(b'0', name, content)
    }

    pub(crate) fn entry(mut self, kind: u8, name: impl AsRef<[u8]>, content: impl AsRef<[u8]>) -> Self {
        let content = content.as_ref();
        self.0.extend(header(kind, name.as_ref(), content.len()));
        self.0.extend(content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    pub(crate) fn pax(self, key: &str, value: &str) -> Self {
        let rest = format!(" {key}={value}\n");
        let length = (1..).find(|n: &usize| n.to_string().len() + rest.len() == *n).unwrap();
        self.entry(b'x', "PaxHeader", format!("{length}{rest}"))
    }

    pub(crate) fn tar(mut self) -> Vec<u8> {
        self.0.extend([0; 1024]);
        self.0
    }

    pub(crate) fn tgz(self) -> Vec<u8> {
        gzip(&self.tar())
    }
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn header(kind: u8, name: &[u8], size: usize) -> [u8; 512] {
    let mut block = [0; 512];
    block[..name.len()].copy_from_slice(name);
    block[100..108].copy_from_slice(b"0000644\0");
    block[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
    block[156] = kind;
    block[257..265].copy_from_slice(b"ustar\x0000");
    sum(&mut block);
    block
}

pub(crate) fn sum(block: &mut [u8; 512]) {
    block[148..156].copy_from_slice(b"        ");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}
