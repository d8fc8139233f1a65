//! Transactions: all of it or nothing.

use std::sync::Arc;

use fhir::{
    bundle::{Done, ENTRIES_MAX, Entry, Gone, Problem, Target, Task, Transaction, TransactionFault},
    outcome::Refused,
    query::{Handling, Reading, Test, read},
    resource::{Absent, Expected, Patch, Version, WriteFault},
};
use http::StatusCode;
use kernel::Timestamp;
use store::Db;
use testkit::on_each_engine;

use crate::stage::{Stage, id, of};

fn asked(stage: &Stage, kind: &str, words: &str) -> (String, Test) {
    let reading = Reading {
        registry: stage.records.registry(),
        now: Timestamp::from_seconds(0),
        handling: Handling::Strict,
    };
    let query =
        read(words.split('&').filter_map(|pair| pair.split_once('=')), &[of(kind)], &reading).unwrap();
    (words.to_owned(), Test::All(query.criteria.into_iter().map(|one| one.test).collect()))
}

fn entry(kind: &str, url: Option<&str>, task: Task) -> Entry {
    Entry { full_url: url.map(str::to_owned), resource_type: of(kind), task }
}

fn post(kind: &str, url: &str, rest: &str) -> Entry {
    entry(kind, Some(url), Task::Create { resource: resource(kind, rest), unless: None })
}

fn put(kind: &str, name: &str, rest: &str) -> Entry {
    let target = Target::Id(id(name));
    entry(
        kind,
        None,
        Task::Update { resource: resource(kind, rest), target, own: None, expected: Expected::Anything },
    )
}

fn delete(kind: &str, name: &str) -> Entry {
    entry(kind, None, Task::Delete { target: Target::Id(id(name)), expected: Expected::Anything })
}

fn resource(kind: &str, rest: &str) -> String {
    format!(r#"{{"resourceType":"{kind}"{rest}}}"#)
}

async fn transact(stage: &Stage, entries: Vec<Entry>) -> Result<Vec<Done>, TransactionFault> {
    let access: fhir::search::Access = Arc::new(|_| Test::EVERY);
    let gone = Gone::Passed;
    let transaction = Transaction { entries, access, judge: None, keep: None, gone, absent: Absent::Create };
    stage.records.transact(&stage.here, &stage.author, transaction).await
}

async fn count(stage: &Stage) -> i64 {
    let sql = "SELECT COUNT(*) FROM fhir_version";
    stage.db.read().await.unwrap().one::<(i64,)>(sql, vec![]).await.unwrap().0
}

fn version(done: &Done) -> &Version {
    match done {
        Done::Created(version)
        | Done::Updated(version)
        | Done::Existing(version)
        | Done::Deleted(version) => version,
        Done::Absent => panic!("there is none"),
    }
}

fn text(done: &Done) -> &str {
    version(done).body.as_ref().unwrap().as_str()
}

on_each_engine!(
    async fn references_become_those_of_records(db: Db) {
        let stage = Stage::new(db).await;
        let identified = r#","identifier":[{"system":"urn:npi","value":"9"}]"#;
        stage.put(&stage.here, "dr", &resource("Practitioner", identified)).await;
        stage.put(&stage.there, "other", &resource("Practitioner", identified)).await;
        let unless = Some(asked(&stage, "Organization", "identifier=urn:o|1"));
        let org = resource("Organization", r#","identifier":[{"system":"urn:o","value":"1"}]"#);
        let refers = r#","subject":{"reference":"urn:uuid:p"},"performer":[{"reference":"Practitioner?identifier=urn%3Anpi|9"},
            {"reference":"urn:uuid:o"}],"extension":[{"url":"urn:uuid:unknown","valueUri":"urn:uuid:p"}],"status":"final"}"#
            .trim_end_matches('}');
        let entries = || {
            vec![
                post("Observation", "urn:uuid:x", refers),
                post("Patient", "urn:uuid:p", ""),
                entry(
                    "Organization",
                    Some("urn:uuid:o"),
                    Task::Create { resource: org.clone(), unless: unless.clone() },
                ),
            ]
        };
        let first = transact(&stage, entries()).await.unwrap();
        let second = transact(&stage, entries()).await.unwrap();
        assert!(matches!(&first[2], Done::Created(_)) && matches!(&second[2], Done::Existing(_)));
        let org = version(&first[2]).reference();
        assert_eq!(version(&second[2]).reference(), org);
        for done in [&first, &second] {
            let patient = version(&done[1]).reference();
            let expected = format!(
                "{}{}{}{}{}",
                format_args!(r#""subject":{{"reference":"{patient}"}},"#),
                r#""performer":[{"reference":"Practitioner/dr"},"#,
                format_args!(r#"{{"reference":"{org}"}}],"#),
                format_args!(r#""extension":[{{"url":"urn:uuid:unknown","valueUri":"{patient}"}}],"#),
                r#""status":"final"}"#,
            );
            assert!(text(&done[0]).ends_with(&expected), "{}", text(&done[0]));
        }
    },
    migrations = [audit::MIGRATIONS, fhir::MIGRATIONS]
);

on_each_engine!(
    async fn entries_are_done_in_their_order_and_together(db: Db) {
        let stage = Stage::new(db).await;
        stage.put(&stage.here, "a", &resource("Patient", "")).await;
        stage.put(&stage.here, "b", &resource("Patient", r#","active":true"#)).await;
        let before = count(&stage).await;
        let patch: Patch = Arc::new(|stored| Ok(stored.replace("true", "false")));
        let patched = |version| {
            entry(
                "Patient",
                None,
                Task::Patch { patch: Arc::clone(&patch), target: Target::Id(id("b")), expected: version },
            )
        };
        let entries = |version| {
            vec![
                put("Patient", "c", ""),
                patched(version),
                post("Basic", "urn:uuid:1", ""),
                delete("Patient", "a"),
                delete("Patient", "never"),
            ]
        };
        let refused = transact(&stage, entries(Expected::Version(2))).await.unwrap_err();
        assert!(matches!(
            refused,
            TransactionFault { entry: 1, problem: Problem::Write(WriteFault::Changed { current: 1 }) }
        ));
        assert_eq!(count(&stage).await, before);
        let done = transact(&stage, entries(Expected::Version(1))).await.unwrap();
        let [
            Done::Created(put),
            Done::Updated(patched),
            Done::Created(posted),
            Done::Deleted(gone),
            Done::Absent,
        ] = done.as_slice()
        else {
            panic!("{done:?}")
        };
        assert!(gone.rid < posted.rid && posted.rid < put.rid && put.rid < patched.rid);
        assert_eq!((patched.version, patched.method.as_str()), (2, "PATCH"));
        assert!(patched.body.as_ref().unwrap().as_str().ends_with(r#""active":false}"#));
        assert_eq!(count(&stage).await, before + 4);
    },
    migrations = [audit::MIGRATIONS, fhir::MIGRATIONS]
);

on_each_engine!(
    async fn what_is_wrong_is_named_and_nothing_is_done(db: Db) {
        let stage = Stage::new(db).await;
        let identified = |value: &str| format!(r#","identifier":[{{"system":"urn:x","value":"{value}"}}]"#);
        for name in ["1", "2"] {
            stage.put(&stage.here, name, &resource("Patient", &identified("twice"))).await;
        }
        stage.put(&stage.here, "3", &resource("Patient", &identified("once"))).await;
        let before = count(&stage).await;
        let unless = |words: &str| {
            let unless = Some(asked(&stage, "Patient", words));
            entry("Patient", None, Task::Create { resource: resource("Patient", ""), unless })
        };
        let meant = |words: &str| {
            let (words, test) = asked(&stage, "Patient", words);
            let task = Task::Update {
                resource: resource("Patient", ""),
                target: Target::Where(words, test),
                own: None,
                expected: Expected::Anything,
            };
            entry("Patient", None, task)
        };
        let broken: Patch =
            Arc::new(|_| Err(Refused { status: StatusCode::UNPROCESSABLE_ENTITY, issues: Vec::new() }));
        let patch = entry(
            "Patient",
            None,
            Task::Patch { patch: broken, target: Target::Id(id("3")), expected: Expected::Anything },
        );
        let good = || post("Patient", "urn:uuid:good", "");
        let refers = |to: &str| post("Basic", "urn:uuid:b", &format!(r#","subject":{{"reference":"{to}"}}"#));
        let cases: Vec<(&str, Vec<Entry>, usize)> = vec![
            ("the same record twice", vec![good(), put("Patient", "x", ""), delete("Patient", "x")], 2),
            (
                "the same condition twice",
                vec![unless("identifier=urn:x|new"), unless("identifier=urn:x|new")],
                1,
            ),
            (
                "a condition that means another entry",
                vec![put("Patient", "3", ""), meant("identifier=urn:x|once")],
                1,
            ),
            (
                "what stays as it is and is changed",
                vec![unless("identifier=urn:x|once"), put("Patient", "3", "")],
                1,
            ),
            ("a fullUrl twice", vec![good(), good()], 1),
            ("a condition of several", vec![good(), meant("identifier=urn:x|twice")], 1),
            ("a reference to none", vec![good(), refers("Patient?identifier=urn:x|none")], 1),
            ("a reference to several", vec![good(), refers("Patient?identifier=urn:x|twice")], 1),
            ("a reference to all", vec![good(), refers("Patient?_count=1")], 1),
            ("a reference in words unknown", vec![good(), refers("Patient?colour=red")], 1),
            (
                "another type",
                vec![
                    good(),
                    entry("Patient", None, Task::Create { resource: resource("Basic", ""), unless: None }),
                ],
                1,
            ),
            (
                "no resource",
                vec![good(), entry("Patient", None, Task::Create { resource: "{".to_owned(), unless: None })],
                1,
            ),
            ("a patch that fails", vec![good(), patch], 1),
            ("too many", vec![good(); ENTRIES_MAX + 1], ENTRIES_MAX),
        ];
        for (what, entries, at) in cases {
            let refused = transact(&stage, entries).await.unwrap_err();
            assert_eq!(refused.entry, at, "{what}: {refused}");
            assert_eq!(count(&stage).await, before, "{what}");
        }
        assert_eq!(transact(&stage, vec![]).await.unwrap().len(), 0);
    },
    migrations = [audit::MIGRATIONS, fhir::MIGRATIONS]
);

on_each_engine!(
    async fn many_entries_are_found_afterwards(db: Db) {
        let stage = Stage::new(db).await;
        let entries = (0..300).map(|n| {
            let whose =
                if n == 0 { String::new() } else { r#","subject":{"reference":"urn:uuid:0"}"#.to_owned() };
            let kind = if n == 0 { "Patient" } else { "Observation" };
            post(
                kind,
                &format!("urn:uuid:{n}"),
                &format!(r#"{whose},"status":"final","identifier":[{{"value":"{n}"}}]"#),
            )
        });
        let done = transact(&stage, entries.collect()).await.unwrap();
        let patient = version(&done[0]).id.clone();
        let (_, test) = asked(&stage, "Observation", &format!("patient={patient}&status=final"));
        let search = fhir::search::Search {
            resource_types: vec![of("Observation")],
            test,
            access: Arc::new(|_| Test::EVERY),
            sort: vec![],
            rows: 20,
            after: None,
            includes: vec![],
            terminology: None,
        };
        let counted = stage.records.count(&stage.here, search.clone()).await.unwrap();
        assert_eq!(counted, fhir::search::Counted::Exactly(299));
        let page = stage.records.search(&stage.here, search.clone()).await.unwrap();
        assert_eq!(page.matches[0].rid, version(&done[299]).rid);
        assert_eq!(
            stage.records.count(&stage.there, search).await.unwrap(),
            fhir::search::Counted::Exactly(0)
        );
    },
    migrations = [audit::MIGRATIONS, fhir::MIGRATIONS]
);
