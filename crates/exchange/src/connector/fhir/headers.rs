//! Header fields that a server wants beside those of every call: which of its sites or tenants is meant. Everybody who may read the configuration sees
//! them, so that they are no place for a credential.

use http::{HeaderMap, HeaderName, HeaderValue};
use kernel::Issue;
use serde_json::{Map, Value};

/// Fields that are ours to set: they say who we are, what we take, or how a message goes.
const OURS: [&str; 20] = [
    "accept",
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "dpop",
    "expect",
    "host",
    "if-match",
    "keep-alive",
    "prefer",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-api-key",
];

/// The fields that `config.headers` names.
///
/// # Errors
/// What the schema of the configuration cannot tell, each finding at its field.
pub fn declared(config: &Map<String, Value>) -> Result<HeaderMap, Vec<Issue>> {
    let stated = config.get("headers").and_then(Value::as_object).into_iter().flatten();
    let (mut headers, mut issues) = (HeaderMap::new(), Vec::new());
    for (name, value) in stated {
        let read = name
            .parse::<HeaderName>()
            .ok()
            .zip(value.as_str().and_then(|text| HeaderValue::from_str(text).ok()));
        let wrong = match read {
            None => Some("is no header field"),
            Some((field, _)) if OURS.contains(&field.as_str()) => {
                Some("is a field that is not for you to set")
            }
            Some((field, value)) => headers.insert(field, value).map(|_| "stands there twice"),
        };
        issues.extend(wrong.map(|why| Issue::at(format!("headers.{name}"), why)));
    }
    if issues.is_empty() { Ok(headers) } else { Err(issues) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(headers: Value) -> Result<HeaderMap, Vec<String>> {
        let config = json!({ "headers": headers });
        let read = declared(config.as_object().unwrap());
        read.map_err(|issues| issues.into_iter().map(|issue| issue.path.into_owned()).collect())
    }

    #[test]
    fn a_site_can_be_named_and_nobody_be_impersonated() {
        assert_eq!(read(json!({"SU-SiteId": "HCNWMN1"})).unwrap()["su-siteid"], "HCNWMN1");
        assert!(read(Value::Null).unwrap().is_empty());
        for name in ["Authorization", "Cookie", "HOST", "transfer-encoding", "X-API-Key", "no field", ""] {
            assert_eq!(read(json!({name: "x"})).unwrap_err(), [format!("headers.{name}")], "{name}");
        }
        assert_eq!(read(json!({"X-Site": "a\nb"})).unwrap_err(), ["headers.X-Site"]);
        assert_eq!(read(json!({"X-Site": "a", "x-site": "b"})).unwrap_err().len(), 1);
    }
}
