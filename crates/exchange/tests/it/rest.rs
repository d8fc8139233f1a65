//! REST APIs in each way of paging, and what becomes of their records.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    extract::{Query, State},
    http::{StatusCode, Uri},
    response::{IntoResponse, Response},
};
use exchange::{
    connector::{
        Connector, Cursor, Deletions, Found, Mapper, Name, Paced, PullFault, Raw, SignIn, Way,
        rest::{RestApi, declared},
    },
    mapping::Ids,
    quarantine::waiting,
    run::{Counts, Extent, State as RunState},
};
use http::Method;
use kernel::Digest;
use outbound::{Outbound, SystemLookup};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    api::{app, call, integration},
    stage::{HERE, INTEGRATION, Stage, on_sync, organisation},
};

/// People of the API, by what they are asked for.
#[derive(Default)]
struct Clinic {
    people: Vec<Value>,
    asked: Vec<String>,
    /// It answers the same page whatever it is asked for.
    is_stuck: bool,
}

type Shared = Arc<Mutex<Clinic>>;
const SIZE: usize = 3;

async fn people(
    State(clinic): State<Shared>,
    uri: Uri,
    Query(query): Query<BTreeMap<String, String>>,
) -> Response {
    let mut clinic = clinic.lock().unwrap();
    clinic.asked.push(uri.to_string());
    let number = |name: &str| query.get(name).and_then(|text| text.parse::<usize>().ok());
    let since = query.get("since").cloned().unwrap_or_default();
    let all: Vec<&Value> =
        clinic.people.iter().filter(|one| one["at"].as_str().unwrap_or_default() >= since.as_str()).collect();
    let from = match uri.path() {
        _ if clinic.is_stuck => 0,
        "/api/pages" => (number("page").unwrap_or(1) - 1) * SIZE,
        "/api/offsets" => number("offset").unwrap_or(0),
        "/api/cursors" => {
            query.get("after").and_then(|text| text.strip_prefix('c')?.parse().ok()).unwrap_or(0)
        }
        "/api/links" | "/api/urls" => number("from").unwrap_or(0),
        "/api/all" => return json!(all).to_string().into_response(),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    let page: Vec<&Value> = all.iter().skip(from).take(SIZE).copied().collect();
    let next = from + SIZE;
    let more = next < all.len();
    match uri.path() {
        "/api/cursors" => json!({"items": page, "meta": {"next": more.then(|| format!("c{next}"))}})
            .to_string()
            .into_response(),
        "/api/urls" => json!({"items": page, "next": more.then(|| format!("/api/urls?from={next}"))})
            .to_string()
            .into_response(),
        "/api/links" => {
            let link = if more { format!("</api/links?from={next}>; rel=\"next\"") } else { String::new() };
            ([("link", link)], json!({"items": page}).to_string()).into_response()
        }
        _ => json!({"items": page}).to_string().into_response(),
    }
}

struct Scene {
    clinic: Shared,
    base: String,
    outbound: Outbound,
    _serving: JoinSet<()>,
}

fn person(id: usize) -> Value {
    json!({"id": id, "family": format!("F{id}"), "sex": "f", "at": format!("2026-01-{:02}T00:00:00Z", id + 1)})
}

async fn scene(people_: usize) -> Scene {
    let clinic =
        Arc::new(Mutex::new(Clinic { people: (0..people_).map(person).collect(), ..Clinic::default() }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let app = Router::new().fallback(people).with_state(Arc::clone(&clinic));
    let mut serving = JoinSet::new();
    serving.spawn(async move { drop(axum::serve(listener, app).await) });
    let outbound =
        Outbound::new([host.parse().unwrap()].into_iter().collect(), Arc::new(SystemLookup)).unwrap();
    Scene { clinic, base: format!("http://{host}/api"), outbound, _serving: serving }
}

fn ids() -> Ids {
    Ids::new(|text| {
        let mut bytes = [0u8; 32];
        for (nth, byte) in text.bytes().rev().enumerate() {
            bytes[nth % 20] ^= byte;
        }
        Digest::from_bytes(bytes)
    })
}

fn config(path: &str, pagination: Value, sexes: Value) -> Value {
    json!({"site_id": "x", "streams": [{"name": "people", "path": path, "records": if path == "all" { "" } else { "/items" },
            "pagination": pagination, "incremental": {"parameter": "since", "field": "/at", "overlap_s": 0},
            "deleted": {"field": "/gone"}}],
        "mapping": {"code_maps": {"sex": sexes}, "streams": {"people": [{"target": "Patient", "key": "/id", "set": {
            "name[0].family": "/family", "gender": {"from": "/sex", "code_map": "sex"}}}]}}})
}

impl Scene {
    fn api(&self, config: &Value) -> RestApi {
        let (plan, mapping) =
            declared(config.as_object().unwrap()).unwrap_or_else(|issues| panic!("{issues:?}")).unwrap();
        let way = Way::new(Paced::new(self.outbound.clone(), testkit::world().0), SignIn::Open);
        RestApi::new(way, self.base.parse().unwrap(), plan, Mapper::with(Arc::new(mapping), ids()))
    }
}

/// Everything that comes, with the mark at the end.
async fn pulled(
    api: &RestApi,
    mark: Option<Value>,
) -> Result<(Vec<Found>, Vec<Name>, Option<Value>), PullFault> {
    let (mut records, mut gone, mut cursor) = (Vec::new(), Vec::new(), Cursor { mark, place: None });
    for _ in 0..50 {
        let page = api.pull(&cursor).await?;
        records.extend(page.records);
        gone.extend(page.gone);
        match page.next {
            Some(next) => {
                assert!(page.mark.is_none(), "a mark moves once all of a stream has come");
                cursor.place = Some(next);
            }
            None => return Ok((records, gone, page.mark)),
        }
    }
    panic!("it does not come to an end");
}

#[tokio::test]
async fn each_way_of_paging_brings_every_record_once() {
    let scene = scene(7).await;
    for (path, pagination) in [
        ("all", json!({})),
        ("pages", json!({"style": "page", "parameter": "page", "size_parameter": "per", "size": 3})),
        (
            "pages",
            json!({"style": "page", "parameter": "page", "size_parameter": "per", "size": 3, "end": "short"}),
        ),
        ("offsets", json!({"style": "offset", "parameter": "offset"})),
        ("cursors", json!({"style": "cursor", "parameter": "after", "next": "/meta/next"})),
        ("links", json!({"style": "link_header"})),
        ("urls", json!({"style": "next_url", "next": "/next"})),
    ] {
        let api = scene.api(&config(path, pagination.clone(), json!({"f": "female"})));
        assert_eq!(api.abilities().deletions, Deletions::Unknown);
        let (records, _, mark) = pulled(&api, None).await.unwrap();
        let names: std::collections::BTreeSet<_> =
            records.iter().map(|found| found.name.id.clone()).collect();
        assert_eq!((records.len(), names.len()), (7, 7), "{path} {pagination}");
        assert!(records.iter().all(|found| found.text.is_ok()));
        let (since, ..) = pulled(&api, mark).await.unwrap();
        assert_eq!(since.len(), 1, "{path}: what changed at the time of the mark comes again");
    }
    assert!(
        scene
            .clinic
            .lock()
            .unwrap()
            .asked
            .iter()
            .any(|asked| asked.contains("since=2026-01-07T00%3A00%3A00Z"))
    );
}

#[tokio::test]
async fn a_source_that_goes_in_circles_is_noticed() {
    let scene = scene(7).await;
    scene.clinic.lock().unwrap().is_stuck = true;
    for (path, pagination) in [
        ("pages", json!({"style": "page", "parameter": "page"})),
        ("cursors", json!({"style": "cursor", "parameter": "after", "next": "/meta/next"})),
        ("links", json!({"style": "link_header"})),
    ] {
        let api = scene.api(&config(path, pagination, json!({"f": "female"})));
        assert!(matches!(pulled(&api, None).await, Err(PullFault::Final { .. })), "{path}");
    }
    let limited = json!({"style": "page", "parameter": "page", "pages_max": 2});
    scene.clinic.lock().unwrap().is_stuck = false;
    let api = scene.api(&config("pages", limited, json!({"f": "female"})));
    assert!(matches!(pulled(&api, None).await, Err(PullFault::Final { why }) if why.contains("pages_max")));
}

on_sync!(
    async fn what_an_api_has_is_mapped_tried_stored_and_mended(db) {
        let scene = scene(4).await;
        scene.clinic.lock().unwrap().people[2]["sex"] = json!("canary");
        let all = |sexes: Value| config("all", json!({}), sexes);
        let api: Arc<dyn Connector> = Arc::new(scene.api(&all(json!({"f": "female"}))));
        let mended: Arc<dyn Connector> = Arc::new(scene.api(&all(json!({"f": "female", "canary": "other"}))));
        let both = Mend { now: Arc::clone(&api), later: mended, is_mended: Arc::new(Mutex::new(false)) };
        let is_mended = Arc::clone(&both.is_mended);
        let stage = Stage::wrapped(db, 1, move |_| Arc::new(both)).await;

        // Tried first: by what is configured, by a draft, with records of one's own. Nothing is stored.
        let door = app(&stage);
        let place = format!("/api/v1/integrations/{}/mapping/dry-run", integration());
        let ask = async |who: &str, body: Value| call(&door, who, (Method::POST, &place), Some(body)).await;
        let (status, told) = ask("1.data_manager", json!({})).await;
        assert_eq!((status, told["items"].as_array().unwrap().len()), (200, 4), "{told}");
        assert_eq!(told["items"][0]["results"][0]["outcome"], "accepted", "{told}");
        assert_eq!(told["items"][0]["results"][0]["resource"]["gender"], "female");
        assert_eq!(told["items"][2]["results"][0]["findings"][0]["code"], "code-invalid");
        let draft = all(json!({"f": "female", "*": "unknown"}))["mapping"].clone();
        let (_, told) = ask("1.data_manager", json!({"mapping": draft, "limit": 3})).await;
        assert_eq!(told["items"][2]["results"][0]["resource"]["gender"], "unknown", "{told}");
        let own = json!({"stream": "people", "records": [{"id": 9, "sex": "f"}, {"sex": "f"}]});
        let (_, told) = ask("1.data_manager", own).await;
        assert_eq!(told["items"][1]["results"][0]["outcome"], "refused", "{told}");
        let (status, told) = ask("1.data_manager", json!({"stream": "people", "records": [{"id": 9}, 7]})).await;
        assert_eq!((status, &told["error"]["field"]), (400, &json!("records[1]")), "{told}");
        let wrong = json!({"mapping": {"streams": {"a": [{"target": "Patient", "key": "/id", "set": {"nme": "/a"}}]}}});
        let (status, told) = ask("1.data_manager", wrong).await;
        assert_eq!((status, &told["error"]["field"]), (422, &json!("mapping.streams.a.0.set.nme")), "{told}");
        assert_eq!(ask("1.data_manager", json!({"limit": 51})).await.0, 422);
        assert_eq!(ask("1.viewer", json!({})).await.0, 403);
        assert_eq!(ask("2.data_manager", json!({})).await.0, 404);
        assert!(stage.records(HERE).await.is_empty());

        let run = stage.begin(Extent::Full).await;
        let run = stage.ended(run).await;
        assert_eq!(run.state, RunState::Done, "{:?}", run.why);
        assert_eq!(run.counts, Counts { received: 4, stored: 3, quarantined: 1, ..Counts::default() });
        let mut reader = stage.db.read().await.unwrap();
        let all = waiting(&mut reader, (organisation(1), INTEGRATION), None, 10).await.unwrap();
        drop(reader);
        let replay = format!("/api/v1/integrations/{}/quarantine/qr_{}/replay", integration(),
            all[0].id.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect::<String>());
        let again = async || call(&door, "1.data_manager", (Method::POST, &replay), Some(json!({}))).await.1;
        assert_eq!(again().await["status"], "quarantined");
        *is_mended.lock().unwrap() = true;
        assert_eq!(again().await["status"], "stored");
        assert_eq!(stage.records(HERE).await.len(), 4);

        // The same again is the same; who is gone is deleted, and who was never here is nobody's.
        scene.clinic.lock().unwrap().people[1]["gone"] = json!(true);
        scene.clinic.lock().unwrap().people.push(json!({"id": 99, "gone": true}));
        let run = stage.begin(Extent::Full).await;
        let run = stage.ended(run).await;
        assert_eq!(run.counts, Counts { received: 5, unchanged: 4, deleted: 1, ..Counts::default() });
        assert_eq!(stage.records(HERE).await.len(), 3);
    }
);

/// The integration before and after its mapping was mended.
struct Mend {
    now: Arc<dyn Connector>,
    later: Arc<dyn Connector>,
    is_mended: Arc<Mutex<bool>>,
}

impl Mend {
    fn one(&self) -> &dyn Connector {
        if *self.is_mended.lock().unwrap() { &*self.later } else { &*self.now }
    }
}

impl Connector for Mend {
    fn abilities(&self) -> exchange::connector::Abilities {
        self.one().abilities()
    }
    fn check<'a>(
        &'a self,
        world: &'a kernel::World,
    ) -> futures_util::future::BoxFuture<'a, exchange::connector::Findings> {
        self.one().check(world)
    }
    fn pull<'a>(
        &'a self,
        cursor: &'a Cursor,
    ) -> futures_util::future::BoxFuture<'a, Result<exchange::connector::Page, PullFault>> {
        self.one().pull(cursor)
    }
    fn ask<'a>(
        &'a self,
        name: &'a Name,
    ) -> futures_util::future::BoxFuture<'a, Result<exchange::connector::Asked, PullFault>> {
        self.one().ask(name)
    }
    fn again(&self, raw: &Raw) -> Vec<Found> {
        self.one().again(raw)
    }
}
