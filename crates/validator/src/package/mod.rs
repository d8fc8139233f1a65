//! FHIR packages: what npm calls a tarball, with resources in `package/`.
//! <https://hl7.org/fhir/packages.html>, <https://confluence.hl7.org/display/FHIR/NPM+Package+Specification>

mod compiled;
mod fault;
mod files;
mod gunzip;
mod header;
mod index;
mod lean;
mod manifest;
mod name;
mod outline;
mod r4;
mod read;
mod resolve;
mod tar;
mod texts;
mod version;

pub use compiled::{CompiledFault, ContentKey, FORMAT_VERSION};
pub use fault::PackageFault;
pub use index::{Head, Kind};
pub(crate) use lean::Kept;
pub use lean::NO_RULES;
pub use manifest::{Dependency, Manifest};
pub use r4::{BESIDE_R4, R4, R4_CONTENT};
pub use read::{Examples, Package, Resource, Skipped};
pub use resolve::{Fetched, Found, Resolution, ResolveFinding, Severity, Source, resolve};
pub use version::{Version, Wanted};

/// What an archive may hold at most: a package that holds more is refused before it has taken the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `PACKED_BYTES_MAX`: the `.tgz` itself.
    pub packed_bytes_max: usize,
    /// `UNPACKED_BYTES_MAX`: everything in it.
    pub unpacked_bytes_max: usize,
    /// `FILE_BYTES_MAX`: one file in it.
    pub file_bytes_max: usize,
    /// `ENTRIES_MAX`: files, folders and headers in it.
    pub entries_max: usize,
    /// `RATIO_MAX`: unpacked bytes for one packed byte, beyond the first [`Limits::RATIO_FREE_BYTES`].
    pub ratio_max: usize,
    /// `NAME_BYTES_MAX`: the name of one file.
    pub name_bytes_max: usize,
}

impl Limits {
    /// A small archive of spaces is no bomb: the ratio is asked beyond this only.
    pub const RATIO_FREE_BYTES: usize = 4 << 20;
    /// `BLOCK_BYTES_MAX`: one unpacked block of a compiled package, which holds one file or many small ones.
    pub const BLOCK_BYTES_MAX: usize = 64 << 20;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            packed_bytes_max: 128 << 20,
            unpacked_bytes_max: 1 << 30,
            file_bytes_max: 64 << 20,
            entries_max: 100_000,
            ratio_max: 100,
            name_bytes_max: 512,
        }
    }
}
