//! `$import` of files that are named: what is fetched, from where, and that nothing is written twice whatever breaks.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use store::{Db, binds};

use super::{
    ASYNC,
    files::{Files, Served, manifest},
    fill, observation, path, patient,
};
use crate::stage::{Calls, NORTH_TWO, Stage, token};

const JSON: (&str, &str) = ("content-type", "application/json");

/// One test for each engine, on a stage that may call a server of files.
macro_rules! on_files {
    (async fn $name:ident($stage:ident, $files:ident) $body:block) => {
        testkit::on_each_engine!(
            async fn $name(db: store::Db) {
                let ($stage, $files) = staged(db).await;
                $body
            },
            migrations = [audit::MIGRATIONS, vault::MIGRATIONS, jobs::MIGRATIONS, fhir::MIGRATIONS]
        );
    };
}

async fn staged(db: Db) -> (Stage, Files) {
    let files = Files::open().await;
    (Stage::calling(db, files.hosts()).await, files)
}

async fn kick_off(caller: &Calls<'_>, manifest: &Value) -> String {
    let begun = caller.call(Method::POST, "/fhir/$import", &[ASYNC, JSON], &manifest.to_string()).await;
    path(begun.expect(202).header("content-location"))
}

async fn imported(stage: &Stage, caller: &Calls<'_>, inputs: &[(&str, &str)]) -> Value {
    let status = kick_off(caller, &manifest(inputs)).await;
    finished(stage, caller, &status).await
}

/// The manifest, after as many attempts as it takes.
async fn finished(stage: &Stage, caller: &Calls<'_>, status: &str) -> Value {
    for _ in 0..20 {
        stage.worker().run_due().await.unwrap();
        let heard = caller.get(status).await;
        if heard.status != 202 {
            return heard.expect(200).json();
        }
        stage.clock.advance(Duration::from_secs(900));
    }
    panic!("it does not come to an end");
}

/// The outcomes of a file of errors.
async fn told(caller: &Calls<'_>, error: &Value) -> Vec<Value> {
    let text = caller.get(&path(error["url"].as_str().unwrap())).await.expect(200);
    text.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn count(caller: &Calls<'_>, of: &str) -> i64 {
    caller.get(&format!("/fhir/{of}?_summary=count")).await.expect(200).json()["total"].as_i64().unwrap()
}

/// So many patients without ids: if a line were written twice, there would be more of them.
fn nameless(patients: usize, bytes: usize) -> String {
    let text = "x".repeat(bytes);
    (0..patients)
        .map(|nth| format!(r#"{{"resourceType":"Patient","name":[{{"text":"{nth} {text}"}}]}}"#) + "\n")
        .collect()
}

on_files!(
    async fn each_file_is_told_of(stage, files) {
        let system = stage.north();
        let patients = format!("{}\n{}", patient("anna"), patient("bert"));
        let observations = format!("{}\nnot json\n{}\n{}\n", observation("o", "anna", "a"), patient("carl"), observation("p", "bert", "b"));
        let (one, two) = (files.put("1.ndjson?sig=secret", Served::packed(&patients)), files.put("2.ndjson", Served::new(&observations)));
        files.put("1.ndjson", Served::packed(&patients));
        let three = format!("http://{}/none.ndjson", files.host());
        let wanted = manifest(&[("Patient", &one), ("Observation", &two), ("Patient", &three)]);
        let status = kick_off(&system, &wanted).await;
        let under_way = system.get(&status).await.expect(202);
        assert_eq!(under_way.header("x-progress"), "0 of 3 files, 0 lines");
        stage.worker().run_due().await.unwrap();
        let manifest = system.get(&status).await.expect(200).json();
        assert_eq!(manifest["extension"], json!({"stored": 4, "unchanged": 0, "refused": 2}), "{manifest}");
        assert_eq!(manifest["output"], json!([{"inputUrl": one, "count": 2}, {"inputUrl": two, "count": 2}, {"inputUrl": three, "count": 0}]));
        let errors = manifest["error"].as_array().unwrap();
        assert_eq!(errors.iter().map(|error| error["inputUrl"].as_str().unwrap()).collect::<Vec<_>>(), [&two, &three]);
        let lines = told(&system, &errors[0]).await;
        let numbers: Vec<i64> = lines.iter().map(|one| one["issue"][0]["extension"][0]["valueInteger"].as_i64().unwrap()).collect();
        assert_eq!(numbers, [2, 3], "not JSON, and another type");
        let none = told(&system, &errors[1]).await;
        assert!(none[0]["issue"][0]["diagnostics"].as_str().unwrap().contains("404"), "{none:?}");
        for record in ["Patient/anna", "Patient/bert", "Observation/o", "Observation/p"] {
            system.get(&format!("/fhir/{record}")).await.expect(200);
        }
        system.get("/fhir/Patient/carl").await.expect(404);
        // Addresses may carry what opens them: they are not kept in the clear, and not in the audit trail.
        let sql = "SELECT COUNT(*) FROM audit_event WHERE canonical LIKE '%secret%' OR canonical LIKE '%127.0.0.1%'";
        assert_eq!(stage.db.read().await.unwrap().one::<(i64,)>(sql, binds![]).await.unwrap().0, 0);
        let again = imported(&stage, &system, &[("Patient", &one)]).await;
        assert_eq!(again["extension"], json!({"stored": 0, "unchanged": 2, "refused": 0}));
        let parameters = json!({"resourceType": "Parameters", "parameter": [
            {"name": "inputFormat", "valueCode": "application/fhir+ndjson"}, {"name": "inputSource", "valueUri": "https://other.example/fhir"},
            {"name": "input", "part": [{"name": "type", "valueCode": "Patient"}, {"name": "url", "valueUrl": one}]}]});
        let fhir = ("content-type", "application/fhir+json");
        system.call(Method::POST, "/fhir/$import", &[ASYNC, fhir], &parameters.to_string()).await.expect(202);
    }
);

on_files!(
    async fn a_download_that_breaks_off_goes_on_where_it_was(stage, files) {
        let system = stage.north();
        let lines = nameless(1_500, 2_000);
        let at = lines.len() / 2;
        let file = Served { etag: Some("\"v1\""), cut: (at, 1), ..Served::new(&lines) };
        let url = files.put("ranged", file);
        let manifest = imported(&stage, &system, &[("Patient", &url)]).await;
        assert_eq!(manifest["extension"], json!({"stored": 1_500, "unchanged": 0, "refused": 0}), "{manifest}");
        assert_eq!(count(&system, "Patient").await, 1_500);
        let heard = files.heard();
        assert_eq!(heard.len(), 2, "{heard:?}");
        // Of what breaks off, less may arrive than was sent; of what was written nothing is asked for again.
        let from = heard[1].1.as_deref().map(|range| range.trim_start_matches("bytes=").trim_end_matches('-').parse::<usize>().unwrap());
        assert!(from.is_none_or(|from| from > 1 << 20 && from <= at && lines.as_bytes()[from - 1] == b'\n'), "{from:?}");
        // What knows no ranges, and what is packed, is passed over as far as it is written.
        for (name, file) in [
            ("whole", Served { cut: (at, 1), ..Served::new(&lines) }),
            ("packed", Served { cut: (Served::packed(&lines).body.len() - 9, 1), etag: Some("\"v1\""), ..Served::packed(&lines) }),
        ] {
            let before = count(&system, "Patient").await;
            let url = files.put(name, file);
            imported(&stage, &system, &[("Patient", &url)]).await;
            assert_eq!(count(&system, "Patient").await - before, 1_500, "{name}");
            assert_eq!(files.heard().iter().filter(|(path, range)| path.ends_with(name) && range.is_none()).count(), 2, "{name}");
        }
    }
);

on_files!(
    async fn a_file_that_changed_is_not_gone_on_with(stage, files) {
        let system = stage.north();
        let lines = nameless(1_500, 1_000);
        let url = files.put("f", Served { etag: Some("\"v1\""), cut: (lines.len() - 100, 100), ..Served::new(&lines) });
        let status = kick_off(&system, &manifest(&[("Patient", &url)])).await;
        files.answer(503, &[("retry-after", "60")], 1);
        stage.worker().run_due().await.unwrap();
        assert_eq!(count(&system, "Patient").await, 0, "not before its time");
        stage.clock.advance(Duration::from_secs(30));
        stage.worker().run_due().await.unwrap();
        assert_eq!(files.heard().len(), 1, "it asked for a minute");
        stage.clock.advance(Duration::from_secs(31));
        stage.worker().run_due().await.unwrap();
        let written = count(&system, "Patient").await;
        assert!((1..1_500).contains(&written), "{written}");
        system.get(&status).await.expect(202);
        files.put("f", Served { etag: Some("\"v2\""), ..Served::new(&lines) });
        stage.clock.advance(Duration::from_secs(3_600));
        stage.worker().run_due().await.unwrap();
        let manifest = system.get(&status).await.expect(200).json();
        let told = told(&system, &manifest["error"][0]).await;
        assert!(told[0]["issue"][0]["diagnostics"].as_str().unwrap().contains("has changed"), "{told:?}");
        assert_eq!(count(&system, "Patient").await, written, "what was written stays, and nothing comes of the other");
        assert_eq!(manifest["output"][0]["count"], written);
    }
);

on_files!(
    async fn a_file_that_never_comes_is_given_up_and_the_next_one_has_its_turn(stage, files) {
        let system = stage.north();
        let (dead, good) = (files.put("dead", Served::new("")), files.put("good", Served::new(&patient("anna"))));
        files.answer(500, &[], 10);
        let status = kick_off(&system, &manifest(&[("Patient", &dead), ("Patient", &good)])).await;
        for _ in 0..12 {
            stage.worker().run_due().await.unwrap();
            stage.clock.advance(Duration::from_secs(900));
        }
        let manifest = system.get(&status).await.expect(200).json();
        assert_eq!(manifest["output"], json!([{"inputUrl": dead, "count": 0}, {"inputUrl": good, "count": 1}]));
        assert!(told(&system, &manifest["error"][0]).await[0].to_string().contains("500"));
    }
);

on_files!(
    async fn a_worker_that_is_lost_while_it_fetches_is_followed(stage, files) {
        let system = stage.north();
        let lines = nameless(3_000, 1_500);
        let url = files.put("f", Served { etag: Some("\"v1\""), ..Served::new(&lines) });
        let status = kick_off(&system, &manifest(&[("Patient", &url)])).await;
        let worker = stage.worker();
        let has_begun = async {
            let sql = "SELECT place FROM fhir_bulk";
            while stage.db.read().await.unwrap().one::<(i64,)>(sql, binds![]).await.unwrap().0 == 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            () = has_begun => {}
            done = worker.run_due() => panic!("it was through before it could be cut off: {done:?}"),
        }
        stage.clock.advance(Duration::from_secs(3_600));
        let (one, two) = (stage.worker(), stage.worker());
        let (one, two) = tokio::join!(one.run_due(), two.run_due());
        one.and(two).unwrap();
        let manifest = finished(&stage, &system, &status).await;
        assert_eq!(manifest["extension"], json!({"stored": 3_000, "unchanged": 0, "refused": 0}), "{manifest}");
        assert_eq!(count(&system, "Patient").await, 3_000);
    }
);

on_files!(
    async fn nothing_inside_is_called_and_of_the_rest_what_the_site_lets(stage, files) {
        let system = stage.north();
        let good = files.put("good", Served::new(&patient("anna")));
        let elsewhere = |port: u16| format!("http://127.0.0.1:{port}/x");
        for url in [
            "http://169.254.169.254/latest/meta-data/", "https://10.0.0.1/x", "https://localhost/x", "file:///etc/passwd",
            "http://bulk.example.org/x", "https://a:b@bulk.example.org/x", elsewhere(1).as_str(),
        ] {
            let wanted = manifest(&[("Patient", &good), ("Patient", url)]).to_string();
            let refused = system.call(Method::POST, "/fhir/$import", &[ASYNC, JSON], &wanted).await.expect(400);
            assert_eq!(refused.json()["issue"][0]["expression"][0], "input[1].url", "{url}: {}", refused.body);
        }
        files.answer(302, &[("location", "http://127.0.0.1:1/")], 1);
        let manifest_ = imported(&stage, &system, &[("Patient", &good)]).await;
        assert!(told(&system, &manifest_["error"][0]).await[0].to_string().contains("302"), "a redirection is not followed");
        // Where administrators name hosts, these alone.
        let admin = stage.by(token(1, "sites:admin", "", "")).at("");
        let sites = format!("/admin/fhir/sites/{}/import", crate::stage::site(1));
        let put = async |hosts: Value| admin.call(Method::PUT, &sites, &[JSON], &json!({"hosts": hosts}).to_string()).await;
        assert_eq!(admin.get(&sites).await.expect(200).json(), json!({"hosts": null}));
        put(json!(["https://a.example"])).await.expect(400);
        put(json!(["bulk.example.org"])).await.expect(200);
        let wanted = manifest(&[("Patient", &good)]);
        let refused = system.call(Method::POST, "/fhir/$import", &[ASYNC, JSON], &wanted.to_string()).await.expect(400);
        assert!(refused.body.contains("do not fetch from that host"), "{}", refused.body);
        put(json!([files.host()])).await.expect(200);
        let status = kick_off(&system, &wanted).await;
        put(json!([])).await.expect(200);
        stage.worker().run_due().await.unwrap();
        let manifest = system.get(&status).await.expect(200).json();
        assert_eq!(manifest["output"][0]["count"], 0, "asked again before the call: {manifest}");
        system.get("/fhir/Patient/anna").await.expect(404);
        // Another site is not bound by it.
        let other = system.clone().at(NORTH_TWO);
        assert_eq!(imported(&stage, &other, &[("Patient", &good)]).await["output"][0]["count"], 1);
        stage.by(token(2, "sites:admin", "", "")).at("").get(&sites).await.expect(404);
        files.answer(401, &[], 1);
        put(Value::Null).await.expect(200);
        let manifest = imported(&stage, &system, &[("Patient", &good)]).await;
        assert!(told(&system, &manifest["error"][0]).await[0].to_string().contains("credentials"));
    }
);

on_files!(
    async fn what_is_fetched_is_written_as_the_caller_may(stage, files) {
        let system = stage.north();
        fill(&system).await;
        let lines = format!("{}\n{}\n{}\n", observation("of-anna", "anna", "z"), observation("of-bert", "anna", "z"), observation("of-anna", "bert", "z"));
        let url = files.put("o", Served::new(&lines));
        let anna = stage.by(token(1, "patient/*.cruds", "anna", "anna"));
        let wanted = manifest(&[("Observation", &url)]);
        let status = kick_off(&anna, &wanted).await;
        for other in [&system, &stage.south(), &system.clone().at(NORTH_TWO)] {
            other.get(&status).await.expect(404);
            other.delete(&status).await.expect(404);
        }
        stage.worker().run_due().await.unwrap();
        let manifest_ = anna.get(&status).await.expect(200).json();
        assert_eq!(manifest_["extension"], json!({"stored": 1, "unchanged": 0, "refused": 2}), "{manifest_}");
        let of_bert = system.get("/fhir/Observation/of-bert").await.expect(200).json();
        assert_eq!(of_bert["meta"]["versionId"], "1");
        assert_eq!(count(&stage.south(), "Observation").await, 0);
        let narrow = stage.by(token(1, "system/Patient.cruds", "", ""));
        narrow.call(Method::POST, "/fhir/$import", &[ASYNC, JSON], &wanted.to_string()).await.expect(403);
        // Ended before it began, and taken away before it began.
        let url = files.put("carl", Served::new(&patient("carl")));
        let ended = kick_off(&system, &manifest(&[("Patient", &url)])).await;
        system.delete(&ended).await.expect(202);
        let barred = kick_off(&system, &manifest(&[("Patient", &url)])).await;
        stage.revoke(&system.token);
        files.heard();
        stage.worker().run_due().await.unwrap();
        system.get(&ended).await.expect(404);
        system.get(&barred).await.expect(500);
        system.get("/fhir/Patient/carl").await.expect(404);
        assert!(files.heard().is_empty(), "nothing was called");
    }
);
