use std::fmt::Write;

use proptest::prelude::*;

use super::*;
use crate::provider::{Auth, Catalogue};

fn code_of(provider: &str) -> OAuth2Code {
    let catalogue = Catalogue::built_in().unwrap();
    match &catalogue.get(provider).unwrap().auth {
        Auth::OAuth2Code(code) => OAuth2Code::clone(code),
        _ => panic!("{provider} has no authorization code grant"),
    }
}

/// What a reading says, in words that a table can compare.
fn told(reading: &TokenReading) -> String {
    match reading {
        TokenReading::Tokens(tokens) => {
            let mut text = format!("tokens {} {}", tokens.access.expose(), tokens.token_type);
            let refresh = tokens.refresh.as_ref().map(|refresh| refresh.expose().clone());
            for (name, value) in [
                ("refresh", refresh),
                ("expires", tokens.expires_in_s.map(|s| s.to_string())),
                ("refresh_expires", tokens.refresh_expires_in_s.map(|s| s.to_string())),
                ("scopes", tokens.scopes.as_ref().map(ToString::to_string)),
                ("id", tokens.id_token.as_ref().map(|id| id.expose().clone())),
                ("account", tokens.account_id.clone()),
            ] {
                if let Some(value) = value {
                    write!(text, " {name}={value}").unwrap();
                }
            }
            tokens.kept.iter().for_each(|(name, value)| write!(text, " {name}={value}").unwrap());
            text
        }
        TokenReading::Refused { code, permanent } => {
            format!("refused {} {}", code.as_str(), if *permanent { "for good" } else { "for now" })
        }
        TokenReading::Transient { why } => format!("transient: {why}"),
    }
}

#[track_caller]
fn check(provider: &str, cases: &[(u16, &str, &str)]) {
    let code = code_of(provider);
    for (status, body, expected) in cases {
        assert_eq!(
            told(&read_token_answer(&code, *status, body.as_bytes())),
            *expected,
            "{provider} {status} {body}"
        );
    }
}

#[test]
fn a_plain_answer_is_read() {
    check(
        "fitbit",
        &[
            (
                200,
                r#"{"access_token":"a.b","refresh_token":"r","expires_in":28800,"token_type":"Bearer","scope":"sleep heartrate","user_id":"ABC123"}"#,
                "tokens a.b Bearer refresh=r expires=28800 scopes=heartrate sleep account=ABC123",
            ),
            (200, r#"{"access_token":"a"}"#, "tokens a Bearer expires=28800"),
            (
                200,
                r#"{"access_token":"a","expires_in":"3600","token_type":"bearer"}"#,
                "tokens a bearer expires=3600",
            ),
            (200, r#"{"access_token":"a","expires_in":3599.7}"#, "tokens a Bearer expires=3599"),
            (200, r#"{"access_token":"a","expires_in":-5}"#, "tokens a Bearer expires=28800"),
            (200, r#"{"access_token":"a","expires_in":null}"#, "tokens a Bearer expires=28800"),
            (200, r#"{"access_token":"a","expires_in":1e300}"#, "tokens a Bearer expires=316224000"),
            (200, r#"{"access_token":"a","refresh_token":""}"#, "tokens a Bearer expires=28800"),
            (200, r#"{"access_token":"a","user_id":42}"#, "tokens a Bearer expires=28800 account=42"),
            (200, r#"{"access_token":"a","user_id":"x\ny"}"#, "tokens a Bearer expires=28800"),
        ],
    );
}

#[test]
fn a_refresh_without_a_refresh_token_leaves_the_old_one_in_use() {
    check(
        "google-health",
        &[(
            200,
            r#"{"access_token":"ya29.x","expires_in":3599,"scope":"openid https://www.googleapis.com/auth/googlehealth.sleep.readonly","token_type":"Bearer","id_token":"e30.e30."}"#,
            "tokens ya29.x Bearer expires=3599 scopes=https://www.googleapis.com/auth/googlehealth.sleep.readonly openid id=e30.e30.",
        )],
    );
}

#[test]
fn an_envelope_decides_and_not_the_http_status() {
    let tokens = r#"{"status":0,"body":{"userid":"3648","access_token":"a","refresh_token":"r","expires_in":10800,"scope":"user.info,user.metrics","token_type":"Bearer"}}"#;
    check(
        "withings",
        &[
            (
                200,
                tokens,
                "tokens a Bearer refresh=r expires=10800 refresh_expires=31536000 scopes=user.info user.metrics account=3648",
            ),
            (
                200,
                r#"{"status":503,"body":{},"error":"Invalid Params: invalid refresh_token"}"#,
                "refused invalid_grant for good",
            ),
            (
                200,
                r#"{"status":503,"body":{},"error":"Invalid Params: invalid code"}"#,
                "refused invalid_grant for good",
            ),
            (200, r#"{"status":503,"body":{},"error":"Invalid Params"}"#, "refused invalid_request for now"),
            (
                200,
                r#"{"status":601,"body":{"wait_seconds":188},"error":"Same arguments in less than 10 seconds"}"#,
                "transient: the token answer's own status is 601",
            ),
            (200, r#"{"status":2555,"body":{}}"#, "transient: the token answer's own status is 2555"),
            (200, r#"{"status":0,"body":[]}"#, "transient: the token answer holds no usable access token"),
            (
                200,
                r#"{"body":{"access_token":"a"}}"#,
                "transient: the token answer holds no usable access token",
            ),
            (
                200,
                r#"{"access_token":"outside"}"#,
                "transient: the token answer holds no usable access token",
            ),
            (502, tokens, "transient: the token endpoint answered 502"),
        ],
    );
}

#[test]
fn only_words_that_end_a_grant_are_for_good() {
    check(
        "fitbit",
        &[
            (
                400,
                r#"{"errors":[{"errorType":"invalid_grant","message":"Refresh token invalid: x"}],"success":false}"#,
                "refused invalid_grant for good",
            ),
            (401, r#"{"errors":[{"errorType":"expired_token"}]}"#, "refused invalid_grant for good"),
            (
                401,
                r#"{"errors":[{"errorType":"invalid_client"}],"success":false}"#,
                "refused invalid_client for now",
            ),
            (
                400,
                r#"{"error":"invalid_grant","error_description":"Token has been expired or revoked."}"#,
                "refused invalid_grant for good",
            ),
            (400, r#"{"error":"INVALID_GRANT"}"#, "refused invalid_grant for good"),
            (200, r#"{"error":"bad_verification_code"}"#, "refused invalid_grant for good"),
            (400, r#"{"error":"interaction_required"}"#, "refused interaction_required for good"),
            (400, r#"{"error":{"code":"invalid_grant"}}"#, "refused invalid_grant for good"),
            (
                400,
                r#"{"message":"Bad Request","errors":[{"resource":"RefreshToken","field":"refresh_token","code":"invalid"}]}"#,
                "refused invalid_grant for good",
            ),
            (
                400,
                r#"{"message":"Bad Request","errors":[{"resource":"Application","field":"client_id","code":"invalid"}]}"#,
                "refused other for now",
            ),
            (401, r#"{"error":"invalid_client"}"#, "refused invalid_client for now"),
            (401, r#"{"message":"no"}"#, "refused invalid_client for now"),
            (403, r#"{"message":"no"}"#, "refused other for now"),
            (400, r#"{"error":"unauthorized_client"}"#, "refused unauthorized_client for now"),
            (400, r#"{"error":"invalid_scope"}"#, "refused invalid_scope for now"),
            (400, r#"{"error":"brand_new_word"}"#, "refused other for now"),
        ],
    );
}

#[test]
fn trouble_is_never_the_end_of_a_grant() {
    check(
        "fitbit",
        &[
            (429, r#"{"error":"invalid_grant"}"#, "transient: the token endpoint asks to wait"),
            (500, r#"{"error":"invalid_grant"}"#, "transient: the token endpoint answered 500"),
            (503, "", "transient: the token endpoint answered 503"),
            (408, "{}", "transient: the token endpoint answered 408"),
            (400, r#"{"error":"temporarily_unavailable"}"#, "transient: the token endpoint answered 400"),
            (400, r#"{"error":"slow_down"}"#, "transient: the token endpoint asks to wait"),
            (
                403,
                "<html><h1>Access denied</h1></html>",
                "transient: the token answer (403) is neither JSON nor a form",
            ),
            (200, "<!doctype html>", "transient: the token answer (200) is neither JSON nor a form"),
            (200, r#"{"access_token":"a"#, "transient: the token answer (200) is neither JSON nor a form"),
            (200, "[]", "transient: the token answer (200) is neither JSON nor a form"),
            (200, "null", "transient: the token answer (200) is neither JSON nor a form"),
            (200, "{}", "transient: the token answer holds no usable access token"),
            (200, r#"{"access_token":17}"#, "transient: the token answer holds no usable access token"),
            (
                200,
                r#"{"access_token":"a\r\nX-Evil: 1"}"#,
                "transient: the token answer holds no usable access token",
            ),
        ],
    );
}

#[test]
fn forms_are_read() {
    check(
        "strava",
        &[
            (
                200,
                "access_token=a%2Bb&refresh_token=r&expires_in=21600&scope=read%2Cactivity%3Aread_all",
                "tokens a+b Bearer refresh=r expires=21600 scopes=activity:read_all read",
            ),
            (400, "error=invalid_grant&error_description=gone", "refused invalid_grant for good"),
        ],
    );
}

#[test]
fn scopes_come_in_many_writings() {
    let code = code_of("fitbit");
    for (scope, expected) in [
        (r#""a b""#, Some("a b")),
        (r#""a,b""#, Some("a b")),
        (r#""a, b""#, Some("a b")),
        (r#"["a","b c"]"#, Some("a b c")),
        (r#""""#, Some("")),
        (r#""a \"q\" b""#, Some("a b")),
        ("7", None),
        ("null", None),
    ] {
        let body = format!(r#"{{"access_token":"a","scope":{scope}}}"#);
        let TokenReading::Tokens(tokens) = read_token_answer(&code, 200, body.as_bytes()) else {
            panic!("{scope}")
        };
        assert_eq!(tokens.scopes.map(|scopes| scopes.to_string()).as_deref(), expected, "{scope}");
    }
}

#[test]
fn fields_that_the_file_names_are_kept() {
    check(
        "coros",
        &[(200, r#"{"access_token":"a","openId":"o1","other":1}"#, r#"tokens a Bearer openId="o1""#)],
    );
}

#[test]
fn long_and_deep_answers_are_not_read() {
    let code = code_of("fitbit");
    let long = format!(r#"{{"access_token":"a","x":"{}"}}"#, "y".repeat(ANSWER_BYTES_MAX));
    assert!(told(&read_token_answer(&code, 200, long.as_bytes())).contains("longer than"));
    let deep = format!("{}1{}", r#"{"a":"#.repeat(10_000), "}".repeat(10_000));
    assert!(told(&read_token_answer(&code, 200, deep.as_bytes())).contains("neither JSON"));
    let token = format!(r#"{{"access_token":"{}"}}"#, "y".repeat(TOKEN_BYTES_MAX + 1));
    assert!(told(&read_token_answer(&code, 200, token.as_bytes())).contains("no usable access token"));
}

proptest! {
    #[test]
    fn no_answer_panics(status in 100_u16..600, body in proptest::collection::vec(any::<u8>(), 0..200)) {
        for provider in ["fitbit", "withings"] {
            let reading = read_token_answer(&code_of(provider), status, &body);
            prop_assert!(!matches!(reading, TokenReading::Refused { permanent: true, .. }), "chance ended a grant");
        }
    }

    #[test]
    fn a_server_error_is_always_transient(status in 500_u16..600, word in "[a-z_]{1,20}") {
        let body = format!(r#"{{"error":"{word}"}}"#);
        let reading = read_token_answer(&code_of("fitbit"), status, body.as_bytes());
        prop_assert!(matches!(reading, TokenReading::Transient { .. }), "not transient");
    }
}
