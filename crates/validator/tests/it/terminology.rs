//! Codes against the code systems and value sets of packages, and against the recorded answers of a terminology server.

use std::collections::HashMap;

use fhirpath::{
    document::{Document, DocumentLimits},
    evaluate::Item,
};
use serde_json::{Value, json};
use validator::{
    Codes, Library, Package,
    check::{Coded, Findings, Terminology},
    program::{Binding, Strength},
    terminology::{Answer, Kept, Question, Remote, RemoteFault, Verdict, Why},
};

use crate::{cases, recorded};

fn library() -> Library {
    let system = json!({"resourceType": "CodeSystem", "url": "http://s", "version": "1", "status": "active", "content": "complete", "concept": [
        {"code": "a", "display": "Aye", "concept": [
            {"code": "b", "display": "Bee", "property": [{"code": "kind", "valueCode": "x"}]},
            {"code": "c", "property": [{"code": "inactive", "valueBoolean": true}]}]},
    ]});
    let supplement = json!({"resourceType": "CodeSystem", "url": "http://s-uk", "status": "active", "content": "supplement", "supplements": "http://s|1",
        "concept": [{"code": "a", "designation": [{"language": "uk", "value": "Ей"}]}]});
    let draft = json!({"resourceType": "CodeSystem", "url": "http://part", "status": "draft", "content": "fragment", "concept": [{"code": "p"}]});
    let set = |name: &str, compose: Value| json!({"resourceType": "ValueSet", "url": format!("http://v/{name}"), "name": name, "compose": compose});
    let sets = [
        set("all", json!({"include": [{"system": "http://s"}]})),
        set("pinned", json!({"include": [{"system": "http://s", "version": "2"}]})),
        set(
            "listed",
            json!({"include": [{"system": "http://s", "concept": [{"code": "b"}]}, {"system": "http://elsewhere", "concept": [{"code": "e"}]}]}),
        ),
        set(
            "without",
            json!({"include": [{"system": "http://s"}], "exclude": [{"system": "http://s", "filter": [{"property": "kind", "op": "=", "value": "x"}]}]}),
        ),
        set(
            "below",
            json!({"include": [{"system": "http://s", "filter": [{"property": "concept", "op": "descendent-of", "value": "a"}]}]}),
        ),
        set("both", json!({"include": [{"valueSet": ["http://v/below", "http://v/listed"]}]})),
        set("ring", json!({"include": [{"valueSet": ["http://v/ring"]}]})),
        set("gone", json!({"include": [{"valueSet": ["http://v/nowhere"]}]})),
        set(
            "far",
            json!({"include": [{"system": "http://snomed.info/sct", "filter": [{"property": "concept", "op": "is-a", "value": "1"}]}]}),
        ),
        set(
            "odd",
            json!({"include": [{"system": "http://s", "filter": [{"property": "constraint", "op": "ecl", "value": "<< 1"}]}]}),
        ),
        set("units", json!({"include": [{"system": "http://unitsofmeasure.org"}]})),
        set("part", json!({"include": [{"system": "http://part"}]})),
        json!({"resourceType": "ValueSet", "url": "http://v/list", "expansion": {"contains": [{"system": "http://s", "code": "a", "contains": [{"system": "http://t", "code": "z"}]}]}}),
        json!({"resourceType": "ValueSet", "url": "http://v/open", "expansion": {"total": 9, "contains": [{"system": "http://s", "code": "a"}]}}),
    ];
    let all = [system, supplement, draft].into_iter().chain(sets);
    let files = all.enumerate().map(|(at, one)| (format!("{at}.json"), one.to_string().into_bytes()));
    Library::new([Package::of_files("terms", files, &fhirpath::model::NoModel)])
}

#[test]
fn a_code_is_in_a_value_set_by_its_rule() {
    let library = library();
    let codes = Codes::new(&library);
    let undecided = |name: &str, system: Option<&str>, code: &str| {
        matches!(codes.contains(&format!("http://v/{name}"), system, None, code), Answer::Undecided(_))
    };
    for (name, system, code, expected) in [
        ("all", Some("http://s"), "b", Answer::In),
        ("all", None, "b", Answer::In),
        ("all", Some("http://t"), "b", Answer::Out),
        ("all", Some("http://s"), "B", Answer::Out),
        ("listed", None, "e", Answer::In),
        ("listed", Some("http://s"), "e", Answer::Out),
        ("listed", Some("http://s"), "a", Answer::Out),
        ("without", None, "a", Answer::In),
        ("without", None, "b", Answer::Out),
        ("below", None, "a", Answer::Out),
        ("below", None, "c", Answer::In),
        ("both", Some("http://s"), "b", Answer::In),
        ("both", Some("http://s"), "c", Answer::Out),
        ("units", Some("http://unitsofmeasure.org"), "mmol/L", Answer::In),
        ("units", None, "mmolL/", Answer::Out),
        ("part", Some("http://part"), "q", Answer::In),
        ("list", Some("http://t"), "z", Answer::In),
        ("list", Some("http://t"), "a", Answer::Out),
        ("open", None, "a", Answer::In),
    ] {
        let asked = codes.contains(&format!("http://v/{name}"), system, None, code);
        assert_eq!(asked, expected, "{name} {system:?} {code}");
    }
    for (name, system, code) in [
        ("pinned", Some("http://s"), "a"),
        ("ring", None, "a"),
        ("gone", None, "a"),
        ("far", Some("http://snomed.info/sct"), "2"),
        ("odd", None, "a"),
        ("open", None, "q"),
        ("not there", None, "a"),
    ] {
        assert!(undecided(name, system, code), "{name} {system:?} {code}");
    }
    let far = codes.contains("http://v/far", None, None, "2");
    assert_eq!(far, Answer::Undecided(Why::UnknownSystem("http://snomed.info/sct".into())));
}

fn binding(strength: Strength, set: &str) -> Binding {
    Binding { strength, value_set: format!("http://v/{set}").into(), max_value_set: None, description: None }
}

/// `severity message-id path` of what is said about `value` of a resource.
fn said(codes: &Codes<'_>, value: &Value, coded: Coded, binding: Option<&Binding>) -> Vec<String> {
    let json = json!({"resourceType": "Thing", "value": value}).to_string();
    let document = Document::from_json(json.as_bytes(), &DocumentLimits::default()).unwrap();
    let mut findings = Findings::within(100);
    let element = document.root().child("value").unwrap();
    codes.check(element, coded, binding, &mut findings);
    let told = findings.told();
    told.map(|(at, severity, message)| format!("{} {} {}", severity.as_str(), message.id, at.path()))
        .collect()
}

#[test]
fn what_is_said_of_a_code() {
    let library = library();
    let codes = Codes::new(&library);
    let concept = |system: &str, code: &str| json!({"coding": [{"system": system, "code": code}]});
    let of = |value: &Value, strength, set: &str| {
        said(&codes, value, Coded::CodeableConcept, Some(&binding(strength, set)))
    };
    let none: [&str; 0] = [];
    assert_eq!(of(&concept("http://s", "b"), Strength::Required, "listed"), none);
    let several =
        json!({"coding": [{"system": "http://s", "code": "a"}, {"system": "http://s", "code": "b"}]});
    assert_eq!(of(&several, Strength::Required, "listed"), none, "one of several suffices");
    let out = concept("http://s", "a");
    assert_eq!(of(&out, Strength::Required, "listed"), ["error Terminology_TX_NoValid_1_CC Thing.value"]);
    assert_eq!(of(&out, Strength::Extensible, "listed"), ["warning Terminology_TX_NoValid_2_CC Thing.value"]);
    assert_eq!(
        of(&out, Strength::Preferred, "listed"),
        ["information Terminology_TX_NoValid_3_CC Thing.value"]
    );
    assert_eq!(of(&out, Strength::Example, "listed"), none);
    assert_eq!(
        of(&json!({"text": "x"}), Strength::Required, "all"),
        ["error Terminology_TX_Code_ValueSet Thing.value"]
    );
    let unknown = "Unknown_Code_in Thing.value.coding[0].code";
    assert_eq!(of(&concept("http://s", "q"), Strength::Example, "all"), [format!("error {unknown}")]);
    assert_eq!(
        of(&concept("http://part", "q"), Strength::Required, "part"),
        ["information MSG_DRAFT Thing.value", "warning UNKNOWN_CODE_IN_FRAGMENT Thing.value.coding[0].code"]
    );
    assert_eq!(
        of(&concept("http://nobody", "q"), Strength::Example, "all"),
        ["warning UNKNOWN_CODESYSTEM Thing.value.coding[0].system"]
    );
    assert_eq!(
        of(&concept("http://snomed.info/sct", "2"), Strength::Required, "far"),
        [
            "information Terminology_TX_Svc_None Thing.value.coding[0]",
            "information Terminology_TX_Confirm_1_CC Thing.value"
        ]
    );
    assert_eq!(
        of(&concept("http://v/all", "2"), Strength::Example, "all"),
        ["error Terminology_TX_System_ValueSet Thing.value.coding[0]"]
    );
    assert_eq!(
        of(&concept("http://s", "c"), Strength::Required, "nowhere"),
        [
            "warning INACTIVE_CONCEPT_FOUND Thing.value.coding[0]",
            "warning Terminology_TX_ValueSet_NotFound Thing.value"
        ]
    );
    let code = |value: &str, set: &str| {
        said(&codes, &json!(value), Coded::Code, Some(&binding(Strength::Required, set)))
    };
    assert_eq!(code("a", "all"), none);
    let twice =
        ["error UNABLE_TO_INFER_CODESYSTEM Thing.value", "error Terminology_TX_NoValid_16 Thing.value"];
    assert_eq!(code("q", "all"), twice);
    let shown = |display: &str| {
        said(&codes, &json!({"system": "http://s", "code": "a", "display": display}), Coded::Coding, None)
    };
    assert_eq!(shown("aye"), none);
    assert_eq!(shown("Ей"), none, "a supplement's word");
    assert_eq!(shown("Nay"), ["error Display_Name_for__should_be_one_of__instead_of Thing.value.display"]);
    let unit = |code: &str| {
        let value = json!({"value": 1, "system": "http://unitsofmeasure.org", "code": code});
        said(&codes, &value, Coded::Quantity, None)
    };
    assert_eq!(unit("mm[Hg]"), none);
    assert_eq!(unit("mmHg"), ["error Unknown_Code_in Thing.value"]);
}

#[test]
fn a_maximum_is_left_by_nobody() {
    let library = library();
    let codes = Codes::new(&library);
    let max =
        Binding { max_value_set: Some("http://v/all".into()), ..binding(Strength::Preferred, "listed") };
    let of = |code: &str| said(&codes, &json!(code), Coded::Code, Some(&max));
    assert_eq!(of("a"), ["information Terminology_TX_NoValid_18 Thing.value"]);
    assert_eq!(
        of("q"),
        ["information Terminology_TX_NoValid_18 Thing.value", "error Terminology_TX_NoValid_7 Thing.value"]
    );
}

#[test]
fn a_contained_value_set_is_found_where_it_lies() {
    let library = library();
    let codes = Codes::new(&library);
    let json =
        json!({"resourceType": "Thing", "value": "b", "contained": [{"resourceType": "ValueSet", "id": "x",
        "compose": {"include": [{"system": "http://s", "concept": [{"code": "b"}]}]}}]})
        .to_string();
    let document = Document::from_json(json.as_bytes(), &DocumentLimits::default()).unwrap();
    let value = document.root().child("value").unwrap();
    assert_eq!(codes.is_in(&Item::from(value), "#x"), Some(true));
    assert_eq!(codes.is_in(&Item::from(value), "http://v/below"), Some(true));
    assert_eq!(codes.is_in(&Item::from(value), "#y"), None);
}

/// What HL7's validator asked a terminology server for its own cases, and what that answered.
#[derive(Default)]
struct Recorded(HashMap<String, Verdict>);

impl Remote for Recorded {
    fn validate_code(&self, question: &Question<'_>) -> Result<Verdict, RemoteFault> {
        let question = Question { display: None, ..*question };
        self.0.get(&question.key()).cloned().ok_or_else(|| RemoteFault("not recorded".to_owned()))
    }
    fn expand(&self, _: &str) -> Result<Option<Value>, RemoteFault> {
        Ok(None)
    }
}

/// Validity alone: a wrong display and a bad code are both an error there, so only what is no error or a missing system is taken.
fn verdict(answer: &Value) -> Option<Verdict> {
    let message = || answer["error"].as_str().unwrap_or_default().into();
    match (answer["severity"].as_str(), answer["class"].as_str()) {
        (Some("error"), Some(class)) if class.starts_with("CODESYSTEM_UNSUPPORTED") => {
            Some(Verdict::Unknown { message: message() })
        }
        (Some("error"), _) if answer["display"].is_null() => Some(Verdict::Bad { message: message() }),
        (Some("error"), _) => None,
        _ => Some(Verdict::Good { display: answer["display"].as_str().map(Into::into) }),
    }
}

#[test]
fn what_is_decided_here_is_what_a_server_decided() {
    let (Some(pairs), Some(base)) = (recorded::pairs(), cases::base()) else { return };
    let questions: Vec<_> = pairs
        .iter()
        .filter(|(question, _)| question["url"].is_string() && question["code"]["code"].is_string())
        .collect();
    let asked = |question: &Value| {
        let version = question["version"].as_str().map(|version| format!("|{version}")).unwrap_or_default();
        format!("{}{version}", question["url"].as_str().unwrap())
    };
    let mut server = Recorded::default();
    for (question, answer) in &questions {
        let (url, code) = (asked(question), &question["code"]);
        let key = Question {
            system: code["system"].as_str(),
            version: code["version"].as_str(),
            code: code["code"].as_str().unwrap_or_default(),
            display: None,
            value_set: Some(&url),
        };
        server.0.extend(verdict(answer).map(|verdict| (key.key(), verdict)));
    }
    let known = server.0.clone();
    let (alone, with) = (Codes::new(&base), Codes::with_remote(&base, Box::new(Kept::new(server))));
    let (mut decided, mut by_server, mut contrary) = (0, 0, Vec::new());
    for (question, answer) in &questions {
        let (url, code) = (asked(question), &question["code"]);
        let (system, version) = (code["system"].as_str(), code["version"].as_str());
        let code = code["code"].as_str().unwrap_or_default();
        let key = Question { system, version, code, display: None, value_set: Some(&url) }.key();
        // One code may have been asked with several displays.
        let Some(expected) = known.get(&key).filter(|own| verdict(answer).as_ref() == Some(own)) else {
            continue;
        };
        let expected = match expected {
            Verdict::Good { .. } | Verdict::WrongDisplay { .. } => Answer::In,
            Verdict::Bad { .. } => Answer::Out,
            Verdict::Unknown { .. } => continue,
        };
        match alone.contains(&url, system, version, code) {
            Answer::Undecided(_) => {
                assert_eq!(with.contains(&url, system, version, code), expected, "{url} {code}");
                by_server += 1;
            }
            own if own == expected => decided += 1,
            own => contrary.push(format!("{url} {system:?} {code}: {own:?}, and the server {answer}")),
        }
    }
    eprintln!("{decided} answers as the server's, {by_server} of the server, {} otherwise", contrary.len());
    contrary.iter().for_each(|one| eprintln!("  {}", one.chars().take(600).collect::<String>()));
    assert!(decided > 0 && by_server > 0 && contrary.is_empty());
}

/// A server that has one value set and is out of order at first.
#[derive(Default)]
struct OfOneSet(std::sync::atomic::AtomicUsize);

impl Remote for OfOneSet {
    fn validate_code(&self, _: &Question<'_>) -> Result<Verdict, RemoteFault> {
        Err(RemoteFault("out of order".to_owned()))
    }
    fn expand(&self, value_set: &str) -> Result<Option<Value>, RemoteFault> {
        let asked = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        match value_set {
            _ if asked == 0 => Err(RemoteFault("out of order".to_owned())),
            "http://far/v" => Ok(Some(
                json!({"resourceType": "ValueSet", "url": value_set, "expansion": {"contains": [{"system": "http://s", "code": "q"}]}}),
            )),
            _ => Ok(None),
        }
    }
}

#[test]
fn a_set_that_the_server_expands_is_asked_here() {
    let library = library();
    let codes = Codes::with_remote(&library, Box::new(Kept::new(OfOneSet::default())));
    let ask = |set: &str, code: &str| codes.contains(set, Some("http://s"), None, code);
    let silent = || Answer::Undecided(Why::NoServer("out of order".into()));
    assert_eq!(ask("http://far/v", "q"), silent(), "an outage is no answer");
    assert_eq!(ask("http://far/v", "q"), Answer::In);
    assert_eq!(ask("http://far/v", "a"), Answer::Out);
    assert_eq!(ask("http://far/w", "q"), silent(), "nor for a set that the server does not expand");
}

#[test]
fn every_code_that_a_value_set_of_r4_lists_is_in_it() {
    let Some(base) = cases::base() else { return };
    let codes = Codes::new(&base);
    let (mut sets, mut listed) = (0, 0);
    let core = base.packages().iter().find(|package| package.manifest.is_core()).unwrap();
    for resource in core.resources().filter(|resource| &*resource.head.resource_type == "ValueSet") {
        let url = resource.head.url.as_deref().unwrap();
        let canonical = format!("{url}|{}", resource.head.version.as_deref().unwrap_or_default());
        let tree = resource.parse().unwrap();
        if tree["compose"]["exclude"].is_array() || tree["compose"].is_null() {
            continue;
        }
        sets += 1;
        for include in tree["compose"]["include"].as_array().into_iter().flatten() {
            for concept in include["concept"].as_array().into_iter().flatten() {
                let (system, code) = (include["system"].as_str(), concept["code"].as_str().unwrap());
                let answer = codes.contains(canonical.trim_end_matches('|'), system, None, code);
                // A list that must also be in another set may be cut short by it.
                assert!(answer == Answer::In || include["valueSet"].is_array(), "{url} {code}: {answer:?}");
                listed += 1;
            }
        }
    }
    eprintln!("{listed} codes of {sets} value sets");
    assert!(listed > 5_000);
}
