//! kill -9 of the process during transactions, on either engine: every acknowledged one is there whole, and no half one.

use std::{
    collections::HashSet,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    sync::Arc,
};

use fhir::{
    Tenant,
    bundle::{Done, Entry, Gone, Task, Transaction},
    parameter::Registry,
    query::{Match, ReferenceMatch, Test},
    resource::{Absent, Author, Records},
    search::{Counted, Search},
    tenant,
};
use kernel::Id;
use store::{Db, DbError, Engine, StoreConfig, StoreUrl, Writer};
use testkit::{engine, world_seeded};

use crate::stage::of;

/// Set for the process that writes: the database to write to.
const WRITER_STORE: &str = "FHIR_TEST_WRITER_STORE";
/// Acknowledged transactions that are awaited before the kill.
const ACKNOWLEDGED_MIN: usize = 24;
/// Observations of each transaction's patient.
const OBSERVATIONS: u64 = 39;
const CODE: &str = "HC00001";

async fn open(url: &StoreUrl) -> (Db, Records) {
    let db = Db::open(&StoreConfig { connections_max: 8, ..StoreConfig::new(url.clone()) }).await.unwrap();
    db.migrate(&[audit::MIGRATIONS, fhir::MIGRATIONS]).await.unwrap();
    let (world, _) = world_seeded(3);
    (db.clone(), Records::new(db, world, Arc::new(Registry::r4())))
}

/// What the other process does until it is killed: write, and say so when it is acknowledged.
fn write_for_ever(url: &StoreUrl) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (db, records) = open(url).await;
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
                    let author = Author::system();
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
        gone: Gone::Passed,
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

mod an_acknowledged_transaction_is_whole_and_no_half_one_is_there {
    use super::{engine, kill_and_look};

    #[test]
    fn sqlite() {
        kill_and_look(engine::SQLITE, "sqlite");
    }

    #[test]
    fn postgres() {
        kill_and_look(engine::POSTGRES, "postgres");
    }
}

/// Kill the process that writes to a fresh database, and look at what is there. That process runs the same test, and comes no
/// farther than its first lines.
fn kill_and_look(on: Engine, name: &str) {
    if let Some(url) = std::env::var_os(WRITER_STORE) {
        write_for_ever(&StoreUrl::parse(url.to_str().unwrap()).unwrap());
    }
    engine::with_url(on, async |url| {
        let acknowledged = killed(&url, name);
        let (db, records) = open(&url).await;
        let tenant = tenant::by_code(&mut db.read().await.unwrap(), CODE).await.unwrap().unwrap();
        let mut found = patients(&records, &tenant).await;
        // What was sent before the kill may still be committed by the server: only what stands still is counted.
        loop {
            let all = records.count(&tenant, search("Observation", Test::EVERY)).await.unwrap();
            let after = patients(&records, &tenant).await;
            if found == after {
                assert_eq!(all, Counted::Exactly(OBSERVATIONS * found.len() as u64));
                break;
            }
            found = after;
        }
        assert!(acknowledged.is_subset(&found));
        let subject = records.registry().parameter(of("Observation"), "subject").unwrap().id;
        for patient in &found {
            let id = patient.as_str().into();
            let to = ReferenceMatch::Local { resource_type: Some(of("Patient")), id, version: None };
            let test = Test::Any { parameter: subject, values: vec![Match::Reference(to)] };
            let counted = records.count(&tenant, search("Observation", test)).await.unwrap();
            assert_eq!(counted, Counted::Exactly(OBSERVATIONS));
        }
        db.close().await;
    });
}

async fn patients(records: &Records, tenant: &Tenant) -> HashSet<String> {
    let page = records.search(tenant, search("Patient", Test::EVERY)).await.unwrap();
    page.matches.iter().map(|patient| patient.id.to_string()).collect()
}

/// The URL as another process can use it: shown it has no user and no password.
fn whole(url: &StoreUrl) -> String {
    let shown = url.to_string();
    match (url.engine(), engine::server()) {
        (Engine::Postgres, Some(server)) => {
            let mut whole: url::Url = server.parse().unwrap();
            whole.set_path(shown.rsplit('/').next().unwrap());
            whole.into()
        }
        _ => shown,
    }
}

/// What another process had acknowledged when it was killed.
fn killed(url: &StoreUrl, name: &str) -> HashSet<String> {
    let test = format!("kill::an_acknowledged_transaction_is_whole_and_no_half_one_is_there::{name}");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([&test, "--exact", "--nocapture", "--test-threads=1"])
        .env(WRITER_STORE, whole(url))
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
    acknowledged
}
