//! What a request presents to be let in.  RFC 6750 §2, RFC 9449 §7.1

use http::{HeaderMap, Method, Uri, header};

use crate::{ClientCertificate, limits::BEARER_BYTES_MAX};

/// How a token is presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Whoever has the token may use it, unless it is bound to a certificate.
    Bearer,
    /// The token comes with a proof of the key that it is bound to.
    Dpop,
}

impl Scheme {
    /// The word for it in `Authorization`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bearer => "Bearer",
            Self::Dpop => "DPoP",
        }
    }
}

/// A token, and what the request brings along to show that it is in the right hands.
#[derive(Clone, Copy)]
pub struct Presented<'a> {
    /// How the token is presented.
    pub scheme: Scheme,
    /// The access token.
    pub token: &'a str,
    /// The method of the request: `htm` of a proof.
    pub method: &'a Method,
    /// Its public URL without the query: `htu` of a proof.
    pub url: &'a str,
    /// The one `DPoP` header; always there where the scheme is [`Scheme::Dpop`].
    pub proof: Option<&'a str>,
    /// The certificate of the client's TLS connection.
    pub certificate: Option<&'a ClientCertificate>,
}

impl<'a> Presented<'a> {
    /// A token and nothing besides, as plain bearers present it.
    pub const fn bearer(token: &'a str) -> Self {
        Self { scheme: Scheme::Bearer, token, method: &Method::GET, url: "", proof: None, certificate: None }
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found<'a> {
    Nothing,
    One(Scheme, &'a str),
    Malformed(&'static str),
}

/// One token, in the `Authorization` header. In a query it would end up in logs, so there it is refused.
pub(super) fn token<'a>(uri: &Uri, headers: &'a HeaderMap) -> Found<'a> {
    let query = uri.query().unwrap_or_default().as_bytes();
    if url::form_urlencoded::parse(query).any(|(name, _)| name == "access_token") {
        return Found::Malformed("an access token belongs in the Authorization header, never in the URL");
    }
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Found::Nothing };
    if values.next().is_some() {
        return Found::Malformed("there is more than one Authorization header");
    }
    let Ok(text) = value.to_str() else {
        return Found::Malformed("the Authorization header is not ASCII");
    };
    let (word, token) = text.split_once(' ').unwrap_or((text, ""));
    let known = [Scheme::Bearer, Scheme::Dpop].into_iter().find(|it| word.eq_ignore_ascii_case(it.as_str()));
    let Some(scheme) = known else { return Found::Nothing };
    let token = token.trim_matches(' ');
    if token.len() > BEARER_BYTES_MAX || !is_b64token(token) {
        return Found::Malformed("the Authorization header does not hold an access token");
    }
    Found::One(scheme, token)
}

/// RFC 6750 §2.1
fn is_b64token(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b);
    !body.is_empty() && body.bytes().all(allowed)
}

/// The `DPoP` header, of which there may be one (RFC 9449 §4.3).
pub(super) fn proof(headers: &HeaderMap) -> Result<Option<&str>, &'static str> {
    let mut values = headers.get_all("dpop").iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| "not ASCII"),
        (Some(_), Some(_)) => Err("more than one DPoP header"),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn of(uri: &'static str, values: &[&'static str]) -> (Uri, HeaderMap) {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, HeaderValue::from_static(value));
        }
        (Uri::from_static(uri), headers)
    }

    #[test]
    fn one_token_in_the_header_and_nowhere_else() {
        use Scheme::{Bearer, Dpop};
        let none: &[&str] = &[];
        let cases = [
            ("/x", &["Bearer abc.DEF-1_~+/=="][..], Some((Bearer, "abc.DEF-1_~+/=="))),
            ("/x", &["bEaReR abc"][..], Some((Bearer, "abc"))),
            ("/x", &["DPoP abc"][..], Some((Dpop, "abc"))),
            ("/x", &["dpop abc"][..], Some((Dpop, "abc"))),
            ("/x", none, None),
            ("/x", &["Basic abc"][..], None),
            ("/x?y=access_token", &["Bearer abc"][..], Some((Bearer, "abc"))),
        ];
        for (uri, values, expected) in cases {
            let (uri, headers) = of(uri, values);
            let expected = expected.map_or(Found::Nothing, |(scheme, token)| Found::One(scheme, token));
            assert_eq!(token(&uri, &headers), expected, "{uri} {values:?}");
        }
        let refused: &[(&str, &[&str])] = &[
            ("/x?access_token=abc", &[]),
            ("/x?a=1&access%5Ftoken=abc", &["Bearer abc"]),
            ("/x", &["Bearer abc", "Bearer abc"]),
            ("/x", &["DPoP abc", "Bearer abc"]),
            ("/x", &["Bearer"]),
            ("/x", &["DPoP"]),
            ("/x", &["Bearer a b"]),
            ("/x", &["Bearer a,b"]),
            ("/x", &["Bearer ==="]),
        ];
        for (uri, values) in refused {
            let (uri, headers) = of(uri, values);
            assert!(matches!(token(&uri, &headers), Found::Malformed(_)), "{uri} {values:?}");
        }
    }
}
