//! Writes by a condition.

use std::sync::Arc;

use fhir::{
    query::{Match, SystemMatch, Test, TokenMatch},
    resource::{Absent, Condition, Deletion, Draft, OwnId, Where, WriteFault, Written},
};
use store::Db;
use testkit::on_each_engine;

use crate::stage::{Stage, id, of};

const CLIENTS: usize = 64;

fn identified(value: &str) -> String {
    format!(r#"{{"resourceType":"Patient","identifier":[{{"system":"urn:x","value":"{value}"}}]}}"#)
}

fn by_identifier(stage: &Stage, value: &str) -> Where {
    let parameter = stage.records.registry().parameter(of("Patient"), "identifier").unwrap().id;
    let token = TokenMatch { system: SystemMatch::Is("urn:x".into()), code: Some(value.into()) };
    Where {
        test: Test::Any { parameter, values: vec![Match::Token(token)] },
        access: Arc::new(|_| Test::EVERY),
    }
}

on_each_engine!(
    async fn who_asks_at_once_makes_one_record(db: Db) {
        let stage = Arc::new(Stage::new(db).await);
        let mut clients = tokio::task::JoinSet::new();
        for client in 0..CLIENTS {
            let stage = Arc::clone(&stage);
            clients.spawn(async move {
                // Two identities, each asked for by half of the clients; one in four by conditional update.
                let value = (client % 2).to_string();
                let draft = Draft::parse(&identified(&value), stage.records.new_id()).unwrap();
                let meant = by_identifier(&stage, &value);
                if client % 4 == 3 {
                    let given = (draft, OwnId::Given);
                    let condition = (meant, Absent::Create, Condition::default());
                    stage.records.update_where(&stage.here, &stage.author, given, condition).await
                } else {
                    stage.records.create_unless(&stage.here, &stage.author, draft, meant).await
                }
            });
        }
        let written: Vec<Written> = clients.join_all().await.into_iter().map(Result::unwrap).collect();
        let created = written.iter().filter(|one| matches!(one, Written::Created(_))).count();
        let updated = written.iter().filter(|one| matches!(one, Written::Updated(_))).count();
        assert_eq!(created, 2);
        assert!((CLIENTS / 4 - 1..=CLIENTS / 4).contains(&updated), "{updated}");
        let count = "SELECT COUNT(*) FROM fhir_current";
        assert_eq!(stage.db.read().await.unwrap().one::<(i64,)>(count, vec![]).await.unwrap(), (2,));
    },
    migrations = [audit::MIGRATIONS, fhir::MIGRATIONS]
);

on_each_engine!(
    async fn a_condition_means_one_record_or_none(db: Db) {
        let stage = Stage::new(db).await;
        stage.put(&stage.here, "a", &identified("1")).await;
        stage.put(&stage.here, "b", &identified("2")).await;
        stage.put(&stage.here, "c", &identified("2")).await;
        stage.put(&stage.there, "d", &identified("3")).await;
        let update = async |name: &str, own_id, value: &str| {
            let draft = Draft::parse(&identified(value), id(name)).unwrap();
            let meant = (by_identifier(&stage, value), Absent::Create, Condition::default());
            stage.records.update_where(&stage.here, &stage.author, (draft, own_id), meant).await
        };
        let Ok(Written::Updated(updated)) = update("given", OwnId::Given, "1").await else {
            panic!("not updated")
        };
        assert_eq!((updated.id.as_str(), updated.version), ("a", 2));
        assert!(updated.body.unwrap().as_str().contains(r#""id":"a""#));
        assert!(matches!(update("z", OwnId::Chosen, "1").await, Err(WriteFault::OtherId)));
        assert!(matches!(update("b", OwnId::Chosen, "none").await, Err(WriteFault::Taken)));
        assert!(matches!(update("z", OwnId::Chosen, "2").await, Err(WriteFault::ManyMatches)));
        let Ok(Written::Created(created)) = update("z", OwnId::Chosen, "3").await else {
            panic!("not created")
        };
        assert_eq!(created.reference(), "Patient/z");
        let hidden = Where { access: Arc::new(|_| Test::NONE), ..by_identifier(&stage, "1") };
        let draft = Draft::parse(&identified("1"), stage.records.new_id()).unwrap();
        let made = stage.records.create_unless(&stage.here, &stage.author, draft, hidden).await;
        assert!(matches!(made, Ok(Written::Created(_))));
        let delete = async |value: &str, deletion| {
            let meant = (of("Patient"), by_identifier(&stage, value));
            let how = (deletion, Condition::default());
            stage.records.delete_where(&stage.here, &stage.author, meant, how).await
        };
        assert!(matches!(delete("2", Deletion::One).await, Err(WriteFault::ManyMatches)));
        assert_eq!(delete("2", Deletion::Many).await.unwrap().len(), 2);
        assert_eq!(delete("2", Deletion::One).await.unwrap().len(), 0);
        assert_eq!(delete("3", Deletion::One).await.unwrap().len(), 1);
        assert!(
            stage.records.read(&stage.there, of("Patient"), &id("d")).await.unwrap().unwrap().body.is_some()
        );
    },
    migrations = [audit::MIGRATIONS, fhir::MIGRATIONS]
);
