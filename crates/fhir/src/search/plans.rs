//! What PostgreSQL reads for a search, whatever it knows of its tables: that nothing was analysed yet, that it was when there was little, or
//! as it is now. Plans are asked for by the pages that they read, so that it is no matter how they look.

use std::sync::Arc;

use kernel::{Id, Interaction, Timestamp, World};
use store::{Composed, Db, DbError, Engine, Reader, Value, Writer};
use testkit::engine::{POSTGRES, on};

use super::{
    Access, Consented, Search, SearchFault,
    find::{Sought, VERSIONS, by_age},
    sort,
    statement::{Statement, Way, Window},
};
use crate::{
    bundle::{Entry, Gone, Target, Task, Transaction},
    consent::Who,
    parameter::{Registry, ResourceType},
    query::{Handling, Order, Reading, Test, read},
    resource::{Absent, Author, Expected, Records, Rid},
    tenant::{self, Tenant},
};

const PATIENTS: usize = 150;
const OBSERVATIONS: usize = 1_800;

/// What is asked, and how many pages of 8 KiB it may take to answer: all tables have some hundred and more.
const ASKED: [(&str, &str, u64); 14] = [
    ("Observation", "patient=p7", 200),
    ("Observation", "patient=p7&category=laboratory", 200),
    ("Observation", "patient=p7&category=laboratory&_sort=-date", 200),
    ("Observation", "patient=p7&date=ge2020&_sort=date", 250),
    ("Observation", "date=2021-03-04", 250),
    ("Observation", "code=http://loinc.org|c3", 350),
    ("Patient", "family=bee", 200),
    ("Patient", "family:contains=ee1", 250),
    ("Observation", "subject:Patient.family=bee1", 500),
    ("Observation", "patient.family=bee1&code=c3", 1_000),
    ("Patient", "_has:Observation:patient:code=c3&family=bee1", 1_000),
    ("Observation", "code:text=word3&patient=p7", 200),
    ("Observation", "code:text=word3", 400),
    (WITH_CONSENTS, "patient=p7", 300),
];
/// Observations, by somebody whom consents bind: their rules are on a hundred pages too.
const WITH_CONSENTS: &str = "Observation, consented";
/// Of each patient's Consent: every one withholds a code.
const PROVISIONS: usize = 40;

struct Stage {
    db: Db,
    records: Records,
    tenant: Tenant,
}

impl Stage {
    async fn new(db: Db) -> Self {
        let (world, _) = testkit::world();
        let opening = world.clone();
        let opened = db.write(async move |tx: &mut Writer| {
            tenant::open(tx, &opening, Id::from_bytes([1; 16]), Id::from_bytes([2; 16]), "HC00001").await
        });
        let opened: Result<Tenant, DbError> = opened.await;
        let records = records(&db, world);
        let stage = Self { db, records, tenant: opened.unwrap() };
        // Nobody analyses but the test.
        let index = ["posting", "link", "string", "date", "number", "term", "gram"];
        let others = ["version", "current", "history", "consent_rule", "consent_ask", "consented"];
        for table in index.into_iter().chain(others) {
            stage.run(format!("ALTER TABLE fhir_{table} SET (autovacuum_enabled = false)")).await;
        }
        stage
    }

    async fn run(&self, sql: String) {
        let sql: &'static str = sql.leak();
        let ran = self.db.write(async move |tx: &mut Writer| tx.execute(sql, Vec::new()).await);
        let ran: Result<u64, DbError> = ran.await;
        ran.unwrap();
    }

    async fn fill(&self, from: usize, patients: usize, observations: usize) {
        let mut entries = Vec::new();
        for n in from..from + patients {
            let family = ["Bee", "Ant", "Cow", "Dog", "Eel"][n % 5];
            entries.push(entry(
                "Patient",
                &format!("p{n}"),
                &format!(r#""name":[{{"family":"{family}{n}"}}]"#),
            ));
            entries.push(entry("Consent", &format!("c{n}"), &consent(n)));
        }
        for n in from..from + observations {
            let (whose, code, category) = (n % PATIENTS, n % 23, ["laboratory", "vital-signs"][n % 2]);
            let (month, day) = (1 + n % 12, 1 + n % 28);
            entries.push(entry(
                "Observation",
                &format!("o{n}"),
                &format!(
                    r#""status":"final","code":{{"coding":[{{"system":"http://loinc.org","code":"c{code}","display":"word{code}"}}]}},
                       "category":[{{"coding":[{{"code":"{category}"}}]}}],"subject":{{"reference":"Patient/p{whose}"}},
                       "effectiveDateTime":"2021-{month:02}-{day:02}""#
                ),
            ));
        }
        let transaction = Transaction {
            entries,
            access: Arc::new(|_| Test::EVERY),
            judge: None,
            keep: None,
            gone: Gone::Passed,
            absent: Absent::Create,
        };
        let author = Author::system();
        self.records.transact(&self.tenant, &author, transaction).await.unwrap();
    }

    /// The pages that each question takes when it is planned.
    async fn asked(&self, plans: Plans) -> Vec<u64> {
        let mut pages = Vec::new();
        for (kind, words, _) in ASKED {
            let (records, tenant) = (self.records.clone(), self.tenant.clone());
            let lines: Result<Vec<(String,)>, SearchFault> = self
                .db
                .snapshot(async move |reader: &mut Reader| {
                    explain(reader, &records, &tenant, (kind, words), plans).await
                })
                .await;
            let lines: Vec<String> = lines.unwrap().into_iter().map(|(line,)| line).collect();
            println!("{kind}?{words}\n{}", lines.join("\n"));
            let read = lines.iter().find_map(|line| line.trim().strip_prefix("Buffers: shared ")).unwrap();
            pages.push(numbers(read));
        }
        pages
    }
}

/// For which values a question is planned.
#[derive(Debug, Clone, Copy)]
enum Plans {
    /// For its own.
    Custom,
    /// For any, as the server does once it has been asked often.
    Generic,
}

fn records(db: &Db, world: World) -> Records {
    Records::new(db.clone(), world, Arc::new(Registry::r4()))
}

fn entry(kind: &str, id: &str, rest: &str) -> Entry {
    let resource = format!(r#"{{"resourceType":"{kind}","id":"{id}",{rest}}}"#);
    let target = Target::Id(id.parse().unwrap());
    let task = Task::Update { resource, target, own: None, expected: Expected::default() };
    Entry { full_url: None, resource_type: ResourceType::named(kind).unwrap(), task }
}

/// Of a patient who permits all but what has one of some codes, of which one is used.
fn consent(patient: usize) -> String {
    let denied = |nth: usize| {
        format!(
            r#"{{"type":"deny","code":[{{"coding":[{{"system":"http://loinc.org","code":"c{}"}}]}}]}}"#,
            nth + 22
        )
    };
    let provisions: Vec<String> = (0..PROVISIONS).map(denied).collect();
    format!(
        r#""status":"active","scope":{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}}]}},
           "category":[{{"text":"x"}}],"patient":{{"reference":"Patient/p{patient}"}},"dateTime":"2020-01-01T00:00:00Z",
           "policyRule":{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"OPTIN"}}]}},
           "provision":{{"provision":[{}]}}"#,
        provisions.join(",")
    )
}

/// `hit=12 read=3`
fn numbers(read: &str) -> u64 {
    read.split([' ', '=']).filter_map(|word| word.parse::<u64>().ok()).sum()
}

/// How the statement of the first page is run, and what it takes.
async fn explain(
    reader: &mut Reader,
    records: &Records,
    tenant: &Tenant,
    (kind, words): (&str, &str),
    plans: Plans,
) -> Result<Vec<(String,)>, SearchFault> {
    let of = ResourceType::named(kind.trim_end_matches(", consented")).unwrap();
    let access: Access = match kind {
        WITH_CONSENTS => {
            let consented = Arc::new(Consented {
                asking: Who::default().asking().to(Interaction::Search),
                now: i64::from(u32::MAX),
            });
            Arc::new(move |_| Test::Consented(Arc::clone(&consented)))
        }
        _ => Arc::new(|_| Test::EVERY),
    };
    let reading =
        Reading { registry: records.registry(), now: Timestamp::from_seconds(0), handling: Handling::Strict };
    let query = read(words.split('&').filter_map(|pair| pair.split_once('=')), &[of], &reading).unwrap();
    let test = Test::All(query.criteria.into_iter().map(|one| one.test).collect());
    let mut search = Search::everything(of, test, access);
    search = super::settle::settle(reader, records, tenant, &search).await?;
    let sought = Sought::new(reader, records, tenant, (of, &search)).await?;
    let mut statement = Statement::new(tenant, "");
    match by_age(&query.sort) {
        Some(Order::Descending) => {
            let window = Window { way: Way::Down { before: Rid(i64::MAX) }, rows: Some(21) };
            statement.text(VERSIONS);
            sought.add_versions(&mut statement, window);
        }
        _ => {
            let by = &query.sort[0];
            sort::add_dated(
                &mut statement,
                (tenant, &sought),
                (by.parameter, by.order),
                (None, Rid(i64::MAX - 1)),
            );
        }
    }
    let statement = statement.done()?;
    let (text, values) = statement.parts(Engine::Postgres);
    let kinds: Vec<&str> = values.iter().map(kind_of).collect();
    let values: Vec<String> = values.iter().map(written).collect();
    let custom = match plans {
        Plans::Custom => "force_custom_plan",
        Plans::Generic => "force_generic_plan",
    };
    run(reader, format!("SET LOCAL plan_cache_mode = {custom}")).await?;
    run(reader, format!("PREPARE asked ({}) AS {text}", kinds.join(", "))).await?;
    let lines =
        run(reader, format!("EXPLAIN (ANALYZE, BUFFERS, TIMING OFF) EXECUTE asked ({})", values.join(", ")))
            .await;
    run(reader, "DEALLOCATE asked".to_owned()).await?;
    lines
}

async fn run(reader: &mut Reader, sql: String) -> Result<Vec<(String,)>, SearchFault> {
    let sql: &'static str = sql.leak();
    Ok(reader.all_composed(&Composed::new(sql)).await?)
}

const fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Text(_) => "text",
        Value::Blob(_) => "bytea",
        Value::Int(_) | Value::Null => "bigint",
    }
}

fn written(value: &Value) -> String {
    match value {
        Value::Int(int) => format!("'{int}'"),
        Value::Text(text) => format!("'{}'", text.replace('\'', "''")),
        Value::Blob(bytes) => {
            let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("'\\x{digits}'")
        }
        Value::Null => "NULL".to_owned(),
    }
}

#[test]
fn plans_do_not_depend_on_statistics() {
    let mut told = Vec::new();
    on(POSTGRES, &[audit::MIGRATIONS, crate::MIGRATIONS], async |db| {
        let stage = Stage::new(db).await;
        stage.fill(0, PATIENTS, OBSERVATIONS).await;
        told.push(("none", stage.asked(Plans::Custom).await));
        told.push(("none, any values", stage.asked(Plans::Generic).await));
        stage.run("ANALYZE".to_owned()).await;
        told.push(("fresh", stage.asked(Plans::Custom).await));
        told.push(("fresh, any values", stage.asked(Plans::Generic).await));
    });
    on(POSTGRES, &[audit::MIGRATIONS, crate::MIGRATIONS], async |db| {
        let stage = Stage::new(db).await;
        stage.fill(0, 5, 20).await;
        stage.run("ANALYZE".to_owned()).await;
        stage.fill(20, PATIENTS, OBSERVATIONS).await;
        told.push(("of another time", stage.asked(Plans::Custom).await));
        told.push(("of another time, any values", stage.asked(Plans::Generic).await));
    });
    for (statistics, pages) in told {
        for ((kind, words, most), pages) in ASKED.iter().zip(pages) {
            println!("{statistics}: {kind}?{words}: {pages} pages");
            assert!(pages <= *most, "{statistics}: {kind}?{words}: {pages} pages, not {most} at the most");
        }
    }
}
