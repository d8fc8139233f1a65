//! What a page costs: a statement for each question, however many records it brings.

use std::{collections::BTreeMap, ops::Range, sync::Arc};

use exchange::{
    connector::{Found, Name, Page},
    quarantine::waiting,
    run::{Counts, Extent, State},
};
use store::check::overhear;

use crate::{
    given::{Given, found},
    stage::{HERE, INTEGRATION, Stage, on_sync, organisation},
};

fn id(of: &str, nth: usize) -> String {
    format!("{}{nth}", if of == "Patient" { "p" } else { "o" })
}

/// Patients with an observation each.
fn records(all: Range<usize>, state: &str) -> Vec<Found> {
    let patient = |nth| {
        let rest = format!(r#","name":[{{"family":"F{nth}","text":"{state}"}}]"#);
        found("Patient", &id("Patient", nth), &rest)
    };
    let observation = |nth| {
        let rest = format!(
            r#","status":"final","code":{{"text":"{state}"}},"subject":{{"reference":"Patient/p{nth}"}}"#
        );
        found("Observation", &id("Observation", nth), &rest)
    };
    all.clone().map(patient).chain(all.map(observation)).collect()
}

struct Paged {
    stage: Stage,
    given: Given,
}

impl Paged {
    async fn new(db: store::Db) -> Self {
        let given = Given::default();
        let stage = Stage::sourced(db, |_| Arc::new(given.clone())).await;
        Self { stage, given }
    }

    /// A run of one page: what became of it, and what the database was asked meanwhile.
    async fn run(&self, page: Page) -> (Counts, Vec<Box<str>>) {
        self.given.then(page);
        let run = self.stage.begin(Extent::Incremental).await;
        let overheard = overhear(&self.stage.db);
        let run = self.stage.ended(run).await;
        assert_eq!(run.state, State::Done, "{:?}", run.why);
        (run.counts, overheard.take())
    }
}

/// What a page asks, by what only that question says.
const QUESTIONS: [(&str, &str); 5] = [
    ("what is known of it", "sync_record s WHERE"),
    ("the newest version", "c.id = found.column2"),
    ("whether there are rules", "SELECT rule FROM fhir_consent_rule"),
    ("rules of its patients", "SELECT DISTINCT consent FROM fhir_consent_rule"),
    ("consents", "c.rid = v.rid"),
];

/// How often each question was asked.
fn questions(statements: &[Box<str>]) -> BTreeMap<&'static str, usize> {
    let mut all = BTreeMap::new();
    for (question, words) in QUESTIONS {
        let asked = statements.iter().filter(|text| text.starts_with("SELECT") && text.contains(words));
        all.insert(question, asked.count());
    }
    all
}

/// Statements that only read: what a page asks, and what its run, its job and its integration cost whatever it brings.
fn reads(statements: &[Box<str>]) -> usize {
    statements.iter().filter(|text| text.starts_with("SELECT")).count()
}

/// Statements that write records and what is known of them, many rows at a time. What takes rows of older versions away has one for each.
fn writes(statements: &[Box<str>]) -> usize {
    let tables =
        ["INTO fhir_", "INTO sync_record", "UPDATE sync_record", "INTO quarantine", "UPDATE quarantine"];
    statements.iter().filter(|text| tables.iter().any(|table| text.contains(table))).count()
}

const FEW: usize = 20;
const MANY: usize = 120;
/// Reads of one run of one page.
const READS_MAX: usize = 40;
/// Statements that write one page, which are fewer than its records.
const WRITES_MAX: usize = 110;

on_sync!(
    async fn a_page_asks_each_question_once_however_many_records_it_brings(db) {
        let paged = Paged::new(db).await;
        let mut told = Vec::new();
        for (first, many) in [(0, FEW), (FEW, MANY)] {
            let all = first..first + many;
            // One patient lets nobody gather anything; somebody else's record has another one's id here.
            let (deaf, other) = (id("Patient", first + 3), id("Patient", first + 5));
            let consent = format!(
                r#","status":"active","scope":{{"coding":[{{"code":"patient-privacy"}}]}},"category":[{{"text":"privacy"}}],"patient":{{"reference":"Patient/{deaf}"}},"policyRule":{{"coding":[{{"code":"OPTIN"}}]}},"provision":{{"type":"deny","action":[{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/consentaction","code":"collect"}}]}}]}}"#
            );
            paged.stage.put(HERE, "Consent", &format!("c-{deaf}"), &consent).await;
            paged.stage.put(HERE, "Patient", &other, "").await;
            let both = i64::try_from(2 * many).unwrap();
            let brought = |state: &str| Page { records: records(all.clone(), state), ..Page::default() };
            let gone = all
                .clone()
                .map(|nth| Name { of: "Observation".to_owned(), id: id("Observation", nth) })
                .collect();
            // They are new; then they have changed, then not; then some are gone.
            let stored = Counts { received: both, stored: both - 3, quarantined: 3, ..Counts::default() };
            let unchanged = Counts { received: both, unchanged: both - 3, quarantined: 3, ..Counts::default() };
            let deleted =
                Counts { received: both / 2, deleted: both / 2 - 1, unchanged: 1, ..Counts::default() };
            for (page, expected) in [
                (brought("new"), stored),
                (brought("changed"), stored),
                (brought("changed"), unchanged),
                (Page { gone, ..Page::default() }, deleted),
            ] {
                let (counts, statements) = paged.run(page).await;
                assert_eq!(counts, expected);
                let (reads, writes) = (reads(&statements), writes(&statements));
                assert!(reads < READS_MAX && writes < WRITES_MAX, "{reads} read, {writes} write {counts:?}");
                told.push(questions(&statements));
            }
        }
        let (few, many) = told.split_at(4);
        assert_eq!(few, many, "more records are more questions");
        assert!(told.iter().all(|page| page["what is known of it"] == 1), "{told:#?}");
        assert!(few[..2].iter().all(|page| page["the newest version"] == 1), "{few:#?}");
        let of = (organisation(1), INTEGRATION);
        let waiting = waiting(&mut paged.stage.db.read().await.unwrap(), of, None, 10).await.unwrap();
        let mut reasons: Vec<_> =
            waiting.iter().map(|one| (one.name.id.as_str(), one.code.as_str())).collect();
        reasons.sort_unstable();
        assert_eq!(
            reasons,
            [("p23", "forbidden"), ("p25", "conflict"), ("p3", "forbidden"), ("p5", "conflict")]
        );
    }
);

on_sync!(
    async fn a_record_that_comes_twice_in_a_page_is_written_twice_and_the_bad_ones_wait(db) {
        let paged = Paged::new(db).await;
        let bad = |id: &str| Name { of: "Patient".to_owned(), id: id.to_owned() };
        let page = vec![
            found("Patient", "p1", r#","gender":"male""#),
            Found::new(bad("p1"), "no resource".to_owned()),
            found("Patient", "p1", r#","gender":"female""#),
            found("Patient", "p1", r#","gender":"female""#),
            Found::new(bad("p2"), r#"{"resourceType":"Patient","id":"p1"}"#.to_owned()),
        ];
        let (counts, _) = paged.run(Page { records: page, ..Page::default() }).await;
        let expected = Counts { received: 5, stored: 2, quarantined: 2, unchanged: 1, ..Counts::default() };
        assert_eq!(counts, expected);
        let here = paged.stage.records(HERE).await;
        let (text, version) = here.get("Patient/p1").unwrap();
        assert!(text.contains("female") && *version == 2, "{text} {version}");
        let of = (organisation(1), INTEGRATION);
        let waiting = waiting(&mut paged.stage.db.read().await.unwrap(), of, None, 10).await.unwrap();
        let names: Vec<_> = waiting.iter().map(|one| one.name.id.as_str()).collect();
        assert_eq!(names, ["p2"], "what came anew is not waited for any more");
    }
);
