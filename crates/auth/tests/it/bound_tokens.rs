//! Tokens that are bound to a key, and what a thief can do with them: nothing.  RFC 9449, RFC 8705 §3, RFC 9700 §4.10

use auth::{
    DpopNonce,
    client::{self, ClientMetadata, register::Registration},
};
use axum::body::Body;
use http::{Request, StatusCode, header};
use serde_json::{Value, json};
use tower::ServiceExt;
use web::{ClientCertificate, ClientCertificates, Manners, PeerAddr};

use crate::{
    house::{BASE, House, Reply, on_each_engine, registration},
    prover::{Prover, basic, form, hash},
};

const GRANT: &[(&str, &str)] = &[("grant_type", "client_credentials")];
const HERE: &str = "/oauth2/userinfo";

/// The node with its manners, which say what the public address of a request is.
pub async fn call(house: &House, mut request: Request<Body>) -> Reply {
    request.extensions_mut().insert(PeerAddr("203.0.113.9:1".parse().unwrap()));
    let manners = Manners {
        world: house.world.clone(),
        public_url: BASE.parse().unwrap(),
        trusted_proxies: web::Networks::default(),
        client_certificates: ClientCertificates::Ask,
        numbered: &[],
        body_bytes_max: web::BODY_BYTES_MAX,
        metrics: web::Metrics::new(),
    };
    let response = manners.around(house.app.clone()).oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = http_body_util::BodyExt::collect(body).await.unwrap().to_bytes().to_vec();
    Reply { status: parts.status, headers: parts.headers, body }
}

async fn at_resource(house: &House, scheme: &str, token: &str, proofs: &[String]) -> Reply {
    let mut request = Request::get(HERE).header(header::AUTHORIZATION, format!("{scheme} {token}"));
    for proof in proofs {
        request = request.header("dpop", proof);
    }
    call(house, request.body(Body::empty()).unwrap()).await
}

fn challenge(reply: &Reply) -> &str {
    reply.headers[header::WWW_AUTHENTICATE].to_str().unwrap()
}

/// The client's own token, bound to this key.
async fn bound(house: &House, id: &str, secret: &str, prover: &Prover) -> String {
    let proof = prover.proof(house, "POST", "/oauth2/token", &json!({}));
    let headers = [("authorization", basic(id, secret)), ("dpop", proof)];
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let reply = call(house, form("/oauth2/token", &headers, GRANT)).await;
    assert_eq!(
        (reply.status, &reply.json()["token_type"]),
        (StatusCode::OK, &"DPoP".into()),
        "{}",
        reply.text()
    );
    reply.json()["access_token"].as_str().unwrap().to_owned()
}

on_each_engine! {
    async fn a_bound_token_opens_nothing_without_its_key(db: Db) {
        let house = House::open(db).await;
        let (client, secret) = house.client("diary", "confidential").await;
        let (id, prover, thief) = (client.client_id.as_str(), Prover::new(), Prover::new());
        let token = bound(&house, id, &secret, &prover).await;
        let told = house.post("/oauth2/introspection", Some((id, &secret)), &[("token", &token)]).await.json();
        assert_eq!((&told["cnf"]["jkt"], &told["token_type"]), (&prover.thumbprint().into(), &"DPoP".into()));

        let ath = hash(&token);
        let good = prover.proof(&house, "GET", HERE, &json!({ "ath": ath }));
        // The token is the client's own: it passes the door, and has no scope for what is behind it.
        let opened = at_resource(&house, "DPoP", &token, std::slice::from_ref(&good)).await;
        assert_eq!(opened.status, StatusCode::FORBIDDEN, "{}", opened.text());
        let again = at_resource(&house, "DPoP", &token, std::slice::from_ref(&good)).await;
        assert_eq!(again.status, StatusCode::UNAUTHORIZED, "a proof is good once");

        let now = house.world.now().as_seconds();
        let with = |prover: &Prover, changes: Value| {
            let mut all = json!({ "ath": ath });
            all.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
            prover.proof(&house, "GET", HERE, &all)
        };
        for (why, scheme, proofs) in [
            ("as a plain bearer", "Bearer", vec![]),
            ("as a plain bearer with a proof", "Bearer", vec![with(&prover, json!({}))]),
            ("without a proof", "DPoP", vec![]),
            ("two proofs", "DPoP", vec![with(&prover, json!({})), with(&prover, json!({}))]),
            ("another key", "DPoP", vec![with(&thief, json!({}))]),
            ("another method", "DPoP", vec![with(&prover, json!({ "htm": "POST" }))]),
            ("another address", "DPoP", vec![with(&prover, json!({ "htu": format!("{BASE}/oauth2/token") }))]),
            ("another host", "DPoP", vec![with(&prover, json!({ "htu": format!("https://evil.example{HERE}") }))]),
            ("another token", "DPoP", vec![with(&prover, json!({ "ath": hash("other") }))]),
            ("no token", "DPoP", vec![with(&prover, json!({ "ath": null }))]),
            ("too old", "DPoP", vec![with(&prover, json!({ "iat": now - 71 }))]),
            ("of the future", "DPoP", vec![with(&prover, json!({ "iat": now + 61 }))]),
            ("without an id", "DPoP", vec![with(&prover, json!({ "jti": null }))]),
            ("a nonce of nobody's", "DPoP", vec![with(&prover, json!({ "nonce": "n" }))]),
            ("junk", "DPoP", vec!["junk".to_owned()]),
        ] {
            let reply = at_resource(&house, scheme, &token, &proofs).await;
            assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{why}: {}", reply.text());
            assert!(challenge(&reply).starts_with(scheme) || proofs.len() > 1, "{why}: {}", challenge(&reply));
        }
        let plain = house.post("/oauth2/token", Some((id, &secret)), GRANT).await.json();
        let plain = plain["access_token"].as_str().unwrap();
        let dressed = prover.proof(&house, "GET", HERE, &json!({ "ath": hash(plain) }));
        let dressed = at_resource(&house, "DPoP", plain, &[dressed]).await;
        assert_eq!(dressed.status, StatusCode::UNAUTHORIZED, "a proof makes no bearer token a bound one");
    }

    async fn what_a_proof_at_the_token_endpoint_must_not_be(db: Db) {
        let house = House::open(db).await;
        let (client, secret) = house.client("diary", "confidential").await;
        let (authorization, prover) = (basic(client.client_id.as_str(), &secret), Prover::new());
        let ask = async |proofs: &[String]| {
            let mut headers = vec![("authorization", authorization.as_str())];
            headers.extend(proofs.iter().map(|proof| ("dpop", proof.as_str())));
            call(&house, form("/oauth2/token", &headers, GRANT)).await
        };
        let with = |changes: Value| prover.proof(&house, "POST", "/oauth2/token", &changes);
        let good = with(json!({}));
        assert_eq!(ask(std::slice::from_ref(&good)).await.status, StatusCode::OK);
        // No proof is taken that is older than the node.
        house.clock.advance(std::time::Duration::from_secs(20));
        let now = house.world.now().as_seconds();
        let dated = with(json!({ "nbf": now, "exp": now + 60, "iat": now - 10 }));
        assert_eq!(ask(&[dated]).await.status, StatusCode::OK, "nbf and exp are no fault");
        assert_eq!(ask(&[with(json!({ "iat": now + 10 }))]).await.status, StatusCode::OK, "clocks are not quite alike");
        for proofs in [
            vec![good],
            vec![with(json!({})), with(json!({}))],
            vec![with(json!({ "htm": "GET" }))],
            vec![with(json!({ "htu": format!("{BASE}/oauth2/par") }))],
            vec![with(json!({ "iat": now - 71 }))],
            vec![with(json!({ "iat": now + 61 }))],
            vec![with(json!({ "iat": null }))],
            vec![with(json!({ "jti": null }))],
            vec![prover.key.sign("dpop+jwt", &json!({ "jti": "1", "htm": "POST" })).unwrap()],
            vec![String::new()],
        ] {
            let reply = ask(&proofs).await;
            assert_eq!((reply.status, reply.error().as_str()), (StatusCode::BAD_REQUEST, "invalid_dpop_proof"), "{proofs:?}");
        }
    }

    async fn a_deployment_may_ask_for_its_nonce(db: Db) {
        let (world, clock) = testkit::world();
        let house = House::tuned(db, world, clock, &[], |config| config.dpop_nonce = DpopNonce::Required).await;
        let (client, secret) = house.client("diary", "confidential").await;
        let (authorization, prover) = (basic(client.client_id.as_str(), &secret), Prover::new());
        let ask = async |nonce: &Value| {
            let proof = prover.proof(&house, "POST", "/oauth2/token", &json!({ "nonce": nonce }));
            call(&house, form("/oauth2/token", &[("authorization", &authorization), ("dpop", &proof)], GRANT)).await
        };
        let refused = ask(&Value::Null).await;
        assert_eq!((refused.status, refused.error().as_str()), (StatusCode::BAD_REQUEST, "use_dpop_nonce"));
        let nonce = refused.headers["dpop-nonce"].to_str().unwrap().to_owned();
        let granted = ask(&json!(nonce)).await;
        assert_eq!(granted.status, StatusCode::OK, "{}", granted.text());
        let token = granted.json()["access_token"].as_str().unwrap().to_owned();
        let at = async |changes: Value| {
            at_resource(&house, "DPoP", &token, &[prover.proof(&house, "GET", HERE, &changes)]).await
        };
        let refused = at(json!({ "ath": hash(&token) })).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
        assert!(challenge(&refused).starts_with("DPoP error=\"use_dpop_nonce\""), "{}", challenge(&refused));
        assert_eq!(refused.headers["dpop-nonce"], nonce.as_str());
        assert_eq!(at(json!({ "ath": hash(&token), "nonce": nonce })).await.status, StatusCode::FORBIDDEN);
        house.clock.advance(std::time::Duration::from_secs(240));
        assert_eq!(ask(&json!(nonce)).await.error(), "use_dpop_nonce", "an old nonce is none");
    }

    async fn a_proof_from_before_a_restart_is_not_taken_after_it(db: Db) {
        let house = House::open(db.clone()).await;
        let (client, secret) = house.client("diary", "confidential").await;
        let (id, prover) = (client.client_id.as_str(), Prover::new());
        let token = bound(&house, id, &secret, &prover).await;
        let proof = prover.proof(&house, "GET", HERE, &json!({ "ath": hash(&token) }));
        assert_eq!(at_resource(&house, "DPoP", &token, std::slice::from_ref(&proof)).await.status, StatusCode::FORBIDDEN);
        house.clock.advance(std::time::Duration::from_secs(5));
        let restarted = House::beside(db, house.world.clone(), house.clock.clone()).await;
        assert_eq!(at_resource(&restarted, "DPoP", &token, &[proof]).await.status, StatusCode::UNAUTHORIZED);
        let fresh = prover.proof(&restarted, "GET", HERE, &json!({ "ath": hash(&token) }));
        assert_eq!(at_resource(&restarted, "DPoP", &token, &[fresh]).await.status, StatusCode::FORBIDDEN);
    }

    async fn a_token_that_is_bound_to_a_certificate_needs_it(db: Db) {
        let house = House::open(db).await;
        let metadata = ClientMetadata { tls_client_certificate_bound_access_tokens: true, ..ClientMetadata::default() };
        let registration = Registration { metadata, ..registration("confidential") };
        let (client, secret) = client::register(&house.auth, &house.acting(), "lab", &registration).await.unwrap();
        let authorization = basic(client.client_id.as_str(), secret.unwrap().text.expose());
        let made = || {
            let made = rcgen::generate_simple_self_signed(["client".to_owned()]).unwrap();
            ClientCertificate::of_chain(vec![made.cert.der().to_vec()]).unwrap()
        };
        let (mine, other) = (made(), made());
        let ask = async |certificate: Option<&ClientCertificate>, mut request: Request<Body>| {
            certificate.map(|certificate| request.extensions_mut().insert(certificate.clone()));
            call(&house, request).await
        };
        let request = || form("/oauth2/token", &[("authorization", &authorization)], GRANT);
        assert_eq!(ask(None, request()).await.status, StatusCode::BAD_REQUEST, "its tokens are always bound");
        let granted = ask(Some(&mine), request()).await;
        assert_eq!((granted.status, &granted.json()["token_type"]), (StatusCode::OK, &"Bearer".into()));
        let token = granted.json()["access_token"].as_str().unwrap().to_owned();
        for (certificate, status) in [
            (Some(&mine), StatusCode::FORBIDDEN),
            (Some(&other), StatusCode::UNAUTHORIZED),
            (None, StatusCode::UNAUTHORIZED),
        ] {
            let request = Request::get(HERE).header(header::AUTHORIZATION, format!("Bearer {token}"));
            let spoofed = request.header("client-cert", ":bWluZQ==:").body(Body::empty()).unwrap();
            assert_eq!(ask(certificate, spoofed).await.status, status);
        }
    }
}
