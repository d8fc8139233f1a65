//! One version of a package, as sites name it.

use std::{fmt, str::FromStr};

use validator::{Package, package::Manifest};

/// The longest name of a package with its version.
const ID_BYTES_MAX: usize = 200;

/// `hl7.fhir.us.core#6.1.0`: a package in a version that is said in full.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackageId(Box<str>);

/// The text names no package in one version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a package with its version, as hl7.fhir.us.core#6.1.0")]
pub struct NoPackageId;

impl PackageId {
    pub(super) fn of(package: &Package) -> Self {
        Self::of_manifest(&package.manifest)
    }

    pub(super) fn of_manifest(manifest: &Manifest) -> Self {
        Self(manifest.id().into())
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PackageId {
    type Err = NoPackageId;
    fn from_str(text: &str) -> Result<Self, NoPackageId> {
        let is_plain = |text: &str| {
            !text.is_empty()
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_@/+$".contains(&byte))
        };
        let (name, version) = text.split_once('#').ok_or(NoPackageId)?;
        let is_good = is_plain(name) && is_plain(version) && text.len() <= ID_BYTES_MAX;
        is_good.then(|| Self(text.into())).ok_or(NoPackageId)
    }
}

impl fmt::Display for PackageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_named_with_its_version() {
        for good in ["hl7.fhir.us.core#6.1.0", "@a/b#1", "a#2025-06-20"] {
            assert_eq!(good.parse::<PackageId>().map(|id| id.to_string()), Ok(good.to_owned()));
        }
        for bad in ["", "a", "a#", "#1", "a#1#2", "a b#1", "a#1 ", "a,b#1"] {
            assert_eq!(bad.parse::<PackageId>(), Err(NoPackageId), "{bad}");
        }
    }
}
