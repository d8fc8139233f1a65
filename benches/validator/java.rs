//! HL7's validator in a process of its own: built by Maven, with a folder of packages of its own, asked line by line.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use validator::Package;

use crate::{
    material::{self, Set},
    own::{self, Took},
};

/// The most memory that the peer may use.
const HEAP: &str = "-Xmx4g";
/// Its core package has this code system, which R4's core package of this day has not: it refuses to load both.
const NOT_IN_CORE: &str = "CodeSystem-spdx-license.json";
/// It looks for this one by itself; nothing here needs what is in it.
const EMPTY: &str = "hl7.fhir.xver-extensions#0.1.0";

/// One issue of its OperationOutcome.
pub struct Issue {
    pub severity: String,
    pub message_id: String,
    pub line: String,
    pub column: String,
    pub expression: String,
    pub text: String,
}

/// Its class path; `None`, said loudly, where Maven cannot build it.
pub fn class_path() -> Option<String> {
    let folder = material::made();
    let path = folder.join("class-path.txt");
    let output = format!("-Dmdep.outputFile={}", path.display());
    if !maven(&["compile", "dependency:build-classpath", &output]) {
        println!("WITHOUT THE PEER: Maven, a JDK 17 and Maven Central are needed for it");
        return None;
    }
    Some(format!("{}:{}", folder.join("classes").display(), fs::read_to_string(path).unwrap()))
}

/// Whether Maven did what it was asked.
pub fn maven(goals: &[&str]) -> bool {
    let pom = concat!(env!("CARGO_MANIFEST_DIR"), "/../../benches/validator/pom.xml");
    let made = format!("-Dmade={}", material::made().display());
    let done =
        Command::new("mvn").args(["-q", "-B", "-f", pom, &made]).args(goals).stdout(Stdio::null()).status();
    done.is_ok_and(|status| status.success())
}

/// It, with packages loaded.
pub struct Peer {
    process: Child,
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
    /// From the start of the process until it was ready to validate.
    pub started: Duration,
}

impl Peer {
    pub fn start(class_path: &str, set: &Set) -> Self {
        let home = material::made().join("home");
        let names: Vec<String> = set.iter().map(|name| unpack(&home, name)).collect();
        let start = Instant::now();
        let mut process = Command::new("java")
            .args([HEAP, &format!("-Duser.home={}", home.display()), "-cp", class_path, "Peer"])
            .args(names)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let asks = process.stdin.take().unwrap();
        let answers = BufReader::new(process.stdout.take().unwrap());
        let mut peer = Self { process, asks, answers, started: Duration::ZERO };
        assert_eq!(peer.answer(), ["ready"]);
        peer.started = start.elapsed();
        peer
    }

    fn ask(&mut self, words: &[&str]) -> Vec<String> {
        writeln!(self.asks, "{}", words.join("\t")).unwrap();
        self.answer()
    }

    fn answer(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            assert_ne!(self.answers.read_line(&mut line).unwrap(), 0, "the peer has ended");
            match line.trim_end_matches('\n') {
                "" => return lines,
                line => lines.push(line.to_owned()),
            }
        }
    }

    /// What it finds in a file.
    pub fn check(&mut self, file: &Path) -> Vec<Issue> {
        let issue = |line: String| {
            let mut fields = line.split('\t').map(str::to_owned);
            let mut next = || fields.next().unwrap_or_default();
            let (severity, message_id, line, column) = (next(), next(), next(), next());
            assert_ne!(severity, "failed", "the peer failed on {}: {message_id}", file.display());
            Issue { severity, message_id, line, column, expression: next(), text: next() }
        };
        self.ask(&["check", &file.display().to_string()]).into_iter().map(issue).collect()
    }

    /// How long it takes for a file, validated again and again for a while, once at least.
    pub fn time(&mut self, file: &Path, during: Duration) -> Took {
        let told = self.ask(&["time", &during.as_millis().to_string(), &file.display().to_string()]);
        let told: Vec<u64> = told[0].split('\t').map(|field| field.parse().unwrap()).collect();
        let each = |nanos: u64| Duration::from_nanos(nanos / told[1]);
        Took { ran: each(told[2]), wall: each(told[3]), findings: usize::try_from(told[0]).unwrap() }
    }

    /// Bytes of its heap that are in use, and what the process has resident.
    pub fn memory(&mut self) -> (u64, u64) {
        let heap = self.ask(&["memory"])[0].parse().unwrap();
        (heap, own::resident_bytes(&self.process.id().to_string()))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Puts a package where the peer looks for packages, and says how it is called there. What it depends on is named by us.
fn unpack(home: &Path, file: &str) -> String {
    let package = Package::read(&material::package(file)).unwrap();
    let name = format!("{}#{}", package.manifest.name, package.manifest.version);
    let packages = home.join(".fhir/packages");
    let put = |folder: PathBuf, manifest: String| {
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("package.json"), manifest).unwrap();
        folder
    };
    let (id, version) = name.split_once('#').unwrap();
    let is_core = id == "hl7.fhir.r4.core";
    let folder = put(packages.join(&name).join("package"), manifest(id, version, is_core));
    for resource in package.resources() {
        let own = resource.name.rsplit('/').next().unwrap();
        if !(is_core && own == NOT_IN_CORE) {
            fs::write(folder.join(own), resource.json()).unwrap();
        }
    }
    let (id, version) = EMPTY.split_once('#').unwrap();
    put(packages.join(EMPTY).join("package"), manifest(id, version, true));
    fs::write(packages.join("packages.ini"), "[cache]\nversion=3\n").unwrap();
    name
}

fn manifest(id: &str, version: &str, is_alone: bool) -> String {
    let needs = if is_alone { "" } else { r#""hl7.fhir.r4.core":"4.0.1""# };
    let kind = if id == "hl7.fhir.r4.core" { "fhir.core" } else { "fhir.ig" };
    format!(
        r#"{{"name":"{id}","version":"{version}","type":"{kind}","canonical":"http://hl7.org/fhir","fhirVersions":["4.0.1"],"dependencies":{{{needs}}}}}"#
    )
}
