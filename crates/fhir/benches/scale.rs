//! Whether a search takes as long among many as among few: 1,000, 8,000 and 64,000 patients with five records each, made up, in one site on
//! SQLite: `cargo bench -p fhir --bench scale`. In process, one caller, every search parameter of R4 indexed.
//!
//! `HILUM_SCALE` names other numbers of patients (`1000,8000`).

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement that fails says so, and its output is its result"
)]

use std::{
    fmt::Write as _,
    sync::Arc,
    time::{Duration, Instant},
};

use fhir::{
    Tenant,
    bundle::{Entry, Task, Transaction},
    parameter::{Registry, ResourceType},
    query::{Handling, Reading, Test, read},
    resource::{Absent, Author, Records},
    search::{Counted, Search},
    tenant,
};
use kernel::{Id, SystemClock, Timestamp, World};
use store::{Db, DbError, Engine, StoreConfig, Writer};
use testkit::{SeededEntropy, engine::with_url};

/// How long one question is asked again and again.
const ASKED_FOR: Duration = Duration::from_millis(800);
/// Patients of one transaction.
const PATIENTS_AT_ONCE: usize = 200;

fn main() {
    #[expect(clippy::disallowed_methods, reason = "how much is measured, as where the material of tests is")]
    let sizes = std::env::var("HILUM_SCALE").unwrap_or_else(|_| String::from("1000,8000,64000"));
    for size in sizes.split(',').map(|size| size.parse().unwrap()) {
        with_url(Engine::Sqlite, async |url| {
            let db = Db::open(&StoreConfig::new(url)).await.unwrap();
            db.migrate(&[audit::MIGRATIONS, fhir::MIGRATIONS]).await.unwrap();
            measure(&db, size).await;
            db.close().await;
        });
    }
}

struct Site {
    records: Records,
    tenant: Tenant,
    author: Author,
}

async fn measure(db: &Db, patients: usize) {
    let world = World::new(SystemClock, SeededEntropy::new(7));
    let opening = world.clone();
    let opened = db.write(async move |tx: &mut Writer| {
        tenant::open(tx, &opening, Id::from_bytes([1; 16]), Id::from_bytes([2; 16]), "HC00001").await
    });
    let opened: Result<Tenant, DbError> = opened.await;
    let records = Records::new(db.clone(), world, Arc::new(Registry::r4()));
    let site = Site { records, tenant: opened.unwrap(), author: Author::system() };
    let began = Instant::now();
    for from in (0..patients).step_by(PATIENTS_AT_ONCE) {
        let entries = (from..patients.min(from + PATIENTS_AT_ONCE)).flat_map(records_of).collect();
        let transaction = Transaction {
            gone: fhir::bundle::Gone::Passed,
            entries,
            access: Arc::new(|_| Test::EVERY),
            judge: None,
            keep: None,
            absent: Absent::Create,
        };
        site.records.transact(&site.tenant, &site.author, transaction).await.unwrap();
    }
    let took = began.elapsed().as_secs_f64();
    let pages = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()";
    let (bytes,) = db.read().await.unwrap().one::<(i64,)>(pages, vec![]).await.unwrap();
    let resources = patients * 6;
    println!(
        "{patients} patients, {resources} records: {:.0} records/s, {} bytes each on disk",
        resources as f64 / took,
        bytes / i64::try_from(resources).unwrap(),
    );
    for (kind, words) in SEARCHES {
        page(&site, kind, words).await;
    }
    for words in COUNTS {
        count(&site, words).await;
    }
}

const SEARCHES: [(&str, &str); 26] = [
    ("Patient", ""),
    ("Patient", "identifier=urn:mrn|777"),
    ("Patient", "identifier=urn:mrn|"),
    ("Patient", "family=name77"),
    ("Patient", "family=name7"),
    ("Patient", "family:exact=Name777"),
    ("Patient", "name:contains=ame77"),
    ("Patient", "address-city:contains=7"),
    ("Patient", "gender=female&birthdate=ge1990"),
    ("Patient", "birthdate=1970-01-05"),
    ("Patient", "birthdate:missing=true"),
    ("Patient", "family:missing=true"),
    ("Patient", "_sort=birthdate"),
    ("Patient", "_sort=-_lastUpdated"),
    ("Patient", "_sort=_lastUpdated"),
    ("Patient", "_has:Observation:patient:code=rare"),
    ("Patient", "_filter=family eq Name777 and gender eq male"),
    ("Observation", "code=http://loinc.org|8302-2"),
    ("Observation", "code=rare"),
    ("Observation", "code:text=body"),
    ("Observation", "code:text=seldom"),
    ("Observation", "code=http://loinc.org|&status=final"),
    ("Observation", "value-quantity=gt199|http://unitsofmeasure.org|cm"),
    ("Observation", "patient.family=name777"),
    ("Observation", "date=2024-05-05&code=8302-2"),
    ("Condition", "code:text=asthma&_sort=-onset-date"),
];

const COUNTS: [&str; 4] = [
    "code=http://loinc.org|8302-2",
    "code=http://loinc.org|8302-2&status=final",
    "status=final",
    "code:not=rare",
];

/// A patient, four Observations and a Condition.
fn records_of(n: usize) -> Vec<Entry> {
    let (year, month, day) = (1930 + n % 80, 1 + n % 12, 1 + n % 28);
    let gender = if n.is_multiple_of(2) { "male" } else { "female" };
    let born = if n.is_multiple_of(50) {
        String::new()
    } else {
        format!(r#","birthDate":"{year}-{month:02}-{day:02}""#)
    };
    let patient = format!(
        r#"{{"resourceType":"Patient","identifier":[{{"system":"urn:mrn","value":"{n}"}}],"name":[{{"family":"Name{}","given":["Given{}"]}}],"gender":"{gender}"{born},"address":[{{"line":["{n} Long Street"],"city":"City{}","postalCode":"{}"}}]}}"#,
        n % 1000,
        n % 97,
        n % 300,
        10_000 + n % 5_000,
    );
    let subject = format!(r#""subject":{{"reference":"urn:uuid:patient-{n}"}}"#);
    let mut entries = vec![entry("Patient", Some(format!("urn:uuid:patient-{n}")), patient)];
    let taken = [
        ("8302-2", "Body height"),
        ("29463-7", "Body weight"),
        ("8480-6", "Systolic"),
        ("8867-4", "Heart rate"),
    ];
    for (nth, (code, words)) in taken.into_iter().enumerate() {
        let (code, words) = if n % 1000 == 7 && nth == 3 { ("rare", "Seldom seen") } else { (code, words) };
        let status = if (n + nth).is_multiple_of(10) { "amended" } else { "final" };
        let mut text = String::new();
        write!(
            text,
            r#"{{"resourceType":"Observation","status":"{status}","code":{{"coding":[{{"system":"http://loinc.org","code":"{code}","display":"{words}"}}]}},{subject},"effectiveDateTime":"{}-{month:02}-{day:02}T08:{:02}:00Z","valueQuantity":{{"value":{},"unit":"cm","system":"http://unitsofmeasure.org","code":"cm"}}}}"#,
            2015 + n % 10,
            n % 60,
            if n % 400 == 3 { 200 + n % 9 } else { 100 + n % 97 },
        )
        .unwrap();
        entries.push(entry("Observation", None, text));
    }
    let (code, words) = if n % 500 == 3 { ("195967001", "Asthma") } else { ("38341003", "Hypertension") };
    let condition = format!(
        r#"{{"resourceType":"Condition","code":{{"coding":[{{"system":"http://snomed.info/sct","code":"{code}","display":"{words}"}}]}},{subject},"onsetDateTime":"{}-{month:02}-{day:02}"}}"#,
        2000 + n % 25,
    );
    entries.push(entry("Condition", None, condition));
    entries
}

fn entry(kind: &str, full_url: Option<String>, resource: String) -> Entry {
    let resource_type = ResourceType::named(kind).unwrap();
    Entry { full_url, resource_type, task: Task::Create { resource, unless: None } }
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

async fn page(site: &Site, kind: &str, words: &str) {
    let search = search(site, kind, words, 20);
    let ask = async || site.records.search(&site.tenant, search.clone()).await.unwrap().matches.len();
    timed(&format!("{kind}?{words}"), ask).await;
}

async fn count(site: &Site, words: &str) {
    let search = search(site, "Observation", words, 1);
    let ask = async || match site.records.count(&site.tenant, search.clone()).await.unwrap() {
        Counted::Exactly(count) | Counted::AtLeast(count) => usize::try_from(count).unwrap(),
    };
    timed(&format!("count of Observation?{words}"), ask).await;
}

/// Asked one after the other by one caller; the first time, the median, and the one of a hundred that took longest.
async fn timed(what: &str, ask: impl AsyncFn() -> usize) {
    let began = Instant::now();
    let found = ask().await;
    let first = began.elapsed();
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
    println!(
        "  {what}: {found}; first {first:.1?}, p50 {:.2?}, p99 {:.2?} of {}",
        at(50),
        at(99),
        took.len()
    );
}
