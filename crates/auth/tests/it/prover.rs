//! A client that proves itself with keys, by another implementation than ours.

use auth::client::{self, Client, ClientMetadata, register::Registration};
use axum::body::Body;
use crypto::{
    b64,
    jose::{Algorithm, SigningKey},
    sha256,
};
use http::{Request, header};
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};

use crate::house::{BASE, House, Reply, encoded, registration};

pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A key of a client's.
pub struct Prover {
    pub key: SigningKey,
}

impl Prover {
    pub fn new() -> Self {
        Self { key: SigningKey::generate(Algorithm::Es256).unwrap() }
    }

    pub fn jwks(&self) -> Value {
        json!({ "keys": [self.key.public_jwk()] })
    }

    fn encoding(&self) -> EncodingKey {
        EncodingKey::from_ec_der(self.key.to_pkcs8().unwrap().expose())
    }

    pub fn header(&self) -> Header {
        let mut header = Header::new(jsonwebtoken::Algorithm::ES256);
        header.kid = Some(self.key.kid().to_owned());
        header
    }

    pub fn sign(&self, header: &Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &self.encoding()).unwrap()
    }

    /// An assertion that is good, but for what is changed.
    pub fn assertion(&self, house: &House, client: &Client, changes: &Value) -> String {
        self.sign(&self.header(), &claims(house, client, changes))
    }

    pub fn thumbprint(&self) -> String {
        self.key.public_jwk().thumbprint().unwrap()
    }

    /// A proof for this request that is good, but for what is changed.
    pub fn proof(&self, house: &House, method: &str, path: &str, changes: &Value) -> String {
        let mut header = Header::new(jsonwebtoken::Algorithm::ES256);
        header.typ = Some("dpop+jwt".into());
        header.jwk =
            Some(serde_json::from_value(serde_json::to_value(self.key.public_jwk()).unwrap()).unwrap());
        let good = json!({
            "jti": house.world.new_id::<kernel::Token>(), "htm": method, "htu": format!("{BASE}{path}"),
            "iat": house.world.now().as_seconds(),
        });
        self.sign(&header, &changed(good, changes))
    }
}

/// The hash of an access token (`ath`).
pub fn hash(token: &str) -> String {
    b64::encode(sha256(token.as_bytes()))
}

/// The claims of a good assertion, but for what is changed; what is changed to null is left out.
pub fn claims(house: &House, client: &Client, changes: &Value) -> Value {
    let (id, now) = (client.client_id.as_str(), house.world.now().as_seconds());
    let good = json!({
        "iss": id, "sub": id, "aud": format!("{BASE}/oauth2/token"), "jti": house.world.new_id::<kernel::Token>(),
        "iat": now, "exp": now + 60,
    });
    changed(good, changes)
}

fn changed(mut good: Value, changes: &Value) -> Value {
    let members = good.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
    good
}

/// A client that proves itself in this way.
pub async fn keyed(
    house: &House,
    suffix: &str,
    profile: &str,
    method: &str,
    metadata: ClientMetadata,
) -> (Client, String) {
    let registration = Registration {
        profile: profile.into(),
        auth_method: method.into(),
        grant_types: vec!["client_credentials".into()],
        scopes: "a system/*.rs".into(),
        metadata,
        ..registration("confidential")
    };
    let (client, secret) =
        client::register(&house.auth, &house.acting(), suffix, &registration).await.unwrap();
    (client, secret.map(|secret| secret.text.expose().clone()).unwrap_or_default())
}

pub fn with_keys(jwks: Value) -> ClientMetadata {
    ClientMetadata { jwks: Some(jwks), ..ClientMetadata::default() }
}

/// `Ok` where the assertion proves its client; else the error that the answer names.
pub async fn prove(house: &House, assertion: &str) -> Result<(), String> {
    let form =
        [("client_assertion_type", ASSERTION_TYPE), ("client_assertion", assertion), ("token", "junk")];
    told(house.post("/oauth2/revocation", None, &form).await)
}

pub fn told(reply: Reply) -> Result<(), String> {
    if reply.status == 200 { Ok(()) } else { Err(format!("{} {}", reply.status.as_u16(), reply.error())) }
}

/// A form with headers, as a request.
pub fn form(path: &str, headers: &[(&str, &str)], pairs: &[(&str, &str)]) -> Request<Body> {
    let mut request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::from(encoded(pairs))).unwrap()
}

pub fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", b64::encode_standard(format!("{id}:{secret}")))
}
