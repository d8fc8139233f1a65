//! What users of other FHIR servers suffer from, each as a test that passes here. Each names the reports that it is made of.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use fhir::package::PackageId;
use futures_util::future::join_all;
use http::Method;
use serde_json::{Value, json};

use crate::{
    parameters,
    stage::{Calls, Heard, NORTH_TWO, Stage, token},
    topics::receiver::Receiver,
};

/// Clients that call at the same time.
const AT_ONCE: usize = 64;

fn identified(value: &str) -> String {
    json!({"resourceType": "Patient", "identifier": [{"system": "urn:x", "value": value}]}).to_string()
}

fn observation(subject: &str, value: usize) -> Value {
    json!({
        "resourceType": "Observation", "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
        "subject": {"reference": subject},
        "effectiveDateTime": format!("2026-01-{:02}", value % 28 + 1),
        "valueQuantity": {"value": value, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
    })
}

fn bundle(kind: &str, entries: &[Value]) -> String {
    json!({"resourceType": "Bundle", "type": kind, "entry": entries}).to_string()
}

fn posted(resource: &Value, more: &Value) -> Value {
    let mut request = json!({"method": "POST", "url": resource["resourceType"]});
    for (name, value) in more.as_object().into_iter().flatten() {
        request[name] = value.clone();
    }
    json!({"resource": resource, "request": request})
}

/// Records in one transaction.
async fn put_in(system: &Calls<'_>, resources: &[Value]) {
    let entries: Vec<Value> = resources.iter().map(|resource| posted(resource, &json!({}))).collect();
    for some in entries.chunks(1_000) {
        system.post("/fhir", &bundle("transaction", some)).await.expect(200);
    }
}

fn entries(answer: &Value) -> Vec<&Value> {
    answer["entry"].as_array().map(|all| all.iter().collect()).unwrap_or_default()
}

fn ids(answer: &Value) -> Vec<String> {
    entries(answer).iter().map(|entry| entry["resource"]["id"].as_str().unwrap().to_owned()).collect()
}

fn next(answer: &Value) -> Option<String> {
    let link = answer["link"].as_array()?.iter().find(|link| link["relation"] == "next")?;
    Some(link["url"].as_str()?.strip_prefix("https://hilum.example")?.to_owned())
}

async fn total(system: &Calls<'_>, search: &str) -> u64 {
    let joined = if search.contains('?') { '&' } else { '?' };
    let counted = system.get(&format!("/fhir/{search}{joined}_summary=count")).await.expect(200).json();
    counted["total"].as_u64().unwrap()
}

// Duplicates from concurrent conditional creates: hapi-fhir #3141, #4597, jpaserver-starter #459, microsoft/fhir-server #1382.
on_stage!(
    async fn pain_01_conditional_creates_at_once_make_one_record(stage) {
        let system = stage.north();
        let (body, condition) = (identified("1"), [("if-none-exist", "identifier=urn:x|1")]);
        let all = join_all((0..AT_ONCE).map(|_| system.call(Method::POST, "/fhir/Patient", &condition, &body))).await;
        let with = |status: u16| all.iter().filter(|answer| answer.status == status).count();
        assert_eq!((with(201), with(200)), (1, AT_ONCE - 1), "{:?}", all.iter().map(|answer| answer.status).collect::<Vec<_>>());
        let made: BTreeSet<String> = all.iter().map(|answer| answer.json()["id"].as_str().unwrap().to_owned()).collect();
        assert_eq!((made.len(), total(&system, "Patient").await), (1, 1));
    }
);

// Entries with the same conditional identity dropped in silence, resubmits that fail, similar Bundles at once that fail: hapi-fhir
// #8183, #6153, #4738.
on_stage!(
    async fn pain_02_no_entry_of_a_transaction_is_dropped(stage) {
        let system = stage.north();
        let unless = |value: &str| json!({"ifNoneExist": format!("identifier=urn:x|{value}")});
        let of = |value: &str| posted(&serde_json::from_str(&identified(value)).unwrap(), &unless(value));
        let twice = bundle("transaction", &[of("1"), of("1")]);
        system.post("/fhir", &twice).await.expect(400).tells("invalid", "Bundle.entry[1]");
        assert_eq!(total(&system, "Patient").await, 0, "refused, and nothing of it kept");
        let good = bundle("transaction", &[of("1"), of("2")]);
        let places = |answer: Heard| ids(&answer.expect(200).json());
        let first = places(system.post("/fhir", &good).await);
        assert_eq!(first.len(), 2);
        assert_eq!(places(system.post("/fhir", &good).await), first, "sent again it comes to the same records");
        for again in join_all((0..16).map(|_| system.post("/fhir", &good))).await {
            assert_eq!(places(again), first);
        }
        assert_eq!(total(&system, "Patient").await, 2);
    }
);

// Success that was told and not committed, storms of serialization failures: medplum #9811, #7019, #7045, #6533, #8620.
on_stage!(
    async fn pain_03_what_is_told_is_committed(stage) {
        let system = stage.north();
        system.put("/fhir/Patient/one", r#"{"resourceType":"Patient","id":"one"}"#).await.expect(201);
        let change = |nth: usize| {
            let body = json!({"resourceType": "Patient", "id": "one", "multipleBirthInteger": nth});
            bundle("transaction", &[
                json!({"resource": body, "request": {"method": "PUT", "url": "Patient/one"}}),
                posted(&observation("Patient/one", nth), &json!({})),
            ])
        };
        let bodies: Vec<String> = (0..AT_ONCE).map(change).collect();
        let all = join_all(bodies.iter().map(|body| system.post("/fhir", body))).await;
        let mut told = BTreeSet::new();
        for (nth, answer) in all.into_iter().enumerate() {
            assert!([200, 409].contains(&answer.status), "{}", answer.body);
            if answer.status == 200 {
                let tag = answer.json()["entry"][0]["response"]["etag"].as_str().unwrap().to_owned();
                let version = tag.trim_start_matches("W/").trim_matches('"').to_owned();
                let kept = system.get(&format!("/fhir/Patient/one/_history/{version}")).await.expect(200).json();
                assert_eq!(kept["multipleBirthInteger"], json!(nth), "the version that was told is the one that was sent");
                told.insert(version);
            }
        }
        assert_eq!(total(&system, "Observation").await, told.len() as u64);
        let newest = system.get("/fhir/Patient/one").await.expect(200).json();
        assert_eq!(newest["meta"]["versionId"], json!((told.len() + 1).to_string()), "no version that was not told");
    }
);

// 500 where the caller is at fault: microsoft/fhir-server #5592, #1452, #2265, #1760; `_revinclude=*` and uri `:below` elsewhere.
on_stage!(
    async fn pain_04_no_question_is_answered_with_500(stage) {
        let system = stage.north();
        let six: Vec<Value> = (0..6).map(|nth| observation("Patient/x", nth)).collect();
        put_in(&system, &six).await;
        for (search, status) in [
            ("Observation?_lastUpdated=gt2000-01-01", 200),
            ("Patient?_revinclude=*", 200),
            ("Observation?_include=*", 200),
            ("ValueSet?url:below=http://example.org/fhir", 403),
            ("Observation?value-quantity=5||kg", 200),
            ("Observation?_lastUpdated=gt", 400),
            ("Observation?value-quantity=heavy", 400),
            ("Observation?date=ge2026-13-45", 400),
            ("Observation?_count=-1", 400),
            ("Observation?_count=99999999999999999999", 400),
            ("Observation?_sort=colour", 400),
            ("Observation?_include=Nothing:x", 400),
            ("Observation?_has:Nothing:subject:code=1", 400),
            ("Observation?_cursor=AAAA", 400),
        ] {
            let answer = system.get(&format!("/fhir/{search}")).await;
            assert_eq!(answer.status, status, "{search}: {}", answer.body);
        }
        for search in [
            "Observation?_include=Observation",
            "Observation?subject:Patient.name.x=1",
            "Observation?code=%F0%28%8C%28",
            "Observation?code=a%00b",
            "Patient?name=a%00b",
            "Patient?name:exact=a%00b",
            "Patient?_id=%00",
            "Patient/%00",
            "Observation?subject=Patient/%27%3B+DROP+TABLE+fhir_current%3B--",
        ] {
            let answer = system.get(&format!("/fhir/{search}")).await;
            assert!(answer.status < 500, "{search}: {}", answer.body);
        }
        assert_eq!(total(&system, "Observation").await, 6);
    }
);

// A parameter that is not known passed over, so that the whole population is answered: Microsoft, Blaze, Spark.
on_stage!(
    async fn pain_05_an_unknown_parameter_never_finds_everybody(stage) {
        let system = stage.north();
        system.post("/fhir/Patient", &identified("1")).await.expect(201);
        for search in ["colour=red", "name:colour=red", "subject.name=x", "_unheard=1", "family=", "identifier:exact=1"] {
            let refused = system.get(&format!("/fhir/Patient?{search}")).await.expect(400);
            assert_eq!(refused.json()["resourceType"], "OperationOutcome", "{search}");
            system.call(Method::POST, "/fhir/Patient/_search", &[("content-type", "application/x-www-form-urlencoded")], search).await.expect(400);
        }
        let lenient = [("prefer", "handling=lenient")];
        let told = system.call(Method::GET, "/fhir/Patient?colour=red", &lenient, "").await.expect(200).json();
        let own = told["link"].as_array().unwrap().iter().find(|link| link["relation"] == "self").unwrap();
        assert!(!own["url"].as_str().unwrap().contains("colour"), "the answer says what it was asked: {own}");
        let outcomes: Vec<&Value> = entries(&told).into_iter().filter(|entry| entry["search"]["mode"] == "outcome").collect();
        assert_eq!(outcomes.len(), 1, "and what was left out: {told}");
        // Who goes on by the link is not refused for what was left out.
        system.post("/fhir/Patient", &identified("2")).await.expect(201);
        let first = system.call(Method::GET, "/fhir/Patient?colour=red&_count=1", &lenient, "").await.expect(200).json();
        let second = system.get(&next(&first).unwrap()).await.expect(200).json();
        assert_eq!(ids(&second).len(), 1);
    }
);

// Pages that time out side by side, lose `_summary`, end in an empty page, repeat or lose records: hapi-fhir #6109, #6549, #5599,
// #5237, #5454, #3608; Blaze #2961; a cursor for one sort order alone (Medplum).
on_stage!(
    async fn pain_06_pages_are_stable_for_every_order(stage) {
        let system = stage.north();
        let many: Vec<Value> = (0..40).map(|nth| observation("Patient/x", nth)).collect();
        put_in(&system, &many).await;
        for sort in ["", "&_sort=date", "&_sort=-date,value-quantity", "&_sort=_id", "&_sort=-_lastUpdated", "&_sort=code"] {
            let whole = ids(&system.get(&format!("/fhir/Observation?_count=100{sort}")).await.expect(200).json());
            assert_eq!(whole.len(), 40, "{sort}");
            let (mut paged, mut pages) = (Vec::new(), 0);
            let mut at = Some(format!("/fhir/Observation?_count=10&_total=accurate&_elements=status{sort}"));
            while let Some(url) = at {
                // Asked for side by side, and while others write, a page is the same page.
                let asked = join_all((0..3).map(|_| system.get(&url))).await;
                let page: Vec<Value> = asked.into_iter().map(|page| page.expect(200).json()).collect();
                assert!(page.iter().all(|one| ids(one) == ids(&page[0])), "{sort}");
                assert_eq!(page[0]["total"], json!(40), "{sort}");
                assert!(entries(&page[0]).iter().all(|entry| entry["resource"].get("valueQuantity").is_none()), "still a part");
                assert!(!entries(&page[0]).is_empty(), "no empty page at the end");
                paged.extend(ids(&page[0]));
                pages += 1;
                at = next(&page[0]);
            }
            assert_eq!((paged, pages), (whole, 4), "{sort}");
        }
        // What comes after the first page was asked for is not put between the pages.
        let first = system.get("/fhir/Observation?_count=20").await.expect(200).json();
        let later: Vec<Value> = (0..5).map(|nth| observation("Patient/y", nth)).collect();
        put_in(&system, &later).await;
        let second = system.get(&next(&first).unwrap()).await.expect(200).json();
        let both: BTreeSet<String> = ids(&first).into_iter().chain(ids(&second)).collect();
        assert_eq!(both.len(), 40);
    }
);

// Searches that answer what was true a minute ago: hapi-fhir #2896, #2680.
on_stage!(
    async fn pain_07_a_search_sees_what_was_just_written(stage) {
        let system = stage.north();
        for nth in 0..10 {
            let family = format!("Family{nth}");
            let found = async |family: &str| total(&system, &format!("Patient?family={family}")).await;
            assert_eq!(found(&family).await, 0);
            let body = json!({"resourceType": "Patient", "id": "one", "name": [{"family": family}]}).to_string();
            system.put("/fhir/Patient/one", &body).await;
            assert_eq!(found(&family).await, 1);
            assert_eq!(found(&format!("Family{}", nth - 1)).await, 0, "and not what was before");
        }
        system.delete("/fhir/Patient/one").await.expect(200);
        assert_eq!(total(&system, "Patient").await, 0);
    }
);

// Searches that fall off a cliff as a site grows: mock.health "the search cliff is plural"; hapi-fhir-jpaserver-starter #421; medplum
// #4212; IBM #1929, #1665; Blaze's search by code and date.
on_stage!(
    async fn pain_08_a_page_costs_the_same_in_a_large_site(stage) {
        let (small, large) = (stage.north(), stage.north().at(NORTH_TWO));
        for (system, patients) in [(&small, 10), (&large, 200)] {
            for patient in 0..patients {
                let body = json!({"resourceType": "Patient", "id": format!("p{patient}"), "name": [{"family": format!("Name{patient}")}]});
                system.put(&format!("/fhir/Patient/p{patient}"), &body.to_string()).await.expect(201);
            }
            let all: Vec<Value> = (0..patients * 15).map(|nth| observation(&format!("Patient/p{}", nth % patients), nth)).collect();
            put_in(system, &all).await;
        }
        for search in [
            "Observation?patient=p1&_count=20",
            "Observation?patient=p1&code=29463-7&_sort=-date&_count=20",
            "Observation?code=29463-7&_sort=-_lastUpdated&_count=10",
            "Observation?subject:Patient.family:exact=Name1&_count=10",
            "Patient?_id=p1&_revinclude=Observation:subject",
        ] {
            let path = format!("/fhir/{search}");
            // In turns, so that whatever else the machine does is done to both.
            let mut spent = [Vec::new(), Vec::new()];
            for _ in 0..11 {
                for (system, spent) in [&small, &large].into_iter().zip(&mut spent) {
                    let began = Instant::now();
                    system.get(&path).await.expect(200);
                    spent.push(began.elapsed());
                }
            }
            let [small, large] = spent.map(|mut all| {
                all.sort_unstable();
                all[all.len() / 2]
            });
            assert!(large < small * 6 + Duration::from_millis(5), "{search}: {small:?}, of twenty times as many {large:?}");
        }
    }
);

// Records that are not the caller's told by inclusion or inference: hapi-fhir #6065, #3249, #4151, #5991, #6536; Microsoft ADR-2607;
// IBM #1849; medplum #8948, #7816. (The oracle beside this asks many more such questions.)
on_stage!(
    async fn pain_09_nothing_is_told_by_inference(stage) {
        let system = stage.north();
        for id in ["anna", "bert"] {
            let patient = json!({"resourceType": "Patient", "id": id, "name": [{"family": id}], "link": [{"other": {"reference": "Patient/bert"}, "type": "seealso"}]});
            system.put(&format!("/fhir/Patient/{id}"), &patient.to_string()).await.expect(201);
        }
        put_in(&system, &[observation("Patient/anna", 1), observation("Patient/bert", 99)]).await;
        let anna = stage.by(token(1, "patient/*.rs", "anna", "anna"));
        let without = stage.by(token(1, "system/Patient.rs", "", ""));
        for search in [
            "Patient?_has:Observation:subject:value-quantity=99",
            "Patient?_id=bert",
            "Patient?link=Patient/anna&_include=Patient:link",
            "Observation?subject:Patient.family=bert",
            "Observation?value-quantity=gt50",
        ] {
            let found = anna.get(&format!("/fhir/{search}")).await.expect(200).json();
            assert!(entries(&found).is_empty(), "{search}: {found}");
            assert_eq!(total(&anna, search).await, 0, "{search}");
        }
        let included = anna.get("/fhir/Patient?_include=Patient:link&_revinclude=Observation:subject").await.expect(200).json();
        assert_eq!((entries(&included).len(), ids(&included).contains(&"bert".to_owned())), (2, false), "{included}");
        let found = without.get("/fhir/Patient?_has:Observation:subject:code=29463-7").await.expect(200).json();
        assert!(entries(&found).is_empty(), "who may not search Observations learns nothing of them: {found}");
    }
);

// Deletions that take hours, stop in the middle, or delete some and say all: hapi-fhir #3237, #5150, #2655, #7126, #7553.
on_stage!(
    async fn pain_12_a_deletion_is_whole(stage) {
        let system = stage.north();
        let many: Vec<Value> = (0..600).map(|nth| observation("Patient/x", nth)).collect();
        put_in(&system, &many).await;
        let refused = system.delete("/fhir/Observation?code=29463-7").await;
        assert!((400..500).contains(&refused.status), "several, and so none: {}", refused.body);
        assert_eq!(total(&system, "Observation").await, 600, "not some of them either");
        let found = ids(&system.get("/fhir/Observation?_count=500").await.expect(200).json());
        let gone: Vec<Value> =
            found.iter().map(|id| json!({"request": {"method": "DELETE", "url": format!("Observation/{id}")}})).collect();
        let mut wrong = gone.clone();
        wrong.push(json!({"request": {"method": "DELETE", "url": "Nothing/1"}}));
        let refused = system.post("/fhir", &bundle("transaction", &wrong)).await;
        assert!((400..500).contains(&refused.status), "{}", refused.body);
        assert_eq!(total(&system, "Observation").await, 600, "all or nothing");
        system.post("/fhir", &bundle("transaction", &gone)).await.expect(200);
        assert_eq!(total(&system, "Observation").await, 100);
        assert_eq!(total(&system, "Observation?code=29463-7").await, 100, "found by nothing");
        system.get(&format!("/fhir/Observation/{}", found[0])).await.expect(410);
        let history = system.get(&format!("/fhir/Observation/{}/_history", found[0])).await.expect(200).json();
        assert_eq!(entries(&history).len(), 2, "what was there stays on record");
    }
);

// Validation that eats memory with every guide that is loaded, slows down, or calls out: hapi-fhir-jpaserver-starter #711;
// org.hl7.fhir.core #302; matchbox #257; validator-wrapper #140, #180.
testkit::on_each_engine!(
    async fn pain_13_validation_neither_grows_nor_calls_out(db: store::Db) {
        let outside = Receiver::open().await;
        let stage = Stage::calling(db, outside.hosts()).await;
        let admin = stage.by(token(1, "sites:admin", "", "")).at("");
        let switch = async |packages: &[&str]| {
            let body = json!({"validation": "enforce", "packages": packages}).to_string();
            let path = format!("/admin/fhir/sites/{}", crate::stage::site(1));
            admin.call(Method::PUT, &path, &[("content-type", "application/json")], &body).await.expect(200);
            stage.clock.advance(Duration::from_secs(31));
        };
        let system = stage.north();
        let (guides, none): (&[&str], &[&str]) = (&["guide.status#1.0.0", "guide.code#2.0.0"], &[]);
        let ids: Vec<PackageId> = guides.iter().map(|id| id.parse().unwrap()).collect();
        let made = || std::ptr::from_ref(stage.fhir.packages().of(Some(&ids)).unwrap());
        let first = made();
        let mut spent = Vec::new();
        for nth in 0..60 {
            // What is loaded again and again is the same: nothing is made of it anew, and so nothing is left behind.
            switch(if nth % 2 == 0 { guides } else { none }).await;
            assert_eq!(made(), first);
            let mut record = observation("Patient/x", nth);
            // A profile, a code system and a value that others would look up where they say they are.
            record["meta"] = json!({"profile": [format!("{}/StructureDefinition/x", outside.url())]});
            record["code"]["coding"][0]["system"] = json!(format!("{}/CodeSystem/x", outside.url()));
            let began = Instant::now();
            system.post("/fhir/Observation", &record.to_string()).await.expect(201);
            spent.push(began.elapsed());
        }
        assert!(outside.heard().is_empty(), "nobody was asked");
        let median = |some: &[Duration]| {
            let mut some = some.to_vec();
            some.sort_unstable();
            some[some.len() / 2]
        };
        let (early, late) = (median(&spent[10..30]), median(&spent[40..]));
        assert!(late < early * 4 + Duration::from_millis(20), "{early:?}, and later {late:?}");
    },
    migrations = [audit::MIGRATIONS, vault::MIGRATIONS, jobs::MIGRATIONS, fhir::MIGRATIONS]
);

// Searches that others do not have: Blaze #845, #1431, #361, #433; medplum #1313; quantities with units and uri `:below` at Aidbox;
// chains within `_has` at HAPI; `:of-type` and `:in` at Microsoft.
on_stage!(
    async fn pain_14_what_others_cannot_search(stage) {
        let system = stage.north();
        let patient = json!({"resourceType": "Patient", "id": "one", "generalPractitioner": [{"reference": "Practitioner/doc"}], "identifier": [{
            "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}]}, "system": "urn:x", "value": "7"}]});
        system.put("/fhir/Patient/one", &patient.to_string()).await.expect(201);
        system.put("/fhir/Practitioner/doc", r#"{"resourceType":"Practitioner","id":"doc","name":[{"family":"Strange"}]}"#).await.expect(201);
        let mut pressure = observation("Patient/one", 7);
        pressure["component"] = json!([{"code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]},
            "valueQuantity": {"value": 107, "unit": "mmHg", "system": "http://unitsofmeasure.org", "code": "mm[Hg]"}}]);
        pressure["performer"] = json!([{"reference": "Practitioner/doc"}]);
        put_in(&system, &[pressure, observation("Patient/one", 9)]).await;
        for (search, found) in [
            ("Observation?_sort=-date&_count=1", 2),
            ("Observation?component-code-value-quantity=http://loinc.org|8480-6$gt100", 1),
            ("Observation?component-code-value-quantity=http://loinc.org|8480-6$gt110", 0),
            ("Observation?code-value-quantity=29463-7$lt8", 1),
            ("Observation?value-quantity=7||kg", 1),
            ("Observation?value-quantity=7000|http://unitsofmeasure.org|g", 1),
            ("Patient?_has:Observation:subject:performer:Practitioner.family=strange", 1),
            ("Patient?_has:Observation:subject:performer:Practitioner.family=nobody", 0),
            ("Practitioner?_has:Patient:general-practitioner:_has:Observation:subject:code=29463-7", 1),
            ("Patient?identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|MR|7", 1),
            ("Patient?identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|SS|7", 0),
            ("Observation?subject:identifier=urn:x|7", 0),
        ] {
            assert_eq!(total(&system, search).await, found, "{search}");
        }
    }
);

// One large request that stops all others, questions with many values that fail, Bundles that run into a time limit: Blaze's serial
// execution, hapi-fhir #6457, Helios on SQLite.
on_stage!(
    async fn pain_15_a_large_request_stops_nobody(stage) {
        let system = stage.north();
        system.put("/fhir/Patient/one", r#"{"resourceType":"Patient","id":"one"}"#).await.expect(201);
        let entries: Vec<Value> = (0..3_000).map(|nth| posted(&observation("Patient/one", nth), &json!({}))).collect();
        let large = bundle("transaction", &entries);
        let large = system.post("/fhir", &large);
        // Others read and search all the while, and what they see is nothing of it or all.
        let others = async {
            let mut seen = BTreeSet::new();
            for _ in 0..50 {
                system.get("/fhir/Patient/one").await.expect(200);
                seen.insert(total(&system, "Observation").await);
                tokio::task::yield_now().await;
            }
            seen
        };
        let (done, seen) = futures_util::join!(large, others);
        done.expect(200);
        assert!(seen.iter().all(|count| [0, 3_000].contains(count)), "{seen:?}");
        assert_eq!(total(&system, "Observation").await, 3_000);
        let many: Vec<String> = (0..400).map(|nth| format!("urn:x|{nth}")).collect();
        let form = format!("identifier={}", many.join(","));
        system.post("/fhir/Patient", &identified("7")).await.expect(201);
        let form_type = [("content-type", "application/x-www-form-urlencoded")];
        let answer = system.call(Method::POST, "/fhir/Patient/_search", &form_type, &form).await;
        assert_eq!(self::ids(&answer.expect(200).json()).len(), 1);
    }
);

on_stage!(
    // microsoft/fhir-server #4020 (done, did nothing), #2200 and #3684 (queued for ever), #5653 (all requests fail meanwhile); Helios
    // (finds too little until somebody asks for it).
    async fn a_reindex_is_done_when_it_says_so_and_is_not_forgotten(of_guides, stage) {
        let north = stage.north();
        parameters::fill(&north, 250).await;
        parameters::switch(&stage, &json!(["guide.search#1.0.0"])).await.expect(200);
        let lost = stage.db.write(async move |tx: &mut store::Writer| tx.execute("DELETE FROM job", Vec::new()).await);
        let lost: Result<u64, store::DbError> = lost.await;
        assert_eq!(lost.unwrap(), 1);
        stage.worker().run_due().await.unwrap();
        for _ in 0..3 {
            if parameters::progress(&stage).await["state"] == "done" {
                break;
            }
            north.get("/fhir/Patient?gender=other").await.expect(200);
            north.get("/fhir/Patient?shoe=37").await.expect(503);
            stage.clock.advance(Duration::from_secs(601));
            stage.worker().run_due().await.unwrap();
        }
        let told = parameters::progress(&stage).await;
        assert_eq!((&told["state"], &told["records"], &told["percent"]), (&json!("done"), &json!(250), &json!(100)));
        parameters::compare(&north, "shoe").await;
    }
);
