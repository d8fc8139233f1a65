//! Messages between nodes.

use store::{Db, DbError, Engine, Signal, StoreConfig, Writer};
use testkit::{engine::with_url, on_each_engine};

use crate::schema::{MIGRATIONS, bump};

async fn publish(db: &Db, payload: &'static str, then: Result<(), DbError>) -> Result<(), DbError> {
    let notify = db.notify().clone();
    db.write(async move |tx: &mut Writer| {
        bump(tx, "published").await?;
        notify.publish(tx, "keys", payload).await?;
        tx.publish("others", "not for you").await?;
        then.clone()
    })
    .await
}

on_each_engine!(
    async fn what_is_committed_is_delivered_and_nothing_else(db: Db) {
        let mut subscription = db.notify().subscribe("keys");
        publish(&db, "undone", Err(DbError::Conflict)).await.unwrap_err();
        publish(&db, "ü\nsecond line", Ok(())).await.unwrap();
        assert_eq!(subscription.next().await, Some(Signal::Message("ü\nsecond line".into())));
    },
    migrations = [MIGRATIONS]
);

on_each_engine!(
    async fn a_slow_subscriber_is_told_to_look_at_everything(db: Db) {
        let mut subscription = db.notify().subscribe("flood");
        let mut last = db.notify().subscribe("last");
        db.write(async |tx: &mut Writer| {
            for number in 0..2_000 {
                tx.publish("flood", &number.to_string()).await?;
            }
            tx.publish("last", "").await
        })
        .await
        .unwrap();
        last.next().await;
        assert_eq!(subscription.next().await, Some(Signal::Resync));
    },
    migrations = [MIGRATIONS]
);

on_each_engine!(
    async fn a_long_payload_is_refused_before_it_is_sent(db: Db) {
        let long = "x".repeat(store::notify::PAYLOAD_BYTES_MAX);
        let sent = db.write(async move |tx: &mut Writer| tx.publish("keys", &long).await).await;
        assert!(matches!(sent, Err(DbError::Bind { .. })), "{sent:?}");
    },
    migrations = [MIGRATIONS]
);

on_each_engine!(
    async fn a_subscription_ends_with_the_database(db: Db) {
        let mut subscription = db.notify().subscribe("keys");
        db.clone().close().await;
        assert_eq!(subscription.next().await, None);
    },
    migrations = [MIGRATIONS]
);

async fn publish_here(db: &Db, payload: &'static str, then: Result<(), DbError>) -> Result<(), DbError> {
    db.write(async move |tx: &mut Writer| {
        bump(tx, "published").await?;
        tx.publish_here("keys", payload)?;
        then.clone()
    })
    .await
}

on_each_engine!(
    async fn what_is_for_this_process_is_told_once_it_is_committed(db: Db) {
        let mut subscription = db.notify().subscribe("keys");
        publish_here(&db, "undone", Err(DbError::Conflict)).await.unwrap_err();
        publish_here(&db, "done", Ok(())).await.unwrap();
        assert_eq!(subscription.next().await, Some(Signal::Message("done".into())));
        let long = "x".repeat(store::notify::PAYLOAD_BYTES_MAX);
        let sent = db.write(async move |tx: &mut Writer| tx.publish_here("keys", &long)).await;
        assert!(matches!(sent, Err(DbError::Bind { .. })), "{sent:?}");
    },
    migrations = [MIGRATIONS]
);

#[test]
fn another_node_does_not_hear_what_is_for_this_one() {
    with_url(Engine::Postgres, async |url| {
        let config = StoreConfig::new(url);
        let (one, other) = (Db::open(&config).await.unwrap(), Db::open(&config).await.unwrap());
        one.migrate(&[MIGRATIONS]).await.unwrap();
        let mut subscription = other.notify().subscribe("keys");
        publish_here(&one, "mine", Ok(())).await.unwrap();
        publish(&one, "for all", Ok(())).await.unwrap();
        assert_eq!(subscription.next().await, Some(Signal::Message("for all".into())));
    });
}

#[test]
fn another_node_hears_it() {
    with_url(Engine::Postgres, async |url| {
        let config = StoreConfig::new(url);
        let (one, other) = (Db::open(&config).await.unwrap(), Db::open(&config).await.unwrap());
        one.migrate(&[MIGRATIONS]).await.unwrap();
        let mut subscription = other.notify().subscribe("keys");
        publish(&one, "turned", Ok(())).await.unwrap();
        assert_eq!(subscription.next().await, Some(Signal::Message("turned".into())));
    });
}
