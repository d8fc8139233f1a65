//! Unlinking: at once here, in time over there.

use std::time::Duration;

use http::Method;

const PATH: &str = "/integrations/v1/integration-1";
const BEARER: [(&str, &str); 1] = [("authorization", "Bearer 1.1.integrations/revoke")];

on_stage!(
    async fn an_account_is_unlinked_while_the_third_party_is_down(stage) {
        stage.link("1.1", "integration-1").await;
        stage.provider.set(|book| book.revoke_down = true);
        let refused = stage.call(Method::DELETE, PATH, &[("authorization", "Bearer 1.1")], "").await;
        assert_eq!(refused.status, 403);
        assert!(refused.headers["www-authenticate"].to_str().unwrap().contains("insufficient_scope"));
        assert!(stage.connected("integration-1").await);

        assert_eq!(stage.call(Method::DELETE, PATH, &BEARER, "").await.status, 204);
        assert!(!stage.connected("integration-1").await);
        assert_eq!(stage.number("SELECT COUNT(*) FROM credential").await, 0);
        let calls = stage.provider.book.lock().unwrap().api_calls.len();
        let heard = stage.api("1.1", "/integrations/v1/integration-1/proxy/1/x").await;
        assert_eq!((heard.status, heard.json()["code"].as_str()), (409, Some("not_connected")));
        assert_eq!(stage.provider.book.lock().unwrap().api_calls.len(), calls);

        let worker = stage.worker();
        for _ in 0..3 {
            worker.run_due().await.unwrap();
            stage.clock.advance(Duration::from_secs(300));
        }
        assert_eq!(stage.text("SELECT status FROM connection").await, "revoking");
        stage.provider.set(|book| book.revoke_down = false);
        worker.run_due().await.unwrap();
        assert_eq!(stage.provider.book.lock().unwrap().revoked, ["refresh-canary-1"]);
        assert_eq!(stage.text("SELECT status FROM connection").await, "revoked");
        assert_eq!(stage.text("SELECT evidence FROM revocation").await, "confirmed");
        assert_eq!(stage.number("SELECT COUNT(*) FROM revocation WHERE tokens_sealed IS NOT NULL").await, 0);
        // Again is fine, and there is nothing more to do.
        assert_eq!(stage.call(Method::DELETE, PATH, &BEARER, "").await.status, 204);
        assert_eq!(stage.number("SELECT COUNT(*) FROM revocation").await, 1);
    }
);

on_stage!(
    async fn an_account_can_be_linked_again_while_the_first_is_being_ended(stage) {
        stage.link("1.1", "integration-1").await;
        stage.provider.set(|book| book.revoke_down = true);
        assert!(stage.broker.unlink_by_slug(crate::stage::person(1), "integration-1", &broker::By::system()).await.unwrap());
        let summary = stage.broker.summary_of(crate::stage::ORGANISATION, crate::stage::person(1)).await.unwrap();
        assert_eq!((summary[0].connected, summary[0].can_unlink), (false, false));
        stage.link("1.1", "integration-1").await;
        assert!(stage.connected("integration-1").await);
        assert_eq!(stage.number("SELECT COUNT(*) FROM connection").await, 2);
    }
);

on_stage!(
    async fn what_cannot_be_confirmed_is_given_up_and_said_so(stage) {
        stage.link("1.1", "integration-1").await;
        stage.provider.set(|book| book.revoke_down = true);
        stage.call(Method::DELETE, PATH, &BEARER, "").await;
        let worker = stage.worker();
        for _ in 0..60 {
            worker.run_due().await.unwrap();
            stage.clock.advance(Duration::from_secs(3600));
        }
        assert_eq!(stage.text("SELECT state FROM revocation").await, "given_up");
        assert_eq!(stage.number("SELECT COUNT(*) FROM revocation WHERE tokens_sealed IS NOT NULL").await, 0);
        assert_eq!(stage.text("SELECT reason FROM connection").await, "not_confirmed");
    }
);
