//! Cookies: read one by name, and set it so that only this origin and no script gets it back.  RFC 6265, ASVS 3.3

use std::{borrow::Cow, convert::Infallible, time::Duration};

use axum::extract::FromRequestParts;
use http::{HeaderMap, HeaderValue, header, request::Parts};
use url::Url;

/// How browsers reach this deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Over TLS.
    Https,
    /// Plain, on this machine: development.
    Loopback,
}

impl Transport {
    /// What the public URL says. Anything but `https` counts as plain; `hilum check` refuses that off loopback.
    pub fn of(public_url: &Url) -> Self {
        if public_url.scheme() == "https" { Self::Https } else { Self::Loopback }
    }
}

/// One cookie of ours: `__Host-<name>` with `Secure` over TLS, always `HttpOnly`, `SameSite=Lax` and `Path=/`.
#[derive(Debug, Clone, Copy)]
pub struct Cookie {
    name: &'static str,
    transport: Transport,
}

impl Cookie {
    /// The cookie of this name.
    pub const fn new(name: &'static str, transport: Transport) -> Self {
        Self { name, transport }
    }

    /// The name as the browser knows it.
    pub fn full_name(&self) -> Cow<'static, str> {
        match self.transport {
            Transport::Https => Cow::Owned(format!("__Host-{}", self.name)),
            Transport::Loopback => Cow::Borrowed(self.name),
        }
    }

    /// The `Set-Cookie` value; without an age it ends with the browser's session. None if the value would need
    /// quoting: seal and encode it first.
    pub fn set(&self, value: &str, age_max: Option<Duration>) -> Option<HeaderValue> {
        let allowed = |b: u8| matches!(b, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e);
        if !value.bytes().all(allowed) {
            return None;
        }
        let mut text = format!("{}={value}; Path=/; HttpOnly; SameSite=Lax", self.full_name());
        if self.transport == Transport::Https {
            text.push_str("; Secure");
        }
        if let Some(age) = age_max {
            text.push_str(&format!("; Max-Age={}", age.as_secs()));
        }
        let mut header = HeaderValue::from_str(&text).ok()?;
        header.set_sensitive(true);
        Some(header)
    }

    /// The `Set-Cookie` value that makes the browser forget it.
    pub fn clear(&self) -> HeaderValue {
        self.set("", Some(Duration::ZERO)).unwrap_or(HeaderValue::from_static(""))
    }
}

/// The cookies of a request.
#[derive(Clone)]
pub struct Cookies(Vec<(String, String)>);

/// More cookies than this are not read.
const COOKIES_MAX: usize = 64;

impl Cookies {
    /// The cookies in these headers.
    pub fn of(headers: &HeaderMap) -> Self {
        let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let pairs = values.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        Self(pairs.take(COOKIES_MAX).map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// The value of a cookie. One that is there twice is read as none, because one of the two is not ours.
    pub fn get(&self, cookie: &Cookie) -> Option<&str> {
        let name = cookie.full_name();
        let mut values = self.0.iter().filter(|(found, _)| *found == name);
        match (values.next(), values.next()) {
            (Some((_, value)), None) => Some(value),
            _ => None,
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Cookies {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_for_this_host_and_no_script() {
        let cookie = Cookie::new("session", Transport::Https);
        assert_eq!(
            cookie.set("abc", Some(Duration::from_secs(60))).unwrap(),
            "__Host-session=abc; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=60"
        );
        assert_eq!(cookie.clear(), "__Host-session=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0");
        let plain = Cookie::new("session", Transport::Loopback);
        assert_eq!(plain.set("abc", None).unwrap(), "session=abc; Path=/; HttpOnly; SameSite=Lax");
        for value in ["a;b", "a b", "a\r\nb", "a\"b", "ü", "a,b"] {
            assert!(cookie.set(value, None).is_none(), "{value:?}");
        }
    }

    #[test]
    fn a_cookie_that_is_there_twice_is_not_trusted() {
        let cookie = Cookie::new("session", Transport::Https);
        let of = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, HeaderValue::from_static(text));
            Cookies::of(&headers).get(&cookie).map(str::to_owned)
        };
        assert_eq!(of("a=1; __Host-session=x=y; b=2").as_deref(), Some("x=y"));
        assert_eq!(of("__Host-session=x; __Host-session=y"), None);
        assert_eq!(of("session=x"), None);
    }
}
