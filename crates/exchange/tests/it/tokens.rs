//! SMART Backend Services: a server that checks each assertion by our public key, and takes only the token that it gave last.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use crypto::jose::{Algorithm, AudienceForm, ExpectAssertion, Jwks, SigningKey, verify_assertion};
use exchange::connector::{
    Connector, Cursor, Outcome, Paced, PullFault, SignIn, StepName, Way,
    budget::Budget,
    fhir::{FhirServer, as_base},
    sign_in::{Endpoint, Grant, Tokens},
};
use kernel::{Secret, World};
use outbound::{Outbound, SystemLookup};
use serde_json::json;
use tokio::task::JoinSet;
use url::form_urlencoded;

use crate::budget::Counted;

struct Issuer {
    keys: Jwks,
    world: World,
    address: String,
    /// How many tokens it gave; the last one is good.
    given: usize,
    used: Vec<String>,
    takes_none: bool,
}

type Shared = Arc<Mutex<Issuer>>;

fn granted(issuer: &mut Issuer, body: &str) -> Response {
    let form: std::collections::BTreeMap<String, String> =
        form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let endpoint = format!("{}/token", issuer.address);
    let expect = ExpectAssertion {
        client: "hilum",
        audiences: &[&endpoint],
        audience_form: AudienceForm::OneText,
        jku: None,
        life_max_s: 300,
        now: issuer.world.now(),
        leeway_s: 0,
    };
    let algorithms = [Algorithm::Es384, Algorithm::Rs384];
    let read =
        form.get("client_assertion").map(|text| verify_assertion(text, &issuer.keys, &algorithms, &expect));
    let is_good = form.get("grant_type").is_some_and(|of| of == "client_credentials")
        && form.get("scope").is_some_and(|scope| scope == "system/*.rs")
        && matches!(read, Some(Ok(_)));
    if !is_good {
        return (StatusCode::BAD_REQUEST, json!({"error": "invalid_client"}).to_string()).into_response();
    }
    // An assertion is good once.
    let assertion = form["client_assertion"].clone();
    assert!(!issuer.used.contains(&assertion));
    issuer.used.push(assertion);
    issuer.given += 1;
    json!({"access_token": format!("t{}", issuer.given), "token_type": "bearer", "expires_in": 300})
        .to_string()
        .into_response()
}

async fn answer(State(shared): State<Shared>, headers: HeaderMap, uri: Uri, body: String) -> Response {
    let mut issuer = shared.lock().unwrap();
    let knows = !issuer.takes_none
        && headers
            .get("authorization")
            .is_some_and(|value| value == format!("Bearer t{}", issuer.given).as_str());
    match uri.path().trim_start_matches("/fhir/") {
        "/token" => granted(&mut issuer, &body),
        ".well-known/smart-configuration" => {
            json!({"token_endpoint": format!("{}/token", issuer.address)}).to_string().into_response()
        }
        "metadata" => {
            json!({"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "rest": [{"mode": "server",
            "resource": [{"type": "Patient", "interaction": [{"code": "search-type"}]}]}]})
            .to_string()
            .into_response()
        }
        _ if !knows => StatusCode::UNAUTHORIZED.into_response(),
        _ => json!({"resourceType": "Bundle", "type": "searchset"}).to_string().into_response(),
    }
}

/// Calls of a scene at once.
const AT_ONCE: usize = 32;

struct Scene {
    issuer: Shared,
    server: Arc<FhirServer>,
    world: World,
    clock: testkit::MockClock,
    turns: Arc<Counted>,
    _serving: JoinSet<()>,
}

async fn scene(algorithm: Algorithm, known: Option<&SigningKey>) -> Scene {
    let (world, clock) = testkit::world();
    let key = SigningKey::generate(algorithm).unwrap();
    let pem = |key: &SigningKey| {
        let der = crypto::b64::encode_standard(key.to_pkcs8().unwrap().expose());
        Secret::new(format!("-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n"))
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let address = format!("http://{host}");
    let issuer = Arc::new(Mutex::new(Issuer {
        keys: Jwks::new([known.unwrap_or(&key).public_jwk().clone()]),
        world: world.clone(),
        address: address.clone(),
        given: 0,
        used: Vec::new(),
        takes_none: false,
    }));
    let app = Router::new().fallback(answer).with_state(Arc::clone(&issuer));
    let mut serving = JoinSet::new();
    serving.spawn(async move { drop(axum::serve(listener, app).await) });
    let outbound =
        Outbound::new([host.parse().unwrap()].into_iter().collect(), Arc::new(SystemLookup)).unwrap();
    let turns = Counted::of(AT_ONCE);
    let paced = Paced::new(outbound, world.clone()).within(turns.clone());
    let base = as_base(format!("{address}/fhir").parse().unwrap());
    let sign_in = SignIn::Tokens(Box::new(Tokens {
        endpoint: Endpoint::Discovered(base.clone()),
        grant: Grant::Assertion(pem(&key)),
        client_id: "hilum".to_owned(),
        scope: "system/*.rs".to_owned(),
        paced: paced.clone(),
        kept: Arc::default(),
    }));
    let server = FhirServer::new(Way::new(paced, sign_in), base, vec!["Patient".to_owned()]);
    Scene { issuer, server: Arc::new(server), world, clock, turns, _serving: serving }
}

impl Scene {
    fn given(&self) -> usize {
        self.issuer.lock().unwrap().given
    }

    async fn pull(&self) -> Result<(), PullFault> {
        self.server.pull(&Cursor::default()).await.map(|_| ())
    }
}

#[tokio::test]
async fn one_token_is_asked_for_and_used_until_it_runs_out() {
    for algorithm in [Algorithm::Es384, Algorithm::Rs384] {
        let scene = scene(algorithm, None).await;
        let found = scene.server.check(&scene.world).await;
        let step = found.steps.iter().find(|step| step.name == StepName::SignIn).unwrap();
        assert_eq!(step.outcome, Outcome::Passed, "{step:?}");
        assert_eq!(scene.given(), 1);
        scene.clock.advance(std::time::Duration::from_secs(200));
        scene.pull().await.unwrap();
        assert_eq!(scene.given(), 1);
        // Within the margin of its end all ask, and one of them asks there.
        scene.clock.advance(std::time::Duration::from_secs(80));
        let mut pulls = JoinSet::new();
        for _ in 0..16 {
            let server = Arc::clone(&scene.server);
            pulls.spawn(async move { server.pull(&Cursor::default()).await.map(|_| ()) });
        }
        while let Some(pulled) = pulls.join_next().await {
            pulled.unwrap().unwrap();
        }
        assert_eq!(scene.given(), 2);
    }
}

#[tokio::test]
async fn asking_for_a_token_takes_turns_of_the_budget() {
    let scene = scene(Algorithm::Es384, None).await;
    scene.pull().await.unwrap();
    assert_eq!(scene.turns.given(), 3, "where tokens are, one of them, and the page");
    scene.pull().await.unwrap();
    assert_eq!((scene.turns.given(), scene.turns.taken()), (4, 0), "the page alone");
    scene.clock.advance(std::time::Duration::from_secs(600));
    for _ in 0..AT_ONCE {
        scene.turns.enter().await.unwrap();
    }
    assert!(matches!(scene.pull().await, Err(PullFault::Later { .. })));
    assert_eq!(scene.given(), 1, "no token is asked for without a turn");
}

#[tokio::test]
async fn a_token_that_is_refused_is_asked_for_anew_once() {
    let scene = scene(Algorithm::Es384, None).await;
    scene.pull().await.unwrap();
    // Somebody else's: ours is over before its time.
    scene.issuer.lock().unwrap().given += 1;
    scene.pull().await.unwrap();
    assert_eq!(scene.issuer.lock().unwrap().used.len(), 2);
    scene.issuer.lock().unwrap().takes_none = true;
    let refused = scene.pull().await;
    assert!(matches!(refused, Err(PullFault::Final { why }) if why.contains("credential")), "{refused:?}");
    assert_eq!(scene.issuer.lock().unwrap().used.len(), 3);
}

#[tokio::test]
async fn a_key_that_the_server_does_not_know_ends_the_test_at_signing_in() {
    let other = SigningKey::generate(Algorithm::Es384).unwrap();
    let scene = scene(Algorithm::Es384, Some(&other)).await;
    let found = scene.server.check(&scene.world).await;
    let worst = found.worst().filter(|step| step.outcome == Outcome::Failed).unwrap();
    assert_eq!(
        (worst.name, worst.message),
        (
            StepName::SignIn,
            "the token endpoint does not know us: is our client registered there, with our key or secret?"
        )
    );
    assert!(matches!(scene.pull().await, Err(PullFault::Final { .. })));
}
