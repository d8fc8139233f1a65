//! A client names the identity provider at which the person signs in: two servers of ours, and providers that lie.

use std::{sync::Arc, time::Duration};

use auth::{
    Acting, SignedIn,
    client::{self, Client, register::Registration},
    person::Shown,
    registration::Policy,
    upstream::{self, Answer, Arrived, UpstreamFault},
};
use crypto::{
    b64,
    jose::{Algorithm, Chained},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use kernel::World;
use serde_json::{Map, Value, json};
use store::{Db, StoreConfig, StoreUrl};
use testkit::MockClock;
use tokio::net::TcpListener;
use url::Url;
use web::{Cookies, LocalPath};

use crate::{
    house::{CALLBACK, House, Reply, authorize, on_each_engine, registration},
    identity_provider::{Behaviour, IdentityProvider, serve},
    provider::{Provider, unsigned},
    udap::{Authority, COMMUNITY, communities},
};

const HOLDER: &str = "https://holder.example";
const MIRA: &str = "mira@example.org";
const TERMS: &str = "[identity_providers]\ncontact = \"mailto:it@northwind.example\"\n\
                     logo = \"https://northwind.example/logo.png\"\n";

/// Who holds the data and sends people to an identity provider to sign in.
struct Holder {
    house: House,
    client: Client,
    /// What clients call the provider.
    idp: String,
}

/// A browser that was sent to a provider.
struct Away {
    location: Url,
    cookies: Cookies,
    slug: String,
}

impl Away {
    fn asked(&self, name: &str) -> String {
        let found = self.location.query_pairs().find(|(found, _)| found == name);
        found.map(|(_, value)| value.into_owned()).unwrap_or_default()
    }
}

fn away(location: &str, set_cookie: &HeaderValue) -> Away {
    let location: Url = location.parse().unwrap();
    let pair = set_cookie.to_str().unwrap().split(';').next().unwrap();
    let cookies = Cookies::of(&HeaderMap::from_iter([(header::COOKIE, pair.parse().unwrap())]));
    let callback = location.query_pairs().find(|(name, _)| name == "redirect_uri").unwrap().1.into_owned();
    let slug = callback.strip_prefix("https://holder.example/sign-in/upstream/").unwrap();
    let slug = slug.strip_suffix("/callback").unwrap().to_owned();
    Away { location, cookies, slug }
}

fn answer(pairs: &[(&str, &str)]) -> Answer {
    let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value)));
    serde_json::from_value(Value::Object(pairs.collect())).unwrap()
}

fn wants_udap() -> Registration {
    Registration { scopes: "openid udap a".into(), ..registration("confidential") }
}

impl Holder {
    async fn open(
        db: Db,
        (world, clock): (World, MockClock),
        authority: &Authority,
        host: String,
        idp: &str,
        terms: &str,
    ) -> Self {
        let udap = communities(authority, HOLDER, &[HOLDER], terms);
        let house = House::tuned(db, world, clock, &[host], |config| {
            config.udap = udap;
            config.public_url = Url::parse(HOLDER).unwrap();
        })
        .await;
        let (client, _) =
            client::register(&house.auth, &house.acting(), "diary", &wants_udap()).await.unwrap();
        Self { house, client, idp: idp.to_owned() }
    }

    async fn ask(&self, cookie: Option<&str>, more: &[(&str, &str)]) -> Reply {
        let more = [&[("idp", self.idp.as_str())][..], more].concat();
        self.house.get(&authorize(&self.client, "openid udap a", &more), cookie).await
    }

    /// A client sends a browser, and this server sends it on to the provider.
    async fn sent(&self, more: &[(&str, &str)]) -> Away {
        let reply = self.ask(None, more).await;
        assert!(!reply.location().starts_with(CALLBACK), "{}", reply.location());
        away(reply.location(), &reply.headers[header::SET_COOKIE])
    }

    /// What the client is told where the browser is not sent on.
    async fn refused(&self, more: &[(&str, &str)]) -> String {
        let reply = self.ask(None, more).await;
        assert!(reply.location().starts_with(CALLBACK), "{}", reply.location());
        assert_eq!(reply.sent("state").as_deref(), Some("st&te"));
        reply.sent("error").unwrap()
    }

    async fn arrive(&self, away: &Away, pairs: &[(&str, &str)]) -> Result<Arrived, UpstreamFault> {
        upstream::arrive(&self.house.auth, &away.slug, None, &away.cookies, &answer(pairs), None).await
    }

    /// What the client is told by the request to which the browser comes back.
    async fn told(&self, arrived: Result<Arrived, UpstreamFault>) -> String {
        let return_to = match arrived {
            Ok(Arrived::Refused { return_to }) => return_to,
            Ok(_) => panic!("somebody came in"),
            Err(fault) => panic!("{fault}"),
        };
        let reply = self.house.get(return_to.as_str(), None).await;
        assert!(reply.location().starts_with(CALLBACK), "{}", reply.location());
        assert_eq!(reply.sent("state").as_deref(), Some("st&te"));
        reply.sent("error").unwrap()
    }

    /// Signs the person in who has arrived, and goes back to the client's request.
    async fn back(&self, arrived: Result<Arrived, UpstreamFault>) -> (String, Reply) {
        let (proven, return_to) = match arrived {
            Ok(Arrived::SignedIn { shown: Shown::Enough(proven), return_to, .. }) => (proven, return_to),
            Ok(_) => panic!("nobody came in"),
            Err(fault) => panic!("{fault}"),
        };
        let cookie = self.house.begin(proven).await;
        let reply = self.house.get(return_to.as_str(), Some(&cookie)).await;
        (cookie, reply)
    }

    async fn mira(&self) -> SignedIn {
        self.house.person(MIRA, &[]).await;
        self.house.signed_in(&self.house.sign_in(MIRA).await).await.unwrap()
    }

    async fn depart_to_link(&self, who: &SignedIn, slug: &str) -> Away {
        let back = LocalPath::parse("/account/security").unwrap();
        let departure = upstream::depart_to_link(&self.house.auth, who, slug, &back).await.unwrap();
        away(&departure.location, &departure.set_cookie)
    }

    /// The acts of this kind on record.
    async fn acts(&self, act: &str) -> usize {
        self.house.acts().await.iter().filter(|(one, _)| one == act).count()
    }
}

/// A second server of ours, on a database of its own, which is served on loopback.
async fn our_provider(db: Db, authority: &Authority) -> (House, String, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let base = format!("http://{host}");
    let issuer = format!("{base}/oauth2");
    let udap = communities(authority, &base, &[&base, &issuer], "");
    let (world, clock) = testkit::world_seeded(1);
    let house = House::tuned(db, world, clock, &[], |config| {
        config.udap = udap;
        config.public_url = Url::parse(&base).unwrap();
    })
    .await;
    serve(listener, house.app.clone());
    (house, host, issuer)
}

/// The person allows it there; the parameters with which the browser comes back.
async fn through(idp: &House, away: &Away, cookie: &str) -> Vec<(String, String)> {
    let path = format!("{}?{}", away.location.path(), away.location.query().unwrap());
    let asked = idp.get(&path, Some(cookie)).await;
    let answered = match asked.sent("request") {
        Some(request) => idp.allow(cookie, &request).await,
        None => asked.location().to_owned(),
    };
    let answered: Url = answered.parse().unwrap();
    answered.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

fn pairs(all: &[(String, String)]) -> Vec<(&str, &str)> {
    all.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// Both sides: whoever signs in at one server is let in by the other.
async fn both_sides(holder_db: Db, idp_db: Db) {
    let authority = Authority::new();
    let (idp, host, issuer) = our_provider(idp_db, &authority).await;
    idp.person("lind@idp.example", &[]).await;
    let there = idp.sign_in("lind@idp.example").await;
    let holder = Holder::open(holder_db, testkit::world(), &authority, host, &issuer, TERMS).await;

    // The first time nobody here is that person: the client is told, and nobody comes in by being called the same.
    let first = holder.sent(&[("login_hint", "lind@idp.example")]).await;
    for (name, value) in [
        ("response_type", "code"),
        ("scope", "openid udap"),
        ("login_hint", "lind@idp.example"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(first.asked(name), value);
    }
    assert!(first.location.as_str().starts_with(&format!("{issuer}/authorize?")), "{}", first.location);
    assert!(first.asked("state").len() > 40 && first.asked("nonce").len() > 40);
    let back = through(&idp, &first, &there).await;
    assert_eq!(holder.told(holder.arrive(&first, &pairs(&back)).await).await, "access_denied");
    assert_eq!(holder.acts("upstream.registered").await, 1);

    // They link the account there, signed in here, and come in from then on.
    let mira = holder.mira().await;
    let linking = holder.depart_to_link(&mira, &first.slug).await;
    let back = through(&idp, &linking, &there).await;
    let linked = upstream::arrive(
        &holder.house.auth,
        &linking.slug,
        Some(&mira),
        &linking.cookies,
        &answer(&pairs(&back)),
        None,
    )
    .await;
    assert!(matches!(linked, Ok(Arrived::Linked { .. })));

    let second = holder.sent(&[]).await;
    let back = through(&idp, &second, &there).await;
    let (cookie, asked) = holder.back(holder.arrive(&second, &pairs(&back)).await).await;
    assert_eq!(holder.house.signed_in(&cookie).await.unwrap().person, mira.person);
    let code = holder.house.allow(&cookie, &asked.sent("request").unwrap()).await;
    assert!(code.starts_with(CALLBACK) && code.contains("code="), "{code}");
    assert_eq!(holder.acts("upstream.registered").await, 1, "once, and kept");

    // A session that began otherwise does not stand for the provider, and the request that has come back does not for another person.
    let again = holder.ask(Some(&cookie), &[]).await;
    assert!(again.location().starts_with(&issuer), "asked each time: {}", again.location());
    let silent = holder.ask(Some(&cookie), &[("prompt", "none")]).await;
    assert_eq!(silent.sent("error").as_deref(), Some("login_required"));
}

/// A database of its own beside the test's.
async fn beside() -> (Db, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open(&StoreConfig::new(StoreUrl::sqlite(folder.path().join("beside.db")))).await.unwrap();
    db.migrate(&[vault::MIGRATIONS, audit::MIGRATIONS, jobs::MIGRATIONS, auth::MIGRATIONS]).await.unwrap();
    (db, folder)
}

/// A holder beside a provider that does as it is told.
async fn with_provider(db: Db, terms: &str) -> (Holder, IdentityProvider, Authority) {
    let authority = Authority::new();
    let (world, clock) = testkit::world();
    let provider = IdentityProvider::open(&authority, &world).await;
    let (host, issuer) = (provider.host.clone(), provider.issuer.clone());
    let holder = Holder::open(db, (world, clock), &authority, host, &issuer, terms).await;
    (holder, provider, authority)
}

/// The whole way through a provider that does as it is told.
async fn come(holder: &Holder, provider: &IdentityProvider) -> Result<Arrived, UpstreamFault> {
    let away = holder.sent(&[]).await;
    provider.set(|behaviour| behaviour.nonce = away.asked("nonce"));
    holder.arrive(&away, &[("code", "c-1"), ("state", &away.asked("state"))]).await
}

fn set(pairs: &[(&str, Value)]) -> Map<String, Value> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

on_each_engine! {
    async fn whoever_signs_in_at_one_server_is_let_in_by_the_other(db: Db) {
        let (other, _folder) = beside().await;
        both_sides(db, other).await;
    }

    async fn a_server_is_an_identity_provider_to_the_other(db: Db) {
        let (other, _folder) = beside().await;
        both_sides(other, db).await;
    }

    async fn an_identity_provider_tells_and_signs_what_the_guide_asks_for(db: Db) {
        let authority = Authority::new();
        let (idp, _, issuer) = our_provider(db, &authority).await;
        let told = idp.get("/oauth2/.well-known/udap?community=https%3A%2F%2Fcommunity.example%2Fudap", None).await;
        assert_eq!(told.status, StatusCode::OK);
        let told = told.json();
        let has = |member: &str, word: &str| told[member].as_array().unwrap().contains(&json!(word));
        assert!(has("udap_profiles_supported", "udap_to") && has("scopes_supported", "udap") && has("scopes_supported", "openid"));
        let signed = Chained::read(told["signed_metadata"].as_str().unwrap(), &[Algorithm::Rs256]).unwrap();
        assert_eq!(signed.named_issuer(), Some(issuer.as_str()));
        let base = idp.get("/.well-known/udap", None).await.json();
        let signed = Chained::read(base["signed_metadata"].as_str().unwrap(), &[Algorithm::Rs256]).unwrap();
        assert_eq!(signed.named_issuer(), issuer.strip_suffix("/oauth2"), "each address says who it is");
        assert_eq!(idp.get("/oauth2/.well-known/udap?community=urn:x", None).await.status, StatusCode::NO_CONTENT);
    }

    async fn whom_no_certificate_names_is_no_identity_provider(db: Db) {
        let (holder, ..) = with_provider(db, TERMS).await;
        assert_eq!(holder.house.get("/oauth2/.well-known/udap", None).await.status, StatusCode::NO_CONTENT);
        let told = holder.house.get("/.well-known/udap", None).await.json();
        assert!(told["udap_profiles_supported"].as_array().unwrap().contains(&json!("udap_to")), "it sends people elsewhere");
    }

    async fn a_provider_is_registered_with_and_asked_as_the_guide_says(db: Db) {
        let (holder, provider, _authority) = with_provider(db, TERMS).await;
        let away = holder.sent(&[("max_age", "60"), ("prompt", "login")]).await;
        for (name, value) in [("client_id", "holder-1"), ("max_age", "60"), ("prompt", "login"), ("scope", "openid udap")] {
            assert_eq!(away.asked(name), value, "{name}");
        }
        assert!(away.location.as_str().starts_with(&provider.issuer), "what is signed counts: {}", away.location);
        let statement = provider.set(|behaviour| behaviour.statements.remove(0));
        let claims = b64::decode(statement.split('.').nth(1).unwrap()).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        for (name, value) in [
            ("iss", json!(HOLDER)),
            ("sub", json!(HOLDER)),
            ("aud", json!(format!("{}/register", provider.issuer))),
            ("client_name", json!("Northwind")),
            ("redirect_uris", json!([format!("{HOLDER}/sign-in/upstream/{}/callback", away.slug)])),
            ("grant_types", json!(["authorization_code"])),
            ("response_types", json!(["code"])),
            ("contacts", json!(["mailto:it@northwind.example"])),
            ("logo_uri", json!("https://northwind.example/logo.png")),
            ("token_endpoint_auth_method", json!("private_key_jwt")),
            ("scope", json!("openid udap")),
        ] {
            assert_eq!(claims[name], value, "{name}");
        }
        assert!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap() <= 300 && claims["jti"].is_string());

        provider.set(|behaviour| behaviour.nonce = away.asked("nonce"));
        let arrived = holder.arrive(&away, &[("code", "c-1"), ("state", &away.asked("state"))]).await;
        assert_eq!(holder.told(arrived).await, "access_denied", "nobody is linked");
        let form = provider.set(|behaviour| behaviour.forms.remove(0));
        let sent = |name: &str| form.iter().find(|(one, _)| one == name).map(|(_, value)| value.as_str());
        assert_eq!((sent("udap"), sent("grant_type"), sent("code")), (Some("1"), Some("authorization_code"), Some("c-1")));
        assert!(sent("code_verifier").is_some() && sent("client_secret").is_none());
        let token = Chained::read(sent("client_assertion").unwrap(), &[Algorithm::Rs256]).unwrap();
        assert_eq!(token.named_issuer(), Some("holder-1"));
        let (registered, looked_at) = provider.set(|behaviour| (behaviour.statements.len(), behaviour.looked_at));
        assert_eq!((registered, looked_at), (0, 1), "once for a while");
    }

    async fn a_provider_that_is_not_trusted_is_invalid(db: Db) {
        let (holder, provider, authority) = with_provider(db, TERMS).await;
        let issuer = provider.issuer.clone();
        let now = holder.house.world.now().as_seconds();
        let stranger = Arc::new(Authority::new().server(&[&issuer]));
        let another = Arc::new(authority.server(&["https://another.example"]));
        let elliptic = Arc::new(authority.member(&issuer));
        type Change = Box<dyn FnOnce(&mut Behaviour)>;
        let metadata = |name: &'static str, value: Value| -> Change { Box::new(move |b| b.metadata = set(&[(name, value)])) };
        let signed = |name: &'static str, value: Value| -> Change { Box::new(move |b| b.signed = set(&[(name, value)])) };
        let cases: Vec<(&str, Change)> = vec![
            ("a stranger's certificate", Box::new(move |b| b.signer = stranger)),
            ("another's certificate", Box::new(move |b| b.signer = another)),
            ("an algorithm that metadata is not signed with", Box::new(move |b| b.signer = elliptic)),
            ("404", Box::new(|b| b.metadata_status = StatusCode::NOT_FOUND)),
            ("204", Box::new(|b| b.metadata_status = StatusCode::NO_CONTENT)),
            ("not signed", metadata("signed_metadata", Value::Null)),
            ("junk", metadata("signed_metadata", json!("junk"))),
            ("no tiered OAuth", metadata("udap_profiles_supported", json!(["udap_dcr", "udap_authn"]))),
            ("no scope of it", metadata("scopes_supported", json!(["openid"]))),
            ("another's iss", signed("iss", json!("https://another.example"))),
            ("another's sub", signed("sub", json!("https://another.example"))),
            ("over", signed("exp", json!(now - 3_600))),
            ("good for too long", signed("exp", json!(now + 400 * 86_400))),
            ("no iat", signed("iat", Value::Null)),
            ("no jti", signed("jti", Value::Null)),
            ("no registration", signed("registration_endpoint", Value::Null)),
            ("an endpoint inside", signed("token_endpoint", json!("https://127.0.0.1/token"))),
            ("a service of the machine", signed("registration_endpoint", json!("http://169.254.169.254/latest"))),
            ("a browser sent to a script", signed("authorization_endpoint", json!("javascript:alert(1)"))),
            ("a browser sent in the clear", signed("authorization_endpoint", json!("http://idp.example/authorize"))),
            ("registration refused", Box::new(|b| b.registered = (StatusCode::BAD_REQUEST, json!({ "error": "unapproved_software_statement" })))),
            ("registered for less", Box::new(|b| b.registered = (StatusCode::CREATED, json!({ "client_id": "x", "scope": "openid" })))),
            ("registered as nobody", Box::new(|b| b.registered = (StatusCode::CREATED, json!({ "client_id": "" })))),
        ];
        let honest = provider.set(|behaviour| Arc::clone(&behaviour.signer));
        for (what, change) in cases {
            provider.set(|behaviour| {
                behaviour.signer = Arc::clone(&honest);
                (behaviour.metadata, behaviour.signed) = (Map::new(), Map::new());
                behaviour.metadata_status = StatusCode::OK;
                change(behaviour);
            });
            assert_eq!(holder.refused(&[]).await, "invalid_idp", "{what}");
            // What is known of a provider is kept for a while, also what is wrong with it.
            holder.house.clock.advance(auth::udap::TOLD_KEPT);
        }
        assert_eq!(holder.acts("upstream.registered").await, 0);
        provider.set(|behaviour| behaviour.registered = (StatusCode::OK, json!({ "client_id": "holder-1" })));
        holder.sent(&[]).await;
    }

    async fn an_idp_that_must_not_be_called_is_invalid(db: Db) {
        let (mut holder, provider, _authority) = with_provider(db, TERMS).await;
        let inside = format!("http://{}/idp", provider.host.replace("127.0.0.1", "127.0.0.2"));
        for idp in [
            "http://127.0.0.1:1", "https://127.0.0.1", "https://10.0.0.5/oauth2", "https://169.254.169.254/latest/meta-data",
            "https://[::1]/", "https://localhost/oauth2", "https://idp.internal", "http://idp.example", "ftp://idp.example",
            "https://user@idp.example", "https://idp.example:8443", "https://idp.example/?x=y", "https://idp.example/#x", "idp.example", "javascript:alert(1)",
            inside.as_str(),
        ] {
            holder.idp = idp.to_owned();
            assert_eq!(holder.refused(&[]).await, "invalid_idp", "{idp}");
        }
        assert_eq!(provider.set(|behaviour| behaviour.looked_at), 0);
    }

    async fn a_provider_that_failed_is_not_asked_at_once_again(db: Db) {
        let (holder, provider, _authority) = with_provider(db, TERMS).await;
        provider.set(|behaviour| behaviour.metadata_status = StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(holder.refused(&[]).await, "invalid_idp");
        provider.set(|behaviour| behaviour.metadata_status = StatusCode::OK);
        assert_eq!(holder.refused(&[]).await, "invalid_idp");
        assert_eq!(provider.set(|behaviour| behaviour.looked_at), 1);
        holder.house.clock.advance(auth::udap::REFUSED_KEPT);
        holder.sent(&[]).await;
    }

    async fn idp_means_something_to_clients_that_ask_for_it(db: Db) {
        let (holder, provider, _authority) = with_provider(db, TERMS).await;
        let plain = holder.house.get(&authorize(&holder.client, "openid a", &[("idp", &holder.idp)]), None).await;
        assert!(plain.location().starts_with("/sign-in"), "without its scope it has no meaning: {}", plain.location());
        let own = holder.house.get(&authorize(&holder.client, "openid udap", &[("idp", "https://holder.example/oauth2")]), None).await;
        assert!(own.location().starts_with("/sign-in"), "we are the provider: {}", own.location());
        let none = holder.house.get(&authorize(&holder.client, "openid udap", &[]), None).await;
        assert!(none.location().starts_with("/sign-in"), "none is named: {}", none.location());
        assert_eq!(provider.set(|behaviour| behaviour.looked_at), 0);
    }

    async fn who_has_no_community_knows_no_idp(db: Db) {
        let house = House::open(db).await;
        let refused = client::register(&house.auth, &house.acting(), "diary", &wants_udap()).await;
        assert!(refused.is_err(), "the scope is not known here");
    }

    async fn an_organisation_that_has_not_opened_it_has_no_providers(db: Db) {
        let (holder, provider, _authority) = with_provider(db, "").await;
        assert_eq!(holder.refused(&[]).await, "invalid_idp");
        assert_eq!(provider.set(|behaviour| behaviour.looked_at), 0);
        let told = holder.house.get("/.well-known/udap", None).await.json();
        assert_eq!(told["udap_profiles_supported"], json!(["udap_dcr", "udap_authn", "udap_authz"]));
    }

    async fn a_client_of_another_organisation_has_not_its_providers(db: Db) {
        let (mut holder, provider, _authority) = with_provider(db, TERMS).await;
        let other = kernel::Id::from_bytes([8; 16]);
        let named = auth::organisation::Named { id: Some(other), slug: "southwind".into(), name: "Southwind".into() };
        auth::organisation::create(&holder.house.auth, &Acting::system(other), &named).await.unwrap();
        holder.client = client::register(&holder.house.auth, &Acting::system(other), "diary", &wants_udap()).await.unwrap().0;
        assert_eq!(holder.refused(&[]).await, "invalid_idp");
        assert_eq!(provider.set(|behaviour| behaviour.looked_at), 0);
    }

    async fn a_stranger_s_client_makes_this_server_ask_nobody(db: Db) {
        let authority = Authority::new();
        let (world, clock) = testkit::world();
        let provider = IdentityProvider::open(&authority, &world).await;
        let udap = communities(&authority, HOLDER, &[HOLDER], TERMS);
        let open = Policy::Open(auth::organisation::Slug::parse("northwind").unwrap());
        let house = House::tuned(db, world, clock, std::slice::from_ref(&provider.host), |config| {
            (config.udap, config.registration) = (udap, open);
            config.public_url = Url::parse(HOLDER).unwrap();
        })
        .await;
        let wanted = Registration {
            metadata: client::ClientMetadata { is_dynamic: true, ..client::ClientMetadata::default() },
            ..wants_udap()
        };
        let (client, _) = client::register(&house.auth, &house.acting(), "stranger", &wanted).await.unwrap();
        let asked = authorize(&client, "openid udap", &[("idp", &provider.issuer)]);
        let reply = house.get(&asked, None).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "nobody is sent anywhere: {}", reply.text());
        assert_eq!(provider.set(|behaviour| behaviour.looked_at), 0);
    }

    async fn an_id_token_under_a_certificate_is_exactly_what_was_asked_for(db: Db) {
        let (holder, provider, authority) = with_provider(db, TERMS).await;
        let issuer = provider.issuer.clone();
        let now = holder.house.world.now().as_seconds();
        for (claim, value) in [
            ("iss", json!("https://another.example")),
            ("iss", Value::Null),
            ("aud", json!("another-client")),
            ("aud", json!(["holder-1", "another-client"])),
            ("azp", json!("another-client")),
            ("nonce", json!("another-nonce")),
            ("nonce", Value::Null),
            ("exp", json!(now - 3_600)),
            ("iat", json!(now + 3_600)),
            ("iat", Value::Null),
            ("sub", Value::Null),
            ("sub", json!("x".repeat(256))),
        ] {
            provider.set(|behaviour| behaviour.claims = set(&[(claim, value.clone())]));
            assert_eq!(holder.told(come(&holder, &provider).await).await, "invalid_idp", "{claim} {value}");
        }
        provider.set(|behaviour| behaviour.claims = Map::new());
        let honest = provider.set(|behaviour| Arc::clone(&behaviour.token_signer));
        for (what, signer) in [
            ("a stranger's certificate", Authority::new().server(&[&issuer])),
            ("another's certificate", authority.server(&["https://another.example"])),
        ] {
            provider.set(|behaviour| behaviour.token_signer = Arc::new(signer));
            assert_eq!(holder.told(come(&holder, &provider).await).await, "invalid_idp", "{what}");
        }
        provider.set(|behaviour| behaviour.token_signer = Arc::clone(&honest));
        let away = holder.sent(&[]).await;
        provider.set(|behaviour| behaviour.nonce = away.asked("nonce"));
        let claims = provider.id_claims();
        for token in [honest.key.sign("JWT", &claims).unwrap(), unsigned("none", &claims), unsigned("HS256", &claims), "junk".to_owned()] {
            provider.set(|behaviour| behaviour.token = Some(token));
            assert_eq!(holder.told(come(&holder, &provider).await).await, "invalid_idp", "no certificate");
        }
        let acts = holder.house.acts().await;
        assert!(acts.iter().any(|(act, outcome)| act == "person.signed_in" && outcome == "refused"), "{acts:?}");
    }

    async fn an_answer_belongs_to_the_request_and_the_provider(db: Db) {
        let (holder, provider, _authority) = with_provider(db, TERMS).await;
        let code = ("code", "c-1");
        let mixed = holder.sent(&[]).await;
        let arrived = holder.arrive(&mixed, &[code, ("state", &mixed.asked("state")), ("iss", "https://another.example")]).await;
        assert_eq!(holder.told(arrived).await, "invalid_idp", "a mix-up");
        let stray = holder.sent(&[]).await;
        assert_eq!(holder.told(holder.arrive(&stray, &[code, ("state", "another")]).await).await, "server_error");
        let gone = holder.arrive(&stray, &[code, ("state", &stray.asked("state"))]).await;
        assert!(matches!(gone, Err(UpstreamFault::NotAsked)), "the question is over");
        let stateless = holder.sent(&[]).await;
        assert_eq!(holder.told(holder.arrive(&stateless, &[code]).await).await, "server_error");
        let elsewhere = holder.sent(&[]).await;
        let other_browser = Away { cookies: Cookies::of(&HeaderMap::new()), ..elsewhere };
        let arrived = holder.arrive(&other_browser, &[code, ("state", &other_browser.asked("state"))]).await;
        assert!(matches!(arrived, Err(UpstreamFault::NotAsked)), "another browser's question");
        for (error, told) in [
            ("access_denied", "access_denied"), ("login_required", "access_denied"), ("server_error", "server_error"),
            ("temporarily_unavailable", "temporarily_unavailable"), ("unauthorized_client", "invalid_idp"),
        ] {
            let denied = holder.sent(&[]).await;
            let arrived = holder.arrive(&denied, &[("error", error), ("state", &denied.asked("state"))]).await;
            assert_eq!(holder.told(arrived).await, told, "{error}");
        }
        assert_eq!(provider.set(|behaviour| behaviour.forms.len()), 0, "no code was redeemed");
    }

    async fn what_came_of_it_counts_for_that_request_alone(db: Db) {
        let (holder, provider, _authority) = with_provider(db, TERMS).await;
        let mira = linked(&holder, &provider).await;
        let arrived = come(&holder, &provider).await;
        let Ok(Arrived::SignedIn { shown: Shown::Enough(proven), return_to, .. }) = arrived else { panic!("nobody came in") };
        let cookie = holder.house.begin(proven).await;
        assert!(holder.house.get(return_to.as_str(), Some(&cookie)).await.sent("request").is_some());
        let for_more = return_to.as_str().replace("scope=openid+udap+a", "scope=openid+udap");
        assert_ne!(for_more, return_to.as_str());
        assert!(holder.house.get(&for_more, Some(&cookie)).await.location().starts_with(&provider.issuer), "another request");
        holder.house.person("other@example.org", &[]).await;
        let other = holder.house.sign_in("other@example.org").await;
        let asked = holder.house.get(return_to.as_str(), Some(&other)).await;
        assert!(asked.location().starts_with(&provider.issuer), "another person: {}", asked.location());
        holder.house.clock.advance(Duration::from_hours(1) - Duration::from_secs(1));
        let late = holder.house.get(return_to.as_str(), Some(&cookie)).await;
        assert!(late.location().starts_with(&provider.issuer), "it is over: {}", late.location());
        assert_eq!(holder.house.signed_in(&cookie).await.unwrap().person, mira.person);
    }

    async fn who_is_linked_is_found_by_issuer_and_subject_alone(db: Db) {
        let (holder, provider, _authority) = with_provider(db, TERMS).await;
        provider.set(|behaviour| behaviour.claims = set(&[("email", json!(MIRA)), ("email_verified", json!(true)), ("name", json!("Mira Lind"))]));
        holder.sent(&[]).await;
        let mira = linked(&holder, &provider).await;
        provider.set(|behaviour| drop(behaviour.claims.insert("sub".to_owned(), json!("subject-2"))));
        assert_eq!(holder.told(come(&holder, &provider).await).await, "access_denied", "neither name nor address is a rule");
        provider.set(|behaviour| behaviour.claims = Map::new());
        let (cookie, _) = holder.back(come(&holder, &provider).await).await;
        let signed_in = holder.house.signed_in(&cookie).await.unwrap();
        assert_eq!((signed_in.person, signed_in.amr), (mira.person, vec!["pwd".to_owned()]));
    }

    async fn new_people_come_from_a_community_only_where_that_is_open(db: Db) {
        let (holder, provider, _authority) = with_provider(db, &format!("{TERMS}new_people = \"create\"\n")).await;
        provider.set(|behaviour| behaviour.registered.1 = json!({ "client_id": "holder-1" }));
        assert_eq!(holder.told(come(&holder, &provider).await).await, "access_denied", "nothing is told of them");
        provider.set(|behaviour| behaviour.claims = set(&[("email", json!("new@example.org")), ("email_verified", json!(true)), ("name", json!("New"))]));
        let (cookie, _) = holder.back(come(&holder, &provider).await).await;
        assert!(holder.house.signed_in(&cookie).await.is_some());
        holder.house.person(MIRA, &[]).await;
        provider.set(|behaviour| behaviour.claims = set(&[("sub", json!("subject-2")), ("email", json!(MIRA)), ("email_verified", json!(true))]));
        assert_eq!(holder.told(come(&holder, &provider).await).await, "access_denied", "an account that is there is nobody's new one");
    }

    async fn a_registration_that_the_provider_has_lost_is_made_anew(db: Db) {
        let (holder, provider, _authority) = with_provider(db, TERMS).await;
        provider.set(|behaviour| behaviour.token_error = Some("invalid_client"));
        assert_eq!(holder.told(come(&holder, &provider).await).await, "invalid_idp");
        assert_eq!(holder.acts("upstream.registration_lost").await, 1);
        provider.set(|behaviour| {
            behaviour.token_error = None;
            behaviour.registered.1 = json!({ "client_id": "holder-2" });
            behaviour.claims = set(&[("aud", json!("holder-2"))]);
        });
        let away = holder.sent(&[]).await;
        assert_eq!(away.asked("client_id"), "holder-2");
        assert_eq!((holder.acts("upstream.registered").await, provider.set(|behaviour| behaviour.statements.len())), (2, 2));
        holder.house.clock.advance(auth::udap::REGISTERED_FOR);
        holder.sent(&[]).await;
        assert_eq!(provider.set(|behaviour| behaviour.statements.len()), 3, "it is made anew from time to time");
    }

    async fn a_provider_that_is_switched_off_here_stays_off(db: Db) {
        let (holder, provider, _authority) = with_provider(db, TERMS).await;
        let away = holder.sent(&[]).await;
        upstream::disable(&holder.house.auth, &holder.house.acting(), &away.slug).await.unwrap();
        assert_eq!(holder.told(holder.arrive(&away, &[("code", "c-1"), ("state", &away.asked("state"))]).await).await, "invalid_idp");
        holder.house.clock.advance(auth::udap::REGISTERED_FOR);
        assert_eq!(holder.refused(&[]).await, "invalid_idp");
        assert_eq!(provider.set(|behaviour| behaviour.statements.len()), 1);
        assert!(upstream::offered(&holder.house.auth).await.unwrap().is_empty());
    }

    async fn a_community_has_not_more_providers_than_fit(db: Db) {
        let (holder, provider, _authority) = with_provider(db, TERMS).await;
        let away = holder.sent(&[]).await;
        assert!(upstream::offered(&holder.house.auth).await.unwrap().is_empty(), "not on the page where everybody signs in");
        let of_community = "INSERT INTO upstream (id, organisation_id, slug, name, settings, community, created_at, updated_at) \
            SELECT $1, organisation_id, $2, name, settings, $3, created_at, updated_at FROM upstream WHERE slug = $4";
        for n in 1..auth::udap::IDENTITY_PROVIDERS_MAX {
            let id: kernel::Id<kernel::Upstream> = holder.house.world.new_id();
            let binds = store::binds![id, format!("udap-{n}"), COMMUNITY, away.slug];
            holder.house.db.execute(of_community, binds).await.unwrap();
        }
        holder.sent(&[]).await;
        holder.house.db.execute("UPDATE upstream SET slug = 'udap-0' WHERE slug = $1", store::binds![away.slug]).await.unwrap();
        assert_eq!(holder.refused(&[]).await, "invalid_idp", "one more would be too many");
        assert_eq!(provider.set(|behaviour| behaviour.statements.len()), 1);
    }

    async fn a_provider_that_the_operator_has_declared_can_be_named_too(db: Db) {
        let authority = Authority::new();
        let (world, clock) = testkit::world();
        let provider = Provider::open(Algorithm::Es256, world.now().as_seconds()).await;
        let holder = Holder::open(db, (world, clock), &authority, provider.host.clone(), &provider.issuer, "").await;
        let Value::Object(settings) = json!({
            "issuer": provider.issuer, "client_id": "us", "client_auth": "client_secret_basic", "id_token_alg": "ES256",
            "scopes": "openid", "counts_as": "urn:hilum:acr:password",
        }) else { panic!() };
        let new = upstream::NewUpstream {
            slug: "there".to_owned(), name: "There".to_owned(), preset: None, settings,
            client_secret: Some(kernel::Secret::new("secret".to_owned())), private_key: None,
        };
        upstream::declare(&holder.house.auth, &holder.house.acting(), new).await.unwrap();
        let away = holder.sent(&[]).await;
        assert_eq!((away.slug.as_str(), away.asked("client_id").as_str()), ("there", "us"));
        provider.set(|behaviour| behaviour.nonce = away.asked("nonce"));
        let arrived = holder.arrive(&away, &[("code", "c-1"), ("state", &away.asked("state"))]).await;
        assert_eq!(holder.told(arrived).await, "access_denied", "nobody is linked");
    }
}

/// Mira, linked to the provider's subject.
async fn linked(holder: &Holder, provider: &IdentityProvider) -> SignedIn {
    let slug = holder.sent(&[]).await.slug;
    let mira = holder.mira().await;
    let away = holder.depart_to_link(&mira, &slug).await;
    provider.set(|behaviour| behaviour.nonce = away.asked("nonce"));
    let back = answer(&[("code", "c-1"), ("state", &away.asked("state"))]);
    let arrived = upstream::arrive(&holder.house.auth, &slug, Some(&mira), &away.cookies, &back, None).await;
    assert!(matches!(arrived, Ok(Arrived::Linked { .. })));
    mira
}
