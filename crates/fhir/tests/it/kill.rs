//! kill -9 during transactions: every acknowledged one is there whole, and no half one.

use std::{
    collections::HashSet,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};

use fhir::{
    bundle::{Done, Entry, Task, Transaction},
    parameter::Registry,
    query::{Match, ReferenceMatch, Test},
    resource::{Absent, Author, Records},
    search::{Counted, Search},
    tenant,
};
use kernel::{Actor, Id};
use store::{Db, DbError, StoreConfig, StoreUrl, Writer};
use testkit::world_seeded;

use crate::stage::of;

/// Set for the process that writes: the file to write to.
const WRITER_FILE: &str = "FHIR_TEST_WRITER_FILE";
/// Acknowledged transactions that are awaited before the kill.
const ACKNOWLEDGED_MIN: usize = 24;
/// Observations of each transaction's patient.
const OBSERVATIONS: u64 = 39;
const CODE: &str = "HC00001";

async fn open(file: &Path) -> (Db, Records) {
    let db = Db::open(&StoreConfig::new(StoreUrl::sqlite(file.to_owned()))).await.unwrap();
    db.migrate(&[audit::MIGRATIONS, fhir::MIGRATIONS]).await.unwrap();
    let (world, _) = world_seeded(3);
    (db.clone(), Records::new(db, world, Arc::new(Registry::r4())))
}

/// What the other process does until it is killed: write, and say so when it is acknowledged.
fn write_for_ever(file: &Path) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (db, records) = open(file).await;
        let (world, _) = world_seeded(4);
        let opened = db.write(async move |tx: &mut Writer| {
            tenant::open(tx, &world, Id::from_bytes([1; 16]), Id::from_bytes([2; 16]), CODE).await
        });
        let tenant = opened.await.unwrap_or_else(|fault: DbError| panic!("{fault}"));
        let mut writers = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let (records, tenant) = (records.clone(), tenant.clone());
            writers.spawn(async move {
                loop {
                    let author = Author { actor: Actor::System, request: None };
                    let done = records.transact(&tenant, &author, transaction()).await.unwrap();
                    let Some(Done::Created(patient)) = done.first() else { panic!("no patient") };
                    println!("ack {}", patient.id);
                }
            });
        }
        writers.join_all().await;
    });
}

fn transaction() -> Transaction {
    let entry = |kind: &str, url: &str, rest: &str| Entry {
        full_url: Some(url.to_owned()),
        resource_type: of(kind),
        task: Task::Create { resource: format!(r#"{{"resourceType":"{kind}"{rest}}}"#), unless: None },
    };
    let refers = r#","status":"final","subject":{"reference":"urn:uuid:p"}"#;
    let observations = (0..OBSERVATIONS).map(|n| entry("Observation", &format!("urn:uuid:{n}"), refers));
    let entries = [entry("Patient", "urn:uuid:p", "")].into_iter().chain(observations).collect();
    Transaction {
        entries,
        access: Arc::new(|_| Test::EVERY),
        judge: None,
        keep: None,
        absent: Absent::Create,
    }
}

fn search(kind: &str, test: Test) -> Search {
    Search {
        resource_types: vec![of(kind)],
        test,
        access: Arc::new(|_| Test::EVERY),
        sort: vec![],
        rows: 10_000,
        after: None,
        includes: vec![],
        terminology: None,
    }
}

#[test]
fn an_acknowledged_transaction_is_whole_and_no_half_one_is_there() {
    if let Some(file) = std::env::var_os(WRITER_FILE) {
        write_for_ever(Path::new(&file));
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("killed.db");
    let test = "kill::an_acknowledged_transaction_is_whole_and_no_half_one_is_there";
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(WRITER_FILE, &file)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let parse = |line: String| line.strip_prefix("ack ").map(str::to_owned);
    let mut acknowledged: HashSet<String> = lines.by_ref().filter_map(parse).take(ACKNOWLEDGED_MIN).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    acknowledged.extend(lines.filter_map(parse));
    assert!(acknowledged.len() >= ACKNOWLEDGED_MIN);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (db, records) = open(&file).await;
        let tenant = tenant::by_code(&mut db.read().await.unwrap(), CODE).await.unwrap().unwrap();
        let page = records.search(&tenant, search("Patient", Test::EVERY)).await.unwrap();
        let found: HashSet<String> = page.matches.iter().map(|patient| patient.id.to_string()).collect();
        assert!(acknowledged.is_subset(&found));
        let subject = records.registry().parameter(of("Observation"), "subject").unwrap().id;
        for patient in &found {
            let to = ReferenceMatch::Local {
                resource_type: Some(of("Patient")),
                id: patient.as_str().into(),
                version: None,
            };
            let test = Test::Any { parameter: subject, values: vec![Match::Reference(to)] };
            let counted = records.count(&tenant, search("Observation", test)).await.unwrap();
            assert_eq!(counted, Counted::Exactly(OBSERVATIONS));
        }
        let all = records.count(&tenant, search("Observation", Test::EVERY)).await.unwrap();
        assert_eq!(all, Counted::Exactly(OBSERVATIONS * found.len() as u64));
    });
}
