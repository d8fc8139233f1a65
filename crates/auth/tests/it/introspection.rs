//! Who may ask about which token, by an access token of their own.  SMART App Launch 2.2 §7.0.3

use auth::client::{self, Client, ClientMetadata, register::Registration};
use http::{StatusCode, header};
use serde_json::json;

use crate::{
    bound_tokens::call,
    house::{House, Reply, on_each_engine, registration},
    prover::{Prover, form, hash},
};

const PATH: &str = "/oauth2/introspection";

/// A client that may ask about every client's tokens, once it is verified.
async fn asker(house: &House, suffix: &str) -> (Client, String) {
    let asked = Registration { scopes: "token:introspect a".into(), ..registration("confidential") };
    let (client, secret) = client::register(&house.auth, &house.acting(), suffix, &asked).await.unwrap();
    (client, secret.unwrap().text.expose().clone())
}

async fn own_token(house: &House, (client, secret): &(Client, String), scope: &str) -> String {
    let form = [("grant_type", "client_credentials"), ("scope", scope)];
    let reply = house.post("/oauth2/token", Some((client.client_id.as_str(), secret)), &form).await;
    reply.json()["access_token"].as_str().unwrap_or_else(|| panic!("{}", reply.text())).to_owned()
}

async fn ask(house: &House, authorization: &str, pairs: &[(&str, &str)]) -> Reply {
    house.call(form(PATH, &[("authorization", authorization)], pairs)).await
}

on_each_engine! {
    async fn a_bearer_of_the_right_scope_asks_about_any_client_s_tokens(db: Db) {
        let house = House::open(db).await;
        let person = house.person("mira@example.org", &[]).await;
        let server = asker(&house, "records").await;
        let (app, secret) = house.client("diary", "confidential").await;
        let cookie = house.sign_in("mira@example.org").await;
        let token = house.token(&app, &secret, &cookie, "openid a").await;
        let about = [("token", token.as_str())];
        let bearer = format!("Bearer {}", own_token(&house, &server, "token:introspect").await);

        let early = ask(&house, &bearer, &about).await;
        assert_eq!((early.status, early.error().as_str()), (StatusCode::FORBIDDEN, "insufficient_scope"), "nobody has verified it");
        client::verify(&house.auth, &house.acting(), server.0.id).await.unwrap();
        let told = ask(&house, &bearer, &about).await;
        assert_eq!(told.status, StatusCode::OK, "{}", told.text());
        let told = told.json();
        assert_eq!((&told["active"], &told["client_id"]), (&true.into(), &app.client_id.as_str().into()));
        assert_eq!((&told["sub"], &told["scope"]), (&person.id.to_string().into(), &"a openid".into()));
        let basic = house.post(PATH, Some((server.0.client_id.as_str(), &server.1)), &about).await;
        assert_eq!(basic.json(), told, "one right, however it is proven");
        assert_eq!(ask(&house, &bearer, &[("token", "junk")]).await.json(), json!({ "active": false }));

        client::revoke_tokens(&house.auth, &house.acting(), app.id).await.unwrap();
        assert_eq!(ask(&house, &bearer, &about).await.json(), json!({ "active": false }));
    }

    async fn a_token_for_another_api_stays_unknown_to_whom_it_is_not_for(db: Db) {
        let house = House::open(db).await;
        let server = asker(&house, "records").await;
        client::verify(&house.auth, &house.acting(), server.0.id).await.unwrap();
        let elsewhere = "https://elsewhere.example/api";
        let theirs = Registration {
            metadata: ClientMetadata { resources: vec![elsewhere.into()], ..ClientMetadata::default() },
            ..registration("confidential")
        };
        let (api, secret) = client::register(&house.auth, &house.acting(), "elsewhere", &theirs).await.unwrap();
        let secret = secret.unwrap().text.expose().clone();
        let form = [("grant_type", "client_credentials"), ("resource", elsewhere)];
        let token = house.post("/oauth2/token", Some((api.client_id.as_str(), &secret)), &form).await.json();
        let about = [("token", token["access_token"].as_str().unwrap())];
        let bearer = format!("Bearer {}", own_token(&house, &server, "token:introspect").await);
        assert_eq!(ask(&house, &bearer, &about).await.json(), json!({ "active": false }));
        let own = house.post(PATH, Some((api.client_id.as_str(), &secret)), &about).await;
        assert_eq!(own.json()["active"], true);
    }

    async fn what_proves_nobody_is_refused(db: Db) {
        let house = House::open(db).await;
        let server = asker(&house, "records").await;
        client::verify(&house.auth, &house.acting(), server.0.id).await.unwrap();
        let token = own_token(&house, &server, "token:introspect").await;
        let weak = own_token(&house, &server, "a").await;
        let (id, secret) = (server.0.client_id.as_str(), server.1.as_str());
        let about = ("token", weak.as_str());
        let good = format!("Bearer {token}");
        for (authorization, more, status, error) in [
            ("Bearer junk".to_owned(), vec![], 401, "invalid_token"),
            (format!("Bearer {weak}"), vec![], 403, "insufficient_scope"),
            (format!("DPoP {token}"), vec![], 401, "invalid_dpop_proof"),
            (good.clone(), vec![("client_id", id)], 400, "invalid_request"),
            (good.clone(), vec![("client_id", id), ("client_secret", secret)], 400, "invalid_request"),
            (good.clone(), vec![("client_assertion", "x")], 400, "invalid_request"),
        ] {
            let reply = ask(&house, &authorization, &[&[about][..], &more].concat()).await;
            assert_eq!((reply.status.as_u16(), reply.error().as_str()), (status, error), "{more:?}");
            assert_eq!(reply.headers.contains_key(header::WWW_AUTHENTICATE), status != 400);
        }
        assert_eq!(ask(&house, &good, &[]).await.error(), "invalid_request");
        let addressed = house.call(form(&format!("{PATH}?token=x"), &[("authorization", &good)], &[about])).await;
        assert_eq!((addressed.status.as_u16(), addressed.error().as_str()), (400, "invalid_request"));
        let nobody = house.post(PATH, None, &[about]).await;
        assert_eq!((nobody.status, nobody.error().as_str()), (StatusCode::UNAUTHORIZED, "invalid_client"));
        client::revoke_tokens(&house.auth, &house.acting(), server.0.id).await.unwrap();
        let ended = ask(&house, &good, &[about]).await;
        assert_eq!((ended.status, ended.error().as_str()), (StatusCode::UNAUTHORIZED, "invalid_token"));
        let methods = house.get("/oauth2/.well-known/openid-configuration", None).await.json();
        let methods = methods["introspection_endpoint_auth_methods_supported"].as_array().unwrap().clone();
        assert!(methods.contains(&"Bearer".into()) && methods.contains(&"DPoP".into()));
    }

    async fn a_bound_token_asks_with_its_key_only(db: Db) {
        let house = House::open(db).await;
        let server = asker(&house, "records").await;
        client::verify(&house.auth, &house.acting(), server.0.id).await.unwrap();
        let prover = Prover::new();
        let proof = prover.proof(&house, "POST", "/oauth2/token", &json!({}));
        let basic = crate::prover::basic(server.0.client_id.as_str(), &server.1);
        let grant = [("grant_type", "client_credentials"), ("scope", "token:introspect")];
        let out = call(&house, form("/oauth2/token", &[("authorization", &basic), ("dpop", &proof)], &grant)).await.json();
        let token = out["access_token"].as_str().unwrap();
        let about = [("token", token)];
        let plain = ask(&house, &format!("Bearer {token}"), &about).await;
        assert_eq!((plain.status, plain.error().as_str()), (StatusCode::UNAUTHORIZED, "invalid_token"));
        let by = async |prover: &Prover| {
            let proof = prover.proof(&house, "POST", PATH, &json!({ "ath": hash(token) }));
            call(&house, form(PATH, &[("authorization", &format!("DPoP {token}")), ("dpop", &proof)], &about)).await
        };
        assert_eq!(by(&Prover::new()).await.status, StatusCode::UNAUTHORIZED, "another key");
        let reply = by(&prover).await;
        assert_eq!((reply.status, &reply.json()["active"]), (StatusCode::OK, &true.into()), "{}", reply.text());
    }
}
