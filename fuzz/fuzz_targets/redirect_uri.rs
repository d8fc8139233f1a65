//! Addresses to which answers are sent: an asked one is taken only if it is the registered one, and every reader finds
//! the same host in it.
#![no_main]

use auth::client::{ClientUri, LogoUri, RedirectUri, URI_BYTES_MAX};
use libfuzzer_sys::fuzz_target;
use url::{Host, Url};
use web::LocalPath;

fuzz_target!(|text: &str| {
    let (registered, asked) = text.split_once('\n').unwrap_or((text, text));
    if let Ok(uri) = RedirectUri::parse(registered) {
        assert_eq!(uri.as_str(), registered);
        reads_alike(registered);
        assert!(uri.is(registered));
        assert_eq!(uri.is(asked), asked == registered);
        if uri.is_but_for_loopback_port(asked) {
            same_loopback(registered, asked);
        }
    }
    if let Ok(uri) = ClientUri::parse(registered) {
        assert_eq!(uri.as_str(), registered);
        assert!(!registered.contains('?'));
        assert!(RedirectUri::parse(registered).is_ok());
    }
    if let Ok(uri) = LogoUri::parse(registered) {
        assert!(uri.as_str().starts_with("https://"));
    }
    if let Ok(path) = LocalPath::parse(registered) {
        let home = Url::parse("https://hilum.example/a/b?c").unwrap();
        let there = home.join(path.as_str()).unwrap();
        assert_eq!(there.origin(), home.origin(), "{path} leaves the site");
        assert!(there.username().is_empty() && there.password().is_none());
    }
});

/// A browser's reader of addresses (the one of the URL standard) finds what we found.
fn reads_alike(text: &str) {
    assert!(text.len() <= URI_BYTES_MAX && text.is_ascii());
    let scheme = text.split(':').next().unwrap();
    let Ok(url) = Url::parse(text) else {
        assert!(!matches!(scheme, "http" | "https"), "no browser reads {text}");
        return;
    };
    assert_eq!(url.scheme(), scheme);
    assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none());
    if matches!(scheme, "http" | "https") {
        let rest = &text[scheme.len() + "://".len()..];
        let authority = rest.split(['/', '?']).next().unwrap();
        let host = url.host_str().unwrap();
        let port = authority.strip_prefix(host).expect("the host is where it seems to be");
        assert!(
            port.is_empty() || port.strip_prefix(':').is_some_and(|p| p.bytes().all(|b| b.is_ascii_digit())),
            "{port}"
        );
        let here = match url.host().unwrap() {
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
            Host::Domain(name) => name == "localhost",
        };
        assert!(scheme == "https" || here, "{text} goes to another machine in the clear");
    }
}

fn same_loopback(registered: &str, asked: &str) {
    let (Ok(mut registered), Ok(mut asked)) = (Url::parse(registered), Url::parse(asked)) else {
        panic!("no browser reads one of these: {registered} {asked}");
    };
    for url in [&mut registered, &mut asked] {
        assert_eq!(url.scheme(), "http");
        assert!(matches!(url.host_str(), Some("127.0.0.1" | "[::1]")));
        url.set_port(None).unwrap();
    }
    assert_eq!(registered, asked);
}
