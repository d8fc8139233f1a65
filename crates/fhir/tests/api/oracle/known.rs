//! What is told of single records and of what became of them.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use http::Method;
use serde_json::{Value, json};

use super::{
    CALLERS,
    ask::{headers, next_of},
    consent::permits,
    filled,
    rule::Somebody,
    versions,
};
use crate::stage::{Calls, Stage};

/// A version of the site's history.
pub struct Known<'v> {
    of: &'v str,
    id: &'v str,
    version: u32,
    body: Option<&'v Value>,
}

impl<'v> Known<'v> {
    pub fn of(entry: &'v Value) -> Self {
        let place = entry["fullUrl"].as_str().unwrap().strip_prefix("https://hilum.example/fhir/").unwrap();
        let (of, id) = place.split_once('/').unwrap();
        let tag = entry["response"]["etag"].as_str().unwrap();
        let version = tag.trim_matches(|letter: char| !letter.is_ascii_digit()).parse().unwrap();
        Self { of, id, version, body: entry.get("resource") }
    }

    pub fn is_of(&self, of: &str) -> bool {
        self.of == of
    }

    pub fn shown(&self) -> String {
        format!("{}/{} {}", self.of, self.id, self.version)
    }
}

pub struct Past<'v>(Vec<Known<'v>>, Vec<Value>);

impl<'v> Past<'v> {
    pub fn with_consents(versions: &'v [Value], records: Vec<Value>) -> Self {
        Self(versions.iter().map(Known::of).collect(), records)
    }

    /// How many versions consents alone withhold.
    pub fn withheld(&self, who: &Somebody) -> usize {
        let bodies = self.0.iter().filter_map(|one| one.body);
        bodies.filter(|body| who.may('r', body) && !permits(&self.1, who, 'r', body)).count()
    }
}

impl Past<'_> {
    /// A deletion is known to whoever could see what was deleted.
    fn may(&self, who: &Somebody, letter: char, one: &Known<'_>) -> bool {
        let before =
            || self.0.iter().find(|it| (it.of, it.id, it.version + 1) == (one.of, one.id, one.version));
        match one.body {
            Some(body) => who.may(letter, body) && permits(&self.1, who, letter, body),
            None => before().is_some_and(|before| self.may(who, letter, before)),
        }
    }

    fn newest(&self, one: &Known<'_>) -> &Known<'_> {
        self.0.iter().find(|it| (it.of, it.id) == (one.of, one.id)).unwrap()
    }

    /// The version, and the record as it is now.
    fn sees(&self, who: &Somebody, letter: char, one: &Known<'_>) -> bool {
        self.may(who, letter, one) && self.may(who, letter, self.newest(one))
    }

    /// The versions of a type that may be told of, oldest first: those that are found and read; and of these the ones that anybody
    /// who looks at any time from then on may be told of, since no version behind them is another's.
    pub fn told_of(&self, who: &Somebody, of: &str) -> (Vec<String>, Vec<String>) {
        let may = |one: &Known<'_>| self.may(who, 's', one) && self.may(who, 'r', one);
        let later =
            |one: &Known<'_>, it: &Known<'_>| (it.of, it.id) == (one.of, one.id) && it.version > one.version;
        let all = || self.0.iter().rev().filter(|one| one.of == of && may(one));
        let always = all().filter(|one| self.0.iter().filter(|it| later(one, it)).all(may));
        (all().map(Known::shown).collect(), always.map(Known::shown).collect())
    }

    fn that<'a>(&'a self, who: &'a Somebody, letter: char) -> impl Iterator<Item = &'a Known<'a>> {
        self.0.iter().filter(move |one| self.sees(who, letter, one))
    }
}

/// All pages of a history; a page that there is has something on it.
async fn history(caller: &Calls<'_>, place: &str) -> Vec<String> {
    let mut path = Some(format!("/fhir/{place}_history?_count=3"));
    let mut all = Vec::new();
    while let Some(asked) = path {
        let page = caller.get(&asked).await.expect(200).json();
        path = next_of(&page);
        let entries = page["entry"].as_array().cloned().unwrap_or_default();
        assert!(!entries.is_empty() || all.is_empty(), "{place}: an empty page tells that there is more");
        all.extend(entries.iter().map(|entry| Known::of(entry).shown()));
    }
    all
}

async fn histories(stage: &Stage, past: &Past<'_>, who: &Somebody) {
    let caller = who.calls(stage);
    let whole: Vec<String> = past.that(who, 's').map(Known::shown).collect();
    assert_eq!(history(&caller, "").await, whole, "{who:?}");
    for (of, _) in super::graph::TYPES {
        if !who.has_any('s', of) {
            caller.get(&format!("/fhir/{of}/_history")).await.expect(403);
            continue;
        }
        let own: Vec<String> = past.that(who, 's').filter(|one| one.of == of).map(Known::shown).collect();
        assert_eq!(history(&caller, &format!("{of}/")).await, own, "{who:?}");
    }
}

/// What is not there.
const NOWHERE: &str = "x9";

/// One call about a record and about what is not there; without the ids both answers have to be the same.
async fn same(caller: &Calls<'_>, call: (&Method, &str, &str, &[(&str, &str)]), ids: [&str; 2]) -> u16 {
    let (method, path, body, more) = call;
    let mut heard = Vec::new();
    for id in ids {
        let answer =
            caller.call(method.clone(), &path.replace("ID", id), more, &body.replace("ID", id)).await;
        heard.push((headers(&answer), answer.body.replace(id, "ID"), answer.status));
    }
    assert_eq!(heard[0], heard[1], "{method} {path} {more:?}");
    heard[0].2
}

async fn reads(stage: &Stage, past: &Past<'_>, who: &Somebody) {
    let caller = who.calls(stage);
    for one in &past.0 {
        let (of, id) = (one.of, one.id);
        let newest = past.newest(one);
        let paths = [
            (format!("/fhir/{of}/ID"), past.sees(who, 'r', newest), newest),
            (format!("/fhir/{of}/ID/_history/{}", one.version), past.sees(who, 'r', one), one),
        ];
        for (path, is_seen, version) in paths {
            if is_seen {
                let status = if version.body.is_some() { 200 } else { 410 };
                caller.get(&path.replace("ID", id)).await.expect(status);
            } else {
                let status = if who.has_any('r', of) { 404 } else { 403 };
                let known = [("if-none-match", "*")];
                assert_eq!(same(&caller, (&Method::GET, &path, "", &known), [id, NOWHERE]).await, status);
            }
        }
        let place = format!("{of}/{id}/");
        if one.version == newest.version && past.sees(who, 'r', one) {
            let own = past.that(who, 'r').filter(|it| (it.of, it.id) == (of, id)).map(Known::shown);
            assert_eq!(history(&caller, &place).await, own.collect::<Vec<_>>(), "{who:?}");
        } else if !past.sees(who, 'r', newest) {
            same(&caller, (&Method::GET, &format!("/fhir/{of}/ID/_history"), "", &[]), [id, NOWHERE]).await;
        }
    }
}

/// Whether reads, and histories, tell of something that they should not.
pub async fn noticed(stage: &Stage, past: &Past<'_>, who: &Somebody) -> [bool; 2] {
    let reads = AssertUnwindSafe(reads(stage, past, who)).catch_unwind().await;
    let histories = AssertUnwindSafe(histories(stage, past, who)).catch_unwind().await;
    [reads.is_err(), histories.is_err()]
}

pub async fn reads_and_histories(stage: &Stage, past: &Past<'_>, who: &Somebody) {
    histories(stage, past, who).await;
    reads(stage, past, who).await;
}

on_db!(
    async fn what_became_of_records_is_told_of_those_that_are_seen(db) {
        let stage = filled(db, 3).await;
        let versions = versions(&stage.north()).await;
        let past = Past::with_consents(&versions, Vec::new());
        let all: Vec<String> = past.0.iter().map(Known::shown).collect();
        let hidden = |who: &&Somebody| past.that(who, 's').count() < all.len();
        assert!(CALLERS.iter().filter(hidden).count() >= 8);
        for who in &CALLERS {
            histories(&stage, &past, who).await;
            reads(&stage, &past, who).await;
        }
        // Given from one patient to the other: the version is hers, the record is not.
        let mut given = CALLERS.iter().flat_map(|who| past.0.iter().map(move |one| (who, one)));
        assert!(given.any(|(who, one)| past.may(who, 's', one) && !past.sees(who, 's', one)));
    }
);

/// Something of this type that the caller may write.
fn own(of: &str, patient: &str) -> Value {
    let whose = json!({"reference": format!("Patient/{patient}")});
    match of {
        "Observation" => json!({
            "resourceType": of, "id": "ID", "status": "final", "code": {"text": "x"}, "subject": whose,
            "category": [{"coding": [{"system": "http://a.example", "code": "laboratory"}]}],
        }),
        _ => json!({
            "resourceType": of, "id": "ID", "status": "current", "mode": "working", "subject": whose,
        }),
    }
}

async fn writes(stage: &Stage, who: &Somebody, (of, id): (&str, &str), letters: &str) {
    let caller = who.calls(stage);
    let patient = who.patient.split(',').next().filter(|id| !id.is_empty()).unwrap_or("p0");
    let (path, whole) = (format!("/fhir/{of}/ID"), own(of, patient).to_string());
    let patch = [("content-type", "application/json-patch+json")];
    let change = r#"[{"op":"replace","path":"/status","value":"amended"}]"#;
    let batch = |kind: &str| {
        let request = json!({"request": {"method": "DELETE", "url": format!("{of}/ID")}});
        json!({"resourceType": "Bundle", "type": kind, "entry": [request]}).to_string()
    };
    let ids = [id, NOWHERE];
    if letters.contains('u') {
        for more in [&[][..], &[("if-match", "W/\"1\"")], &[("if-none-match", "*")]] {
            let status = same(&caller, (&Method::PUT, &path, &whole, more), ids).await;
            assert!((400..500).contains(&status), "{who:?} {of} {status}");
        }
        same(&caller, (&Method::PATCH, &path, change, &patch), ids).await;
    }
    if letters.contains('d') {
        for more in [&[][..], &[("if-match", "W/\"1\"")]] {
            same(&caller, (&Method::DELETE, &path, "", more), ids).await;
        }
        for kind in ["batch", "transaction"] {
            same(&caller, (&Method::POST, "/fhir", &batch(kind), &[]), ids).await;
        }
    }
}

/// The same of what a search would find if it were seen.
async fn conditional_writes(stage: &Stage, who: &Somebody, (of, id): (&str, &str)) {
    let caller = who.calls(stage);
    let patient = who.patient.split(',').next().filter(|id| !id.is_empty()).unwrap_or("p0");
    let path = format!("/fhir/{of}?identifier=urn:own|{of}-ID");
    let whole = own(of, patient).to_string().replace(r#""id":"ID","#, "");
    let change = r#"[{"op":"replace","path":"/status","value":"amended"}]"#;
    let ids = [id, NOWHERE];
    for more in [("if-match", "W/\"1\""), ("if-match", "W/\"2\"")] {
        same(&caller, (&Method::PUT, &path, &whole, &[more]), ids).await;
        let patch = [("content-type", "application/json-patch+json"), more];
        same(&caller, (&Method::PATCH, &path, change, &patch), ids).await;
        same(&caller, (&Method::DELETE, &path, "", &[more]), ids).await;
    }
    let patch = [("content-type", "application/json-patch+json")];
    same(&caller, (&Method::PATCH, &path, change, &patch), ids).await;
    same(&caller, (&Method::DELETE, &path, "", &[]), ids).await;
    let url = path.trim_start_matches("/fhir/");
    for kind in ["batch", "transaction"] {
        for (method, expects) in [("PUT", "W/\"1\""), ("PUT", "W/\"2\""), ("DELETE", "")] {
            let mut entry = json!({"request": {"method": method, "url": url}});
            if method == "PUT" {
                entry["resource"] = serde_json::from_str(&whole).unwrap();
                entry["request"]["ifMatch"] = expects.into();
            }
            let body = json!({"resourceType": "Bundle", "type": kind, "entry": [entry]}).to_string();
            same(&caller, (&Method::POST, "/fhir", &body, &[]), ids).await;
        }
    }
}

on_db!(
    async fn writes_tell_nothing_of_what_is_not_seen(db) {
        let stage = filled(db, 4).await;
        let before = versions(&stage.north()).await;
        let past = Past::with_consents(&before, Vec::new());
        let mut asked = 0;
        for who in CALLERS.iter().filter(|who| who.scopes.contains("cruds") || who.scopes.contains("write")) {
            for one in past.0.iter().filter(|one| ["Observation", "List"].contains(&one.of)) {
                let newest = past.newest(one);
                let hidden: String = ['u', 'd'].into_iter().filter(|letter| !past.may(who, *letter, newest)).collect();
                if newest.version == one.version && !hidden.is_empty() {
                    writes(&stage, who, (one.of, one.id), &hidden).await;
                    if !past.may(who, 's', newest) {
                        conditional_writes(&stage, who, (one.of, one.id)).await;
                    }
                    asked += 1;
                }
            }
        }
        assert!(asked > 10, "{asked}");
        assert_eq!(versions(&stage.north()).await, before, "and nothing is changed");
        created_unless(&stage, &past).await;
    }
);

/// What stands in nobody's way that sees it not.
async fn created_unless(stage: &Stage, past: &Past<'_>) {
    let mut asked = 0;
    for who in [CALLERS[2], CALLERS[7]] {
        let caller = who.calls(stage);
        let patient = if who.patient.is_empty() { "p0" } else { who.patient };
        let live =
            past.0.iter().filter(|one| one.of == "Observation" && past.newest(one).version == one.version);
        for one in live.filter(|one| one.body.is_some()) {
            let condition = format!("identifier=urn:own|Observation-{}", one.id);
            let body = own("Observation", patient).to_string();
            let answer =
                caller.call(Method::POST, "/fhir/Observation", &[("if-none-exist", &condition)], &body).await;
            let is_seen = past.sees(&who, 's', one);
            let answer = answer.expect(if is_seen { 200 } else { 201 });
            assert_eq!(answer.json()["id"] == one.id, is_seen);
            asked += usize::from(!is_seen);
        }
    }
    assert!(asked > 2, "{asked}");
}
