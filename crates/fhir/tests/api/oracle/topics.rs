//! What subscribers are told, of records, scopes and consents by chance: what they could find and read, and nothing besides.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    CALLERS,
    consent::{self, consent, keeper},
    current, graph,
    graph::Chance,
    known::{Known, Past},
    rule::Somebody,
    versions,
};
use crate::stage::{BASE, Calls, NORTH_TWO, Stage};

const BACKPORT: &str = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-";
const TYPES: [&str; 5] = ["Patient", "Encounter", "Condition", "Observation", "List"];

fn wanted(of: &str) -> String {
    let kind = json!({"system": "urn:hilum:subscription-channel", "code": "sse"});
    json!({
        "resourceType": "Subscription", "status": "requested", "reason": "oracle",
        "criteria": format!("{BASE}/SubscriptionTopic/{of}"),
        "channel": {
            "type": "message", "payload": "application/fhir+json",
            "_type": {"extension": [{"url": format!("{BACKPORT}channel-type"), "valueCoding": kind}]},
            "_payload": {"extension": [{"url": format!("{BACKPORT}payload-content"), "valueCode": "full-resource"}]},
        },
    })
    .to_string()
}

/// The same with the right to subscribe, which opens nothing else.
fn subscribing(who: &Somebody) -> Somebody {
    Somebody { scopes: format!("{} system/Subscription.cruds", who.scopes).leak(), ..*who }
}

/// The events of a subscription: how many there are, and the versions that are shown with them.
async fn events(caller: &Calls<'_>, id: &str) -> (usize, Vec<String>) {
    let page = caller.get(&format!("/fhir/Subscription/{id}/$events")).await.expect(200).json();
    let entries = page["entry"].as_array().unwrap();
    let parameters = entries[0]["resource"]["parameter"].as_array().unwrap();
    let numbered = parameters.iter().filter(|one| one["name"] == "notification-event").count();
    assert!(numbered < 100, "all on one page");
    (numbered, entries[1..].iter().map(|entry| Known::of(entry).shown()).collect())
}

/// What was told of this type is of what may be, each once and in order, and lacks nothing that had to be.
fn judge(told: &[String], (may, must): (&[String], &[String])) -> Result<(), String> {
    let of = |all: &[String]| all.iter().cloned().collect::<BTreeSet<String>>();
    let mut rest = may.iter();
    match (told.iter().all(|one| rest.any(|it| it == one)), of(must).is_subset(&of(told))) {
        (true, true) => Ok(()),
        (false, _) => Err(format!("{told:?} is more than {may:?}, or in another order")),
        (_, false) => Err(format!("{told:?} is less than {must:?}")),
    }
}

/// Everybody subscribes to everything at one site before it is filled, and two others beside it.
async fn subscribed<'s>(
    stage: &Stage,
    callers: &[&'s Somebody],
    chance: &Chance,
) -> Vec<(&'s Somebody, &'static str, String)> {
    let mut all = Vec::new();
    for who in callers {
        let caller = subscribing(who).calls(stage);
        for of in TYPES {
            let made = caller.post("/fhir/Subscription", &wanted(of)).await;
            if who.has_any('s', of) && who.has_any('r', of) {
                all.push((*who, of, made.expect(201).json()["id"].as_str().unwrap().to_owned()));
            } else {
                made.expect(403);
            }
        }
    }
    for site in [keeper(stage), keeper(stage).at(NORTH_TWO), stage.south()] {
        graph::fill(&site, chance).await;
    }
    while stage.fhir.follow().await.unwrap() > 0 {}
    all
}

/// How many are told, and how many versions of what they asked for they are not told of.
async fn compare(stage: &Stage, all: &[(&Somebody, &'static str, String)]) -> (usize, usize) {
    let versions: Vec<Value> = versions(&keeper(stage)).await;
    let past = Past::with_consents(&versions, current(&versions));
    let (mut told, mut untold) = (0, 0);
    for (who, of, id) in all {
        let (may, must) = past.told_of(who, of);
        // Whoever may see everything is shown what was found for the owner, and the owner what they may see by now.
        let (numbered, found) = events(&keeper(stage), id).await;
        assert_eq!(numbered, found.len());
        judge(&found, (&may, &must)).unwrap_or_else(|why| panic!("{who:?} {of}: {why}"));
        let (own_numbered, own) = events(&subscribing(who).calls(stage), id).await;
        assert_eq!(own_numbered, numbered);
        let mut rest = found.iter();
        assert!(own.iter().all(|one| rest.any(|it| it == one)), "{who:?} {of}: {own:?} {found:?}");
        told += found.len();
        untold += versions.iter().filter(|one| Known::of(one).is_of(of)).count() - found.len();
    }
    (told, untold)
}

on_db!(
    async fn what_is_told_is_what_could_be_found_and_read(db) {
        let stage = Stage::with_foundation(db).await;
        let callers: Vec<&Somebody> = CALLERS.iter().collect();
        let all = subscribed(&stage, &callers, &Chance::new(21)).await;
        let (told, untold) = compare(&stage, &all).await;
        assert!(told > 150 && untold > 80, "{told} told, {untold} not");
        // A rule that is a little wider or narrower is noticed.
        let versions = versions(&keeper(&stage)).await;
        let past = Past::with_consents(&versions, Vec::new());
        let [wide, narrow] = [CALLERS[0], CALLERS[3]].map(|who| past.told_of(&who, "Observation"));
        assert!(judge(&wide.0, (&narrow.0, &narrow.1)).is_err() && judge(&narrow.0, (&wide.0, &wide.1)).is_err());
    }
);

on_db!(
    async fn what_is_told_is_what_consents_leave(db) {
        let stage = Stage::with_foundation(db).await;
        let chance = Chance::new(23);
        let made = (0..3).flat_map(|nth| ["p0", "p1"].map(|patient| consent(&chance, patient, nth)));
        graph::write(&keeper(&stage), made).await;
        // Two with the same scopes are one owner here.
        let callers: Vec<&Somebody> = consent::CALLERS.iter().filter(|who| who.who != "Patient/p1").collect();
        let all = subscribed(&stage, &callers, &chance).await;
        let (told, untold) = compare(&stage, &all).await;
        assert!(told > 60 && untold > 60, "{told} told, {untold} not");
    }
);
