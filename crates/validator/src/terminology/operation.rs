//! What a terminology server is sent and what its answers mean: the operations' `Parameters`, without the HTTP around them.
//! <https://hl7.org/fhir/R4/terminology-service.html>, and for the `issues` of an answer
//! <https://build.fhir.org/ig/HL7/fhir-tx-ecosystem-ig/>

use serde_json::{Value, json};

use super::{Question, Verdict};

/// `EXPANSION_CODES_MAX`: codes of an expansion that a server is asked for. A longer one is not complete, and each code is asked for by itself.
pub const EXPANSION_CODES_MAX: u32 = 10_000;

/// One call of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Below the base of the server: `ValueSet/$validate-code`.
    pub path: &'static str,
    /// The `Parameters` to be posted.
    pub parameters: Value,
}

impl Operation {
    /// Whether a code is good, in a value set or else in its system.
    pub fn validate_code(question: &Question<'_>) -> Self {
        let mut of = vec![text("code", "valueCode", question.code)];
        let mut add = |name: &str, kind: &str, value: Option<&str>| {
            of.extend(value.map(|value| text(name, kind, value)));
        };
        add("display", "valueString", question.display);
        let Some(value_set) = question.value_set else {
            add("url", "valueUri", question.system);
            add("version", "valueString", question.version);
            return Self::new("CodeSystem/$validate-code", of);
        };
        add("system", "valueUri", question.system);
        add("systemVersion", "valueString", question.version);
        of.extend(canonical(value_set));
        if question.system.is_none() {
            of.push(json!({ "name": "inferSystem", "valueBoolean": true }));
        }
        Self::new("ValueSet/$validate-code", of)
    }

    /// The codes of a value set.
    pub fn expand(value_set: &str) -> Self {
        let mut of: Vec<Value> = canonical(value_set).collect();
        of.push(json!({ "name": "count", "valueInteger": EXPANSION_CODES_MAX }));
        Self::new("ValueSet/$expand", of)
    }

    fn new(path: &'static str, of: Vec<Value>) -> Self {
        Self { path, parameters: json!({ "resourceType": "Parameters", "parameter": of }) }
    }
}

fn text(name: &str, kind: &str, value: &str) -> Value {
    json!({ "name": name, kind: value })
}

/// The url of a value set, and its version if the canonical has one.
fn canonical(value_set: &str) -> impl Iterator<Item = Value> {
    let (url, version) = value_set.split_once('|').map_or((value_set, None), |(url, of)| (url, Some(of)));
    let version = version.map(|version| text("valueSetVersion", "valueString", version));
    [text("url", "valueUri", url)].into_iter().chain(version)
}

impl Verdict {
    /// What an answer to `$validate-code` says; nothing, where it is none.
    pub fn of(question: &Question<'_>, answer: &Value) -> Option<Self> {
        match answer["resourceType"].as_str()? {
            "Parameters" => Self::of_parameters(question, answer),
            "OperationOutcome" => Self::of_outcome(answer),
            _ => None,
        }
    }

    fn of_parameters(question: &Question<'_>, answer: &Value) -> Option<Self> {
        let named = |name: &str| {
            let mut all = answer["parameter"].as_array().into_iter().flatten();
            all.find(|parameter| parameter["name"] == name)
        };
        let display: Option<Box<str>> =
            named("display").and_then(|one| one["valueString"].as_str()).map(Into::into);
        if named("result")?["valueBoolean"].as_bool()? {
            return Some(Self::Good { display });
        }
        let message: Box<str> =
            named("message").and_then(|one| one["valueString"].as_str()).unwrap_or_default().into();
        let kinds = named("issues").map(|one| kinds(&one["resource"])).unwrap_or_default();
        let is_any = |of: &[&str]| kinds.iter().any(|kind| of.contains(kind));
        let is_unknown =
            ["x-unknown-system", "x-caused-by-unknown-system"].into_iter().any(|name| named(name).is_some());
        // Where a code is in no list for sure, it does not matter what else the server does not know.
        Some(if is_any(&["not-in-vs", "invalid-code", "invalid-data"]) {
            Self::Bad { message }
        } else if is_any(&["not-found", "vs-invalid", "not-supported"]) || is_unknown {
            Self::Unknown { message }
        } else if is_any(&["invalid-display"])
            || (kinds.is_empty() && is_other_display(question, display.as_deref()))
        {
            Self::WrongDisplay { display }
        } else {
            Self::Bad { message }
        })
    }

    /// A server that has not the value set or the code system says so by an error.
    fn of_outcome(answer: &Value) -> Option<Self> {
        let issues = answer["issue"].as_array()?;
        let is_unknown = |issue: &&Value| {
            matches!(issue["code"].as_str(), Some("not-found" | "not-supported" | "too-costly"))
        };
        let issue = issues.iter().find(is_unknown)?;
        let said = text_at(issue, "/details/text").or_else(|| text_at(issue, "/diagnostics"));
        Some(Self::Unknown { message: said.unwrap_or_default().into() })
    }
}

/// A server of R4's own words says no more than what a code that is good by itself is called.
fn is_other_display(question: &Question<'_>, own: Option<&str>) -> bool {
    question.value_set.is_none() && question.display.is_some() && own.is_some() && question.display != own
}

/// The kinds of issues that are errors: those of the terminology services' own list, or of FHIR.
fn kinds(outcome: &Value) -> Vec<&str> {
    let issues = outcome["issue"].as_array().into_iter().flatten();
    let errors = issues.filter(|issue| matches!(issue["severity"].as_str(), Some("error" | "fatal")));
    errors
        .filter_map(|issue| text_at(issue, "/details/coding/0/code").or_else(|| text_at(issue, "/code")))
        .collect()
}

fn text_at<'v>(value: &'v Value, pointer: &str) -> Option<&'v str> {
    value.pointer(pointer).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SNOMED: &str = "http://snomed.info/sct";

    fn question<'q>(display: Option<&'q str>, value_set: Option<&'q str>) -> Question<'q> {
        Question { system: Some(SNOMED), version: None, code: "1", display, value_set }
    }

    #[test]
    fn a_question_is_sent_in_the_words_of_its_operation() {
        let of = |question: &Question<'_>| {
            let operation = Operation::validate_code(question);
            let names = operation.parameters["parameter"].as_array().unwrap().iter();
            (
                operation.path,
                names.map(|one| one["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>().join(" "),
            )
        };
        let own = ("CodeSystem/$validate-code", "code display url".to_owned());
        assert_eq!(of(&question(Some("One"), None)), own);
        let pinned = ("ValueSet/$validate-code", "code system url valueSetVersion".to_owned());
        assert_eq!(of(&question(None, Some("http://v|1"))), pinned);
        let inferred = ("ValueSet/$validate-code", "code url inferSystem".to_owned());
        assert_eq!(of(&Question { system: None, ..question(None, Some("http://v")) }), inferred);
        let expand = Operation::expand("http://v|1").parameters;
        assert_eq!(expand["parameter"][1], json!({ "name": "valueSetVersion", "valueString": "1" }));
    }

    #[test]
    fn an_answer_means_what_it_says() {
        let issues = |kinds: &[&str]| -> Value {
            let issue = |kind: &&str| json!({ "severity": "error", "code": "x", "details": { "coding": [{ "code": kind }] } });
            let all: Vec<Value> = kinds.iter().map(issue).collect();
            json!({ "name": "issues", "resource": { "resourceType": "OperationOutcome", "issue": all } })
        };
        let answer = |result: bool, more: Vec<Value>| {
            let first = vec![
                json!({ "name": "result", "valueBoolean": result }),
                json!({ "name": "message", "valueString": "m" }),
            ];
            let all = [first, more].concat();
            json!({ "resourceType": "Parameters", "parameter": all })
        };
        let display = || text("display", "valueString", "One");
        let (good, wrong) = (
            Verdict::Good { display: Some("One".into()) },
            Verdict::WrongDisplay { display: Some("One".into()) },
        );
        let (bad, unknown) = (Verdict::Bad { message: "m".into() }, Verdict::Unknown { message: "m".into() });
        let own = question(Some("Two"), None);
        for (question, answer, expected) in [
            (own, answer(true, vec![display()]), &good),
            (own, answer(false, vec![display()]), &wrong),
            (question(None, Some("http://v")), answer(false, vec![display()]), &bad),
            (question(Some("One"), None), answer(false, vec![display()]), &bad),
            (own, answer(false, vec![]), &bad),
            (own, answer(false, vec![display(), issues(&["invalid-display"])]), &wrong),
            (own, answer(false, vec![display(), issues(&["invalid-display", "not-in-vs"])]), &bad),
            (own, answer(false, vec![issues(&["not-found"])]), &unknown),
            (own, answer(false, vec![issues(&["not-found", "not-in-vs"])]), &bad),
            (own, answer(false, vec![issues(&["cannot-infer"])]), &bad),
            (own, answer(false, vec![text("x-unknown-system", "valueCanonical", SNOMED)]), &unknown),
        ] {
            assert_eq!(Verdict::of(&question, &answer).as_ref(), Some(expected), "{answer}");
        }
        let refused = json!({ "resourceType": "OperationOutcome", "issue": [{ "code": "not-found", "diagnostics": "m" }] });
        assert_eq!(Verdict::of(&own, &refused), Some(unknown));
    }

    #[test]
    fn what_is_no_answer_says_nothing() {
        for answer in [
            json!(null),
            json!([]),
            json!({ "resourceType": "Patient" }),
            json!({ "resourceType": "Parameters" }),
            json!({ "resourceType": "Parameters", "parameter": [{ "name": "result" }] }),
            json!({ "resourceType": "Parameters", "parameter": [{ "name": "result", "valueBoolean": "true" }] }),
            json!({ "resourceType": "OperationOutcome", "issue": [{ "code": "exception" }] }),
        ] {
            assert_eq!(Verdict::of(&question(None, None), &answer), None, "{answer}");
        }
    }
}
