//! Counts by bitmaps against brute force, while others write.

use std::sync::Arc;

use fhir::{
    query::Test,
    search::{Counted, Search},
};
use store::Db;
use testkit::{SeededEntropy, on_each_engine};

use crate::{
    invented::{Chance, observation, patient},
    oracle::{Everything, asked, filled, search},
    stage::{Stage, of},
};

on_each_engine!(
    async fn counts_by_bitmaps_are_counts_while_others_write(db: Db) {
        let everything: fhir::search::Access = Arc::new(|_| Test::EVERY);
        let mut stage = filled(db, 4).await;
        // Another process, which keeps bitmaps of its own.
        let other = stage.records.clone().counting_densely_from(1);
        stage.records = stage.records.clone().counting_densely_from(1);
        let chance = Chance(SeededEntropy::new(9));
        let mut counted = 0;
        for round in 0..12 {
            let everything_there = Everything::of(&stage, Arc::clone(&everything)).await;
            for (kind, text) in [
                ("Observation", "code=a"),
                ("Observation", "code=a&status=final"),
                ("Observation", "code=http://loinc.org|a,b&status=final"),
                ("Observation", "code:not=a"),
                ("Observation", "status:not=amended&code=b,c"),
                ("Observation", ""),
                ("Patient", "gender=male&active=true"),
            ] {
                let query = asked(&stage, kind, text);
                let test = Test::All(query.criteria.iter().map(|one| one.test.clone()).collect());
                let expected = everything_there.that_hold(of(kind), &test).len() as u64;
                for records in [&stage.records, &other].into_iter().take(1 + usize::from(round % 3 == 0)) {
                    let count =
                        records.count(&stage.here, search(&query, &everything, 1, None)).await.unwrap();
                    assert_eq!(count, Counted::Exactly(expected), "{kind}?{text}, round {round}");
                    counted += expected;
                }
            }
            for _ in 0..1 + chance.below(6) {
                let name = chance.below(40).to_string();
                match chance.below(4) {
                    0 => drop(stage.delete("Observation", &name).await),
                    1 => drop(stage.put(&stage.here, &name, &patient(&chance)).await),
                    _ => drop(stage.put(&stage.here, &name, &observation(&chance)).await),
                }
            }
        }
        assert!(counted > 300, "{counted}");
    },
    migrations = [audit::MIGRATIONS, fhir::MIGRATIONS]
);

on_each_engine!(
    async fn a_count_in_the_midst_of_writes_is_one_of_a_moment(db: Db) {
        let everything: fhir::search::Access = Arc::new(|_| Test::EVERY);
        let mut stage = Stage::new(db).await;
        stage.records = stage.records.clone().counting_densely_from(1);
        for n in 0..8 {
            stage
                .put(
                    &stage.here,
                    &n.to_string(),
                    r#"{"resourceType":"Basic","code":{"coding":[{"code":"a"}]}}"#,
                )
                .await;
        }
        let (a, b) = (asked(&stage, "Basic", "code=a"), asked(&stage, "Basic", "code=b,c"));
        // Each write moves one record from one code to another, so that at every moment there are eight.
        let write = async {
            for n in 0..40 {
                let code = ["b", "c", "a"][n % 3];
                let text = format!(r#"{{"resourceType":"Basic","code":{{"coding":[{{"code":"{code}"}}]}}}}"#);
                stage.put(&stage.here, &(n % 8).to_string(), &text).await;
            }
        };
        let count = async {
            for _ in 0..40 {
                let both = Test::AnyOf([&a, &b].map(|query| query.criteria[0].test.clone()).to_vec());
                let all = Search { test: both, ..search(&a, &everything, 1, None) };
                assert_eq!(stage.records.count(&stage.here, all).await.unwrap(), Counted::Exactly(8));
                for query in [&a, &b] {
                    let one =
                        stage.records.count(&stage.here, search(query, &everything, 1, None)).await.unwrap();
                    assert!(matches!(one, Counted::Exactly(0..=8)), "{one:?}");
                }
            }
        };
        tokio::join!(write, count);
    },
    migrations = [audit::MIGRATIONS, fhir::MIGRATIONS]
);
