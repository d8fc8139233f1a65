//! One step of one case: a file, what it is checked against, and what HL7's validator found.

use fhirpath::document::Format;
use kernel::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use validator::{
    Codes, Library, Package, Severity, Validator,
    check::{EntryProfile, Html, References, Request},
    package::Wanted,
};

use crate::{data, recorded::Replay};

const FOLDER: &str = "validator-cases";

/// As `offline-steps.json` has it, with the case's own entry of the manifest.
#[derive(Deserialize)]
pub(super) struct Step {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) module: String,
    file: String,
    supporting: Vec<String>,
    source: Option<String>,
    packages: Vec<String>,
    issues: Vec<IssueIn>,
    #[serde(skip)]
    pub(super) settings: Value,
}

#[derive(Deserialize)]
struct IssueIn {
    severity: String,
    expression: Option<Vec<String>>,
    text: String,
    diag: Option<String>,
}

/// A finding, whoever has found it.
#[derive(Clone, Debug)]
pub(super) struct Issue {
    pub(super) severity: String,
    pub(super) expression: String,
    pub(super) line: u32,
    pub(super) column: u32,
    pub(super) text: String,
}

impl Issue {
    pub(super) fn is_error(&self) -> bool {
        matches!(self.severity.as_str(), "error" | "fatal")
    }
}

/// The steps whose inputs are all there and that ask nobody.
pub(super) fn offline() -> Option<Vec<Step>> {
    let steps = data::bytes(&format!("{FOLDER}/offline-steps.json"))?;
    let manifest = data::bytes(&format!("{FOLDER}/manifest.json"))?;
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let mut steps: Vec<Step> = serde_json::from_slice(&steps).unwrap();
    for step in &mut steps {
        let cases = manifest["test-cases"].as_array().unwrap();
        let case = cases.iter().find(|case| case["name"] == step.name).unwrap();
        step.settings = case.clone();
    }
    Some(steps)
}

/// The other steps of R4, which a terminology server may have a say in.
pub(super) fn others(offline: &[Step]) -> Option<Vec<Step>> {
    let manifest = data::bytes(&format!("{FOLDER}/manifest.json"))?;
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let mut steps = Vec::new();
    for case in manifest["test-cases"].as_array().unwrap() {
        for (kind, of) in [("base", case), ("profile", &case["profile"])] {
            let is_new = |step: &Step| {
                (step.name.as_str(), step.kind.as_str()) != (case["name"].as_str().unwrap(), kind)
            };
            if of["java"].is_string() && offline.iter().all(is_new) {
                steps.extend(Step::of_manifest(case, kind, of));
            }
        }
    }
    Some(steps)
}

fn texts(value: &Value) -> impl Iterator<Item = String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned)
}

impl Step {
    /// A step as the manifest has it, with the outcome that lies beside it.
    fn of_manifest(case: &Value, kind: &str, of: &Value) -> Option<Self> {
        let outcome = data::bytes(&format!("{FOLDER}/outcomes/{}", of["java"].as_str()?))?;
        let outcome: Value = serde_json::from_slice(&outcome).ok()?;
        let issue = |issue: &Value| {
            Some(IssueIn {
                severity: issue["severity"].as_str()?.to_owned(),
                expression: Some(texts(&issue["expression"]).collect()),
                text: issue["details"]["text"].as_str().unwrap_or_default().to_owned(),
                diag: issue["diagnostics"].as_str().map(str::to_owned),
            })
        };
        let text = |name: &str| case[name].as_str().map(str::to_owned);
        let of_profile = (kind == "profile").then_some(of);
        let beside = [Some(case), of_profile].into_iter().flatten();
        let both = |name: &str| beside.clone().flat_map(|of| texts(&of[name])).collect::<Vec<_>>();
        Some(Self {
            name: text("name")?,
            kind: kind.to_owned(),
            module: text("module").unwrap_or_else(|| "general".to_owned()),
            file: text("file")?,
            supporting: [both("supporting"), both("profiles")].concat(),
            source: of_profile.and_then(|of| of["source"].as_str()).map(str::to_owned),
            packages: both("packages"),
            issues: outcome["issue"].as_array()?.iter().filter_map(issue).collect(),
            settings: case.clone(),
        })
    }

    /// What HL7's validator found.
    pub(super) fn expected(&self) -> Vec<Issue> {
        let issue = |issue: &IssueIn| {
            let place = issue.diag.as_deref().and_then(|at| at.trim_matches(['[', ']']).split_once(','));
            let number = |text: &str| text.trim().parse().unwrap_or_default();
            let (line, column) = place.map_or((0, 0), |(line, column)| (number(line), number(column)));
            Issue {
                severity: issue.severity.clone(),
                expression: issue
                    .expression
                    .as_ref()
                    .and_then(|all| all.first())
                    .cloned()
                    .unwrap_or_default(),
                line,
                column,
                text: issue.text.clone(),
            }
        };
        self.issues.iter().map(issue).collect()
    }

    /// What we find; nothing, where an input is not there.
    pub(super) fn run(&self, base: &Library, server: Option<&Replay<'_>>) -> Option<Vec<Issue>> {
        let read =
            |name: &String| data::bytes(&format!("{FOLDER}/{name}")).map(|bytes| (name.clone(), bytes));
        let (_, bytes) = read(&self.file)?;
        let files: Vec<_> = self.supporting.iter().chain(&self.source).map(read).collect::<Option<_>>()?;
        let package = Package::of_files("case", files, base.definitions().as_ref());
        for skipped in package.skipped() {
            eprintln!("{} {}: {} is not read: {}", self.name, self.kind, skipped.name, skipped.why);
        }
        let profile = self.source.as_ref().map(|source| {
            let of_source = package.resources().find(|resource| resource.name == source);
            of_source.and_then(|resource| resource.head.url.clone()).unwrap_or_default().into_string()
        });
        let mut packages = Vec::new();
        for name in &self.packages {
            let package = guide(name)?;
            let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
            let beside = package.manifest.dependencies.iter().filter_map(|needed| {
                let Wanted::Exact(version) = &needed.wanted else { return None };
                let file = format!("{folder}/{}#{}.tgz", needed.name, version.as_str());
                data::root().join("fhir").join(FOLDER).join(&file).is_file().then(|| guide(&file))?
            });
            packages.extend(beside);
            packages.push(package);
        }
        packages.push(package);
        let library = base.with(packages);
        let codes = match server {
            Some(server) => Codes::with_remote(&library, Box::new(server)),
            None => Codes::new(&library),
        };
        let mut validator = Validator::new(&library, Box::new(codes));
        if self.settings["security-checks"] == true || self.settings["noHtmlInMarkdown"] == true {
            validator = validator.with_html(Html::Refused);
        }
        if self.settings["validateReference"] == "CHECK_EXISTS_AND_TYPE" {
            validator = validator.with_references(References::AreHere);
        }
        let param = &self.settings["bundle-param"];
        if let (Some(rule), Some(profile)) = (param["rule"].as_str(), param["profile"].as_str()) {
            let (of, number) = rule.split_once(':').unwrap_or((rule, ""));
            let number = number.parse().ok();
            validator = validator.with_entries(vec![EntryProfile {
                resource_type: of.into(),
                number,
                profile: profile.into(),
            }]);
        }
        let profiles: Vec<&str> = profile.as_deref().into_iter().collect();
        let request = Request { profiles: &profiles, now: Timestamp::from_seconds(1_760_000_000) };
        let format = match bytes.trim_ascii_start().first() {
            Some(b'<') => Format::Xml,
            _ if self.file.ends_with(".xml") => Format::Xml,
            _ => Format::Json,
        };
        let outcome = validator.validate_bytes(&bytes, format, &request);
        let issues = outcome.findings.iter().map(|finding| Issue {
            severity: severity(finding.severity).to_owned(),
            expression: finding.expression.clone(),
            line: finding.line,
            column: finding.column,
            text: finding.text(),
        });
        Some(issues.collect())
    }
}

/// A package of the cases, or one of those that lie beside them.
fn guide(name: &str) -> Option<Package> {
    let path = match name.split_once('#') {
        _ if name.ends_with(".tgz") => format!("{FOLDER}/{name}"),
        Some(("hl7.fhir.uv.ips", "1.1.0")) => "packages/ips_v110.tgz".to_owned(),
        Some((name, version)) => format!("packages/{name}-{version}.tgz"),
        None => return None,
    };
    Package::read(&data::bytes(&path)?).ok()
}

fn severity(severity: Severity) -> &'static str {
    severity.as_str()
}
