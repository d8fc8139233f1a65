//! What HL7's validator asked a terminology server for its own cases, and what that answered: `fhir/terminology-answers`.

use std::{
    collections::HashMap,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use serde_json::{Value, json};
use validator::terminology::{Question, Remote, RemoteFault, Verdict};

use crate::data;

/// Question and answer, as JSON each: `{…}####\nv: {…}` between lines of hyphens.
pub(crate) fn pairs() -> Option<Vec<(Value, Value)>> {
    let folder = data::root().join("fhir/terminology-answers");
    let Ok(files) = std::fs::read_dir(&folder) else {
        eprintln!("SKIPPED: {} is not there", folder.display());
        return None;
    };
    let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    let mut pairs = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(path).unwrap();
        let lines: Vec<&str> = text.trim_start_matches('\u{feff}').lines().collect();
        for part in lines.split(|line| line.len() > 20 && line.bytes().all(|byte| byte == b'-')) {
            let part = part.join("\n");
            let Some((question, answer)) = part.split_once("####") else { continue };
            let Some(answer) = answer.trim().strip_prefix("v: ") else { continue };
            pairs.push((
                serde_json::from_str(question.trim()).unwrap(),
                serde_json::from_str(answer).unwrap(),
            ));
        }
    }
    Some(pairs)
}

/// What is asked of one coding: value set, system, version, code, and what it shows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    value_set: Option<String>,
    system: Option<String>,
    version: Option<String>,
    code: String,
    display: Option<String>,
}

/// A server that says what HL7's said.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    by_key: HashMap<Key, Value>,
}

impl Answers {
    pub(crate) fn read() -> Option<Self> {
        let mut answers = Self::default();
        let mut pairs = pairs()?;
        // The port asks for no language, as who asks in that of the server.
        pairs.sort_by_key(|(question, _)| question["langs"] != "en-US");
        for (question, answer) in pairs {
            // A value set that was sent along has no name to be asked by.
            if question["valueSet"].is_object() {
                continue;
            }
            let text = |value: &Value| value.as_str().map(str::to_owned);
            let value_set = text(&question["url"]).map(|url| match question["version"].as_str() {
                Some(version) => format!("{url}|{version}"),
                None => url,
            });
            let code = &question["code"];
            let codings = match code["coding"].as_array() {
                Some(codings) => codings.iter().enumerate().map(|(at, one)| (Some(at), one)).collect(),
                None => vec![(None, code)],
            };
            let count = codings.len();
            for (at, coding) in codings {
                let Some(code) = text(&coding["code"]) else { continue };
                let (system, version, display) =
                    (text(&coding["system"]), text(&coding["version"]), text(&coding["display"]));
                let key = Key { value_set: value_set.clone(), system, version, code, display };
                answers.by_key.entry(key).or_insert_with(|| parameters(&answer, at, count));
            }
        }
        Some(answers)
    }

    /// As it was asked; or about the same code otherwise, where the answer says what is asked now.
    fn find(&self, question: &Question<'_>) -> Option<Verdict> {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let key = Key {
            value_set: owned(question.value_set),
            system: owned(question.system),
            version: owned(question.version),
            code: question.code.to_owned(),
            display: owned(question.display),
        };
        if let Some(answer) = self.by_key.get(&key) {
            return Verdict::of(question, answer);
        }
        let url =
            |set: &Option<String>| set.as_deref().and_then(|set| set.split('|').next()).map(str::to_owned);
        let is_alike = |other: &Key| {
            (&other.system, &other.version, &other.code) == (&key.system, &key.version, &key.code)
        };
        let mut alike: Vec<_> = self.by_key.iter().filter(|(other, _)| is_alike(other)).collect();
        alike.sort_by_key(|(other, _)| (&other.value_set, &other.display));
        match question.value_set {
            // What a code shows does not matter for being in a set.
            Some(_) => {
                let of_set = alike.iter().find(|(other, _)| url(&other.value_set) == url(&key.value_set));
                let verdict = Verdict::of(question, of_set?.1)?;
                Some(match verdict {
                    Verdict::WrongDisplay { display } => Verdict::Good { display },
                    verdict => verdict,
                })
            }
            None => {
                let shown = alike.iter().find(|(other, _)| other.display == key.display);
                Verdict::of(question, &without_sets(shown?.1))
            }
        }
    }
}

/// An answer as a server sends it, about one of the codings that were asked about.
fn parameters(answer: &Value, at: Option<usize>, count: usize) -> Value {
    let issues = answer["issues"]["issue"].as_array().into_iter().flatten();
    let own = at.map(|at| format!(".coding[{at}]"));
    let concerns = |issue: &&Value| match (&own, issue["expression"][0].as_str()) {
        (Some(own), Some(expression)) => expression.contains(own.as_str()),
        _ => true,
    };
    let issues: Vec<Value> = issues.filter(concerns).cloned().map(as_of_one).collect();
    let is_error = |issue: &Value| issue["severity"] == "error";
    let is_good = if count > 1 { !issues.iter().any(is_error) } else { answer["severity"] != "error" };
    let mut of = vec![json!({ "name": "result", "valueBoolean": is_good })];
    for (name, value) in [("display", &answer["display"]), ("message", &answer["error"])] {
        if value.is_string() {
            of.push(json!({ "name": name, "valueString": value }));
        }
    }
    of.push(json!({ "name": "issues", "resource": { "resourceType": "OperationOutcome", "issue": issues } }));
    json!({ "resourceType": "Parameters", "parameter": of })
}

/// What is but told of one of several codings is an error of that one.
fn as_of_one(mut issue: Value) -> Value {
    if issue["details"]["coding"][0]["code"] == "this-code-not-in-vs" {
        issue["details"]["coding"][0]["code"] = "not-in-vs".into();
        issue["severity"] = "error".into();
    }
    issue
}

/// The same answer, as if no value set had been asked.
fn without_sets(answer: &Value) -> Value {
    let mut answer = answer.clone();
    let Some(of) = answer["parameter"].as_array_mut() else { return answer };
    let mut is_good = of[0]["valueBoolean"] == true;
    for parameter in of.iter_mut().filter(|parameter| parameter["name"] == "issues") {
        if let Some(issues) = parameter["resource"]["issue"].as_array_mut() {
            issues.retain(|issue| issue["details"]["coding"][0]["code"] != "not-in-vs");
            is_good = !issues.iter().any(|issue| issue["severity"] == "error");
        }
    }
    of[0]["valueBoolean"] = is_good.into();
    answer
}

/// The server, and what it was asked.
#[derive(Debug)]
pub(crate) struct Replay<'r> {
    answers: &'r Answers,
    asked: AtomicUsize,
    unknown: Mutex<Vec<String>>,
}

impl<'r> Replay<'r> {
    pub(crate) fn new(answers: &'r Answers) -> Self {
        Self { answers, asked: AtomicUsize::new(0), unknown: Mutex::default() }
    }

    /// Whether it was asked something, and had an answer to all of it.
    pub(crate) fn knew_all(&self) -> bool {
        self.asked.load(Ordering::Relaxed) > 0 && self.unknown.lock().unwrap().is_empty()
    }

    /// Questions to which nobody recorded an answer.
    pub(crate) fn unknown(&self) -> Vec<String> {
        self.unknown.lock().unwrap().clone()
    }
}

impl Remote for Replay<'_> {
    fn validate_code(&self, question: &Question<'_>) -> Result<Verdict, RemoteFault> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.answers.find(question).ok_or_else(|| {
            self.unknown.lock().unwrap().push(format!("{question:?}"));
            RemoteFault("nobody has recorded an answer".to_owned())
        })
    }

    /// Expansions were not recorded.
    fn expand(&self, _: &str) -> Result<Option<Value>, RemoteFault> {
        Ok(None)
    }
}
