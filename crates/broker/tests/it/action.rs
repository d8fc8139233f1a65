//! Actions: declared, checked, run, normalised.

use http::Method;
use serde_json::json;

use crate::stage::{client, terms};

const PATH: &str = "/integrations/v1/integration-1/actions";
const HEADERS: [(&str, &str); 2] = [("authorization", "Bearer 1.1"), ("content-type", "application/json")];

on_stage!(
    async fn a_client_sees_and_runs_what_the_trust_names(stage) {
        stage.link("1.1", "integration-1").await;
        let listed = stage.api("1.1", PATH).await.json();
        let names: Vec<&str> = listed.as_array().unwrap().iter().map(|action| action["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["heart-rate", "steps"]);
        assert!(listed[0]["input"].is_object() && listed[0]["output"].is_object());
        let steps = json!({ "activities-steps": [{ "dateTime": "2026-01-02", "value": "4321" }] });
        stage.provider.set(|book| book.api_answers = vec![(200, Vec::new(), steps.to_string())]);
        let input = json!({ "from": "2026-01-02", "to": "2026-01-02" }).to_string();
        let heard = stage.call(Method::POST, &format!("{PATH}/steps"), &HEADERS, &input).await;
        assert_eq!(heard.status, 200, "{}", heard.body);
        assert_eq!(heard.headers["content-type"], "application/fhir+json");
        let bundle = heard.json();
        assert_eq!(bundle["resourceType"], "Bundle");
        assert_eq!(bundle["entry"][0]["resource"]["valueQuantity"]["value"], json!(4321));
        assert!(!heard.body.contains("canary") && !heard.body.contains("account-1"));
        stage.db.flush_lazy().await.unwrap();
        assert_eq!(stage.number("SELECT COUNT(*) FROM audit_event WHERE act = 'connection.action'").await, 1);
        // Not named by the trust, or not there: the same answer.
        for name in ["sleep", "nothing"] {
            assert_eq!(stage.call(Method::POST, &format!("{PATH}/{name}"), &HEADERS, "{}").await.status, 404);
        }
    }
);

on_stage!(
    async fn an_input_that_does_not_fit_is_told_where(stage) {
        stage.link("1.1", "integration-1").await;
        let heard = stage.call(Method::POST, &format!("{PATH}/steps"), &HEADERS, r#"{"from":"2026-13-01","to":7}"#).await;
        assert_eq!(heard.status, 400, "{}", heard.body);
        assert!(heard.body.contains("to"), "{}", heard.body);
        assert_eq!(stage.provider.book.lock().unwrap().api_calls.len(), 0);
    }
);

on_stage!(
    async fn an_action_needs_what_it_needs_of_the_person_and_of_the_trust(stage) {
        stage.provider.set(|book| book.scope = Some("sleep".to_owned()));
        stage.link("1.1", "integration-1").await;
        let input = r#"{"from":"2026-01-02","to":"2026-01-02"}"#;
        let heard = stage.call(Method::POST, &format!("{PATH}/steps"), &HEADERS, input).await;
        assert_eq!((heard.status, heard.json()["code"].as_str()), (403, Some("insufficient_scope")));
        assert!(heard.body.contains("/integrations/oauth2/integration-1/connect"), "{}", heard.body);
        let narrow = broker::trust::Terms { scopes: "sleep".parse().unwrap(), ..terms() };
        stage.broker.grant_trust(crate::stage::ORGANISATION, client(1), "integration-1", narrow, &broker::By::system()).await.unwrap();
        let heard = stage.call(Method::POST, &format!("{PATH}/steps"), &HEADERS, input).await;
        assert_eq!((heard.status, heard.json()["code"].as_str()), (403, None));
        assert_eq!(stage.provider.book.lock().unwrap().api_calls.len(), 0);
    }
);

on_stage!(
    async fn the_third_partys_troubles_are_told_as_such(stage) {
        stage.link("1.1", "integration-1").await;
        let input = r#"{"from":"2026-01-02","to":"2026-01-02"}"#;
        for (status, told) in [(403, 403), (404, 422), (500, 503), (200, 503)] {
            let answers = (0..3).map(|_| (status, Vec::new(), "no JSON, with a canary".to_owned())).collect();
            stage.provider.set(|book| book.api_answers = answers);
            let heard = stage.call(Method::POST, &format!("{PATH}/steps"), &HEADERS, input).await;
            assert_eq!(heard.status, told, "{status}: {}", heard.body);
            assert!(!heard.body.contains("canary"));
        }
    }
);
