//! One client that keeps every rule, and one change for each rule that breaks it.

use std::{collections::BTreeMap, time::Duration};

use crypto::jose::Algorithm;

use super::*;
use crate::client::{
    AuthMethod, ClientMetadata, Confidentiality, GrantType, Profile, RedirectUri, register::Registration,
    tests::client,
};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn days(many: u64) -> Duration {
    Duration::from_hours(24 * many)
}

fn uris(texts: &[&str]) -> Vec<RedirectUri> {
    texts.iter().map(|text| RedirectUri::parse(text).unwrap()).collect()
}

/// Nothing to say against it.
fn good() -> Client {
    let registration = Registration {
        name: "Sleep diary".into(),
        uri: "https://app.example".into(),
        confidentiality: "confidential".into(),
        redirect_uris: vec!["https://app.example/cb".into()],
        grant_types: vec!["authorization_code".into(), "refresh_token".into()],
        scopes: "openid profile".into(),
        ..Registration::default()
    };
    let client = client(&registration, &crate::scope::built_in());
    Client {
        auth_method: AuthMethod::PrivateKeyJwt,
        created_at: NOW - days(100),
        metadata: ClientMetadata {
            jwks_uri: Some("https://app.example/jwks".into()),
            contacts: vec!["team@app.example".into()],
            backchannel_logout_uri: Some("https://app.example/out".into()),
            ..ClientMetadata::default()
        },
        ..client
    }
}

fn with_secrets() -> (Client, Seen) {
    let client = Client { auth_method: AuthMethod::ClientSecretBasic, ..good() };
    (client, Seen { secrets: vec![secret(10, Some(1))], ..Seen::default() })
}

fn secret(age_days: u64, used_days_ago: Option<u64>) -> SeenSecret {
    SeenSecret {
        created_at: NOW - days(age_days),
        last_used_at: used_days_ago.map(|ago| NOW - days(ago)),
        expires_at: None,
    }
}

fn refused(why: &str, times: usize) -> Seen {
    Seen { refused: vec![(why.to_owned(), times)], ..Seen::default() }
}

/// What is not kept.
fn findings(client: &Client, seen: &Seen) -> BTreeMap<&'static str, Verdict> {
    let all = report(client, seen, NOW);
    all.into_iter()
        .filter(|found| found.verdict != Verdict::Kept)
        .map(|found| (found.rule.id, found.verdict))
        .collect()
}

#[test]
fn a_good_client_keeps_every_rule() {
    assert_eq!(findings(&good(), &Seen::default()), BTreeMap::new());
    let (client, seen) = with_secrets();
    assert_eq!(findings(&client, &seen), BTreeMap::from([("client.asymmetric", Verdict::Advice)]));
}

#[test]
fn each_rule_is_broken_by_what_it_is_about() {
    use Verdict::{Advice, Broken};
    let scopes = |text: &str| text.parse().unwrap();
    let metadata = || good().metadata;
    let none = Seen::default;
    let (secret_client, _) = with_secrets();
    let with = |secrets: Vec<SeenSecret>| Seen { secrets, ..Seen::default() };
    let system = Client {
        grant_types: vec![GrantType::ClientCredentials],
        redirect_uris: vec![],
        token_lifetime_s: 300,
        profile: Profile::SmartBackend,
        ..good()
    };
    let fapi = Client {
        profile: Profile::Fapi2,
        metadata: ClientMetadata { dpop_bound_access_tokens: true, ..metadata() },
        ..good()
    };
    assert_eq!(findings(&fapi, &none()), BTreeMap::new());
    let alg = |alg| ClientMetadata { token_endpoint_auth_signing_alg: Some(alg), ..metadata() };
    let id_alg = |alg| ClientMetadata { id_token_signed_response_alg: Some(alg), ..metadata() };
    let table: Vec<(&str, Verdict, Client, Seen)> = vec![
        (
            "redirect.encrypted",
            Advice,
            Client { redirect_uris: uris(&["http://127.0.0.1/cb"]), ..good() },
            none(),
        ),
        (
            "redirect.encrypted",
            Broken,
            Client { redirect_uris: uris(&["http://127.0.0.1/cb"]), ..fapi.clone() },
            none(),
        ),
        ("redirect.scheme", Advice, Client { redirect_uris: uris(&["diary://cb"]), ..good() }, none()),
        (
            "client.method",
            Broken,
            Client {
                auth_method: AuthMethod::SelfSignedTlsClientAuth,
                profile: Profile::SmartAppLaunch,
                ..good()
            },
            none(),
        ),
        (
            "client.reachable",
            Advice,
            Client { metadata: ClientMetadata { contacts: vec![], ..metadata() }, ..good() },
            none(),
        ),
        (
            "client.reachable",
            Broken,
            Client {
                profile: Profile::Udap,
                metadata: ClientMetadata { contacts: vec![], ..metadata() },
                ..good()
            },
            none(),
        ),
        ("client.profile", Advice, Client { profile: Profile::Legacy, ..good() }, none()),
        (
            "client.token_by_get",
            Broken,
            Client { metadata: ClientMetadata { token_by_get: true, ..metadata() }, ..good() },
            none(),
        ),
        ("secret.there", Broken, secret_client.clone(), none()),
        ("secret.age", Advice, secret_client.clone(), with(vec![secret(366, Some(1))])),
        ("secret.unused", Advice, secret_client.clone(), with(vec![secret(10, Some(1)), secret(91, None)])),
        ("secret.unused", Advice, secret_client.clone(), with(vec![secret(300, Some(91))])),
        (
            "secret.right",
            Advice,
            secret_client.clone(),
            Seen { secrets: vec![secret(1, None)], ..refused("wrong_secret", 3) },
        ),
        (
            "keys.hosted",
            Advice,
            Client {
                metadata: ClientMetadata { jwks_uri: None, jwks: Some("x".into()), ..metadata() },
                ..good()
            },
            none(),
        ),
        (
            "keys.hosted",
            Broken,
            Client { metadata: ClientMetadata { jwks_uri: None, ..metadata() }, ..good() },
            none(),
        ),
        (
            "keys.algorithm",
            Broken,
            Client { profile: Profile::Udap, metadata: alg(Algorithm::Rs512), ..good() },
            none(),
        ),
        ("token.life", Advice, Client { token_lifetime_s: 7_200, ..good() }, none()),
        ("token.life", Broken, Client { token_lifetime_s: 7_200, profile: Profile::Udap, ..good() }, none()),
        ("token.bound", Broken, Client { metadata: metadata(), ..fapi.clone() }, none()),
        (
            "id_token.algorithm",
            Broken,
            Client { profile: Profile::SmartAppLaunch, metadata: id_alg(Algorithm::Es256), ..good() },
            none(),
        ),
        (
            "grant.profile",
            Broken,
            Client {
                profile: Profile::SmartAppLaunch,
                grant_types: vec![GrantType::AuthorizationCode, GrantType::ClientCredentials],
                ..good()
            },
            none(),
        ),
        ("pkce.s256", Broken, good(), refused("code_challenge_method must be S256", 1)),
        ("redirect.registered", Advice, good(), refused("redirect_uri_not_registered", 1)),
        (
            "scope.refresh",
            Broken,
            Client {
                scopes: scopes("openid offline_access"),
                grant_types: vec![GrantType::AuthorizationCode],
                ..good()
            },
            none(),
        ),
        ("scope.identity", Broken, Client { scopes: scopes("profile"), ..good() }, none()),
        ("scope.least", Advice, Client { scopes: scopes("openid patient/*.rs"), ..good() }, none()),
        ("scope.used", Advice, good(), Seen { scopes_granted: scopes("openid"), ..Seen::default() }),
        ("smart.launch_url", Broken, Client { scopes: scopes("openid launch"), ..good() }, none()),
        (
            "smart.system_scopes",
            Advice,
            Client { scopes: scopes("system/Patient.r patient/Patient.r"), ..system },
            none(),
        ),
        (
            "logout.backchannel",
            Advice,
            Client { metadata: ClientMetadata { backchannel_logout_uri: None, ..metadata() }, ..good() },
            none(),
        ),
    ];
    for (rule, verdict, client, seen) in &table {
        let mut found = findings(client, seen);
        // What goes with a secret wherever there is one.
        if client.auth_method.has_secret() {
            found.remove("client.asymmetric");
        }
        assert_eq!(found, BTreeMap::from([(*rule, *verdict)]), "{rule}");
    }
    let tried: std::collections::BTreeSet<&str> =
        table.iter().map(|(rule, ..)| *rule).chain(["client.asymmetric"]).collect();
    assert_eq!(tried, RULES.iter().map(|rule| rule.id).collect());
}

#[test]
fn what_is_not_for_a_client_is_not_in_its_report() {
    let public = Client {
        confidentiality: Confidentiality::Public,
        auth_method: AuthMethod::None,
        metadata: ClientMetadata { contacts: vec!["a@b.example".into()], ..ClientMetadata::default() },
        ..good()
    };
    let ids: Vec<&str> = report(&public, &Seen::default(), NOW).iter().map(|found| found.rule.id).collect();
    for id in ["secret.there", "keys.hosted", "client.asymmetric", "logout.backchannel", "token.bound"] {
        assert!(!ids.contains(&id), "{id}");
    }
    assert!(ids.contains(&"pkce.s256"));
}

#[test]
fn every_rule_says_where_it_is_written_and_how_to_mend() {
    for rule in RULES {
        assert!(
            rule.asks.ends_with(['.', '/']) && rule.why.ends_with('.') && rule.mend.ends_with('.'),
            "{}",
            rule.id
        );
        assert!(!rule.spec.is_empty());
    }
}
