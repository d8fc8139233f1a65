//! Addresses and texts with `{variables}` that the settings of an integration fill in.

use std::fmt;

use kernel::Secret;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use url::Url;

use super::{SettingFault, Settings};

/// The longest template and the longest filled address, in bytes.
pub const TEMPLATE_BYTES_MAX: usize = 2048;

/// What a value keeps when it becomes part of a path or a query: the unreserved characters of RFC 3986 §2.3.
pub(crate) const UNRESERVED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Which addresses a provider's file may lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// TLS only.
    #[default]
    Https,
    /// TLS, or plain HTTP to this machine: for development and tests.
    HttpsOrLoopback,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Variable(String),
}

/// The text is not a template of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MalformedTemplate {
    /// A brace without its partner, or a name with other characters than `a-z`, `0-9` and `_`.
    #[error("braces must enclose a name of lower-case letters, digits and underscores")]
    Braces,
    /// Too long.
    #[error("longer than {TEMPLATE_BYTES_MAX} bytes")]
    TooLong,
    /// Neither `https://…`, `http://` on loopback nor `{variable}…`.
    #[error("an address begins with https:// or with a variable that holds one")]
    Scheme,
}

fn parts_of(text: &str) -> Result<Vec<Part>, MalformedTemplate> {
    if text.len() > TEMPLATE_BYTES_MAX {
        return Err(MalformedTemplate::TooLong);
    }
    let mut parts = Vec::new();
    for (nth, piece) in text.split('{').enumerate() {
        let literal = if nth == 0 {
            piece
        } else {
            let (name, rest) = piece.split_once('}').ok_or(MalformedTemplate::Braces)?;
            let named = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
            if name.is_empty() || !name.bytes().all(named) {
                return Err(MalformedTemplate::Braces);
            }
            parts.push(Part::Variable(name.to_owned()));
            rest
        };
        if literal.contains('}') {
            return Err(MalformedTemplate::Braces);
        }
        if !literal.is_empty() {
            parts.push(Part::Literal(literal.to_owned()));
        }
    }
    Ok(parts)
}

fn variables_of(parts: &[Part]) -> impl Iterator<Item = &str> {
    parts.iter().filter_map(|part| match part {
        Part::Variable(name) => Some(name.as_str()),
        Part::Literal(_) => None,
    })
}

fn write_parts(parts: &[Part], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    parts.iter().try_for_each(|part| match part {
        Part::Literal(text) => f.write_str(text),
        Part::Variable(name) => write!(f, "{{{name}}}"),
    })
}

/// An address with variables: `https://{subdomain}.example.org/{realm}/token`, `{base_url}/oauth2/token`.
///
/// A variable at the very beginning holds a whole address; one in the host holds labels; one after it is
/// percent-encoded, so that no value can leave its segment.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct UrlTemplate(Vec<Part>);

impl fmt::Display for UrlTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_parts(&self.0, f)
    }
}
impl fmt::Debug for UrlTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}
impl TryFrom<String> for UrlTemplate {
    type Error = MalformedTemplate;
    fn try_from(text: String) -> Result<Self, MalformedTemplate> {
        let parts = parts_of(&text)?;
        match parts.first() {
            Some(Part::Variable(_)) => Ok(Self(parts)),
            Some(Part::Literal(start)) if start.starts_with("https://") || start.starts_with("http://") => {
                Ok(Self(parts))
            }
            Some(Part::Literal(_)) | None => Err(MalformedTemplate::Scheme),
        }
    }
}
impl From<Url> for UrlTemplate {
    /// A whole address, taken as it is.
    fn from(url: Url) -> Self {
        Self(vec![Part::Literal(url.into())])
    }
}

impl UrlTemplate {
    /// The names of its variables, in order.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        variables_of(&self.0)
    }

    /// The address for an integration.
    ///
    /// # Errors
    /// A variable without a value, a value that would leave its place, or an address that is neither TLS nor (where
    /// the provider's file says so) on loopback.
    pub fn fill(&self, settings: &Settings) -> Result<Url, SettingFault> {
        let mut text = String::new();
        let mut slashes = 0;
        let last = self.0.len().saturating_sub(1);
        for (nth, part) in self.0.iter().enumerate() {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Variable(name) => {
                    let value = settings.text(name)?;
                    match (text.is_empty(), slashes) {
                        (true, _) if nth == last => text.push_str(value),
                        (true, _) if value.contains(['?', '#']) => return Err(SettingFault::base(name)),
                        (true, _) => text.push_str(value.trim_end_matches('/')),
                        (false, 0..=2) if is_host(value) => text.push_str(value),
                        (false, 0..=2) => return Err(SettingFault::host(name)),
                        (false, _) if matches!(value, "." | ".." | "") => {
                            return Err(SettingFault::segment(name));
                        }
                        (false, _) => text.extend(utf8_percent_encode(value, UNRESERVED)),
                    }
                }
            }
            slashes = text.bytes().filter(|b| *b == b'/').count();
        }
        self.checked(&text, settings.transport())
    }

    fn checked(&self, text: &str, transport: Transport) -> Result<Url, SettingFault> {
        let fault = || SettingFault::address(&self.to_string(), self.variables().next());
        let url = Url::parse(text).map_err(|_| fault())?;
        let plain = url.scheme() == "http" && transport == Transport::HttpsOrLoopback && is_loopback(&url);
        let good = (url.scheme() == "https" || plain)
            && url.username().is_empty()
            && url.password().is_none()
            && url.fragment().is_none()
            && text.len() <= TEMPLATE_BYTES_MAX;
        if good { Ok(url) } else { Err(fault()) }
    }
}

/// A host's labels and, after the last, a port: nothing that could begin a path, a query or a user.
fn is_host(value: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b':');
    !value.is_empty()
        && value.bytes().all(allowed)
        && !value.starts_with(['.', ':'])
        && !value.ends_with(['.', ':'])
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// A text with variables, for headers and parameters: `{subscription_key}`, `offline`.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct TextTemplate(Vec<Part>);

impl fmt::Display for TextTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_parts(&self.0, f)
    }
}
impl fmt::Debug for TextTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}
impl TryFrom<String> for TextTemplate {
    type Error = MalformedTemplate;
    fn try_from(text: String) -> Result<Self, MalformedTemplate> {
        parts_of(&text).map(Self)
    }
}

impl TextTemplate {
    /// A text without variables, taken as it is.
    pub fn literal(text: impl Into<String>) -> Self {
        Self(vec![Part::Literal(text.into())])
    }

    /// The names of its variables, in order.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        variables_of(&self.0)
    }

    /// The text with the values that `value` knows; none if one is missing.
    pub(crate) fn render(&self, value: impl Fn(&str) -> Option<String>) -> Result<String, &str> {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Variable(name) => text.push_str(&value(name).ok_or(name.as_str())?),
            }
        }
        Ok(text)
    }

    /// The text for an integration. It may hold one of its secrets.
    ///
    /// # Errors
    /// A variable without a value, or a value with control characters (a header would end there).
    pub fn fill(&self, settings: &Settings) -> Result<Secret<String>, SettingFault> {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Variable(name) => {
                    let value = settings.any(name)?;
                    if value.chars().any(char::is_control) {
                        return Err(SettingFault::control(name));
                    }
                    text.push_str(value);
                }
            }
        }
        Ok(Secret::new(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> UrlTemplate {
        UrlTemplate::try_from(text.to_owned()).unwrap()
    }

    fn fill(text: &str, values: &[(&str, &str)], transport: Transport) -> Result<String, String> {
        let settings =
            values.iter().fold(Settings::over(transport), |all, (name, value)| all.with(name, *value));
        url(text).fill(&settings).map(String::from).map_err(|fault| fault.to_string())
    }

    #[test]
    fn variables_fill_their_own_place() {
        for (template, value, expected) in [
            ("https://{x}.example.org/a", "north", Some("https://north.example.org/a")),
            ("https://{x}/a", "fhir.example.org:8443", Some("https://fhir.example.org:8443/a")),
            (
                "{x}/oauth2/token",
                "https://id.example.org/base/",
                Some("https://id.example.org/base/oauth2/token"),
            ),
            ("https://a.org/{x}/t", "a b/c?d#e%2f", Some("https://a.org/a%20b%2Fc%3Fd%23e%252f/t")),
            ("https://a.org/t?k={x}", "a&b=c", Some("https://a.org/t?k=a%26b%3Dc")),
            ("{x}", "https://a.org/t?tenant=1", Some("https://a.org/t?tenant=1")),
            ("https://{x}.example.org/a", "evil.org/", None),
            ("https://{x}.example.org/a", "evil.org#", None),
            ("https://{x}.example.org/a", "user@evil.org", None),
            ("https://{x}.example.org/a", "evil.org\\", None),
            ("https://{x}.example.org/a", "", None),
            ("https://{x}.example.org/a", ".", None),
            ("https://a.org/{x}/t", "..", None),
            ("https://a.org/{x}/t", "", None),
            ("{x}/token", "https://a.org/?q=", None),
            ("{x}/token", "https://a.org/#", None),
            ("{x}/token", "https://user:pw@a.org", None),
            ("{x}/token", "http://a.org", None),
            ("{x}/token", "http://127.0.0.1:8090", None),
            ("{x}/token", "javascript:alert(1)", None),
            ("{x}/token", "file:///etc", None),
        ] {
            let filled = fill(template, &[("x", value)], Transport::Https);
            assert_eq!(filled.as_deref().ok(), expected, "{template} {value}: {filled:?}");
        }
    }

    #[test]
    fn plain_http_reaches_this_machine_only_and_only_where_the_file_says_so() {
        for (base, good) in [
            ("http://127.0.0.1:8090", true),
            ("http://localhost:8090", true),
            ("http://[::1]:8090", true),
            ("https://sandbox.example.org", true),
            ("http://10.0.0.1", false),
            ("http://localhost.example.org", false),
            ("http://127.0.0.1.example.org", false),
        ] {
            let filled = fill("{base_url}/token", &[("base_url", base)], Transport::HttpsOrLoopback);
            assert_eq!(filled.is_ok(), good, "{base}: {filled:?}");
        }
    }

    #[test]
    fn a_missing_value_is_named() {
        let message = fill("https://{tenant}.example.org/", &[], Transport::Https).unwrap_err();
        assert_eq!(message, "setting tenant: must be stated");
    }

    #[test]
    fn malformed_templates_are_told() {
        for (text, fault) in [
            ("https://a.org/{x", MalformedTemplate::Braces),
            ("https://a.org/x}", MalformedTemplate::Braces),
            ("https://a.org/{}", MalformedTemplate::Braces),
            ("https://a.org/{X y}", MalformedTemplate::Braces),
            ("a.org/x", MalformedTemplate::Scheme),
            ("", MalformedTemplate::Scheme),
            ("ftp://a.org", MalformedTemplate::Scheme),
        ] {
            assert_eq!(UrlTemplate::try_from(text.to_owned()), Err(fault), "{text}");
        }
        let long = format!("https://a.org/{}", "x".repeat(TEMPLATE_BYTES_MAX));
        assert_eq!(UrlTemplate::try_from(long), Err(MalformedTemplate::TooLong));
    }

    #[test]
    fn a_header_cannot_be_broken_out_of() {
        let text = TextTemplate::try_from(String::from("Key {k}")).unwrap();
        let good = Settings::over(Transport::Https).with_secret("k", Secret::new(String::from("s3")));
        assert_eq!(text.fill(&good).unwrap().expose(), "Key s3");
        let bad = Settings::over(Transport::Https).with("k", "a\r\nb");
        assert!(text.fill(&bad).is_err());
    }

    #[test]
    fn a_whole_address_is_taken_as_it_is() {
        let found = Url::parse("https://a.org/authorize?x={tenant}").unwrap();
        assert_eq!(UrlTemplate::from(found.clone()).fill(&Settings::over(Transport::Https)), Ok(found));
    }
}
