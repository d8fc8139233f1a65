//! Codes of sites and plans: who may, what changes, what is on record.

use http::Method;
use store::binds;

use crate::stage::{Stage, organisation, site, token};

/// What is on record of the first organisation's sites and plan, by name.
async fn acts(stage: &Stage) -> Vec<String> {
    let mut reader = stage.db.read().await.unwrap();
    let sql = "SELECT act FROM audit_event WHERE organisation_id = $1 AND act LIKE 'fhir_%' ORDER BY act";
    let rows: Vec<(String,)> = reader.all(sql, binds![organisation(1)]).await.unwrap();
    rows.into_iter().map(|(act,)| act).collect()
}

fn added(before: &[String], after: &[String]) -> Vec<String> {
    let mut left = before.to_vec();
    let mut is_new = |act: &&String| match left.iter().position(|known| known == *act) {
        Some(at) => {
            left.swap_remove(at);
            false
        }
        None => true,
    };
    after.iter().filter(|act| is_new(act)).cloned().collect()
}

on_stage!(
    async fn a_site_gets_a_code_and_keeps_it(stage) {
        let admin = stage.by(token(1, "sites:admin", "", "")).at("");
        let before = acts(&stage).await;
        let path = format!("/admin/fhir/sites/{}", site(9));
        let drawn = admin.call(Method::PUT, &path, &[("content-type", "application/json")], "{}").await.expect(200).json();
        let code = drawn["code"].as_str().unwrap().to_owned();
        assert!(code.starts_with("HC") && code.len() == 7, "{code}");
        assert_eq!((drawn["validation"].as_str(), drawn["upsert"].as_str()), (Some("enforce"), Some("allowed")));
        let put = async |body: &str| admin.call(Method::PUT, &path, &[("content-type", "application/json")], body).await;
        assert_eq!(put("{}").await.expect(200).json(), drawn, "asked for again, nothing changes");
        put(r#"{"code":"HCZZZZZ"}"#).await.expect(409);
        put(r#"{"code":"HCZZ","validation":"maybe","upsert":"x"}"#).await.expect(400);
        put(r#"{"cod":"HCZZZZZ"}"#).await.expect(400);
        let changed = put(r#"{"validation":"warn"}"#).await.expect(200).json();
        assert_eq!((changed["code"].as_str(), changed["validation"].as_str()), (Some(&*code), Some("warn")));
        let list = admin.get("/admin/fhir/sites").await.expect(200).json();
        let coded = |one: &&serde_json::Value| one["id"] == serde_json::json!(site(9).to_string());
        assert_eq!(list.as_array().unwrap().iter().find(coded).unwrap()["code"], serde_json::json!(code));
        assert_eq!(added(&before, &acts(&stage).await), ["fhir_site.assigned", "fhir_site.changed"]);
    }
);

on_stage!(
    async fn a_code_that_is_anothers_is_refused_and_so_is_anothers_site(stage) {
        let admin = stage.by(token(1, "sites:admin", "", "")).at("");
        let json = [("content-type", "application/json")];
        let nine = format!("/admin/fhir/sites/{}", site(9));
        admin.call(Method::PUT, &nine, &json, r#"{"code":"hcsouth"}"#).await.expect(409);
        let theirs = format!("/admin/fhir/sites/{}", site(2));
        admin.call(Method::PUT, &theirs, &json, "{}").await.expect(404);
        admin.call(Method::PUT, "/admin/fhir/sites/x", &json, "{}").await.expect(404);
        for path in ["/admin/fhir/sites", "/admin/fhir/plan"] {
            stage.by(token(1, "system/*.*", "", "")).at("").get(path).await.expect(403);
        }
    }
);

on_stage!(
    async fn a_plan_says_what_may_be_called_and_every_change_is_on_record(stage) {
        let admin = stage.by(token(1, "sites:admin", "", "")).at("");
        let json = [("content-type", "application/json")];
        let before = acts(&stage).await;
        let plan = admin.get("/admin/fhir/plan").await.expect(200).json();
        assert_eq!(plan, serde_json::json!({"subscriptions": ["base", "clinical"]}));
        stage.north().post("/fhir/Claim", r#"{"resourceType":"Claim"}"#).await.expect(403).tells("forbidden", "`financial`");
        stage.north().post("/fhir/Basic", r#"{"resourceType":"Basic"}"#).await.expect(403).tells("forbidden", "`foundation`");
        let put = async |body: &str| admin.call(Method::PUT, "/admin/fhir/plan", &json, body).await;
        put(r#"{"subscriptions":["base","everything"]}"#).await.expect(400);
        put(r#"{"subscriptions":["financial","base"]}"#).await.expect(200);
        put(r#"{"subscriptions":["base","financial"]}"#).await.expect(200);
        // In force with the answer.
        stage.north().post("/fhir/Claim", r#"{"resourceType":"Claim"}"#).await.expect(201);
        stage.north().post("/fhir/Observation", r#"{"resourceType":"Observation"}"#).await.expect(403).tells("forbidden", "`clinical`");
        assert_eq!(added(&before, &acts(&stage).await), ["fhir_plan.changed"]);
    }
);

on_stage!(
    async fn what_an_organisation_pays_for_is_its_own(stage) {
        let admin = stage.by(token(2, "sites:admin", "", "")).at("");
        let json = [("content-type", "application/json")];
        admin.call(Method::PUT, "/admin/fhir/plan", &json, r#"{"subscriptions":[]}"#).await.expect(200);
        let patient = r#"{"resourceType":"Patient"}"#;
        stage.south().post("/fhir/Patient", patient).await.expect(403).tells("forbidden", "`base`");
        stage.north().post("/fhir/Patient", patient).await.expect(201);
    }
);
