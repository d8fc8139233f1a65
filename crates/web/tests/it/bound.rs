//! Tokens that are bound to a key: what reaches the one who decides, and how refusals challenge.

use std::sync::{Arc, Mutex};

use axum::{Extension, Router, body::Body, routing::get as on_get};
use futures_util::future::BoxFuture;
use http::Request;
use kernel::Caller;
use web::{AuthFault, Authenticate, Bearer, ClientCertificate, Dialect, Families, PeerAddr, Presented};

use crate::{Told, around, ask, testing};

/// Writes down what is presented, and refuses in the way that the token's name says.
#[derive(Default)]
struct Scribe(Mutex<Vec<String>>);

impl Authenticate for Scribe {
    fn authenticate<'a>(&'a self, it: Presented<'a>) -> BoxFuture<'a, Result<Caller, AuthFault>> {
        let leaf = it.certificate.map(|it| String::from_utf8_lossy(it.leaf()).into_owned());
        let line = format!("{:?} {} {} {} {:?} {leaf:?}", it.scheme, it.token, it.method, it.url, it.proof);
        self.0.lock().unwrap().push(line);
        let world = testing::world().0;
        let caller = Caller {
            organisation: world.new_id(),
            client: world.new_id(),
            person: None,
            scopes: "read".parse().unwrap(),
            grants: kernel::Grants::none(),
            token: world.new_id(),
        };
        Box::pin(std::future::ready(match it.token {
            "good" => Ok(caller),
            "forged" => Err(AuthFault::Proof("forged")),
            "stale" => Err(AuthFault::Nonce("n-1".to_owned())),
            _ => Err(AuthFault::Invalid),
        }))
    }
    fn proof_algorithms(&self) -> &str {
        "ES256 EdDSA"
    }
}

async fn tell(app: &Router, headers: &[(&str, &str)]) -> Told {
    let mut request = Request::get("/patient/1?_count=2").extension(PeerAddr("10.0.0.1:1".parse().unwrap()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    ask(app, request.body(Body::empty()).unwrap()).await
}

fn app(scribe: &Arc<Scribe>) -> Router {
    let authority: Arc<dyn Authenticate> = scribe.clone();
    let routes = Router::new().route("/patient/{id}", on_get(|_: Bearer| async { "read" }));
    let routes = routes.layer(Extension(authority));
    around("https://hilum.example/", Families::new().with(Dialect::Fhir, routes).build(Dialect::Fhir))
}

#[tokio::test]
async fn who_decides_sees_all_that_the_request_shows() {
    let scribe = Arc::<Scribe>::default();
    let app = app(&scribe);
    let url = "https://hilum.example/patient/1";
    for (headers, seen) in [
        (&[("authorization", "Bearer good")] as &[(&str, &str)], format!("Bearer good GET {url} None None")),
        (
            &[("authorization", "DPoP good"), ("dpop", "a.b.c"), ("client-cert", ":bGVhZg==:")],
            format!(r#"Dpop good GET {url} Some("a.b.c") Some("leaf")"#),
        ),
    ] {
        assert_eq!(tell(&app, headers).await.status, 200);
        assert_eq!(scribe.0.lock().unwrap().pop().as_ref(), Some(&seen));
    }
    let chain = ClientCertificate::of_chain(vec![b"leaf".to_vec(), b"ca".to_vec()]).unwrap();
    assert_eq!(chain.chain().count(), 2);
    assert!(ClientCertificate::of_chain(Vec::new()).is_none());
}

#[tokio::test]
async fn a_proof_is_challenged_by_rfc_9449() {
    let scribe = Arc::<Scribe>::default();
    let app = app(&scribe);
    let offer = r#"DPoP algs="ES256 EdDSA""#;
    let dpop = |error: &str| format!(r#"DPoP error="{error}", algs="ES256 EdDSA""#);
    let proven = ("dpop", "a.b.c");
    for (headers, challenges) in [
        (vec![], vec!["Bearer".to_owned(), offer.to_owned()]),
        (vec![("authorization", "Bearer bad")], vec![r#"Bearer error="invalid_token""#.into(), offer.into()]),
        (vec![("authorization", "DPoP bad"), proven], vec![dpop("invalid_token")]),
        (vec![("authorization", "DPoP forged"), proven], vec![dpop("invalid_dpop_proof")]),
        (vec![("authorization", "DPoP stale"), proven], vec![dpop("use_dpop_nonce")]),
        (vec![("authorization", "DPoP good")], vec![dpop("invalid_dpop_proof")]),
        (vec![("authorization", "DPoP good"), proven, proven], vec![dpop("invalid_dpop_proof")]),
        (vec![("authorization", "Bearer good"), proven, proven], vec![dpop("invalid_dpop_proof")]),
    ] {
        let told = tell(&app, &headers).await;
        assert_eq!(told.status, 401, "{headers:?}");
        let found: Vec<_> =
            told.headers.get_all("www-authenticate").iter().map(|it| it.to_str().unwrap()).collect();
        assert_eq!(found, challenges, "{headers:?}");
        let nonce = headers.contains(&("authorization", "DPoP stale")).then_some("n-1");
        assert_eq!(told.header("dpop-nonce"), nonce, "{headers:?}");
    }
}
