//! `hilum validate`: FHIR resources against packages and profiles, on all cores and in constant memory.

use std::{
    collections::BTreeMap,
    io::{self, BufWriter, IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::Context;
use clap::Args;
use kernel::{Secret, Timestamp};
use tokio::runtime::Handle;
use validator::{
    Codes, Validator,
    check::{MustSupport, Request},
    terminology::Kept,
};

use crate::validate::{
    compiled::{self, Compiled},
    input::Inputs,
    packages::{self, Folders},
    terminology::Server,
    work,
    write::{Amount, Form, Totals, Writer},
};

/// How often the terminal hears how far it is.
const PROGRESS_EVERY: Duration = Duration::from_millis(200);

/// Nothing was checked, or not all of it.
const COULD_NOT_RUN: u8 = 2;

#[derive(Args)]
pub(super) struct Validate {
    /// A package as NAME#VERSION, a .tgz, an unpacked package, or definitions in single files; may be repeated.
    #[arg(long = "ig", value_name = "PACKAGE")]
    guides: Vec<String>,
    /// A profile that every resource must conform to, beside those that it declares; may be repeated.
    #[arg(long = "profile", value_name = "URL")]
    profiles: Vec<String>,
    /// A folder of packages: name#version folders or .tgz files; may be repeated. Without one, ~/.fhir/packages.
    #[arg(long = "packages", value_name = "FOLDER")]
    folders: Vec<PathBuf>,
    /// The base of a terminology server, which is asked about what the packages do not hold; its token, if it wants one, is
    /// HILUM_TERMINOLOGY_TOKEN.
    #[arg(long, value_name = "URL")]
    terminology: Option<String>,
    /// Also tell of each element that a profile calls must-support whether it is there.
    #[arg(long)]
    must_support: bool,
    /// Where packages that were read before are kept. Without one, hilum/packages in the folder for caches, such as ~/.cache.
    #[arg(long = "compiled", value_name = "FOLDER")]
    compiled: Option<PathBuf>,
    /// How the answer is written.
    #[arg(long, value_enum, default_value_t = Form::Text)]
    output: Form,
    /// Threads; without a number, one for each core.
    #[arg(long, value_name = "N")]
    threads: Option<std::num::NonZero<usize>>,
    /// Resources in JSON or XML, folders of them, or NDJSON with one in each line.
    #[arg(required = true, value_name = "FILES")]
    files: Vec<PathBuf>,
}

/// 0: no errors found; 1: errors found; 2: could not run, or not to the end.
pub(super) fn run(
    asked: Validate,
    environment: &BTreeMap<String, String>,
    now: Timestamp,
    runtime: Handle,
) -> ExitCode {
    match validated(&asked, environment, now, runtime) {
        Ok(totals) if totals.unread > 0 || totals.unanswered > 0 || totals.resources == 0 => {
            ExitCode::from(COULD_NOT_RUN)
        }
        Ok(totals) if totals.errors > 0 => ExitCode::from(1),
        Ok(_) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("hilum: {fault:#}");
            ExitCode::from(COULD_NOT_RUN)
        }
    }
}

fn validated(
    asked: &Validate,
    environment: &BTreeMap<String, String>,
    now: Timestamp,
    runtime: Handle,
) -> anyhow::Result<Totals> {
    let server = asked.terminology.as_deref().map(|address| {
        let token = environment.get("HILUM_TERMINOLOGY_TOKEN").cloned().map(Secret::new);
        Server::new(address, token, runtime)
    });
    let server = server.transpose()?;
    let mut folders = asked.folders.clone();
    packages::are_there(&folders)?;
    if folders.is_empty() {
        folders.extend(packages::default_cache(environment));
    }
    let mut progress = Progress::new();
    progress.say("reading packages");
    let compiled = asked.compiled.clone().or_else(|| compiled::default_folder(environment));
    let compiled = Compiled::new(compiled, now);
    let loaded = packages::load(&asked.guides, Folders::new(folders, compiled.clone()))?;
    progress.clear();
    for note in &loaded.notes {
        eprintln!("hilum: {note}");
    }
    let library = &loaded.library;
    for profile in &asked.profiles {
        let found = library.canonical_of_type(profile, "StructureDefinition");
        found.with_context(|| format!("the profile {profile} is in none of the loaded packages"))?;
    }
    let codes = match &server {
        Some(server) => Codes::with_remote(library, Box::new(Kept::new(server))),
        None => Codes::new(library),
    };
    let must_support = if asked.must_support { MustSupport::Reported } else { MustSupport::Ignored };
    let validator = Validator::new(library, Box::new(codes)).with_must_support(must_support);
    let profiles: Vec<&str> = asked.profiles.iter().map(String::as_str).collect();
    let request = Request { profiles: &profiles, now };
    let threads = asked.threads.or(std::thread::available_parallelism().ok()).map_or(1, Into::into);
    let out = BufWriter::new(io::stdout().lock());
    let mut writer = Writer::begin(out, asked.output, amount(&asked.files)).context("writing the answer")?;
    let (mut inputs, mut totals) = (Inputs::new(&asked.files), Totals::default());
    work::each_batch(&validator, &request, &mut inputs, threads, |checked| {
        checked.iter().for_each(|one| totals.add(one));
        progress.clear();
        writer.batch(&checked).context("writing the answer")?;
        progress.tell(&totals);
        anyhow::Ok(())
    })?;
    progress.clear();
    totals.unanswered = server.as_ref().map_or(0, Server::unanswered);
    if totals.unanswered > 0 {
        eprintln!("hilum: {} questions had no answer of the terminology server", totals.unanswered);
    }
    writer.end(&totals).context("writing the answer")?;
    compiled.keep_read();
    Ok(totals)
}

fn amount(files: &[PathBuf]) -> Amount {
    let is_one = |file: &PathBuf| {
        file.is_file() && !file.extension().is_some_and(|ending| ending == "ndjson" || ending == "jsonl")
    };
    match files {
        [file] if is_one(file) => Amount::One,
        _ => Amount::Many,
    }
}

/// How far it is, on a terminal alone, and on a line that is wiped away.
struct Progress {
    is_shown: bool,
    told: Option<Instant>,
}

impl Progress {
    fn new() -> Self {
        Self { is_shown: io::stderr().is_terminal(), told: None }
    }

    fn say(&self, text: &str) {
        if self.is_shown {
            let mut out = io::stderr();
            // A terminal that is gone hears nothing, and nothing depends on it.
            let _ = write!(out, "\r\u{1b}[K{text}").and_then(|()| out.flush());
        }
    }

    fn tell(&mut self, totals: &Totals) {
        if self.told.is_none_or(|told| told.elapsed() >= PROGRESS_EVERY) {
            self.told = Some(Instant::now());
            self.say(&format!("{} resources, {} not valid", totals.resources, totals.invalid));
        }
    }

    fn clear(&self) {
        self.say("");
    }
}
