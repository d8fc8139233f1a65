//! The statement: what it names can be called, and what can be called it names.

use std::collections::{BTreeMap, BTreeSet};

use axum::body::Body;
use http::{Method, Request};
use serde_json::Value;

use crate::stage::{Calls, Stage};

async fn statement(stage: &Stage) -> Value {
    stage.send(Request::get("/fhir/metadata").body(Body::empty()).unwrap()).await.expect(200).json()["rest"]
        [0]
    .clone()
}

fn words<'v>(of: &'v Value, list: &str, name: &str) -> Vec<&'v str> {
    of[list].as_array().into_iter().flatten().filter_map(|one| one[name].as_str()).collect()
}

fn texts<'v>(of: &'v Value, list: &str) -> Vec<&'v str> {
    of[list].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// How an interaction of a type is called, and what is answered about a record that there is.
const OF_TYPE: [(&str, &str, &str, &str, u16); 9] = [
    ("create", "POST", "/fhir/T", "R", 201),
    ("update", "PUT", "/fhir/T/a", "R", 201),
    ("read", "GET", "/fhir/T/a", "", 200),
    ("vread", "GET", "/fhir/T/a/_history/1", "", 200),
    ("patch", "PATCH", "/fhir/T/a", r#"[{"op":"add","path":"/language","value":"en"}]"#, 200),
    ("history-instance", "GET", "/fhir/T/a/_history", "", 200),
    ("history-type", "GET", "/fhir/T/_history", "", 200),
    ("search-type", "GET", "/fhir/T?_id=a", "", 200),
    ("delete", "DELETE", "/fhir/T/a", "", 200),
];

async fn interactions(system: &Calls<'_>, resource: &Value) {
    let of = resource["type"].as_str().unwrap();
    let named: BTreeSet<&str> = words(resource, "interaction", "code").into_iter().collect();
    assert_eq!(named, OF_TYPE.iter().map(|(code, ..)| *code).collect(), "{of}");
    // The stage checks the status of Observations; a Bundle and a Binary are records as others are.
    let record = format!(r#"{{"resourceType":"{of}","id":"a","status":"final"}}"#);
    for (code, method, path, body, status) in OF_TYPE {
        let body = if body == "R" { record.as_str() } else { body };
        let media = if code == "patch" { "application/json-patch+json" } else { "application/fhir+json" };
        let path = path.replace('T', of);
        let answer = system.call(method.parse().unwrap(), &path, &[("content-type", media)], body).await;
        assert_eq!(answer.status, status, "{of} {code}: {}", answer.body);
    }
    assert_eq!(resource["conditionalRead"], "full-support");
    assert_eq!(
        (&resource["conditionalCreate"], &resource["conditionalUpdate"]),
        (&true.into(), &true.into())
    );
    assert_eq!(resource["conditionalDelete"], "single");
    let condition = "_id=nobody";
    let once = [("if-none-exist", condition)];
    let made = system.call(Method::POST, &format!("/fhir/{of}"), &once, &record).await.expect(201);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    system
        .call(Method::GET, &format!("/fhir/{of}/{id}"), &[("if-none-match", made.header("etag"))], "")
        .await
        .expect(304);
    let own = record.replace(r#""id":"a","#, "");
    system.put(&format!("/fhir/{of}?_id={id}"), &own).await.expect(200);
    system.delete(&format!("/fhir/{of}?_id={id}")).await.expect(200);
}

async fn searches(system: &Calls<'_>, resource: &Value) {
    let of = resource["type"].as_str().unwrap();
    let parameters = words(resource, "searchParam", "name");
    assert!(parameters.contains(&"_id") && parameters.contains(&"_lastUpdated"), "{of}");
    let asked = |code: &&str| match *code {
        "_filter" => "_filter=_id+eq+x".to_owned(),
        "_content" | "_list" | "_text" => format!("{code}=x"),
        code => format!("{code}:missing=true"),
    };
    // Many by one search: what is not known is refused, and named.
    let words: Vec<String> = parameters.iter().map(asked).collect();
    let mut urls: Vec<String> = words.chunks(30).map(|some| format!("{of}?{}", some.join("&"))).collect();
    // As many as one search takes.
    for (list, name) in [("searchInclude", "_include"), ("searchRevInclude", "_revinclude")] {
        let all = texts(resource, list);
        assert!(all.contains(&"*"), "{of}");
        for some in all.chunks(32) {
            let words: Vec<String> = some.iter().map(|one| format!("{name}={one}")).collect();
            urls.push(format!("{of}?{}", words.join("&")));
        }
    }
    let entries: Vec<Value> =
        urls.iter().map(|url| serde_json::json!({"request": {"method": "GET", "url": url}})).collect();
    let batch = serde_json::json!({"resourceType": "Bundle", "type": "batch", "entry": entries}).to_string();
    let done = system.post("/fhir", &batch).await.expect(200).json();
    for (url, entry) in urls.iter().zip(done["entry"].as_array().unwrap()) {
        assert_eq!(entry["response"]["status"], "200 OK", "{url}: {entry}");
    }
    system.get(&format!("/fhir/{of}?not-named=1")).await.expect(400);
}

on_stage!(
    async fn what_the_statement_names_can_be_called(stage) {
        let (rest, system) = (statement(&stage).await, stage.north());
        let resources = rest["resource"].as_array().unwrap();
        assert_eq!(resources.len(), 148);
        let mut called = 0;
        for resource in resources {
            let of = resource["type"].as_str().unwrap();
            if system.get(&format!("/fhir/{of}/x")).await.status == 403 {
                continue;
            }
            interactions(&system, resource).await;
            searches(&system, resource).await;
            called += 1;
        }
        assert!(called > 50, "{called} types are subscribed to");
        for parameter in words(&rest, "searchParam", "name") {
            system.get(&format!("/fhir?{parameter}:missing=true&_summary=count")).await.expect(200);
        }
        for compartment in texts(&rest, "compartment") {
            let of = compartment.rsplit('/').next().unwrap();
            let named = resources.iter().filter_map(|one| one["type"].as_str()).find(|one| one.eq_ignore_ascii_case(of)).unwrap();
            system.get(&format!("/fhir/{named}/x/*")).await.expect(200);
        }
        assert_eq!(texts(&rest, "compartment").len(), 5);
    }
);

on_stage!(
    async fn what_can_be_called_is_named(stage) {
        let rest = statement(&stage).await;
        let of_type: BTreeMap<(&str, &str), &str> = [
            (("get", "/fhir/{type}/{id}"), "read"),
            (("get", "/fhir/{type}/{id}/_history/{version}"), "vread"),
            (("put", "/fhir/{type}/{id}"), "update"),
            (("patch", "/fhir/{type}/{id}"), "patch"),
            (("delete", "/fhir/{type}/{id}"), "delete"),
            (("get", "/fhir/{type}/{id}/_history"), "history-instance"),
            (("get", "/fhir/{type}/_history"), "history-type"),
            (("post", "/fhir/{type}"), "create"),
            (("get", "/fhir/{type}"), "search-type"),
            (("post", "/fhir/{type}/_search"), "search-type"),
            (("put", "/fhir/{type}"), "update"),
            (("patch", "/fhir/{type}"), "patch"),
            (("delete", "/fhir/{type}"), "delete"),
            (("get", "/fhir/{type}/{id}/{of}"), "search-type"),
            (("post", "/fhir/{type}/{id}/{of}/_search"), "search-type"),
        ].into();
        let of_site: BTreeMap<(&str, &str), &str> = [
            (("post", "/fhir"), "transaction"),
            (("get", "/fhir"), "search-system"),
            (("post", "/fhir/_search"), "search-system"),
            (("get", "/fhir/_history"), "history-system"),
        ].into();
        let patient = rest["resource"].as_array().unwrap().iter().find(|one| one["type"] == "Patient").unwrap();
        let operations: BTreeSet<&str> = rest["resource"].as_array().unwrap().iter().chain([&rest]).flat_map(|one| words(one, "operation", "name")).collect();
        assert!(operations.contains("everything") && operations.contains("validate"), "{operations:?}");
        let mut seen = BTreeSet::new();
        for (path, item) in &stage.api.paths.paths {
            let methods = [("get", &item.get), ("put", &item.put), ("post", &item.post), ("patch", &item.patch), ("delete", &item.delete)];
            for (method, _) in methods.into_iter().filter(|(_, operation)| operation.is_some()) {
                let call = (method, path.as_str());
                if let Some((_, name)) = path.split_once('$').filter(|(_, name)| !name.contains('/')) {
                    assert!(operations.contains(name), "{method} {path} is not named");
                } else if let Some(code) = of_type.get(&call) {
                    assert!(words(patient, "interaction", "code").contains(code), "{method} {path} is not named");
                    seen.insert(*code);
                } else if let Some(code) = of_site.get(&call) {
                    assert!(words(&rest, "interaction", "code").contains(code), "{method} {path} is not named");
                    seen.insert(*code);
                } else {
                    assert!(!path.starts_with("/fhir/{type}"), "{method} {path} is no form of FHIR that the statement names");
                }
            }
        }
        for code in words(patient, "interaction", "code").into_iter().chain(words(&rest, "interaction", "code")) {
            assert!(seen.contains(code) || code == "batch", "{code} is named and has no route");
        }
        let named = |of: &str| {
            let own = rest["resource"].as_array().unwrap().iter().find(|one| one["type"] == of).unwrap();
            words(own, "operation", "name").into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        assert!(named("Encounter").contains(&"everything".to_owned()) && !named("Observation").contains(&"everything".to_owned()));
    }
);

on_stage!(
    async fn what_a_call_is_for_is_said_wherever_a_site_is_named(new, stage) {
        let api = serde_json::to_value(&stage.api).unwrap();
        let (mut named, mut told) = (0, 0);
        for operation in api["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap().values()) {
            let headers = operation["parameters"].as_array().into_iter().flatten().filter(|one| one["in"] == "header");
            let names: Vec<&str> = headers.filter_map(|one| one["name"].as_str()).collect();
            named += usize::from(names.contains(&"SU-SiteId"));
            told += usize::from(names.contains(&"Purpose-Of-Use") && names.contains(&"Break-Glass-Reason"));
        }
        assert!(named > 40 && named == told, "{named} {told}");
        let statement = stage.north().get("/fhir/metadata").await.expect(200).json();
        let said = statement["rest"][0]["documentation"].as_str().unwrap();
        assert!(["SU-SiteId", "Purpose-Of-Use", "Break-Glass-Reason"].iter().all(|name| said.contains(name)), "{said}");
    }
);
