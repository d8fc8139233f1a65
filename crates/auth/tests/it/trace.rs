//! What a developer reads about refused requests: the reason, and nothing that was sent.

use std::time::Duration;

use auth::trace::{FAILURES_KEPT, explain, failures_of};
use jobs::Worker;

use crate::house::{House, authorize, on_each_engine};

on_each_engine! {
    async fn a_refusal_is_kept_with_its_reason_and_nothing_that_was_sent(db: Db) {
        let house = House::open(db).await;
        let (client, secret) = house.client("diary", "confidential").await;
        let id = client.client_id.as_str();
        let grant = ("grant_type", "client_credentials");
        house.post("/oauth2/token", Some((id, "a-secret-that-is-wrong")), &[grant]).await;
        house.post("/oauth2/token", Some((id, &secret)), &[("grant_type", "password"), ("username", "mira@example.org")]).await;
        house.post("/oauth2/introspect?token=x", Some((id, &secret)), &[]).await;
        house.get(&authorize(&client, "openid", &[("code_challenge_method", "plain")]), None).await;
        let elsewhere = authorize(&client, "openid", &[]).replace("redirect_uri=", "redirect_uri=https%3A%2F%2Fmira.example&x=");
        house.get(&elsewhere, None).await;
        // What is well leaves nothing.
        house.post("/oauth2/token", Some((id, &secret)), &[grant]).await;
        house.db.flush_lazy().await.unwrap();
        let failures = failures_of(&house.auth, &house.acting(), client.id).await.unwrap();
        let mut reasons: Vec<(&str, &str, &str)> = failures.iter()
            .map(|failure| (failure.endpoint.as_str(), failure.error.as_str(), failure.why.as_str()))
            .collect();
        reasons.sort_unstable();
        assert_eq!(reasons, [
            ("/oauth2/authorize", "invalid_request", "code_challenge_method must be S256"),
            ("/oauth2/authorize", "invalid_request", "redirect_uri_not_registered"),
            ("/oauth2/token", "invalid_client", "wrong_secret"),
            ("/oauth2/token", "unsupported_grant_type", "this grant_type is not offered here"),
        ]);
        for failure in &failures {
            let explanation = explain(&failure.error, &failure.why);
            let all = format!("{failure:?} {explanation:?}");
            for sent in ["a-secret-that-is-wrong", "mira", &secret] {
                assert!(!all.contains(sent), "{all}");
            }
        }
    }

    async fn failures_are_for_the_organisation_whose_client_it_is(db: Db) {
        let house = House::open(db).await;
        let (client, _) = house.client("diary", "confidential").await;
        let elsewhere = auth::Acting::system(house.world.new_id());
        assert!(failures_of(&house.auth, &elsewhere, client.id).await.is_err());
    }

    async fn as_many_are_kept_as_a_page_shows(db: Db) {
        let house = House::open(db).await;
        let (client, secret) = house.client("diary", "confidential").await;
        let id = client.client_id.as_str();
        // At 20 a minute and no more.
        for _ in 0..12 {
            for _ in 0..22 {
                house.post("/oauth2/token", Some((id, &secret)), &[("grant_type", "password")]).await;
            }
            house.clock.advance(Duration::from_mins(1));
        }
        house.db.flush_lazy().await.unwrap();
        let count = async || {
            let (rows,): (i64,) = house.db.read().await.unwrap()
                .one("SELECT COUNT(*) FROM client_failure", store::binds![]).await.unwrap();
            rows
        };
        assert_eq!(count().await, 240);
        let worker = auth::jobs(&house.auth, Worker::new(house.db.clone(), house.world.clone()));
        worker.run_due().await.unwrap();
        assert_eq!(count().await, FAILURES_KEPT);
        house.clock.advance(Duration::from_hours(24 * 31));
        worker.run_due().await.unwrap();
        assert_eq!(count().await, 0);
    }
}
