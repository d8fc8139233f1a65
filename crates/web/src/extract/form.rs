//! Parameters in a form body or a query: each at most once.  RFC 6749 §3.1, ASVS 15.3.7

use std::{borrow::Cow, collections::BTreeMap};

use axum::{
    body::Body,
    extract::{FromRequest, FromRequestParts, Request},
};
use bytes::Bytes;
use http::{header::CONTENT_TYPE, request::Parts};
use kernel::{Issue, Kind, Secret};
use serde::de::DeserializeOwned;

use super::{body, reason};
use crate::{Place, Problem, limits::PARAMETERS_MAX};

/// A form body: media type `application/x-www-form-urlencoded` else 415; a parameter that is there twice, missing or
/// of another shape is 400 and named.
#[derive(Debug, Clone, Copy)]
pub struct Form<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Form<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        read(Place::Body, &form(&parts, body).await?).map(Self)
    }
}

/// The parameters of a form whatever their names are, by the rules of [`Form`], with their values as what they may be:
/// secrets. The request's head stays with the caller.
///
/// # Errors
/// As [`Form`].
pub async fn parameters(parts: &Parts, body: Body) -> Result<BTreeMap<String, Secret<String>>, Problem> {
    let bytes = form(parts, body).await?;
    let pairs = each_once(&bytes).map_err(|issue| malformed(Place::Body, issue))?;
    Ok(pairs.into_iter().map(|(name, value)| (name.into_owned(), Secret::new(value.into_owned()))).collect())
}

async fn form(parts: &Parts, body: Body) -> Result<Bytes, Problem> {
    const MEDIA: &str = "application/x-www-form-urlencoded";
    if parts.headers.get_all(CONTENT_TYPE).iter().eq([MEDIA])
        || body::media_type(&parts.headers).as_deref() == Some(MEDIA)
    {
        body::read(&parts.extensions, body).await
    } else {
        Err(body::unsupported_media(MEDIA))
    }
}

/// The query of the URL, by the rules of [`Form`].
#[derive(Debug, Clone, Copy)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        read(Place::Query, parts.uri.query().unwrap_or_default().as_bytes()).map(Self)
    }
}

fn read<T: DeserializeOwned>(place: Place, bytes: &[u8]) -> Result<T, Problem> {
    each_once(bytes).map_err(|issue| malformed(place, issue))?;
    let pairs = serde_urlencoded::Deserializer::new(url::form_urlencoded::parse(bytes));
    serde_path_to_error::deserialize(pairs)
        .map_err(|error| reason::problem(place, &error.path().to_string(), &error.inner().to_string()))
}

fn malformed(place: Place, issue: Issue) -> Problem {
    let message = format!("{}: {}", issue.path, issue.message);
    Problem::new(Kind::Invalid, message.trim_start_matches(": ").to_owned())
        .with_code("invalid_request")
        .with_place(place)
        .with_issues(vec![issue])
}

/// A name and its value.
type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

/// The parameters: every one is there once at most, is UTF-8 and has no NUL in it.
fn each_once(bytes: &[u8]) -> Result<Vec<Pair<'_>>, Issue> {
    let mut pairs: Vec<Pair<'_>> = Vec::new();
    for pair in bytes.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
        let mut halves = pair.splitn(2, |byte| *byte == b'=');
        let name = decoded(halves.next().unwrap_or_default());
        let value = decoded(halves.next().unwrap_or_default());
        let Some(name) = name else {
            return Err(Issue::at("", "a parameter name is not UTF-8"));
        };
        let shown = || name.chars().filter(|c| !c.is_control()).take(64).collect::<String>();
        let Some(value) = value.filter(|value| !value.contains('\0')) else {
            return Err(Issue::at(shown(), "is not UTF-8 text"));
        };
        // A few names: looking through them costs less than hashing them.
        if pairs.iter().any(|(other, _)| *other == name) {
            return Err(Issue::at(shown(), "is there more than once"));
        }
        pairs.push((name, value));
        if pairs.len() > PARAMETERS_MAX {
            return Err(Issue::at("", "there are too many parameters"));
        }
    }
    Ok(pairs)
}

/// The text that a name or a value stands for; none if it is not UTF-8.
fn decoded(part: &[u8]) -> Option<Cow<'_, str>> {
    if !part.iter().any(|byte| matches!(byte, b'%' | b'+')) {
        return std::str::from_utf8(part).ok().map(Cow::Borrowed);
    }
    let spaced: Vec<u8> = part.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    String::from_utf8(percent_encoding::percent_decode(&spaced).collect()).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct In {
        code: String,
        size: Option<u8>,
    }

    #[test]
    fn parameters_are_read_once_each() {
        let read = |text: &str| read::<In>(Place::Query, text.as_bytes());
        assert_eq!(read("code=a+b%2B&size=7").unwrap(), In { code: "a b+".to_owned(), size: Some(7) });
        assert_eq!(read("&&code=").unwrap(), In { code: String::new(), size: None });
        let table = [
            ("code=a&code=b", "code", "code: is there more than once"),
            ("code=a&c%6fde=b", "code", "code: is there more than once"),
            ("code=a&x=1&x=1", "x", "x: is there more than once"),
            ("size=1", "code", "code: is missing"),
            ("code=a&size=300", "size", "size: "),
            ("code=%ff", "code", "code: is not UTF-8 text"),
            ("code=a%00b", "code", "code: is not UTF-8 text"),
        ];
        for (text, field, message) in table {
            let problem = read(text).unwrap_err();
            assert_eq!(problem.path(), Some(field), "{text}");
            assert!(problem.message().starts_with(message), "{text}: {}", problem.message());
        }
        let many: String = (0..=PARAMETERS_MAX).map(|n| format!("p{n}=&")).collect();
        assert!(read(&many).is_err());
    }
}
