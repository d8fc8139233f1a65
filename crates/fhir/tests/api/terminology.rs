//! `$expand`, `$lookup`, `$validate-code`, `$subsumes`: what is answered, what is refused, and whose records are asked.

use serde_json::{Value, json};
use validator::{Codes, terminology::Set};

use crate::stage::{Calls, NORTH_TWO, PACKAGES, token};

const ANIMALS: &str = "https://guide.example/code/animals";
const ALL: &str = "https://guide.example/code/ValueSet/all";

async fn asked(by: &Calls<'_>, path: &str) -> Value {
    by.get(&format!("/fhir/{path}")).await.expect(200).json()
}

fn codes(expanded: &Value) -> String {
    let all = expanded["expansion"]["contains"].as_array().into_iter().flatten();
    all.map(|one| one["code"].as_str().unwrap()).collect::<Vec<_>>().join(" ")
}

/// The values of a parameter of an answer.
fn value(parameters: &Value, name: &str) -> Value {
    let all = parameters["parameter"].as_array().unwrap();
    let one = all.iter().find(|one| one["name"] == name);
    let fields = one.and_then(Value::as_object).into_iter().flatten();
    fields
        .filter(|(name, _)| name.starts_with("value"))
        .map(|(_, value)| value.clone())
        .next()
        .unwrap_or_default()
}

fn parameters(all: Value) -> String {
    json!({"resourceType": "Parameters", "parameter": all}).to_string()
}

on_stage!(
    async fn a_value_set_is_expanded(with_foundation, stage) {
        let north = stage.north();
        let whole = asked(&north, &format!("ValueSet/$expand?url={ALL}")).await;
        assert_eq!(codes(&whole), "cat tabby tom dog");
        let expansion = &whole["expansion"];
        assert_eq!((&expansion["total"], &expansion["offset"]), (&json!(4), &json!(0)));
        assert_eq!(expansion["contains"][0], json!({"system": ANIMALS, "version": "2.0.0", "code": "cat", "display": "Cat"}));
        assert!(expansion["identifier"].as_str().unwrap().starts_with("urn:uuid:") && expansion["timestamp"].is_string());
        assert!(expansion["parameter"].to_string().contains(&format!("{ANIMALS}|2.0.0")), "{expansion}");
        assert_eq!((&whole["url"], &whole["status"], whole.get("compose")), (&json!(ALL), &json!("active"), None));
        // What an expansion is, is valid FHIR.
        let found = north.post("/fhir/ValueSet/$validate", &whole.to_string()).await.expect(200).body;
        assert!(!found.contains("\"error\""), "{found}");
        for (words, expected, total) in [
            ("filter=T", "cat tabby tom", 3),
            ("filter=to%20om", "tom", 1),
            ("filter=nothing", "", 0),
            ("offset=1&count=2", "tabby tom", 4),
            ("count=0", "", 4),
            ("offset=9", "", 4),
            ("displayLanguage=de&filter=katze", "cat", 1),
            (&format!("exclude-system={ANIMALS}"), "", 0),
        ] {
            let page = asked(&north, &format!("ValueSet/$expand?url={ALL}&{words}")).await;
            assert_eq!((codes(&page), &page["expansion"]["total"]), (expected.to_owned(), &json!(total)), "{words}");
        }
        let named = asked(&north, &format!("ValueSet/$expand?url={ALL}&includeDesignations=true&includeDefinition=true")).await;
        assert_eq!(named["expansion"]["contains"][0]["designation"], json!([{"language": "de", "value": "Katze"}]));
        assert_eq!(named["compose"]["include"][0]["system"], ANIMALS);
        assert_eq!(named["expansion"]["identifier"], expansion["identifier"], "pages and views of one list");
        let german = asked(&north, &format!("ValueSet/$expand?url={ALL}&displayLanguage=de")).await;
        assert_eq!(german["expansion"]["contains"][0]["display"], "Katze");
        // Sent itself, in `Parameters` and alone.
        let own = json!({"resourceType": "ValueSet", "status": "draft", "compose": {
            "include": [{"system": ANIMALS, "filter": [{"property": "concept", "op": "is-a", "value": "cat"}]}],
            "exclude": [{"system": ANIMALS, "concept": [{"code": "tom"}]}]}});
        for body in [own.to_string(), parameters(json!([{"name": "valueSet", "resource": own}]))] {
            assert_eq!(codes(&north.post("/fhir/ValueSet/$expand", &body).await.expect(200).json()), "cat tabby");
        }
    }
);

on_stage!(
    async fn what_cannot_be_answered_is_refused_by_its_reason(with_foundation, stage) {
        let north = stage.north();
        let set = |system: &str| {
            let include = json!([{"system": system}]);
            json!({"resourceType": "ValueSet", "url": "urn:own", "status": "active", "compose": {"include": include}})
        };
        for (system, code, words) in [
            ("http://loinc.org", "not-supported", "http://loinc.org"),
            ("http://snomed.info/sct", "not-supported", "http://snomed.info/sct"),
            ("http://unitsofmeasure.org", "too-costly", "20000"),
        ] {
            north.post("/fhir/ValueSet/$expand", &set(system).to_string()).await.expect(422).tells(code, words);
        }
        // R4 has the name of SNOMED CT, and of LOINC not even that.
        for (system, status, code) in [("http://loinc.org", 404, "not-found"), ("http://snomed.info/sct", 422, "not-supported")] {
            for of in ["ValueSet", "CodeSystem"] {
                let coding = json!({"name": "coding", "valueCoding": {"system": system, "code": "1-8"}});
                let mut all = vec![coding];
                if of == "ValueSet" {
                    all.push(json!({"name": "valueSet", "resource": set(system)}));
                }
                let body = parameters(all.into());
                north.post(&format!("/fhir/{of}/$validate-code"), &body).await.expect(422).tells("not-supported", "decided");
            }
            north.get(&format!("/fhir/CodeSystem/$lookup?system={system}&code=1-8")).await.expect(status).tells(code, "");
            north.get(&format!("/fhir/CodeSystem/$subsumes?system={system}&codeA=1&codeB=2")).await.expect(status).tells(code, "");
        }
        for (path, status, code, words) in [
            ("ValueSet/$expand?url=urn:nothing", 404, "not-found", "value set"),
            ("ValueSet/$expand?url=urn:nothing&colour=red", 400, "invalid", "colour"),
            ("ValueSet/$expand?url=urn:nothing&date=2020", 400, "not-supported", "date"),
            ("ValueSet/$expand", 400, "invalid", "url"),
            ("ValueSet/$expand?url=a&url=b", 400, "invalid", "more than once"),
            ("ValueSet/$expand?url=a&count=-1", 400, "invalid", "count"),
            ("ValueSet/none/$expand", 404, "not-found", ""),
            ("ValueSet/$validate-code?url=urn:nothing&system=urn:s&code=c", 404, "not-found", "value set"),
            (&format!("ValueSet/$validate-code?url={ALL}&code=cat"), 400, "invalid", "system"),
            (&format!("ValueSet/$validate-code?url={ALL}&coding=cat"), 400, "invalid", "coding"),
            ("CodeSystem/$validate-code?code=c", 400, "invalid", "url"),
            (&format!("CodeSystem/$lookup?system={ANIMALS}&code=cow"), 404, "not-found", "no such code"),
            (&format!("CodeSystem/$lookup?system={ANIMALS}&version=9&code=cat"), 404, "not-found", "animals|9"),
            (&format!("CodeSystem/$lookup?system={ANIMALS}&code=cat&useSupplement=x"), 400, "invalid", "useSupplement"),
            (&format!("CodeSystem/$subsumes?system={ANIMALS}&codeA=cat"), 400, "invalid", "codeB"),
            (&format!("CodeSystem/$subsumes?system={ANIMALS}&codeA=cat&codeB=cow"), 404, "not-found", "no such code"),
        ] {
            north.get(&format!("/fhir/{path}")).await.expect(status).tells(code, words);
        }
        for body in ["{", r#"{"resourceType":"Patient"}"#, r#"{"resourceType":"Parameters","parameter":[{"name":"url"}]}"#] {
            north.post("/fhir/ValueSet/$expand", body).await.expect(400);
        }
    }
);

on_stage!(
    async fn a_code_is_validated_looked_up_and_compared(with_foundation, stage) {
        let north = stage.north();
        for (words, is_good, message) in [
            ("code=tabby", true, ""),
            ("code=tabby&display=tabby", true, ""),
            ("code=cat&display=Katze", true, ""),
            ("code=tabby&display=Tom", false, "Tabby"),
            ("code=cow", false, "no"),
            ("code=Cat", false, "no"),
        ] {
            let of_set = asked(&north, &format!("ValueSet/$validate-code?url={ALL}&system={ANIMALS}&{words}")).await;
            let of_system = asked(&north, &format!("CodeSystem/$validate-code?url={ANIMALS}&{words}")).await;
            for told in [of_set, of_system] {
                assert_eq!(value(&told, "result"), is_good, "{words}: {told}");
                assert!(value(&told, "message").as_str().unwrap_or_default().contains(message), "{told}");
            }
        }
        let coding = |code: &str, system: &str| json!({"code": code, "system": system});
        for (name, given, is_good) in [
            ("coding", coding("dog", ANIMALS), true),
            ("coding", json!({"code": "dog"}), false),
            ("codeableConcept", json!({"coding": [coding("1-8", "http://loinc.org"), coding("dog", ANIMALS)]}), true),
            ("codeableConcept", json!({"coding": [coding("1-8", "http://loinc.org"), coding("cow", ANIMALS)]}), false),
        ] {
            let kind = if name == "coding" { "valueCoding" } else { "valueCodeableConcept" };
            let body = parameters(json!([{"name": "url", "valueUri": ALL}, {"name": name, kind: given}]));
            let told = north.post("/fhir/ValueSet/$validate-code", &body).await.expect(200).json();
            assert_eq!(value(&told, "result"), is_good, "{body}");
        }
        let meant = asked(&north, &format!("CodeSystem/$lookup?system={ANIMALS}&code=cat")).await;
        assert_eq!((value(&meant, "name"), value(&meant, "version")), (json!("Animals"), json!("2.0.0")));
        assert_eq!(value(&meant, "display"), "Cat");
        assert_eq!(meant["parameter"].to_string().matches("\"child\"").count(), 2, "{meant}");
        let german = asked(&north, &format!("CodeSystem/$lookup?system={ANIMALS}&code=cat&displayLanguage=de&property=display")).await;
        assert_eq!((value(&german, "display"), german["parameter"].as_array().unwrap().len()), (json!("Katze"), 3));
        let unit = asked(&north, "CodeSystem/$lookup?system=http://unitsofmeasure.org&code=mm%5BHg%5D").await;
        assert_eq!(value(&unit, "display"), "mm[Hg]");
        for (a, b, outcome) in [
            ("cat", "cat", "equivalent"),
            ("cat", "tom", "subsumes"),
            ("tom", "cat", "subsumed-by"),
            ("tom", "tabby", "not-subsumed"),
        ] {
            let told = asked(&north, &format!("CodeSystem/$subsumes?system={ANIMALS}&codeA={a}&codeB={b}")).await;
            assert_eq!(value(&told, "outcome"), outcome);
            let codings = json!([{"name": "codingA", "valueCoding": coding(a, ANIMALS)}, {"name": "codingB", "valueCoding": coding(b, ANIMALS)}]);
            let told = north.post("/fhir/CodeSystem/$subsumes", &parameters(codings)).await.expect(200).json();
            assert_eq!(value(&told, "outcome"), outcome);
        }
    }
);

on_stage!(
    async fn a_sites_own_are_asked_of_whom_they_are_shown_to(with_foundation, stage) {
        let north = stage.north();
        let system = json!({"resourceType": "CodeSystem", "id": "wards", "url": "urn:wards", "status": "active", "content": "complete",
            "concept": [{"code": "a1", "display": "Ward A1"}, {"code": "b2", "display": "Ward B2"}]});
        let set = json!({"resourceType": "ValueSet", "id": "wards", "url": "urn:all-wards", "status": "active",
            "compose": {"include": [{"system": "urn:wards"}, {"valueSet": [ALL]}]}});
        north.put("/fhir/CodeSystem/wards", &system.to_string()).await.expect(201);
        north.put("/fhir/ValueSet/wards", &set.to_string()).await.expect(201);
        let paths = ["ValueSet/$expand?url=urn:all-wards", "ValueSet/wards/$expand",
            "ValueSet/wards/$validate-code?system=urn:wards&code=a1", "CodeSystem/wards/$validate-code?code=a1",
            "CodeSystem/$lookup?system=urn:wards&code=a1", "CodeSystem/wards/$subsumes?codeA=a1&codeB=b2"];
        for path in &paths[..2] {
            assert_eq!(codes(&asked(&north, path).await), "a1 b2 cat tabby tom dog");
        }
        for path in &paths[2..4] {
            assert_eq!(value(&asked(&north, path).await, "result"), true, "{path}");
        }
        assert_eq!(value(&asked(&north, paths[4]).await, "display"), "Ward A1");
        assert_eq!(value(&asked(&north, paths[5]).await, "outcome"), "not-subsumed");
        // A batch asks the same.
        let entry = json!({"resourceType": "Bundle", "type": "batch", "entry": [{"request": {"method": "GET", "url": paths[0]}}]});
        let told = north.post("/fhir", &entry.to_string()).await.expect(200).json();
        assert_eq!(codes(&told["entry"][0]["resource"]), "a1 b2 cat tabby tom dog");
        // Another site, another organisation, and one who may see others only, are told what they are told of what is nowhere.
        let elsewhere = north.clone().at(NORTH_TWO);
        let narrow = "system/ValueSet.rs?status=draft system/CodeSystem.rs?status=draft";
        for other in [&elsewhere, &stage.south(), &stage.by(token(1, narrow, "", ""))] {
            for path in paths {
                let nowhere = path.replace("urn:all-wards", "urn:no-wards").replace("wards/", "none/").replace("urn:wards", "urn:none");
                let (heard, never) = (other.get(&format!("/fhir/{path}")).await, other.get(&format!("/fhir/{nowhere}")).await);
                let alike = |body: &str| body.replace("urn:wards", "urn:none");
                assert_eq!((heard.status, alike(&heard.body)), (never.status, alike(&never.body)), "{path}");
                assert!(heard.status == 404 || heard.status == 422, "{path}: {}", heard.body);
            }
        }
        // Without a scope for them, nothing is asked at all.
        stage.by(token(1, "system/Patient.rs", "", "")).get("/fhir/ValueSet/$expand?url=urn:all-wards").await.expect(403);
        // What is changed is what is asked.
        north.delete("/fhir/CodeSystem/wards").await.expect(200);
        north.get("/fhir/ValueSet/wards/$expand").await.expect(422).tells("not-supported", "urn:wards");
    }
);

/// Of R4's own value sets, each that can be expanded: every code of it is valid, and no other of its systems' codes is.
#[test]
fn what_is_expanded_is_what_is_valid() {
    let definitions = PACKAGES.of(Some(&[])).unwrap();
    let (library, codes) = (definitions.library(), definitions.codes());
    let (mut expanded, mut refused, mut asked) = (0, 0, 0);
    for resource in library.of_type("ValueSet") {
        let set = Set::new(&resource.parse().unwrap());
        let Ok(all) = codes.expand(&set) else {
            refused += 1;
            continue;
        };
        expanded += 1;
        let listed: std::collections::BTreeSet<_> =
            all.iter().map(|one| (&*one.system, &*one.code)).collect();
        assert_eq!(listed.len(), all.len(), "{}", set.canonical);
        let systems: std::collections::BTreeSet<&str> = all.iter().map(|one| &*one.system).collect();
        for (system, code) in &listed {
            asked += 1;
            assert_eq!(
                codes.holds(&set, (system, None), code),
                validator::terminology::Answer::In,
                "{} {code}",
                set.canonical
            );
        }
        for system in systems.into_iter().filter_map(|system| codes.system(system)) {
            for concept in system.concepts().filter(|one| !listed.contains(&(&*system.url, &*one.code))) {
                asked += 1;
                let answer = codes.holds(&set, (&system.url, None), &concept.code);
                assert_ne!(answer, validator::terminology::Answer::In, "{} {}", set.canonical, concept.code);
            }
        }
    }
    println!("{expanded} value sets expanded, {refused} cannot be, {asked} codes asked");
    assert!(expanded > 900 && asked > 20_000, "{expanded} {refused} {asked}");
    let unpinned = Codes::new(library);
    assert!(unpinned.set("http://hl7.org/fhir/ValueSet/administrative-gender|4.0.1").is_some());
}
