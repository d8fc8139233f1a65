//! `HC-API-Version`: which version of an API is asked for, and which one answers.  Contract 3; RFC 9745, RFC 8594

use http::{HeaderMap, HeaderName, HeaderValue};
use kernel::{Kind, Timestamp};
use web::Problem;

/// The header.
pub(crate) const VERSION: HeaderName = HeaderName::from_static("hc-api-version");
const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
const SUNSET: HeaderName = HeaderName::from_static("sunset");

/// The version that is meant where none is said.
const UNSAID: u32 = 1;

/// A version that there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Offered {
    pub number: u32,
    pub deprecated: Option<Deprecated>,
}

/// Since when a version should not be used any more, and when it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Deprecated {
    pub since: Timestamp,
    pub ends: Timestamp,
}

/// The versions of the FHIR APIs.
pub(crate) const OFFERED: &[Offered] = &[Offered { number: 1, deprecated: None }];

/// The version that is asked for.
pub(crate) fn choose(headers: &HeaderMap, offered: &[Offered]) -> Result<Offered, Problem> {
    let mut said = headers.get_all(VERSION).iter();
    let asked = match (said.next(), said.next()) {
        (None, _) => UNSAID,
        (Some(value), None) => {
            let number = value.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
            let number = number.and_then(|text| text.parse().ok()).filter(|number| *number > 0);
            number.ok_or_else(|| refused("HC-API-Version must be a positive integer"))?
        }
        (Some(_), Some(_)) => return Err(refused("HC-API-Version is there more than once")),
    };
    offered.iter().find(|one| one.number == asked).copied().ok_or_else(|| {
        let known: Vec<String> = offered.iter().map(|one| one.number.to_string()).collect();
        refused(format!("there is no such version of this API; there is {}", known.join(", ")))
    })
}

fn refused(words: impl Into<std::borrow::Cow<'static, str>>) -> Problem {
    Problem::new(Kind::Invalid, words).with_path("HC-API-Version")
}

/// Say which version answers.
pub(crate) fn tell(headers: &mut HeaderMap, version: Offered) {
    headers.insert(VERSION, HeaderValue::from(version.number));
    let Some(deprecated) = version.deprecated else { return };
    let since = format!("@{}", deprecated.since.as_seconds());
    if let Ok(since) = HeaderValue::from_str(&since) {
        headers.insert(DEPRECATION, since);
    }
    if let Ok(ends) = HeaderValue::from_str(&super::http_date(deprecated.ends)) {
        headers.insert(SUNSET, ends);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &[Offered] = &[
        Offered {
            number: 1,
            deprecated: Some(Deprecated {
                since: Timestamp::from_seconds(1_767_225_600),
                ends: Timestamp::from_seconds(1_798_761_600),
            }),
        },
        Offered { number: 3, deprecated: None },
    ];

    fn headers(values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (VERSION, HeaderValue::from_str(value).unwrap())).collect()
    }

    #[test]
    fn which_version_is_asked_for() {
        for (values, expected) in [
            (&[][..], Ok(1)),
            (&["1"], Ok(1)),
            (&["3"], Ok(3)),
            (&["2"], Err("there is no such version of this API; there is 1, 3")),
            (&["0"], Err("HC-API-Version must be a positive integer")),
            (&["-1"], Err("HC-API-Version must be a positive integer")),
            (&["+1"], Err("HC-API-Version must be a positive integer")),
            (&["1.0"], Err("HC-API-Version must be a positive integer")),
            (&[""], Err("HC-API-Version must be a positive integer")),
            (&["99999999999999"], Err("HC-API-Version must be a positive integer")),
            (&["1", "1"], Err("HC-API-Version is there more than once")),
        ] {
            let chosen = choose(&headers(values), TWO).map(|one| one.number);
            assert_eq!(
                chosen.map_err(|problem| problem.message().to_owned()),
                expected.map_err(str::to_owned),
                "{values:?}"
            );
        }
    }

    #[test]
    fn a_deprecated_version_says_since_when_and_until_when() {
        let mut told = HeaderMap::new();
        tell(&mut told, TWO[0]);
        assert_eq!(told["hc-api-version"], "1");
        assert_eq!(told["deprecation"], "@1767225600");
        assert_eq!(told["sunset"], "Fri, 01 Jan 2027 00:00:00 GMT");
        let mut told = HeaderMap::new();
        tell(&mut told, TWO[1]);
        assert_eq!((told.len(), &told["hc-api-version"]), (1, &HeaderValue::from(3)));
    }
}
