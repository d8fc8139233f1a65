//! Synthea's bundles into one site, and the questions of a clinic: `cargo bench -p fhir` with `HILUM_DATA` set, and
//! `TEST_DATABASE_URL` for PostgreSQL too.
//!
//! In process: the store's work alone, without HTTP, validation or a token. Every search parameter of R4 is indexed and every commit
//! durable.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement that fails says so, and its output is its result"
)]

use std::{
    io::Read,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use bzip2::read::BzDecoder;
use fhir::{
    Tenant,
    bundle::{Done, Entry, Gone, Task, Transaction},
    parameter::{Registry, ResourceType},
    query::{Handling, Reading, Test, read},
    resource::{Absent, Author, Draft, LogicalId, Records},
    search::{Counted, Search},
    tenant,
};
use fhirpath::document::{Document, DocumentLimits, Element};
use kernel::{Id, SystemClock, Timestamp, World};
use store::{Db, DbError, Engine, StoreConfig, Writer};
use testkit::{SeededEntropy, engine::with_url};

/// How long one question is asked again and again.
const ASKED_FOR: Duration = Duration::from_secs(2);

fn main() {
    let Some(bundles) = bundles() else {
        println!("SKIPPED (no HILUM_DATA with fhir/synthea)");
        return;
    };
    for engine in [Engine::Sqlite, Engine::Postgres] {
        with_url(engine, async |url| {
            let db = Db::open(&StoreConfig::new(url)).await.unwrap();
            db.migrate(&[audit::MIGRATIONS, fhir::MIGRATIONS]).await.unwrap();
            println!("{}", engine.name());
            let (site, observation) = measure(&db, &bundles).await;
            size(&db).await;
            create(&site, &observation).await;
            db.close().await;
        });
    }
}

fn bundles() -> Option<Vec<String>> {
    #[expect(clippy::disallowed_methods, reason = "where the material is, as in tests")]
    let folder = PathBuf::from(std::env::var("HILUM_DATA").ok()?).join("fhir/synthea");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).ok()?.map(|file| file.unwrap().path()).collect();
    files.sort();
    let text = |file: &PathBuf| {
        let mut text = String::new();
        BzDecoder::new(std::fs::File::open(file).unwrap()).read_to_string(&mut text).unwrap();
        text
    };
    Some(files.iter().map(text).collect())
}

struct Site {
    records: Records,
    tenant: Tenant,
    author: Author,
}

/// The site, and an Observation of it.
async fn measure(db: &Db, bundles: &[String]) -> (Site, String) {
    let world = World::new(SystemClock, SeededEntropy::new(7));
    let opening = world.clone();
    let opened = db.write(async move |tx: &mut Writer| {
        tenant::open(tx, &opening, Id::from_bytes([1; 16]), Id::from_bytes([2; 16]), "HC00001").await
    });
    let opened: Result<Tenant, DbError> = opened.await;
    let records = Records::new(db.clone(), world, Arc::new(Registry::r4()));
    let site = Site { records, tenant: opened.unwrap(), author: Author::system() };
    let (mut resources, mut bytes) = (0, 0);
    let mut patients: Vec<LogicalId> = Vec::new();
    let began = Instant::now();
    for text in bundles {
        let entries = entries(text);
        resources += entries.len();
        let transaction = Transaction {
            entries,
            access: Arc::new(|_| Test::EVERY),
            judge: None,
            keep: None,
            gone: Gone::Passed,
            absent: Absent::Create,
        };
        let done = site.records.transact(&site.tenant, &site.author, transaction).await.unwrap();
        for done in &done {
            if let Done::Created(version) = done {
                bytes += version.body.as_ref().map_or(0, |body| body.as_str().len());
                if version.resource_type.as_str() == "Patient" {
                    patients.push(version.id.clone());
                }
            }
        }
    }
    let took = began.elapsed();
    println!(
        "  import: {resources} resources of {} bundles in {took:.1?}: {:.0} resources/s; {} bytes each as served",
        bundles.len(),
        resources as f64 / took.as_secs_f64(),
        bytes / resources.max(1),
    );
    let patient = patients.last().unwrap().clone();
    let observation = ask(&site, &patient).await;
    (site, observation)
}

/// Each in a unit of its own, one after the other.
async fn create(site: &Site, observation: &str) {
    timed("create, durable", async || {
        let draft = Draft::parse(observation, site.records.new_id()).unwrap();
        site.records.create(&site.tenant, &site.author, draft).await.unwrap();
        1
    })
    .await;
}

fn entries(text: &str) -> Vec<Entry> {
    let document = Document::from_json(text.as_bytes(), &DocumentLimits::default()).unwrap();
    let said = |element: Element<'_>, name: &str| {
        element.child(name).and_then(|child| child.text()).map(String::from)
    };
    let all = document.root().children().filter(|child| child.name() == "entry");
    let entry = |entry: Element<'_>| {
        let resource = entry.child("resource").unwrap();
        let resource_type = ResourceType::named(&resource.resource_type().unwrap()).unwrap();
        let task = Task::Create { resource: resource.raw().to_owned(), unless: None };
        Entry { full_url: said(entry, "fullUrl"), resource_type, task }
    };
    all.map(entry).collect()
}

async fn ask(site: &Site, patient: &LogicalId) -> String {
    let observation = ResourceType::named("Observation").unwrap();
    let of_patient = search(site, "Observation", &format!("patient={patient}"), 20);
    let newest = site.records.search(&site.tenant, of_patient.clone()).await.unwrap();
    let id = newest.matches.first().unwrap().id.clone();
    timed("read by id", async || {
        site.records.read(&site.tenant, observation, &id).await.unwrap().unwrap();
        1
    })
    .await;
    for (what, kind, words) in [
        ("a patient's newest 20", "Observation", format!("patient={patient}")),
        ("patient and category, newest 20", "Observation", format!("patient={patient}&category=laboratory")),
        ("the same by date", "Observation", format!("patient={patient}&category=laboratory&_sort=-date")),
        ("code, 10", "Observation", "code=http://loinc.org|8302-2".to_owned()),
        ("family begins", "Patient", "family=b".to_owned()),
        ("chain", "Observation", "patient.family=b&code=8302-2".to_owned()),
    ] {
        let search = search(site, kind, &words, 20);
        timed(what, async || site.records.search(&site.tenant, search.clone()).await.unwrap().matches.len())
            .await;
    }
    for (what, words) in [
        ("count of a code", "code=http://loinc.org|8302-2"),
        ("count of code and status", "code=http://loinc.org|8302-2&status=final"),
        ("count of a category", "category=laboratory"),
    ] {
        let search = search(site, "Observation", words, 1);
        timed(what, async || match site.records.count(&site.tenant, search.clone()).await.unwrap() {
            Counted::Exactly(count) | Counted::AtLeast(count) => usize::try_from(count).unwrap(),
        })
        .await;
    }
    newest.matches.into_iter().find_map(|version| version.body).unwrap().into_string()
}

fn search(site: &Site, kind: &str, words: &str, rows: usize) -> Search {
    let of = ResourceType::named(kind).unwrap();
    let reading = Reading {
        registry: site.records.registry(),
        now: Timestamp::from_seconds(0),
        handling: Handling::Strict,
    };
    let query = read(words.split('&').filter_map(|pair| pair.split_once('=')), &[of], &reading).unwrap();
    Search {
        resource_types: vec![of],
        test: Test::All(query.criteria.into_iter().map(|one| one.test).collect()),
        access: Arc::new(|_| Test::EVERY),
        sort: query.sort,
        rows,
        after: None,
        includes: Vec::new(),
        terminology: None,
    }
}

/// Asked one after the other by one caller; the median, and the one of a hundred that took longest.
async fn timed(what: &str, ask: impl AsyncFn() -> usize) {
    let found = ask().await;
    let mut took = Vec::new();
    let began = Instant::now();
    while began.elapsed() < ASKED_FOR {
        let asked = Instant::now();
        ask().await;
        took.push(asked.elapsed());
    }
    took.sort_unstable();
    let at =
        |share: usize| took.get((took.len() * share / 100).min(took.len() - 1)).copied().unwrap_or_default();
    println!("  {what}: {found} found; p50 {:.1?}, p99 {:.1?} of {}", at(50), at(99), took.len());
}

async fn size(db: &Db) {
    let rows = "SELECT COUNT(*) FROM fhir_current";
    let (records,) = db.read().await.unwrap().one::<(i64,)>(rows, vec![]).await.unwrap();
    let bytes = match db.engine() {
        Engine::Sqlite => {
            let pages = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()";
            db.read().await.unwrap().one::<(i64,)>(pages, vec![]).await.unwrap().0
        }
        Engine::Postgres => {
            let sum = "SELECT CAST(SUM(pg_total_relation_size(oid)) AS BIGINT) FROM pg_class WHERE relname LIKE 'fhir_%' AND relkind = 'r'";
            db.read().await.unwrap().one::<(i64,)>(sum, vec![]).await.unwrap().0
        }
    };
    println!("  {} bytes a record on disk, indexes included", bytes / records.max(1));
    let parts = match db.engine() {
        Engine::Sqlite => {
            "SELECT d.name AS name, SUM(d.pgsize) AS bytes, \
             SUM(CASE WHEN d.pagetype = 'leaf' THEN d.ncell ELSE 0 END) AS cells, SUM(d.unused) AS unused \
             FROM dbstat d GROUP BY d.name ORDER BY 2 DESC LIMIT 16"
        }
        Engine::Postgres => {
            "SELECT CAST(c.relname AS TEXT) AS name, CAST(pg_relation_size(c.oid) AS BIGINT) AS bytes, \
             CAST(c.reltuples AS BIGINT) AS cells, CAST(0 AS BIGINT) AS unused \
             FROM pg_class c WHERE c.relname LIKE 'fhir_%' OR c.relname LIKE 'pg_toast_%' ORDER BY 2 DESC LIMIT 24"
        }
    };
    type Part = (String, i64, i64, i64);
    let mut reader = db.read().await.unwrap();
    for (name, bytes, rows, unused) in reader.all::<Part>(parts, vec![]).await.unwrap() {
        let each = |count: i64| count as f64 / records.max(1) as f64;
        println!(
            "    {name}: {:.1} bytes a record ({:.1} empty), {:.2} rows a record, {:.1} bytes a row",
            each(bytes),
            each(unused),
            each(rows),
            bytes as f64 / rows.max(1) as f64
        );
    }
}
