//! Create, read, update, delete and history.

use std::{sync::Arc, time::Duration};

use fhir::resource::{Absent, Condition, Draft, Expected, Method, Span, Version, WriteFault};
use store::{Db, binds};
use testkit::on_each_engine;

use crate::stage::{Stage, id, nobody, of};

fn body(version: &Version) -> &str {
    version.body.as_ref().unwrap().as_str()
}

fn places(versions: &[Version]) -> Vec<(String, u32)> {
    versions.iter().map(|version| (version.reference(), version.version)).collect()
}

on_each_engine!(
    async fn what_is_created_is_read_byte_for_byte(db: Db) {
        let stage = Stage::new(db).await;
        let made = stage.create(r#"{ "resourceType": "Basic", "x": 1.50, "ü": [ "a  \n b", 1E+2 ] }"#).await;
        let meta = r#""versionId":"1","lastUpdated":"2026-01-05T08:00:00.000Z""#;
        let served = format!(
            r#"{{"resourceType":"Basic","id":"{}","meta":{{{meta}}},"x":1.50,"ü":["a  \n b",1E+2]}}"#,
            made.id
        );
        assert_eq!(body(&made), served);
        let read = stage.records.read(&stage.here, of("Basic"), &made.id).await.unwrap().unwrap();
        assert_eq!((body(&read), read.version, read.method), (served.as_str(), 1, Method::Post));
        assert!(stage.records.read(&stage.there, of("Basic"), &made.id).await.unwrap().is_none());
        assert!(stage.records.read(&stage.here, of("Patient"), &made.id).await.unwrap().is_none());
        let again = Draft::parse(r#"{"resourceType":"Basic"}"#, made.id.clone()).unwrap();
        let refused = stage.records.create(&stage.here, &stage.author, again).await;
        assert!(matches!(refused, Err(WriteFault::Exists)));
    },
    migrations = [audit::MIGRATIONS, fhir::MIGRATIONS]
);

on_each_engine!(
    async fn versions_follow_one_another_and_all_remain(db: Db) {
        let stage = Stage::new(db).await;
        let put = async |n: u32| {
            stage.clock.advance(Duration::from_secs(1));
            stage.put(&stage.here, "a", &format!(r#"{{"resourceType":"Basic","n":{n}}}"#)).await
        };
        assert_eq!((put(1).await.version, put(2).await.version), (1, 2));
        let gone = stage.delete("Basic", "a").await.unwrap();
        assert_eq!((gone.version, gone.is_deletion(), gone.method), (3, true, Method::Delete));
        assert_eq!(stage.delete("Basic", "a").await.unwrap().version, 3);
        assert_eq!(put(4).await.version, 4);
        let what = of("Basic");
        let vread = async |n| stage.records.vread(&stage.here, (what, &id("a")), n).await.unwrap();
        for n in [1, 2, 4] {
            let version = vread(n).await.unwrap();
            assert!(body(&version).ends_with(&format!(r#""n":{n}}}"#)));
            assert!(body(&version).contains(&format!(r#""versionId":"{n}""#)));
        }
        assert!(vread(3).await.unwrap().is_deletion());
        assert!(vread(5).await.is_none());
        assert!(matches!(stage.delete("Basic", "never").await, Err(WriteFault::Missing)));
        let (audited,) = stage
            .db
            .read()
            .await
            .unwrap()
            .one::<(i64,)>(
                "SELECT COUNT(*) FROM fhir_audit WHERE did = 0 AND first = last AND first > $1",
                binds![0],
            )
            .await
            .unwrap();
        assert_eq!(audited, 4);
    },
    migrations = [audit::MIGRATIONS, fhir::MIGRATIONS]
);

on_each_engine!(
    async fn a_condition_is_asked_of_what_is_stored(db: Db) {
        let stage = Stage::new(db).await;
        let text = r#"{"resourceType":"Basic"}"#;
        let named = |version| Condition { expected: Expected::Version(version), ..Condition::default() };
        let judged = || Condition { judge: Some(nobody()), ..Condition::default() };
        let put = async |condition| stage.put_if(&stage.here, "a", text, condition).await;
        assert!(matches!(put(named(1)).await, Err(WriteFault::Missing)));
        assert_eq!(put(judged()).await.unwrap().version, 1);
        assert!(matches!(put(named(2)).await, Err(WriteFault::Changed { current: 1 })));
        assert!(matches!(put(judged()).await, Err(WriteFault::Withheld)));
        let anew = || Condition { expected: Expected::Nothing, ..Condition::default() };
        assert!(matches!(put(anew()).await, Err(WriteFault::Exists)));
        let kept = Condition { keep: Some(nobody()), ..Condition::default() };
        assert!(matches!(put(kept).await, Err(WriteFault::Outside)));
        assert_eq!(put(named(1)).await.unwrap().version, 2);
        let delete = async |condition| {
            stage.records.delete(&stage.here, &stage.author, (of("Basic"), id("a")), condition).await
        };
        assert!(matches!(delete(named(1)).await, Err(WriteFault::Changed { current: 2 })));
        assert!(matches!(delete(judged()).await, Err(WriteFault::Withheld)));
        let mine = Condition {
            judge: Some(Arc::new(|version: &Version| version.version == 2)),
            ..Condition::default()
        };
        assert_eq!(delete(mine).await.unwrap().version, 3);
        assert_eq!(put(anew()).await.unwrap().version, 4, "of what is deleted there is none");
        let draft = Draft::parse(text, id("b")).unwrap();
        let refuse = (Absent::Refuse, Condition::default());
        let refused = stage.records.update(&stage.here, &stage.author, (draft, Method::Put), refuse).await;
        assert!(matches!(refused, Err(WriteFault::Missing)));
    },
    migrations = [audit::MIGRATIONS, fhir::MIGRATIONS]
);

on_each_engine!(
    async fn a_history_is_newest_first_and_of_one_site(db: Db) {
        let stage = Stage::new(db).await;
        let basic = r#"{"resourceType":"Basic"}"#;
        for name in ["a", "b", "a"] {
            stage.put(&stage.here, name, basic).await;
            stage.put(&stage.there, name, basic).await;
            stage.clock.advance(Duration::from_secs(1));
        }
        stage.put(&stage.here, "p", r#"{"resourceType":"Patient"}"#).await;
        stage.delete("Basic", "b").await.unwrap();
        let page = async |span: Span, before, since, rows| {
            stage.records.history(&stage.here, span, (before, since, rows), None).await.unwrap()
        };
        let of_type = [("Basic/b", 2), ("Basic/a", 2), ("Basic/b", 1), ("Basic/a", 1)];
        let of_site = [("Basic/b", 2), ("Patient/p", 1), ("Basic/a", 2), ("Basic/b", 1), ("Basic/a", 1)];
        let of_record = [("Basic/a", 2), ("Basic/a", 1)];
        let spans: [(Span, &[(&str, u32)]); 3] = [
            (Span::Type(of("Basic")), &of_type),
            (Span::Site, &of_site),
            (Span::Record(of("Basic"), id("a")), &of_record),
        ];
        for (span, expected) in spans {
            let expected: Vec<_> = expected.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect();
            let whole = page(span.clone(), None, None, 10).await;
            assert_eq!((places(&whole.versions), whole.next), (expected.clone(), None), "{span:?}");
            let (mut before, mut paged) = (None, Vec::new());
            loop {
                let page = page(span.clone(), before, None, 1).await;
                paged.extend(places(&page.versions));
                before = page.next;
                if before.is_none() {
                    break;
                }
            }
            assert_eq!(paged, expected, "{span:?}");
            let since = whole.versions[0].at;
            let newest = page(span, None, Some(since), 10).await;
            assert!(newest.versions.iter().all(|version| version.at >= since) && !newest.versions.is_empty());
        }
        let judge: fhir::resource::Judge = Arc::new(|version: &Version| version.version == 1);
        let firsts =
            stage.records.history(&stage.here, Span::Site, (None, None, 3), Some(judge)).await.unwrap();
        // The deletion of what it allows, and nothing of a record that it does not allow as it is now, not even that there is more.
        let expected = [("Basic/b", 2), ("Patient/p", 1), ("Basic/b", 1)];
        assert_eq!(places(&firsts.versions), expected.map(|(name, n)| (name.to_owned(), n)));
        assert_eq!(firsts.next, None);
    },
    migrations = [audit::MIGRATIONS, fhir::MIGRATIONS]
);

on_each_engine!(
    async fn places_grow_in_the_order_of_commits_and_time_never_goes_back(db: Db) {
        let stage = Arc::new(Stage::new(db).await);
        let mut tasks = tokio::task::JoinSet::new();
        for n in 0..24 {
            let stage = Arc::clone(&stage);
            tasks.spawn(async move {
                let version =
                    stage.put(&stage.here, "one", &format!(r#"{{"resourceType":"Basic","n":{n}}}"#)).await;
                (version.version, version.rid, version.at)
            });
        }
        let mut versions = tasks.join_all().await;
        versions.sort();
        assert_eq!(
            versions.iter().map(|(version, ..)| *version).collect::<Vec<_>>(),
            (1..=24).collect::<Vec<_>>()
        );
        assert!(versions.is_sorted_by(|a, b| a.1 < b.1 && a.2 <= b.2));
    },
    migrations = [audit::MIGRATIONS, fhir::MIGRATIONS]
);
