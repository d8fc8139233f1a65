//! What a request says about which client it comes from, and how it means to show it.  RFC 6749 §2.3, RFC 7521 §4.2

use crypto::b64;
use http::{HeaderMap, header};
use kernel::Secret;
use url::form_urlencoded;

use super::{ClientIdText, GrantType, assertion, authenticate::Parameters};
use crate::OAuthFault;

/// The one sort of assertion that proves a client.  RFC 7523 §2.2
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Which client, and with what.
pub(super) struct Presented {
    pub client_id: ClientIdText,
    pub credential: Credential,
}

/// What is there to be judged. A certificate is no part of it: it is on the connection whether it is meant or not.
pub(super) enum Credential {
    /// Nothing in the request.
    None,
    /// A secret, in the header or in the form.
    Secret(Secret<String>),
    /// A signed assertion.
    Assertion(Secret<String>),
}

/// Exactly one way to authenticate, else it is not clear which of two clients is meant.
pub(super) fn read(headers: &HeaderMap, form: &Parameters) -> Result<Presented, OAuthFault> {
    const TWO: OAuthFault = OAuthFault::InvalidRequest("the client authenticates in two ways at once");
    let mut authorizations = headers.get_all(header::AUTHORIZATION).iter();
    let in_header = match (authorizations.next(), authorizations.next()) {
        (None, _) => None,
        (Some(value), None) => Some(basic(value.to_str().unwrap_or_default())?),
        (Some(_), Some(_)) => {
            return Err(OAuthFault::InvalidRequest("there is more than one Authorization header"));
        }
    };
    let (named, secret, assertion) = (form.get("client_id"), form.get("client_secret"), asserted(form)?);
    match (in_header, secret, assertion) {
        (Some(_), Some(_), _) | (Some(_), _, Some(_)) | (_, Some(_), Some(_)) => Err(TWO),
        (Some((id, secret)), None, None) if named.is_none_or(|named| named == id) => {
            of(&id, Credential::Secret(secret))
        }
        (Some(_), None, None) => {
            Err(OAuthFault::InvalidRequest("client_id and the Authorization header name two clients"))
        }
        (None, secret, None) => {
            let id = named.ok_or(OAuthFault::InvalidClient("no client is named"))?;
            let secret = secret.map(|secret| Credential::Secret(Secret::new(secret.to_owned())));
            of(id, secret.unwrap_or(Credential::None))
        }
        (None, None, Some(assertion)) => {
            let subject = assertion::subject(assertion)
                .ok_or(OAuthFault::InvalidClient("the client assertion is malformed"))?;
            if named.is_some_and(|named| named != subject) {
                return Err(OAuthFault::InvalidRequest("client_id and the assertion name two clients"));
            }
            of(&subject, Credential::Assertion(Secret::new(assertion.to_owned())))
        }
    }
}

/// RFC 7521 §4.2: both parameters, of the one type that is read here.
fn asserted(form: &Parameters) -> Result<Option<&str>, OAuthFault> {
    match (form.get("client_assertion_type"), form.get("client_assertion")) {
        // The assertion is grant and proof at once (RFC 7523 §2.1): its issuer is the client.
        (None, None) if form.get("grant_type").and_then(GrantType::parse) == Some(GrantType::JwtBearer) => {
            form.get("assertion").map(Some).ok_or(OAuthFault::InvalidRequest("assertion is missing"))
        }
        (None, None) => Ok(None),
        (Some(ASSERTION_TYPE), Some(assertion)) => Ok(Some(assertion)),
        (Some(ASSERTION_TYPE), None) => Err(OAuthFault::InvalidRequest("client_assertion is missing")),
        (None, Some(_)) => Err(OAuthFault::InvalidRequest("client_assertion_type is missing")),
        (Some(_), _) => Err(OAuthFault::InvalidClient("a type of assertion that is not read here")),
    }
}

fn of(client_id: &str, credential: Credential) -> Result<Presented, OAuthFault> {
    let client_id = client_id.parse().map_err(|_| OAuthFault::InvalidClient("the client id is malformed"))?;
    Ok(Presented { client_id, credential })
}

/// `Basic`, whose halves are form-encoded before they are joined (RFC 6749 §2.3.1).
fn basic(value: &str) -> Result<(String, Secret<String>), OAuthFault> {
    const MALFORMED: OAuthFault = OAuthFault::InvalidClient("the Authorization header is malformed");
    let (scheme, encoded) = value.split_once(' ').ok_or(MALFORMED)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(OAuthFault::InvalidClient("an authentication scheme that is not offered"));
    }
    let bytes = Secret::new(b64::decode_standard(encoded.trim()).map_err(|_| MALFORMED)?);
    let text = std::str::from_utf8(bytes.expose()).map_err(|_| MALFORMED)?;
    let (id, secret) = text.split_once(':').ok_or(MALFORMED)?;
    Ok((form_decoded(id), Secret::new(form_decoded(secret))))
}

fn form_decoded(text: &str) -> String {
    if !text.contains(['%', '+', '&', '=']) {
        return text.to_owned();
    }
    // A pair without `=` and `&` in it is one name.
    let plain = text.replace('&', "%26").replace('=', "%3D");
    form_urlencoded::parse(plain.as_bytes()).map(|(name, _)| name.into_owned()).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (header::AUTHORIZATION, value.parse().unwrap())).collect()
    }

    fn outcome(authorizations: &[&str], pairs: &[(&str, &str)]) -> Result<String, &'static str> {
        match read(&headers(authorizations), &Parameters::of(pairs)) {
            Ok(Presented { client_id, credential }) => Ok(match credential {
                Credential::None => format!("{client_id}"),
                Credential::Secret(secret) => format!("{client_id} secret {}", secret.expose()),
                Credential::Assertion(_) => format!("{client_id} assertion"),
            }),
            Err(OAuthFault::InvalidRequest(_)) => Err("invalid_request"),
            Err(OAuthFault::InvalidClient(_)) => Err("invalid_client"),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn one_way_to_authenticate_and_no_more() {
        let basic = format!("Basic {}", b64::encode_standard("a.b:s+e%2Bc%3A%26%3D:x&y=z"));
        let basic = basic.as_str();
        let secret = || Ok("a.b secret s e+c:&=:x&y=z".to_owned());
        let assertion = format!("e30.{}.x", b64::encode(r#"{"sub":"a.b"}"#));
        let of_type = ("client_assertion_type", ASSERTION_TYPE);
        let asserted = ("client_assertion", assertion.as_str());
        for (authorizations, pairs, expected) in [
            (vec![basic], vec![], secret()),
            (vec![basic], vec![("client_id", "a.b")], secret()),
            (vec![], vec![("client_id", "a.b"), ("client_secret", "s")], Ok("a.b secret s".into())),
            (vec![], vec![("client_id", "a.b")], Ok("a.b".into())),
            (vec![], vec![("client_id", "a.b"), ("client_secret", "")], Ok("a.b".into())),
            (vec![], vec![of_type, asserted], Ok("a.b assertion".into())),
            (vec![], vec![of_type, asserted, ("client_id", "a.b")], Ok("a.b assertion".into())),
            (vec![], vec![of_type, asserted, ("client_id", "a.c")], Err("invalid_request")),
            (vec![], vec![of_type, asserted, ("client_secret", "s")], Err("invalid_request")),
            (vec![basic], vec![of_type, asserted], Err("invalid_request")),
            (vec![], vec![of_type, ("client_id", "a.b")], Err("invalid_request")),
            (vec![], vec![asserted, ("client_id", "a.b")], Err("invalid_request")),
            (vec![], vec![("client_assertion_type", "saml"), asserted], Err("invalid_client")),
            (vec![], vec![of_type, ("client_assertion", "junk")], Err("invalid_client")),
            (vec![basic], vec![("client_secret", "s")], Err("invalid_request")),
            (vec![basic], vec![("client_id", "a.c")], Err("invalid_request")),
            (vec![basic, basic], vec![], Err("invalid_request")),
            (vec![], vec![], Err("invalid_client")),
            (vec![], vec![("client_secret", "s")], Err("invalid_client")),
            (vec![], vec![("client_id", "a")], Err("invalid_client")),
            (vec!["Bearer x"], vec![("client_id", "a.b")], Err("invalid_client")),
            (vec!["Basic"], vec![], Err("invalid_client")),
            (vec!["Basic !"], vec![], Err("invalid_client")),
            (vec!["Basic YS5i"], vec![], Err("invalid_client")),
        ] {
            assert_eq!(outcome(&authorizations, &pairs), expected, "{authorizations:?} {pairs:?}");
        }
    }
}
