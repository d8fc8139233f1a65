//! `hilum packages`: which FHIR packages there are, one more, and whether they are good.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use kernel::Timestamp;
use tokio::runtime::Handle;
use validator::{
    Package,
    package::{Dependency, Limits, Severity, resolve},
};

use super::say;
use crate::validate::{
    compiled::{self, Compiled},
    fetch::{self, Fetching},
    packages::{self, Folders},
    registry::Registries,
};

#[derive(Args)]
pub(super) struct Packages {
    /// The folder of packages; ~/.fhir/packages without one.
    #[arg(long = "packages", global = true, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Where packages that were read before are kept; hilum/packages in the folder for caches, such as ~/.cache, without one.
    #[arg(long = "compiled", global = true, value_name = "FOLDER")]
    compiled: Option<PathBuf>,
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Print the packages that there are.
    List,
    /// Read packages, refuse what means harm, and put them into the folder.
    Add(Add),
    /// Read packages and all that they need, and tell what is wrong or missing; without names, all.
    Verify {
        /// NAME#VERSION
        names: Vec<String>,
    },
    /// Tell how much is kept of packages that were read before; they are read anew when it is gone.
    Compiled {
        /// Remove it.
        #[arg(long)]
        clear: bool,
    },
}

#[derive(Args)]
struct Add {
    /// Archives in the FHIR package format, or NAME#VERSION to be fetched from the sources.
    #[arg(required = true, value_name = "PACKAGE")]
    packages: Vec<String>,
    /// The address of a FHIR package registry; may be repeated, and the first that has a package is asked for it.
    /// Without one, the addresses in HILUM_PACKAGE_SOURCES.
    #[arg(long = "source", value_name = "URL")]
    sources: Vec<String>,
    /// The address of a build server, for packages that are `current`.
    #[arg(long, value_name = "URL")]
    build_server: Option<String>,
    /// Fetch also what they need and what is not in the folder.
    #[arg(long)]
    with_dependencies: bool,
}

/// 0: done, and nothing wrong; 1: something is wrong with a package; 2: could not run.
pub(super) fn run(
    asked: Packages,
    environment: &BTreeMap<String, String>,
    now: Timestamp,
    runtime: &Handle,
) -> ExitCode {
    let folder = asked.folder.or_else(|| packages::default_cache(environment));
    let compiled = Compiled::new(asked.compiled.or_else(|| compiled::default_folder(environment)), now);
    let folder = folder.context("say --packages FOLDER: there is no home folder");
    let done = match asked.what {
        What::Compiled { clear } => kept(&compiled, clear),
        What::List => folder.and_then(|folder| list(folder, compiled)),
        What::Add(mut asked) => folder.and_then(|folder| {
            if asked.sources.is_empty() {
                let set = environment.get("HILUM_PACKAGE_SOURCES").map(String::as_str).unwrap_or_default();
                asked.sources = set.split_ascii_whitespace().map(str::to_owned).collect();
            }
            add(&asked, &folder, compiled, runtime)
        }),
        What::Verify { names } => folder.and_then(|folder| verify(&folder, &names)),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(fault) => {
            eprintln!("hilum: {fault:#}");
            ExitCode::from(2)
        }
    }
}

fn list(folder: PathBuf, compiled: Compiled) -> anyhow::Result<bool> {
    for package in Folders::new(vec![folder], compiled).list() {
        say(format_args!("{}#{}  {}", package.name, package.version, package.path.display()))?;
    }
    Ok(true)
}

/// Archives by their paths, and others by name from the sources. Without anybody's word nothing is fetched but what is named.
fn add(asked: &Add, folder: &Path, compiled: Compiled, runtime: &Handle) -> anyhow::Result<bool> {
    let (archives, named): (Vec<&String>, Vec<&String>) =
        asked.packages.iter().partition(|package| Path::new(package).exists() || package.ends_with(".tgz"));
    for tgz in archives {
        add_archive(folder, Path::new(tgz))?;
    }
    if named.is_empty() {
        return Ok(true);
    }
    if asked.sources.is_empty() && asked.build_server.is_none() {
        bail!("say --source URL, from which registry packages are to be fetched by name");
    }
    let registries = Registries::new(&asked.sources, asked.build_server.as_deref(), runtime.clone())?;
    let folders = Folders::new(vec![folder.to_owned()], compiled.clone());
    let fetching = Fetching::new(folder, &folders, &registries);
    let mut roots = Vec::new();
    for name in named {
        roots.push(fetching.add(&Dependency::new(name))?);
        fetching.told().iter().try_for_each(say)?;
    }
    let resolution = match asked.with_dependencies {
        true => resolve(&roots, &fetching, &Limits::default()),
        false => resolve(&roots, &folders, &Limits::default()),
    };
    fetching.told().iter().try_for_each(say)?;
    resolution.findings.iter().try_for_each(say)?;
    compiled.keep_read();
    let is_missing = resolution.findings.iter().any(|finding| finding.severity() == Severity::Error);
    Ok(!(asked.with_dependencies && is_missing))
}

/// Read first, so that nothing is kept that would be refused later.
fn add_archive(folder: &Path, tgz: &Path) -> anyhow::Result<()> {
    let bytes = fs::read(tgz).with_context(|| tgz.display().to_string())?;
    let package = Package::read(&bytes).with_context(|| tgz.display().to_string())?;
    let id = package.manifest.id();
    fetch::put(folder, &id, &bytes)?;
    say(format_args!("{id}: {} resources", package.resources().count()))
}

fn kept(compiled: &Compiled, is_cleared: bool) -> anyhow::Result<bool> {
    let folder = compiled.folder().context("say --compiled FOLDER: there is no folder for caches")?;
    let size = if is_cleared { compiled.clear().context("removing what is kept")? } else { compiled.size() };
    let end = if is_cleared { ", removed" } else { "" };
    say(format_args!("{}: {} packages, {} bytes{end}", folder.display(), size.files, size.bytes))?;
    Ok(true)
}

/// What is there is read itself, not what was kept of it.
fn verify(folder: &Path, names: &[String]) -> anyhow::Result<bool> {
    let folders = Folders::new(vec![folder.to_owned()], Compiled::default());
    let mut is_good = true;
    let roots: Vec<Dependency> = match names {
        [] => folders
            .list()
            .iter()
            .map(|one| Dependency::new(&format!("{}#{}", one.name, one.version)))
            .collect(),
        names => names.iter().map(|name| Dependency::new(name)).collect(),
    };
    if roots.is_empty() {
        bail!("there is no package in {}", folder.display());
    }
    // An archive that cannot be read has no name to be listed by.
    for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
        if path.extension().is_some_and(|ending| ending == "tgz")
            && let Err(fault) = Compiled::default().open(&path)
        {
            is_good = false;
            say(format_args!("{fault:#}"))?;
        }
    }
    let resolution = resolve(&roots, &folders, &Limits::default());
    for package in &resolution.packages {
        let id = package.manifest.id();
        for skipped in package.skipped() {
            is_good = false;
            say(format_args!("{id}: {} is not read: {}", skipped.name, skipped.why))?;
        }
        say(format_args!("{id}: {} resources", package.resources().count()))?;
    }
    for finding in &resolution.findings {
        is_good &= finding.severity() != Severity::Error;
        say(finding)?;
    }
    Ok(is_good)
}
