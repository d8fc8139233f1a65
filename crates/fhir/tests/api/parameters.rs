//! Search parameters of the packages that a site has switched on, and the work that a change of them makes.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::stage::{Calls, Heard, NORTH_TWO, Stage, site, token};

pub async fn switch(stage: &Stage, packages: &Value) -> Heard {
    let admin = stage.by(token(1, "sites:admin", "", "")).at("");
    let path = format!("/admin/fhir/sites/{}", site(1));
    let body = json!({ "packages": packages }).to_string();
    admin.call(Method::PUT, &path, &[("content-type", "application/json")], &body).await
}

/// All parameters of the site get into this state, and no node hears of it.
pub async fn turn_unheard(stage: &Stage, state: &'static str) {
    let turned = stage.db.write(async move |tx: &mut store::Writer| {
        tx.execute("UPDATE fhir_parameter SET state = $1", store::binds![state]).await?;
        tx.execute("UPDATE fhir_clock SET parameters = parameters + 1", store::binds![]).await.map(drop)
    });
    let turned: Result<(), store::DbError> = turned.await;
    turned.unwrap();
}

pub async fn progress(stage: &Stage) -> Value {
    let admin = stage.by(token(1, "sites:admin", "", "")).at("");
    admin.get(&format!("/admin/fhir/sites/{}/parameters", site(1))).await.expect(200).json()
}

fn state_of<'a>(progress: &'a Value, code: &str) -> &'a str {
    let all = progress["parameters"].as_array().unwrap();
    all.iter().find(|one| one["code"] == code).map_or("", |one| one["state"].as_str().unwrap())
}

pub fn patient(nth: usize, shoe: usize) -> Value {
    let mut said = vec![json!({"url": "https://guide.example/shoe", "valueInteger": shoe})];
    if nth.is_multiple_of(3) {
        let kind = ["cat", "dog"][nth % 2];
        said.push(json!({"url": "https://guide.example/animal", "valueCode": kind}));
        said.push(
            json!({"url": "https://guide.example/helper", "valueReference": {"reference": "Patient/p1"}}),
        );
    }
    json!({"resourceType": "Patient", "id": format!("p{nth}"), "extension": said, "gender": "other"})
}

pub async fn fill(system: &Calls<'_>, patients: usize) {
    let entries: Vec<Value> = (0..patients)
        .map(|nth| json!({"resource": patient(nth, 30 + nth % 20), "request": {"method": "PUT", "url": format!("Patient/p{nth}")}}))
        .collect();
    let bundle = json!({"resourceType": "Bundle", "type": "transaction", "entry": entries});
    system.post("/fhir", &bundle.to_string()).await.expect(200);
}

/// All that a search finds, and how many it counts.
async fn found(system: &Calls<'_>, words: &str) -> (Vec<String>, u64) {
    let mut path = format!("/fhir/Patient?{words}&_count=100");
    let mut ids = Vec::new();
    loop {
        let page = system.get(&path).await.expect(200).json();
        ids.extend(
            page["entry"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|one| one["resource"]["id"].as_str().unwrap().to_owned()),
        );
        let links = page["link"].as_array().cloned().unwrap_or_default();
        let Some(next) = links.iter().find(|link| link["relation"] == "next") else { break };
        path = next["url"].as_str().unwrap().trim_start_matches("https://hilum.example").to_owned();
    }
    let counted = system.get(&format!("/fhir/Patient?{words}&_summary=count")).await.expect(200).json();
    ids.sort();
    (ids, counted["total"].as_u64().unwrap())
}

/// What there is to be found, record by record.
async fn really(system: &Calls<'_>, holds: impl Fn(&Value) -> bool) -> (Vec<String>, u64) {
    let mut ids = Vec::new();
    let mut path = "/fhir/Patient?_count=500".to_owned();
    loop {
        let page = system.get(&path).await.expect(200).json();
        let own = page["entry"].as_array().into_iter().flatten().map(|one| &one["resource"]);
        ids.extend(own.filter(|one| holds(one)).map(|one| one["id"].as_str().unwrap().to_owned()));
        let links = page["link"].as_array().cloned().unwrap_or_default();
        let Some(next) = links.iter().find(|link| link["relation"] == "next") else { break };
        path = next["url"].as_str().unwrap().trim_start_matches("https://hilum.example").to_owned();
    }
    ids.sort();
    let count = ids.len() as u64;
    (ids, count)
}

fn says(resource: &Value, name: &str, value: &Value) -> bool {
    let url = format!("https://guide.example/{name}");
    let all = resource["extension"].as_array().into_iter().flatten();
    all.filter(|one| one["url"] == *url).any(|one| one.as_object().unwrap().values().any(|own| own == value))
}

/// Every way to ask, against what the records say.
pub async fn compare(system: &Calls<'_>, shoe: &str) {
    for size in [30, 37, 49, 77] {
        let expected = really(system, |one| says(one, shoe, &json!(size))).await;
        assert_eq!(found(system, &format!("shoe={size}")).await, expected, "shoe={size}");
    }
    let cats = really(system, |one| says(one, "animal", &json!("cat"))).await;
    assert_eq!(found(system, "animal=cat").await, cats);
    let others = really(system, |one| !says(one, "animal", &json!("cat"))).await;
    assert_eq!(found(system, "animal:not=cat").await, others);
    let none = really(system, |one| one["extension"].as_array().is_none_or(|all| all.len() < 2)).await;
    assert_eq!(found(system, "animal:missing=true").await, none);
    let both = really(system, |one| says(one, "animal", &json!("dog")) && says(one, shoe, &json!(39))).await;
    assert_eq!(found(system, "animal=dog&shoe=39").await, both);
    let helped = really(system, |one| one["extension"].as_array().is_some_and(|all| all.len() > 1)).await;
    assert_eq!(found(system, "helper=Patient/p1").await, helped);
    assert_eq!(found(system, "helper.gender=other").await, helped);
}

on_stage!(
    async fn parameters_of_a_package_are_searched_by_once_all_records_are_indexed(of_guides, stage) {
        let north = stage.north();
        fill(&north, 450).await;
        north.get("/fhir/Patient?shoe=37").await.expect(400).tells("invalid", "shoe");
        let told = switch(&stage, &json!(["guide.search#1.0.0"])).await.expect(200).json();
        let search = &told["search"];
        for (code, state) in
            [("shoe", "building"), ("animal", "building"), ("helper", "building"), ("family", "known"), ("gender", "refused"), ("broken", "refused"), ("nothing", "refused")]
        {
            assert_eq!(state_of(search, code), state, "{code}: {search}");
        }
        for refused in search["parameters"].as_array().unwrap().iter().filter(|one| one["state"] == "refused") {
            assert!(!refused["why"].as_str().unwrap().is_empty(), "{refused}");
        }
        assert_eq!(search["state"], "running");
        // Nothing is found too little: it is said, also to who passes over what is not known.
        for headers in [vec![], vec![("prefer", "handling=lenient")]] {
            for words in ["shoe=37", "gender=other&shoe=37", "_sort=shoe", "helper.gender=other", "_has:Patient:helper:gender=other"] {
                let refused = north.call(Method::GET, &format!("/fhir/Patient?{words}"), &headers, "").await.expect(503);
                refused.tells("transient", "being indexed");
                assert!(!refused.header("retry-after").is_empty());
            }
        }
        north.get("/fhir/Patient?gender=other").await.expect(200);
        // Others write while the work goes on.
        let (worker, other) = (stage.worker(), stage.north());
        let write = async {
            for nth in 0..40 {
                let (changed, size) = (nth * 11, 77 - nth % 2);
                other.put(&format!("/fhir/Patient/p{changed}"), &patient(changed, size).to_string()).await.expect(200);
                other.put(&format!("/fhir/Patient/p{}", 450 + nth), &patient(450 + nth, 37).to_string()).await.expect(201);
                other.delete(&format!("/fhir/Patient/p{}", nth * 7 + 2)).await.expect(200);
            }
        };
        let (ran, ()) = tokio::join!(worker.run_due(), write);
        ran.unwrap();
        let done = progress(&stage).await;
        assert_eq!((done["state"].as_str(), done["percent"].as_i64()), (Some("done"), Some(100)), "{done}");
        assert_eq!(state_of(&done, "shoe"), "ready");
        compare(&north, "shoe").await;
        let page = north.get("/fhir/Patient?shoe=49&_include=Patient:helper&_count=5").await.expect(200).json();
        let included = page["entry"].as_array().unwrap().iter().filter(|one| one["search"]["mode"] == "include");
        assert!(included.clone().count() <= 1);
        let sorted = north.get("/fhir/Patient?shoe=ge48&_sort=shoe&_count=3").await.expect(200).json();
        assert_eq!(sorted["entry"].as_array().unwrap().len(), 3);
        // Another site has none of it, and neither has who shows no token.
        for calls in [stage.north().at(NORTH_TWO), stage.south()] {
            calls.get("/fhir/Patient?shoe=37").await.expect(400);
        }
        let has = |statement: &Value| statement.to_string().contains("https://guide.example/search/SearchParameter/shoe");
        assert!(has(&north.get("/fhir/metadata").await.expect(200).json()));
        assert!(!has(&stage.south().get("/fhir/metadata").await.expect(200).json()));
        assert!(!has(&stage.by("00".to_owned()).get("/fhir/metadata").await.expect(200).json()));
    }
);

on_stage!(
    async fn what_is_switched_off_is_unknown_at_once_and_what_comes_back_is_whole(of_guides, stage) {
        let north = stage.north();
        switch(&stage, &json!(["guide.search#1.0.0"])).await.expect(200);
        // A site without records has nothing to wait for.
        assert_eq!(state_of(&progress(&stage).await, "shoe"), "ready");
        fill(&north, 230).await;
        compare(&north, "shoe").await;
        switch(&stage, &json!([])).await.expect(200);
        north.get("/fhir/Patient?shoe=37").await.expect(400);
        north.put("/fhir/Patient/p4", &patient(4, 49).to_string()).await.expect(200);
        stage.worker().run_due().await.unwrap();
        north.put("/fhir/Patient/p5", &patient(5, 49).to_string()).await.expect(200);
        // The next version of the package looks for shoes elsewhere: they are other ones.
        switch(&stage, &json!(["guide.search#2.0.0"])).await.expect(200);
        north.get("/fhir/Patient?shoe=37").await.expect(503);
        stage.worker().run_due().await.unwrap();
        compare(&north, "boot").await;
        switch(&stage, &json!(["guide.search#1.0.0"])).await.expect(200);
        north.delete("/fhir/Patient/p6").await.expect(200);
        stage.worker().run_due().await.unwrap();
        compare(&north, "shoe").await;
        let mut reader = stage.db.read().await.unwrap();
        let rows: Vec<(i64,)> = reader.all("SELECT number FROM fhir_parameter ORDER BY number", store::binds![]).await.unwrap();
        assert!(rows.len() >= 5 && rows.windows(2).all(|pair| pair[0] < pair[1]), "no number is given twice");
    }
);

on_stage!(
    async fn a_reference_in_a_transaction_means_records_by_them_too(of_guides, stage) {
        let north = stage.north();
        switch(&stage, &json!(["guide.search#1.0.0"])).await.expect(200);
        let entry = json!({"request": {"method": "POST", "url": "Observation"}, "resource": {"resourceType": "Observation", "status": "final",
            "code": {"text": "gait"}, "subject": {"reference": "Patient?shoe=77"}}});
        let bundle = json!({"resourceType": "Bundle", "type": "transaction", "entry": [entry]}).to_string();
        let there = north.clone().at(NORTH_TWO);
        for calls in [&north, &there] {
            calls.put("/fhir/Patient/p1", &patient(1, 77).to_string()).await.expect(201);
        }
        north.post("/fhir", &bundle).await.expect(200);
        let of_p1 = north.get("/fhir/Observation?subject=Patient/p1").await.expect(200).json();
        assert_eq!(of_p1["entry"].as_array().unwrap().len(), 1);
        // A site that has none of it does not guess.
        there.post("/fhir", &bundle).await.expect(400).tells("invalid", "shoe");
        assert!(there.get("/fhir/Observation").await.expect(200).json()["entry"].as_array().is_none_or(Vec::is_empty));
    }
);

on_stage!(
    async fn a_worker_that_is_lost_loses_nothing(of_guides, stage) {
        let north = stage.north();
        fill(&north, 700).await;
        switch(&stage, &json!(["guide.search#1.0.0"])).await.expect(200);
        let looked = async || {
            let sql = "SELECT looked FROM fhir_reindex";
            stage.db.read().await.unwrap().one::<(i64,)>(sql, store::binds![]).await.unwrap().0
        };
        let worker = stage.worker();
        tokio::select! {
            () = async { while looked().await == 0 { tokio::task::yield_now().await } } => {}
            done = worker.run_due() => panic!("it was through before it could be cut off: {done:?}"),
        }
        north.get("/fhir/Patient?shoe=37").await.expect(503);
        stage.clock.advance(Duration::from_secs(3_600));
        // Two nodes at once, one of which only seemed dead.
        let (one, two) = (stage.worker(), stage.worker());
        let (one, two) = tokio::join!(one.run_due(), two.run_due());
        one.and(two).unwrap();
        assert_eq!(looked().await, 700, "each record once");
        compare(&north, "shoe").await;
    }
);

on_stage!(
    async fn a_scope_may_name_a_parameter_of_a_package(of_guides, stage) {
        let north = stage.north();
        fill(&north, 12).await;
        let narrow = stage.by(token(1, "system/Patient.rus?animal=cat", "", ""));
        let all = "/fhir/Patient?_count=100";
        let ids = async |by: &Calls<'_>| {
            let page = by.get(all).await.expect(200).json();
            let own = page["entry"].as_array().into_iter().flatten();
            own.map(|one| one["resource"]["id"].as_str().unwrap().to_owned()).collect::<std::collections::BTreeSet<_>>()
        };
        // A site that does not have it knows nothing that the scope could open.
        assert!(ids(&narrow).await.is_empty());
        narrow.get("/fhir/Patient/p0").await.expect(404);
        switch(&stage, &json!(["guide.search#1.0.0"])).await.expect(200);
        // Nor while records are being indexed by it.
        assert!(ids(&narrow).await.is_empty());
        stage.worker().run_due().await.unwrap();
        let cats = really(&north, |one| says(one, "animal", &json!("cat"))).await.0;
        assert_eq!((cats.len(), ids(&narrow).await), (2, cats.iter().cloned().collect()));
        for nth in 0..12 {
            let path = format!("/fhir/Patient/p{nth}");
            let status = if cats.contains(&format!("p{nth}")) { 200 } else { 404 };
            for path in [path.clone(), format!("{path}/_history/1"), format!("{path}/_history")] {
                narrow.get(&path).await.expect(status);
            }
        }
        assert_eq!(narrow.get("/fhir/Patient?_summary=count").await.expect(200).json()["total"], 2);
        assert_eq!(narrow.get("/fhir/Patient?shoe:missing=false&animal=dog").await.expect(200).json()["entry"].as_array().map(Vec::len), None);
        assert_eq!(narrow.get("/fhir/_history").await.expect(200).json()["entry"].as_array().map(Vec::len), Some(2));
        // What it would become is asked too.
        let mut dog = patient(0, 30);
        dog["extension"][1]["valueCode"] = json!("dog");
        narrow.put("/fhir/Patient/p0", &dog.to_string()).await.expect(403);
        // The site has it no more.
        switch(&stage, &json!([])).await.expect(200);
        assert!(ids(&narrow).await.is_empty());
        narrow.get("/fhir/Patient/p0").await.expect(404);
    }
);
