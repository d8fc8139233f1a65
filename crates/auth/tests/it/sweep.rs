//! What has expired is removed, and nothing that still matters.

use std::time::Duration;

use jobs::Worker;

use crate::house::{House, authorize, on_each_engine};

on_each_engine! {
    async fn only_what_is_over_goes(db: Db) {
        let house = House::open(db).await;
        house.person("mira@example.org", &[]).await;
        let (client, secret) = house.client("diary", "confidential").await;
        let cookie = house.sign_in("mira@example.org").await;
        let code = house.code(&client, &cookie, "openid").await;
        house.redeem(&client, &secret, &code).await;
        house.redeem(&client, &secret, &code).await;
        house.get(&authorize(&client, "openid a", &[]), Some(&cookie)).await;
        let worker = auth::jobs(&house.auth, Worker::new(house.db.clone(), house.world.clone()));
        let rows = async |tables: [&str; 5]| {
            let mut counts = Vec::new();
            for table in tables {
                let sql = match table {
                    "request" => "SELECT COUNT(*) FROM authorization_request",
                    "code" => "SELECT COUNT(*) FROM authorization_code",
                    "session" => "SELECT COUNT(*) FROM session",
                    "revocation" => "SELECT COUNT(*) FROM token_revocation",
                    _ => "SELECT COUNT(*) FROM sign_in_tally",
                };
                let (count,): (i64,) = house.db.read().await.unwrap().one(sql, store::binds![]).await.unwrap();
                counts.push(count);
            }
            counts
        };
        const TABLES: [&str; 5] = ["request", "code", "session", "revocation", "tally"];
        worker.run_due().await.unwrap();
        assert_eq!(rows(TABLES).await, [1, 1, 1, 1, 3], "nothing is over yet");
        house.clock.advance(Duration::from_mins(59));
        worker.run_due().await.unwrap();
        assert_eq!(rows(TABLES).await[..2], [1, 1], "a code stays as long as the token that came of it");
        house.clock.advance(Duration::from_hours(2));
        worker.run_due().await.unwrap();
        assert_eq!(rows(TABLES).await, [0, 1, 1, 1, 3]);
        house.clock.advance(Duration::from_hours(24));
        worker.run_due().await.unwrap();
        assert_eq!(rows(TABLES).await, [0, 0, 1, 0, 3]);
        house.clock.advance(Duration::from_hours(24 * 91));
        worker.run_due().await.unwrap();
        assert_eq!(rows(TABLES).await, [0, 0, 0, 0, 0]);
    }
}
