//! Everything against brute force: what callers hear is what they would hear if what they may not see were not there.
//!
//! For each caller another site is filled with nothing but what the rule, written once more in `rule`, lets the caller see of the first;
//! whoever may see everything there has to hear the same.

mod ask;
mod consent;
mod graph;
mod known;
mod rule;
mod topics;

use serde_json::Value;
use store::Db;

use crate::stage::{Calls, NORTH_TWO, Stage};
use graph::Chance;
use rule::Somebody;

const fn somebody(scopes: &'static str, patient: &'static str, sight: &'static str) -> Somebody {
    Somebody { scopes, patient, sight, who: "" }
}

const CALLERS: [Somebody; 10] = [
    somebody("system/*.read", "", ""),
    somebody("patient/*.read", "p0", ""),
    somebody("patient/*.cruds", "p1", "p0,p1"),
    somebody(
        "patient/Observation.rs?category=laboratory patient/Patient.rs patient/Condition.rs",
        "p0",
        "p0",
    ),
    somebody("patient/Observation.rs patient/Encounter.r patient/List.cruds", "p0", ""),
    somebody("user/*.rs", "", "p1"),
    somebody("user/*.read", "p0", "site"),
    somebody("system/Observation.cruds?category=laboratory system/Patient.rs system/List.s", "", ""),
    somebody("patient/*.rs user/Practitioner.rs system/Group.s", "p1", "site"),
    somebody(
        "user/Observation.rs?status=final user/Patient.s patient/Encounter.rs user/*.write",
        "p0",
        "p0,p1",
    ),
];

/// Two sites of one organisation and one of another, each with its own.
async fn filled(db: Db, seed: u64) -> Stage {
    let stage = Stage::new(db).await;
    for (system, seed) in
        [(stage.north(), seed), (stage.north().at(NORTH_TWO), seed + 100), (stage.south(), seed + 200)]
    {
        graph::fill(&system, &Chance::new(seed)).await;
    }
    stage
}

/// Every version of a site, newest first.
async fn versions(system: &Calls<'_>) -> Vec<Value> {
    let all = system.get("/fhir/_history?_count=500").await.expect(200).json();
    assert!(ask::next_of(&all).is_none());
    all["entry"].as_array().unwrap().clone()
}

/// What there is now, oldest first.
fn current(versions: &[Value]) -> Vec<Value> {
    let mut known = std::collections::BTreeSet::new();
    let newest = versions.iter().filter(|version| known.insert(version["fullUrl"].to_string()));
    let mut records: Vec<Value> = newest.filter_map(|version| version.get("resource").cloned()).collect();
    records.reverse();
    records
}

/// The searches whose answers are not those of the twin, and how many find something.
async fn differing(caller: &Calls<'_>, rule: &Somebody, twin: &Calls<'_>) -> (Vec<String>, usize) {
    let mut fruitful = 0;
    let of = |search: &str| search.split_once('?').map(|(of, _)| of.to_owned()).unwrap_or_default();
    let mut differ = Vec::new();
    let (asked, closed): (Vec<&str>, Vec<&str>) =
        ask::SEARCHES.iter().partition(|search| rule.has_any('s', &of(search)));
    for search in closed {
        let heard = caller.get(&format!("/fhir/{search}")).await;
        differ.extend((heard.status != 403).then(|| format!("{search} is not refused")));
    }
    for (nth, search) in asked.iter().enumerate() {
        let pages = ask::pages(caller, search).await;
        fruitful += usize::from(pages.iter().any(|page| page.contains("fullUrl")));
        let is_same = pages == ask::pages(twin, search).await
            && pages.iter().all(|page| page.starts_with("200"))
            && (nth % 6 != 0 || ask::form(caller, search).await == ask::form(twin, search).await);
        differ.extend((!is_same).then(|| (*search).to_owned()));
    }
    let (own, twins) = (ask::batch(caller, &asked).await, ask::batch(twin, &asked).await);
    let in_batch = own.iter().zip(&twins).filter(|(own, twin)| own != twin);
    differ.extend(in_batch.map(|(own, _)| own.clone()));
    assert_eq!(own.len(), twins.len());
    (differ, fruitful)
}

on_db!(
    async fn what_is_found_is_what_is_found_where_nothing_else_is(db) {
        let stage = filled(db, 1).await;
        let all = current(&versions(&stage.north()).await);
        let mut searches = 0;
        for (nth, somebody) in (0..).zip(&CALLERS) {
            let twin = stage.twin(nth).await;
            let seen = all.iter().filter(|record| somebody.may('s', record)).cloned();
            graph::write(&twin, seen).await;
            let (differ, fruitful) = differing(&somebody.calls(&stage), somebody, &twin).await;
            assert!(differ.is_empty(), "{somebody:?}: {differ:#?}");
            searches += fruitful;
        }
        assert!(searches > 200, "{searches} find something");
    }
);

/// What there is at a site, and which of it somebody may have to do with.
struct Known<'k> {
    all: &'k [Value],
    may: &'k dyn Fn(char, &Value) -> bool,
}

/// The searches of more types than one, of compartments, and of what there is of somebody, that are not answered as the twin answers
/// them; how many find something, and how many are refused.
async fn differing_around(
    caller: &Calls<'_>,
    (who, known): (&Somebody, Known<'_>),
    twin: &Calls<'_>,
) -> (Vec<String>, usize, usize) {
    let (mut differ, mut fruitful, mut refused) = (Vec::new(), 0, 0);
    for (types, search) in ask::AROUND {
        let is_closed = |of: &&str| !of.is_empty() && !who.has_any('s', of);
        if types.split(',').any(|of| is_closed(&of)) {
            let heard = caller.get(&format!("/fhir/{search}").replace("/?", "?")).await;
            differ.extend((heard.status != 403).then(|| format!("{search} is not refused")));
            continue;
        }
        let pages = ask::pages(caller, search).await;
        let is_same = pages == ask::pages(twin, search).await
            && ask::form(caller, search).await == ask::form(twin, search).await;
        differ.extend((!is_same).then(|| (*search).to_owned()));
        fruitful += usize::from(pages.iter().any(|page| page.contains("fullUrl")));
    }
    for address in ask::EVERYTHING {
        let whose = address.split('/').collect::<Vec<_>>();
        let is_one = |record: &&Value| record["resourceType"] == whose[0] && record["id"] == whose[1];
        let one = known.all.iter().find(is_one);
        let may =
            |letter| one.is_none_or(|record| (known.may)(letter, record)) && who.has_any(letter, whose[0]);
        let address = format!("{address}&_count=4");
        if may('s') && (may('r') || one.is_none()) {
            let pages = ask::pages_of(caller, &address).await;
            let is_same = pages == ask::pages_of(twin, &address).await;
            differ.extend((!is_same).then(|| address.clone()));
            fruitful += usize::from(pages.iter().any(|page| page.contains("fullUrl")));
        } else if !may('r') && one.is_some() {
            let hidden = ask::pages_of(caller, &address).await;
            let nowhere = ask::pages_of(caller, &address.replace(whose[1], "x9")).await;
            differ.extend((hidden != nowhere).then(|| format!("{address} tells that it is there")));
            refused += 1;
        }
    }
    (differ, fruitful, refused)
}

on_db!(
    async fn what_is_found_around_is_what_is_found_where_nothing_else_is(db) {
        let stage = filled(db, 6).await;
        let all = current(&versions(&stage.north()).await);
        let (mut fruitful, mut refused) = (0, 0);
        for (nth, who) in (0..).zip(&CALLERS) {
            let (caller, twin) = (who.calls(&stage), stage.twin(nth).await);
            graph::write(&twin, all.iter().filter(|record| who.may('s', record)).cloned()).await;
            let known = Known { all: &all, may: &|letter, record| who.may(letter, record) };
            let (differ, found, closed) = differing_around(&caller, (who, known), &twin).await;
            assert!(differ.is_empty(), "{who:?}: {differ:#?}");
            (fruitful, refused) = (fruitful + found, refused + closed);
        }
        assert!(fruitful > 120 && refused > 8, "{fruitful} find something, {refused} are refused");
    }
);

on_db!(
    async fn a_rule_that_is_a_little_wider_or_narrower_is_noticed(db) {
        let stage = filled(db, 5).await;
        let all = current(&versions(&stage.north()).await);
        let narrow = CALLERS[3];
        let twin = stage.twin(0).await;
        graph::write(&twin, all.iter().filter(|record| narrow.may('s', record)).cloned()).await;
        for wider in [
            "patient/Observation.rs patient/Patient.rs patient/Condition.rs",
            "patient/Observation.rs?category=laboratory system/Patient.rs patient/Condition.rs",
            "patient/Observation.rs?category=laboratory patient/Patient.rs patient/Condition.r",
        ] {
            let other = Somebody { scopes: wider, ..narrow };
            let (differ, _) = differing(&other.calls(&stage), &narrow, &twin).await;
            assert!(differ.len() > 1, "{wider}: {differ:#?}");
        }
    }
);
