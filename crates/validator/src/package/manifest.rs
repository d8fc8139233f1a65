//! `package/package.json`. <https://confluence.hl7.org/display/FHIR/NPM+Package+Specification>

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{PackageFault, Version, Wanted, fault::shown};

/// Who a package is and what it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// `hl7.fhir.us.core`
    pub name: String,
    /// `6.1.0`
    pub version: Version,
    /// Where the canonicals of the package begin.
    pub canonical: Option<String>,
    /// `4.0.1`; a package may serve several.
    pub fhir_versions: Vec<String>,
    /// In the order of their names.
    pub dependencies: Vec<Dependency>,
}

/// A package that another asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Dependency {
    /// The package's own name, whatever alias the manifest gives it (`alias@npm:name`).
    pub name: String,
    /// Which version.
    pub wanted: Wanted,
}

impl Dependency {
    /// `name#version` as FHIR tools write it, `name@version` as npm does; the latest without one.
    pub fn new(text: &str) -> Self {
        let at = text.char_indices().skip(1).find(|(_, c)| matches!(c, '#' | '@')).map(|(at, _)| at);
        let (name, version) = at.and_then(|at| text.split_at_checked(at)).unwrap_or((text, "#latest"));
        Self { name: name.to_owned(), wanted: Wanted::new(version.get(1..).unwrap_or_default()) }
    }

    fn from_manifest(name: &str, version: &str) -> Self {
        let name = name.split_once("@npm:").map_or(name, |(_, name)| name);
        // npm: `"alias": "npm:name@version"`
        match version.strip_prefix("npm:") {
            Some(aliased) => Self::new(aliased),
            None => Self { name: name.to_owned(), wanted: Wanted::new(version) },
        }
    }
}

#[derive(Deserialize)]
struct ManifestIn {
    name: String,
    version: String,
    canonical: Option<String>,
    #[serde(rename = "fhirVersions")]
    fhir_versions: Option<OneOrMany>,
    #[serde(rename = "fhir-version-list")]
    fhir_version_list: Option<OneOrMany>,
    dependencies: Option<BTreeMap<String, String>>,
}

/// Older tools wrote one version without the brackets.
#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl Manifest {
    /// The manifest of a package, its name and version being what they may be.
    ///
    /// # Errors
    /// [`PackageFault::BadManifest`]
    pub fn read(json: &[u8]) -> Result<Self, PackageFault> {
        let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
        let read: ManifestIn =
            serde_json::from_slice(json).map_err(|error| PackageFault::BadManifest(error.to_string()))?;
        if !is_name(&read.name) {
            return Err(PackageFault::BadManifest(format!(
                "`{}` is no name of a package",
                shown(&read.name)
            )));
        }
        if !is_version(&read.version) {
            return Err(PackageFault::BadManifest(format!("`{}` is no version", shown(&read.version))));
        }
        let fhir_versions = match read.fhir_versions.or(read.fhir_version_list) {
            None => Vec::new(),
            Some(OneOrMany::One(version)) => vec![version],
            Some(OneOrMany::Many(versions)) => versions,
        };
        let dependencies = read.dependencies.unwrap_or_default();
        Ok(Self {
            name: read.name,
            version: Version::new(&read.version),
            canonical: read.canonical.filter(|canonical| !canonical.is_empty()),
            fhir_versions,
            dependencies: dependencies.iter().map(|(n, v)| Dependency::from_manifest(n, v)).collect(),
        })
    }

    /// `name#version`
    pub fn id(&self) -> String {
        format!("{}#{}", self.name, self.version)
    }

    /// The definitions of FHIR themselves: `hl7.fhir.r4.core`, by whatever release.
    pub fn is_core(&self) -> bool {
        self.name.strip_prefix("hl7.fhir.r").and_then(|rest| rest.strip_suffix(".core")).is_some_and(
            |release| {
                !release.is_empty() && release.bytes().all(|byte| byte.is_ascii_digit() || byte == b'b')
            },
        )
    }
}

/// It becomes the name of a folder in a cache, so it is held to what names of packages have.
fn is_name(name: &str) -> bool {
    let plain = name.strip_prefix('@').unwrap_or(name);
    let parts = if name.starts_with('@') { 2 } else { 1 };
    name.len() <= 214
        && plain.split('/').count() == parts
        && plain.split(['/', '.']).all(|part| {
            part.starts_with(|c: char| c.is_ascii_alphanumeric())
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        })
}

fn is_version(version: &str) -> bool {
    let is_plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'+' | b'_' | b'$');
    !version.is_empty() && version.len() <= 128 && !version.contains("..") && version.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_is_read() {
        let manifest = Manifest::read(
            br#"{"name":"a.b","version":"1.0.0","fhirVersions":"4.0.1","dependencies":
                {"hl7.fhir.r4.core":"4.0.1","v5@npm:a.c":"1.x","d":"npm:a.e@2.0.0"},"other":[{}]}"#,
        )
        .unwrap();
        assert_eq!(manifest.id(), "a.b#1.0.0");
        assert_eq!(manifest.fhir_versions, ["4.0.1"]);
        let expected = ["a.e#2.0.0", "hl7.fhir.r4.core#4.0.1", "a.c#1.x"].map(Dependency::new);
        assert_eq!(manifest.dependencies, expected);
        assert!(!manifest.is_core());
    }

    #[test]
    fn what_is_no_manifest_is_refused() {
        for bad in [
            "",
            "[]",
            "{}",
            r#"{"name":"a"}"#,
            r#"{"name":1,"version":"1"}"#,
            r#"{"name":"../a","version":"1"}"#,
            r#"{"name":"a","version":"../1"}"#,
            r#"{"name":"a","version":""}"#,
            r#"{"name":"","version":"1"}"#,
            r#"{"name":"a","name":"b","version":"1"}"#,
            r#"{"name":"a/b","version":"1"}"#,
        ] {
            assert!(Manifest::read(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(Manifest::read(br#"{"name":"@a/b.c","version":"1.0.0-x_1"}"#).is_ok());
    }

    #[test]
    fn dependencies_as_tools_write_them() {
        assert_eq!(Dependency::new("a.b").wanted, Wanted::Latest);
        assert_eq!(Dependency::new("@a/b@1.0.0").name, "@a/b");
        assert_eq!(Dependency::new("a#current$x").wanted, Wanted::Current("current$x".into()));
    }
}
