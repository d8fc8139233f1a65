//! A client's base `Uri` and its redirect URIs, parsed once.  RFC 6749 §3.1.2, RFC 8252 §7, RFC 9700 §2.1
//!
//! Both are kept as the text that was registered: what is compared and what is sent is never a re-serialisation.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use url::Url;

/// The longest URI that a client may register, in bytes.
pub const URI_BYTES_MAX: usize = 2_000;

/// The longest custom scheme, in bytes.
const SCHEME_BYTES_MAX: usize = 64;

/// Schemes that browsers or systems give a meaning of their own: none of them can be an application's.
const SCHEMES_RESERVED: [&str; 24] = [
    "about",
    "app",
    "blob",
    "chrome",
    "content",
    "data",
    "edge",
    "file",
    "filesystem",
    "ftp",
    "intent",
    "jar",
    "javascript",
    "mailto",
    "ms-appx",
    "resource",
    "sms",
    "ssh",
    "tel",
    "urn",
    "vbscript",
    "view-source",
    "ws",
    "wss",
];

/// Why a text is not such a URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MalformedUri {
    /// Over [`URI_BYTES_MAX`].
    #[error("must be at most 2000 characters")]
    TooLong,
    /// White space, control characters, non-ASCII or characters that URIs do not hold.
    #[error("may hold only characters that RFC 3986 allows in a URI")]
    Characters,
    /// Relative, or without a host.
    #[error("must be absolute: https://host/… or myapplication://…")]
    NotAbsolute,
    /// `http:` to another machine.
    #[error("must use https unless the host is this machine (127.0.0.1, [::1] or localhost)")]
    NotSecure,
    /// A scheme that is not an application's own.
    #[error("must use https, http on this machine, or a scheme of the application's own")]
    Scheme,
    /// `user:password@`.
    #[error("must not hold user information")]
    UserInfo,
    /// `#…`.
    #[error("must not hold a fragment")]
    Fragment,
    /// `?…` where a path will be appended.
    #[error("must not hold a query")]
    Query,
    /// `/../`, `/./` or their escapes, which browsers resolve before they ask.
    #[error("must not hold . or .. as a path segment")]
    DotSegment,
}

/// The base address of a client application, to which a person returns: `https://app.example/base` or `myapplication://`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClientUri {
    text: Box<str>,
    is_custom: bool,
}

impl ClientUri {
    /// Read a base address: absolute, no user information, query or fragment; `http` on this machine only.
    pub fn parse(text: &str) -> Result<Self, MalformedUri> {
        let is_custom = read_absolute(text)?;
        if text.contains('?') { Err(MalformedUri::Query) } else { Ok(Self { text: text.into(), is_custom }) }
    }

    /// The text that was registered.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the scheme is the application's own; its text is then a prefix to be kept as it is.
    pub const fn is_custom(&self) -> bool {
        self.is_custom
    }
}

/// An address to which authorization answers may be sent: absolute, without user information or fragment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RedirectUri {
    text: Box<str>,
    is_custom: bool,
}

impl RedirectUri {
    /// Read a redirect URI.
    pub fn parse(text: &str) -> Result<Self, MalformedUri> {
        read_absolute(text).map(|is_custom| Self { text: text.into(), is_custom })
    }

    /// The text that was registered.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the system, not a certificate, says which application gets the answer: a custom scheme or a loopback port.
    pub fn is_claimed_by_system(&self) -> bool {
        self.is_custom || self.text.starts_with("http:")
    }

    /// Whether an answer may be sent to `asked`: the very same text, and nothing that merely means the same.
    pub fn is(&self, asked: &str) -> bool {
        *self.text == *asked
    }

    /// Whether `asked` is this loopback address on another port, which a native application is given by its system at
    /// run time.  RFC 8252 §7.3
    pub fn is_but_for_loopback_port(&self, asked: &str) -> bool {
        match (loopback_without_port(&self.text), loopback_without_port(asked)) {
            (Some(mine), Some(theirs)) => mine == theirs && asked.len() <= URI_BYTES_MAX,
            _ => false,
        }
    }
}

/// An image that stands for the application: `https` only.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogoUri {
    text: Box<str>,
}

impl LogoUri {
    /// Read the address of an image.
    pub fn parse(text: &str) -> Result<Self, MalformedUri> {
        read_absolute(text)?;
        if text.starts_with("https:") { Ok(Self { text: text.into() }) } else { Err(MalformedUri::NotSecure) }
    }

    /// The text that was registered.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Host and rest of `http://127.0.0.1[:port]rest` or `http://[::1][:port]rest`.
fn loopback_without_port(text: &str) -> Option<(&'static str, &str)> {
    let (host, after) = ["http://127.0.0.1", "http://[::1]"]
        .into_iter()
        .find_map(|host| Some((host, text.strip_prefix(host)?)))?;
    let rest = match after.strip_prefix(':') {
        None => after,
        Some(ported) => {
            let digits = ported.bytes().take_while(u8::is_ascii_digit).count();
            let (port, rest) = ported.split_at_checked(digits)?;
            port.parse::<u16>().ok().filter(|port| *port > 0 && !ported.starts_with('0'))?;
            rest
        }
    };
    (rest.is_empty() || rest.starts_with('/') || rest.starts_with('?')).then_some((host, rest))
}

/// What both kinds must satisfy. Answers whether the scheme is custom.
fn read_absolute(text: &str) -> Result<bool, MalformedUri> {
    if text.len() > URI_BYTES_MAX {
        return Err(MalformedUri::TooLong);
    }
    if !text.bytes().all(is_uri_character) {
        return Err(MalformedUri::Characters);
    }
    if text.contains('#') {
        return Err(MalformedUri::Fragment);
    }
    let (scheme, rest) = text.split_once(':').ok_or(MalformedUri::NotAbsolute)?;
    let path = rest.split('?').next().unwrap_or_default();
    if path.split('/').any(is_dot_segment) {
        return Err(MalformedUri::DotSegment);
    }
    match scheme {
        "http" | "https" => read_web(text, rest).map(|()| false),
        _ => read_custom(scheme, rest).map(|()| true),
    }
}

/// RFC 3986 §2, with `%` and without what some readers treat as a delimiter of their own.
const fn is_uri_character(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'.'
                | b'_'
                | b'~'
                | b':'
                | b'/'
                | b'?'
                | b'#'
                | b'['
                | b']'
                | b'@'
                | b'!'
                | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b','
                | b';'
                | b'='
                | b'%'
        )
}

fn is_dot_segment(segment: &str) -> bool {
    matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
}

fn read_web(text: &str, rest: &str) -> Result<(), MalformedUri> {
    let authority = rest.strip_prefix("//").ok_or(MalformedUri::NotAbsolute)?;
    let authority = authority.split(['/', '?']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err(MalformedUri::UserInfo);
    }
    if authority.is_empty() || authority.contains('%') {
        return Err(MalformedUri::NotAbsolute);
    }
    let url = Url::parse(text).map_err(|_| MalformedUri::NotAbsolute)?;
    let host = url.host_str().ok_or(MalformedUri::NotAbsolute)?;
    // A host that the URL reader had to rewrite (`0x7f.1`, `EXAMPLE.com`) reads differently to different readers.
    if authority.strip_prefix(host).is_none_or(|port| !port.is_empty() && !port.starts_with(':')) {
        return Err(MalformedUri::NotAbsolute);
    }
    let is_loopback = matches!(host, "127.0.0.1" | "[::1]" | "localhost");
    if url.scheme() == "http" && !is_loopback { Err(MalformedUri::NotSecure) } else { Ok(()) }
}

/// A scheme of the application's own: lower case, and an authority or path that cannot be read as another scheme's.
fn read_custom(scheme: &str, rest: &str) -> Result<(), MalformedUri> {
    let mut bytes = scheme.bytes();
    let begins_well = bytes.next().is_some_and(|byte| byte.is_ascii_lowercase());
    let goes_on_well = bytes
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'+' | b'.' | b'-'));
    if !begins_well || !goes_on_well || scheme.len() > SCHEME_BYTES_MAX || SCHEMES_RESERVED.contains(&scheme)
    {
        return Err(MalformedUri::Scheme);
    }
    if rest.contains('@') {
        return Err(MalformedUri::UserInfo);
    }
    if rest.starts_with('/') { Ok(()) } else { Err(MalformedUri::NotAbsolute) }
}

macro_rules! as_text {
    ($($uri:ident),*) => {$(
        impl fmt::Display for $uri {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.text)
            }
        }
        impl FromStr for $uri {
            type Err = MalformedUri;
            fn from_str(text: &str) -> Result<Self, MalformedUri> {
                Self::parse(text)
            }
        }
        impl Serialize for $uri {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.text)
            }
        }
        impl<'de> Deserialize<'de> for $uri {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Self::parse(&text).map_err(de::Error::custom)
            }
        }
    )*};
}
as_text!(ClientUri, RedirectUri, LogoUri);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_addresses_of_the_web_and_of_applications_are_read() {
        for (text, is_custom) in [
            ("https://app.example", false),
            ("https://app.example:8443/base", false),
            ("http://127.0.0.1:3000", false),
            ("http://localhost/x", false),
            ("http://[::1]:9/", false),
            ("myapplication://", true),
            ("com.example.app:/oauth", true),
        ] {
            let uri = ClientUri::parse(text).unwrap_or_else(|why| panic!("{text}: {why}"));
            assert_eq!((uri.as_str(), uri.is_custom()), (text, is_custom));
        }
    }

    #[test]
    fn what_is_no_address_of_an_application_is_named() {
        use MalformedUri::*;
        for (text, why) in [
            ("", NotAbsolute),
            ("/relative", NotAbsolute),
            ("https:app.example", NotAbsolute),
            ("https://", NotAbsolute),
            ("https:///path", NotAbsolute),
            ("https://EXAMPLE.com", NotAbsolute),
            ("https://0x7f.1/", NotAbsolute),
            ("http://2130706433/", NotAbsolute),
            ("http://127.0.0.1.", NotAbsolute),
            ("http://127.0.0.1./cb", NotAbsolute),
            ("https://a%2eb/", NotAbsolute),
            ("https://u@app.example", UserInfo),
            ("https://app.example@evil.example", UserInfo),
            ("https://app.example\\@evil.example", Characters),
            ("https://app.example/a b", Characters),
            ("https://app.example/\n", Characters),
            ("https://äpp.example", Characters),
            ("https://app.example/#x", Fragment),
            ("https://app.example/?x", Query),
            ("https://app.example/a/../b", DotSegment),
            ("https://app.example/a/%2E./b", DotSegment),
            ("http://app.example", NotSecure),
            ("http://127.0.0.1.evil.example", NotSecure),
            ("javascript:alert(1)", Scheme),
            ("data:text/html,x", Scheme),
            ("JavaScript://x", Scheme),
            ("file:///etc/passwd", Scheme),
            ("1app://x", Scheme),
            ("myapplication:x", NotAbsolute),
            ("myapplication://u@x", UserInfo),
        ] {
            assert_eq!(ClientUri::parse(text), Err(why), "{text}");
        }
        assert_eq!(ClientUri::parse(&format!("https://a.example/{}", "x".repeat(2_000))), Err(TooLong));
    }

    #[test]
    fn only_the_very_same_text_is_the_redirect_uri() {
        let registered = RedirectUri::parse("https://app.example/callback").unwrap();
        assert!(registered.is("https://app.example/callback"));
        for asked in [
            "https://app.example/callback/",
            "https://app.example:443/callback",
            "https://APP.example/callback",
            "",
        ] {
            assert!(!registered.is(asked) && !registered.is_but_for_loopback_port(asked), "{asked}");
        }
    }

    #[test]
    fn a_native_application_may_be_on_another_loopback_port_and_nowhere_else() {
        let registered = RedirectUri::parse("http://127.0.0.1/callback").unwrap();
        for asked in
            ["http://127.0.0.1:1/callback", "http://127.0.0.1:65535/callback", "http://127.0.0.1/callback"]
        {
            assert!(registered.is_but_for_loopback_port(asked), "{asked}");
        }
        for asked in [
            "http://127.0.0.1:0/callback",
            "http://127.0.0.1:65536/callback",
            "http://127.0.0.1:080/callback",
            "http://127.0.0.1:/callback",
            "http://127.0.0.1:1@evil.example/callback",
            "http://127.0.0.1.evil.example/callback",
            "http://127.0.0.1:1/callback2",
            "http://127.0.0.1:1",
            "https://127.0.0.1:1/callback",
            "http://[::1]:1/callback",
            "http://localhost:1/callback",
            "http://127.0.0.1:1\\callback",
            "http://127.0.0.1:１/callback",
        ] {
            assert!(!registered.is_but_for_loopback_port(asked), "{asked}");
        }
        assert!(
            !RedirectUri::parse("https://app.example/cb")
                .unwrap()
                .is_but_for_loopback_port("https://app.example:1/cb")
        );
    }
}
