//! A registration as an administrator looks at it, so that another day can tell what has changed.

use std::collections::{BTreeMap, BTreeSet};

use crypto::jose::Jwk;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::client::{Client, ClientMetadata};

/// The properties that a page shows first, by their names in RFC 7591 §2, and in our own words.
const FIRST: [&str; 10] = [
    "client_name",
    "client_uri",
    "redirect_uris",
    "scope",
    "grant_types",
    "hilum_profile",
    "token_endpoint_auth_method",
    "jwks_uri",
    "jwks",
    "post_logout_redirect_uris",
];

/// What is registered: the values of each property that has any.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LookedAt(BTreeMap<String, Vec<String>>);

/// A property that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its name in RFC 7591 §2, or our own.
    pub property: String,
    /// Its values then.
    pub before: Vec<String>,
    /// Its values now.
    pub now: Vec<String>,
}

impl LookedAt {
    /// What is registered for a client.
    pub fn of(client: &Client) -> Self {
        let texts =
            |all: &[crate::client::RedirectUri]| all.iter().map(|uri| uri.as_str().to_owned()).collect();
        let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut put = |name: &str, values: Vec<String>| drop(all.insert(name.to_owned(), values));
        put("client_name", vec![client.name.clone()]);
        put("client_uri", vec![client.uri.as_str().to_owned()]);
        put("redirect_uris", texts(&client.redirect_uris));
        put("post_logout_redirect_uris", texts(&client.post_logout_redirect_uris));
        put("grant_types", client.grant_types.iter().map(|grant| grant.as_str().to_owned()).collect());
        put("scope", client.scopes.iter().map(ToString::to_string).collect());
        put("logo_uri", client.logo_uri.iter().map(ToString::to_string).collect());
        put("hilum_profile", vec![client.profile.as_str().to_owned()]);
        put("token_endpoint_auth_method", vec![client.auth_method.as_str().to_owned()]);
        put("token_lifetime_s", vec![client.token_lifetime_s.to_string()]);
        // Written by serde a moment ago: an object always.
        let metadata = serde_json::to_value(&client.metadata).unwrap_or_default();
        for (name, value) in metadata.as_object().into_iter().flatten() {
            put(
                name,
                if name == "jwks" { keys_of(&client.metadata).into_iter().collect() } else { values(value) },
            );
        }
        all.retain(|_, values| !values.is_empty());
        Self(all)
    }
}

fn values(value: &Value) -> Vec<String> {
    match value {
        Value::Array(all) => all.iter().flat_map(values).collect(),
        Value::String(text) => vec![text.clone()],
        other => vec![other.to_string()],
    }
}

/// The keys that are registered themselves, each by its thumbprint (RFC 7638).
pub(in crate::client) fn keys_of(metadata: &ClientMetadata) -> BTreeSet<String> {
    let keys = metadata.jwks.as_ref().and_then(|set| set.get("keys")).and_then(Value::as_array);
    let name = |key: &Value| {
        let read: Option<Jwk> = serde_json::from_value(key.clone()).ok();
        // What is no key that is read here is compared as it is written.
        read.and_then(|key| key.thumbprint()).unwrap_or_else(|| key.to_string())
    };
    keys.into_iter().flatten().map(name).collect()
}

/// What is not as it was, what matters most first. Nothing is changed by another order of the same values.
pub fn changes(before: &LookedAt, now: &LookedAt) -> Vec<Change> {
    let names: BTreeSet<&String> = before.0.keys().chain(now.0.keys()).collect();
    let values = |all: &LookedAt, name: &String| all.0.get(name).cloned().unwrap_or_default();
    let as_set = |values: &[String]| values.iter().cloned().collect::<BTreeSet<_>>();
    let changed = names.into_iter().filter_map(|name| {
        let (before, now) = (values(before, name), values(now, name));
        (as_set(&before) != as_set(&now)).then(|| Change { property: name.clone(), before, now })
    });
    let mut changed: Vec<Change> = changed.collect();
    let place =
        |change: &Change| FIRST.iter().position(|name| *name == change.property).unwrap_or(FIRST.len());
    changed.sort_by_key(place);
    changed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{client::register::Registration, scope};

    fn looked_at(registration: &Registration) -> LookedAt {
        LookedAt::of(&crate::client::tests::client(registration, &scope::built_in()))
    }

    fn registration() -> Registration {
        Registration {
            name: "Sleep diary".into(),
            uri: "https://app.example".into(),
            confidentiality: "confidential".into(),
            redirect_uris: vec!["https://app.example/a".into(), "https://app.example/b".into()],
            grant_types: vec!["authorization_code".into()],
            scopes: "openid profile".into(),
            ..Registration::default()
        }
    }

    #[test]
    fn what_changed_is_told_property_by_property() {
        let before = looked_at(&registration());
        assert_eq!(changes(&before, &before), []);
        let other_order = Registration {
            redirect_uris: vec!["https://app.example/b".into(), "https://app.example/a".into()],
            ..registration()
        };
        assert_eq!(changes(&before, &looked_at(&other_order)), []);
        let after = Registration {
            name: "Night diary".into(),
            redirect_uris: vec!["https://app.example/a".into()],
            metadata: ClientMetadata {
                contacts: vec!["help@app.example".into()],
                dpop_bound_access_tokens: true,
                ..ClientMetadata::default()
            },
            ..registration()
        };
        let told = changes(&before, &looked_at(&after));
        let told: Vec<_> =
            told.iter().map(|one| (one.property.as_str(), one.before.join(" "), one.now.join(" "))).collect();
        assert_eq!(
            told,
            [
                ("client_name", "Sleep diary".to_owned(), "Night diary".to_owned()),
                (
                    "redirect_uris",
                    "https://app.example/a https://app.example/b".into(),
                    "https://app.example/a".into()
                ),
                ("contacts", String::new(), "help@app.example".into()),
                ("dpop_bound_access_tokens", String::new(), "true".into()),
            ]
        );
        let kept = serde_json::to_string(&before).unwrap();
        assert_eq!(serde_json::from_str::<LookedAt>(&kept).unwrap(), before);
    }

    #[test]
    fn a_key_is_known_by_its_thumbprint() {
        let key =
            |kid: &str, x: &str| serde_json::json!({ "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x });
        let keys = |all: Vec<Value>| {
            keys_of(&ClientMetadata {
                jwks: Some(serde_json::json!({ "keys": all })),
                ..ClientMetadata::default()
            })
        };
        // RFC 8037 appendix A.3
        let one = key("a", "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
        assert_eq!(
            keys(vec![one.clone()]).into_iter().collect::<Vec<_>>(),
            ["kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"]
        );
        assert_eq!(
            keys(vec![key("b", "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")]),
            keys(vec![one.clone()])
        );
        assert_ne!(keys(vec![key("a", "AAAA")]), keys(vec![one]));
        assert!(keys_of(&ClientMetadata::default()).is_empty());
    }
}
