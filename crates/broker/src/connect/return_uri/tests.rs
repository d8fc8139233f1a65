use proptest::prelude::*;

use super::*;

fn built(registered: &str, path: &str) -> Option<String> {
    ReturnUri::build(registered, Some(path)).ok().map(|uri| uri.success().to_owned())
}

#[test]
fn the_contract_by_the_letter() {
    assert_eq!(built("myapplication://", "/goto_page").as_deref(), Some("myapplication://goto_page"));
    let uri = ReturnUri::build("myapplication://", Some("/goto_page")).unwrap();
    assert_eq!(uri.failure(ErrorCode::AccessDenied), "myapplication://goto_page?error=access_denied");
    let bare = ReturnUri::build("myapplication://", None).unwrap();
    assert_eq!(bare.success(), "myapplication://");
    assert_eq!(bare.failure(ErrorCode::ServerError), "myapplication://?error=server_error");
}

#[test]
fn a_path_is_appended() {
    for (registered, path, expected) in [
        ("https://app.example", "/x", "https://app.example/x"),
        ("https://app.example/", "/x", "https://app.example/x"),
        ("https://app.example/base", "/x/y", "https://app.example/base/x/y"),
        ("https://app.example/base/", "/x", "https://app.example/base/x"),
        ("https://app.example:8443", "/x", "https://app.example:8443/x"),
        ("https://user:pw@app.example", "/x", "https://user:pw@app.example/x"),
        ("https://app.example/a?k=v", "/x", "https://app.example/a/x?k=v"),
        ("https://app.example/a?k=v", "/x?l=w", "https://app.example/a/x?k=v&l=w"),
        ("https://app.example", "/", "https://app.example/"),
        ("https://app.example", "/a b", "https://app.example/a%20b"),
        ("https://app.example", "/café", "https://app.example/caf%C3%A9"),
        ("https://app.example", "/a%20b", "https://app.example/a%20b"),
        ("https://app.example", "/x?next=//evil.example", "https://app.example/x?next=//evil.example"),
        ("https://app.example", "/x#part", "https://app.example/x#part"),
        ("https://app.example", "/@evil.example", "https://app.example/@evil.example"),
        ("http://127.0.0.1:3000", "/done", "http://127.0.0.1:3000/done"),
        ("myapplication://host", "/goto", "myapplication://host/goto"),
        ("myapplication://host/", "/goto", "myapplication://host/goto"),
        ("myapplication:/", "/goto", "myapplication:/goto"),
        ("myapplication:", "/goto", "myapplication:/goto"),
        ("com.example.app:/return", "/goto", "com.example.app:/return/goto"),
    ] {
        assert_eq!(built(registered, path).as_deref(), Some(expected), "{registered} + {path}");
    }
}

#[test]
fn an_error_joins_what_is_there() {
    for (path, expected) in [
        ("/x", "https://a.example/x?error=invalid_scope"),
        ("/x?a=b", "https://a.example/x?a=b&error=invalid_scope"),
        ("/x?a=b&", "https://a.example/x?a=b&error=invalid_scope"),
        ("/x#f", "https://a.example/x?error=invalid_scope#f"),
        ("/x?a#f?g", "https://a.example/x?a&error=invalid_scope#f?g"),
        ("/", "https://a.example/?error=invalid_scope"),
    ] {
        let uri = ReturnUri::build("https://a.example", Some(path)).unwrap();
        assert_eq!(uri.failure(ErrorCode::InvalidScope), expected);
    }
}

/// What people try. Each is refused for a web origin and for an application's own scheme.
const ATTACKS: &[&str] = &[
    "",
    " ",
    "x",
    "evil.example",
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\/evil.example",
    "\\\\evil.example",
    "/\\/evil.example",
    "//\\evil.example",
    "/%2f%2fevil.example",
    "/%2F/evil.example",
    "/%2fevil.example",
    "/%5cevil.example",
    "/%5Cevil.example",
    "/%5c%5cevil.example",
    "/%252f%252fevil.example",
    "/%252fevil.example",
    "/%255cevil.example",
    "/%25252fevil.example",
    "/a%2fb",
    "/a%5cb",
    "/a/%2f/b",
    "https:evil.example",
    "https://evil.example",
    "https:/evil.example",
    "http://evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    ".evil.example",
    "@evil.example",
    ":80@evil.example",
    ":@evil.example",
    ":8443/x",
    "?x",
    "#x",
    "-evil",
    "\t/evil.example",
    "/\tevil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r\nSet-Cookie: a=b",
    "/a\r\nLocation: https://evil.example",
    "/a\0b",
    "/%00",
    "/%0d%0aSet-Cookie:a=b",
    "/%0a",
    "/%09//evil.example",
    "/\u{7f}",
    "/\u{85}",
    "/..",
    "/../evil",
    "/./x",
    "/a/../../b",
    "/a/..",
    "/%2e%2e/b",
    "/%2E%2e/",
    "/.%2e/",
    "/%252e%252e/x",
    "/%2e",
    "/a/%2e/b",
    "/..%2fevil",
    "/..%5cevil",
    "/a\\..\\b",
    "/\u{2044}evil.example",
    "/\u{2215}evil.example",
    "/\u{ff0f}evil.example",
    "/\u{ff0f}\u{ff0f}evil.example",
    "/\u{29f8}evil",
    "/%EF%BC%8Fevil.example",
    "/%E2%88%95evil.example",
    "/\u{ff0e}\u{ff0e}/x",
    "/\u{202e}evil",
    "/\u{200b}/evil.example",
    "\u{feff}/x",
    "/\u{2028}x",
    "/a//b",
    " //evil.example",
    "/ /../../evil/..",
];

#[test]
fn no_attack_gets_out() {
    assert!(ATTACKS.len() >= 60);
    let mut refused = 0;
    for attack in ATTACKS {
        for registered in
            ["https://app.example", "https://app.example/base", "myapplication://", "myapplication://host"]
        {
            match built(registered, attack) {
                None => refused += 1,
                // A double slash further in stays on the origin; everything that gets here must.
                Some(out) => {
                    assert!(out.starts_with(registered) && *attack == "/a//b", "{attack:?} -> {out}")
                }
            }
        }
    }
    assert!(refused >= (ATTACKS.len() - 1) * 4);
    assert!(built("https://app.example", &format!("/{}", "a".repeat(RETURN_PATH_BYTES_MAX - 1))).is_some());
    assert!(built("https://app.example", &format!("/{}", "a".repeat(RETURN_PATH_BYTES_MAX))).is_none());
}

#[test]
fn what_was_registered_must_be_an_applications_own() {
    for registered in [
        "",
        "x",
        "/x",
        "//x",
        "javascript://x",
        "JavaScript:alert(1)",
        "data:,x",
        "file:///x",
        "about:blank",
        "https:app.example",
        "https://",
        "http:",
        "https://a.example\\b",
        "https://a.example\n",
        "ftp://a",
        " https://a.example",
        "https://ä.example",
        "myapplication",
        "intent://x",
        "blob:https://a.example/x",
    ] {
        assert!(ReturnUri::build(registered, Some("/x")).is_err(), "{registered:?}");
        assert!(ReturnUri::build(registered, None).is_err(), "{registered:?}");
    }
}

#[test]
fn only_known_words_are_passed_on() {
    for (word, code) in [
        ("access_denied", "access_denied"),
        ("invalid_scope", "invalid_scope"),
        ("temporarily_unavailable", "temporarily_unavailable"),
        ("unauthorized_client", "server_error"),
        ("invalid_request", "server_error"),
        ("x&error=none", "server_error"),
        ("", "server_error"),
    ] {
        assert_eq!(ErrorCode::of_third_party(word).as_str(), code);
    }
}

proptest! {
    /// Whatever the path, a browser that follows the result arrives at the registered origin, below the registered path.
    #[test]
    fn every_result_stays_at_home(path in "[/\\\\a-z.@:%0-9?#&= \\t\u{ff0f}2fF5cCeE]{0,24}") {
        for registered in ["https://app.example/base", "https://app.example", "http://user@app.example:81/b/"] {
            let home = Url::parse(registered).unwrap();
            let Ok(uri) = ReturnUri::build(registered, Some(&path)) else { continue };
            for text in [uri.success().to_owned(), uri.failure(ErrorCode::AccessDenied)] {
                let out = Url::parse(&text).unwrap();
                prop_assert_eq!(out.origin(), home.origin());
                prop_assert_eq!(out.username(), home.username());
                prop_assert!(out.path().starts_with(home.path().trim_end_matches('/')));
                prop_assert!(http::HeaderValue::from_str(&text).is_ok());
            }
            let failed = Url::parse(&uri.failure(ErrorCode::AccessDenied)).unwrap();
            prop_assert!(failed.query_pairs().any(|(k, v)| k == "error" && v == "access_denied"));
        }
    }

    #[test]
    fn an_applications_scheme_is_kept(path in "\\PC{0,24}") {
        for registered in ["myapplication://", "myapplication://host/base"] {
            if let Ok(uri) = ReturnUri::build(registered, Some(&path)) {
                prop_assert!(uri.success().starts_with(registered));
            }
        }
    }
}
