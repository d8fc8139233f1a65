//! Linked accounts as a source: each person's records into their own Patient, and nobody's end is that of the others.

use std::sync::{Arc, Mutex};

use exchange::{
    connector::{
        Account, Mapper, Paced, PullFault, SignIn, Way,
        linked::{Accounts, Linked, LinkedApi, NotRead},
        rest::{RestApi, declared},
    },
    mapping::{Given, Ids},
    run::{Counts, Extent, State},
};
use futures_util::future::{BoxFuture, ready};
use http::{HeaderMap, StatusCode};
use kernel::{Digest, Timestamp};
use outbound::{Call, Outbound, SystemLookup, WholeAnswer};
use serde_json::{Value, json};

use crate::stage::{HERE, Stage, on_sync};

/// One person's account.
struct Person {
    id: &'static str,
    patient: Option<&'static str>,
    linked_at: Timestamp,
    weights: Vec<Value>,
    is_ended: bool,
}

#[derive(Default)]
struct Book {
    people: Vec<Person>,
    asked: Vec<(String, String)>,
    is_away: bool,
}

#[derive(Clone, Default)]
struct Keeper(Arc<Mutex<Book>>);

impl Accounts for Keeper {
    fn next<'a>(&'a self, after: Option<&'a str>) -> BoxFuture<'a, Result<Option<Linked>, PullFault>> {
        let book = self.0.lock().unwrap();
        let next = book.people.iter().find(|person| after.is_none_or(|after| person.id > after));
        let linked = next.map(|person| {
            let given = person.patient.map(|patient| ("patient".to_owned(), format!("Patient/{patient}")));
            let account = Account { id: person.id.to_owned(), given: Given::from_iter(given) };
            Linked { account, linked_at: person.linked_at }
        });
        Box::pin(ready(Ok(linked)))
    }

    fn read<'a>(
        &'a self,
        account: &'a str,
        call: Call,
        _: usize,
    ) -> BoxFuture<'a, Result<WholeAnswer, NotRead>> {
        let mut book = self.0.lock().unwrap();
        book.asked.push((account.to_owned(), call.url.query().unwrap_or_default().to_owned()));
        if book.is_away {
            return Box::pin(ready(Err(NotRead::Fault(PullFault::again("away")))));
        }
        let person = book.people.iter().find(|person| person.id == account).unwrap();
        let answer = match person.is_ended {
            true => Err(NotRead::Ended),
            false => Ok(WholeAnswer {
                status: StatusCode::OK,
                headers: HeaderMap::new(),
                body: json!(person.weights).to_string().into(),
            }),
        };
        Box::pin(ready(answer))
    }
}

fn weight(id: u32, kg: f64) -> Value {
    json!({"id": id, "kg": kg, "at": "2026-01-01T00:00:00Z"})
}

on_sync!(
    async fn each_persons_records_come_into_their_own_patient(db) {
        let config = json!({"site_id": "x",
            "streams": [{"name": "weights", "path": "weights", "incremental": {"parameter": "since", "field": "/at"}}],
            "mapping": {"streams": {"weights": [{"target": "Observation", "key": "/id", "set": {
                "status": {"constant": "final"}, "code.text": {"constant": "weight"},
                "subject": {"reference": {"given": "patient"}, "required": true},
                "valueQuantity": {"quantity": {"value": "/kg", "unit": "kg", "code": "kg"}}}}]}}});
        let (plan, mapping) = declared(config.as_object().unwrap()).ok().flatten().unwrap();
        let outbound = Outbound::new([].into_iter().collect(), Arc::new(SystemLookup)).unwrap();
        let ids = Ids::new(|text| {
            let mut bytes = [0u8; 32];
            for (nth, byte) in text.bytes().rev().enumerate() {
                bytes[nth % 20] = bytes[nth % 20].rotate_left(3) ^ byte;
            }
            Digest::from_bytes(bytes)
        });
        let way = Way::new(Paced::new(outbound, testkit::world().0), SignIn::Open);
        let api = RestApi::new(way, "https://wear.example/api".parse().unwrap(), plan, Mapper::with(Arc::new(mapping), ids));
        let keeper = Keeper::default();
        let (world, clock) = testkit::world();
        let linked = LinkedApi::new(api, Arc::new(keeper.clone()), world.clone());
        let stage = Stage::wrapped(db, 1, move |_| Arc::new(linked)).await;
        let person = |id, patient, weights: Vec<Value>| Person { id, patient, linked_at: world.now(), weights, is_ended: false };
        keeper.0.lock().unwrap().people = vec![
            person("a", Some("pa"), vec![weight(1, 70.5), weight(2, 71.0)]),
            person("b", Some("pb"), vec![weight(1, 80.0)]),
            person("c", None, vec![weight(1, 60.0)]),
            person("d", Some("pd"), vec![weight(1, 90.0)]),
        ];
        keeper.0.lock().unwrap().people[1].is_ended = true;
        clock.advance(std::time::Duration::from_secs(60));
        let run = stage.begin(Extent::Full).await;
        let run = stage.ended(run).await;
        assert_eq!(run.state, State::Done, "{:?}", run.why);
        assert_eq!(run.counts, Counts { received: 4, stored: 3, quarantined: 1, ..Counts::default() });
        let all: Vec<String> = stage.records(HERE).await.into_values().map(|(text, _)| text).collect();
        for (patient, kg) in [("pa", "70.5"), ("pa", "71"), ("pd", "90")] {
            let is_theirs = |text: &&String| text.contains(&format!("Patient/{patient}")) && text.contains(&format!("\"value\":{kg}"));
            assert_eq!(all.iter().filter(is_theirs).count(), 1, "{patient} {kg}: {all:?}");
        }

        // From the run before on, but all of an account that was linked since then; an outage ends nobody's part.
        clock.advance(std::time::Duration::from_hours(2));
        {
            let mut book = keeper.0.lock().unwrap();
            book.people[1].is_ended = false;
            book.people[1].linked_at = world.now();
            (book.asked, book.is_away) = (Vec::new(), true);
        }
        let run = stage.begin(Extent::Incremental).await;
        stage.worker().run_due().await.unwrap();
        keeper.0.lock().unwrap().is_away = false;
        let run = stage.ended(run).await;
        assert_eq!((run.state, run.counts.stored), (State::Done, 1), "{:?}", run.counts);
        let asked = keeper.0.lock().unwrap().asked.clone();
        let queries = |id: &str| asked.iter().filter(|(account, _)| account == id).map(|(_, query)| query.as_str()).collect::<Vec<_>>();
        assert!(queries("a").iter().all(|query| query.starts_with("since=")), "{asked:?}");
        assert_eq!(queries("b"), [""]);
    }
);
