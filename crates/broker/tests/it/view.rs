//! What a client sees of integrations: contract 1, "Endpoints" and "Rules".

use serde_json::json;

use crate::stage::client;

on_stage!(
    async fn a_client_sees_exactly_what_the_contract_says(stage) {
        stage.link("1.1", "integration-1").await;
        let connect = |n: u8| format!("https://identity.example/integrations/oauth2/integration-{n}/connect");
        let one = json!({ "name": "Integration #1", "connected": true, "connectUri": connect(1) });
        let list = json!([
            one,
            { "name": "Integration #2", "connected": false, "connectUri": connect(2) },
            { "name": "Integration #3", "connected": false, "connectUri": connect(3) },
        ]);
        let heard = stage.api("1.1", "/integrations/v1/").await;
        assert_eq!((heard.json(), &heard.headers["cache-control"]), (list.clone(), &"no-store".parse().unwrap()));
        assert_eq!(stage.api("1.1", "/integrations/v1").await.json(), list);
        assert_eq!(stage.api("1.1", "/integrations/v1/integration-1").await.json(), one);
        // Another person has linked nothing; another client is trusted for less.
        let other = stage.api("1.2", "/integrations/v1/integration-1").await.json();
        assert_eq!(other["connected"], json!(false));
        assert_eq!(stage.api("2.1", "/integrations/v1/").await.json(), json!([one]));
        assert_eq!(stage.api("3.1", "/integrations/v1/").await.json(), json!([]));
        stage.db.flush_lazy().await.unwrap();
        assert!(stage.number("SELECT COUNT(*) FROM audit_event WHERE act = 'connection.viewed'").await >= 5);
    }
);

on_stage!(
    async fn what_a_client_may_not_know_of_does_not_exist(stage) {
        for (method, suffix) in [("GET", ""), ("DELETE", ""), ("GET", "/actions"), ("POST", "/actions/steps"), ("GET", "/proxy/1/x")] {
            let ask = async |slug: &str| {
                let path = format!("/integrations/v1/{slug}{suffix}");
                let headers = [("authorization", "Bearer 2.1.integrations/revoke"), ("content-type", "application/json")];
                stage.call(method.parse().unwrap(), &path, &headers, "{}").await
            };
            let (foreign, unknown) = (ask("integration-2").await, ask("integration-99").await);
            assert_eq!(foreign.status, 404, "{method} {suffix}");
            assert_eq!((foreign.status, foreign.error()), (unknown.status, unknown.error()), "{method} {suffix}");
            assert_eq!(foreign.headers["content-type"], "application/problem+json");
        }
        // Withdrawn trust is no trust, at once.
        assert_eq!(stage.api("2.1", "/integrations/v1/integration-1").await.status, 200);
        // Another organisation decides nothing here.
        let foreign = kernel::Id::from_bytes([8; 16]);
        let refused = stage.broker.withdraw_trust(foreign, client(2), "integration-1", &broker::By::system()).await;
        assert!(matches!(refused, Err(broker::trust::TrustFault::Unknown)));
        assert_eq!(stage.api("2.1", "/integrations/v1/integration-1").await.status, 200);
        stage.broker.withdraw_trust(crate::stage::ORGANISATION, client(2), "integration-1", &broker::By::system()).await.unwrap();
        assert_eq!(stage.api("2.1", "/integrations/v1/integration-1").await.status, 404);
    }
);

on_stage!(
    async fn callers_need_a_token_of_a_person(stage) {
        let nobody = stage.get("/integrations/v1/", &[]).await;
        assert_eq!(nobody.status, 401);
        assert_eq!(nobody.headers["www-authenticate"], "Bearer");
        assert_eq!(stage.api("1.0", "/integrations/v1/").await.status, 403);
        let wrong = stage.api("junk", "/integrations/v1/").await;
        assert_eq!((wrong.status, wrong.headers["www-authenticate"].to_str().unwrap()), (401, "Bearer error=\"invalid_token\""));
    }
);

on_stage!(
    async fn nothing_of_another_organisation_exists(stage) {
        assert_eq!(stage.api("1.9", "/integrations/v1/").await.json(), json!([]));
        assert_eq!(stage.api("1.9", "/integrations/v1/integration-1").await.status, 404);
        let page = stage.get("/integrations/oauth2/integration-1/connect", &[("x-browser", "9.1")]).await;
        assert_eq!((page.status, page.location()), (404, ""));
        let (own, other) = (crate::stage::ORGANISATION, kernel::Id::from_bytes([8; 16]));
        let person = crate::stage::person(9);
        assert!(stage.broker.summary_of(other, person).await.unwrap().is_empty());
        assert_eq!(stage.broker.summary_of(own, person).await.unwrap().len(), 4);
    }
);
