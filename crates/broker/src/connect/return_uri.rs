//! Where the browser goes when linking is over.  Contract 1, "Rules"; RFC 9700 §4.11
//!
//! A `ReturnUri` is the registered `Uri` of a client, with the path that the client asked for appended. There is no
//! other way to make one, and nothing else is ever redirected to, so that no redirect leaves the registered origin.

use std::fmt;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use url::Url;

/// The longest `returnPath`, in bytes after decoding the query.
pub const RETURN_PATH_BYTES_MAX: usize = 2048;
/// The longest registered `Uri`.
pub const REGISTERED_BYTES_MAX: usize = 2048;
/// How often a segment is decoded to see whether a slash hides in it.
const DECODINGS_MAX: usize = 4;

/// Schemes that mean something to a browser itself, and so are no application's own.
const BROWSER_SCHEMES: [&str; 15] = [
    "about",
    "blob",
    "content",
    "data",
    "file",
    "filesystem",
    "ftp",
    "intent",
    "javascript",
    "jar",
    "mailto",
    "vbscript",
    "view-source",
    "ws",
    "wss",
];

/// Characters that must be encoded before a text is a URI reference (RFC 3986 §2).
const NOT_IN_URI: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'^').add(b'`').add(b'{').add(b'|').add(b'}');

/// Where the browser goes when linking is over.
#[derive(Clone, PartialEq, Eq)]
pub struct ReturnUri(String);

/// Why there is nowhere to return to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoReturn {
    /// The path breaks a rule.
    #[error(
        "returnPath must begin with one `/`, have no dot segment, backslash or control character, and at most 2048 bytes"
    )]
    Path,
    /// The client's registered `Uri` cannot be returned to.
    #[error("the client has no `Uri` that a browser can return to")]
    Registered,
}

/// What is told to the client when linking failed.  RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorCode {
    /// The person said no.
    AccessDenied,
    /// The third party does not know a scope that was asked for.
    InvalidScope,
    /// The third party, or this deployment's set-up of it, is at fault.
    ServerError,
    /// The third party does not answer; later it may.
    TemporarilyUnavailable,
    /// The third party wants the person to sign in there.
    LoginRequired,
    /// The third party wants the person to consent there.
    ConsentRequired,
    /// The third party wants something else of the person.
    InteractionRequired,
}

impl ErrorCode {
    /// The word in the query.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccessDenied => "access_denied",
            Self::InvalidScope => "invalid_scope",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::InteractionRequired => "interaction_required",
        }
    }

    /// What a third party's `error` is passed on as. A word that is not known could be anything and is not passed on;
    /// `invalid_request` and the like are this deployment's mistake, not the client's.
    pub fn of_third_party(word: &str) -> Self {
        match word {
            "access_denied" | "user_denied" | "consent_denied" => Self::AccessDenied,
            "invalid_scope" => Self::InvalidScope,
            "temporarily_unavailable" => Self::TemporarilyUnavailable,
            "login_required" => Self::LoginRequired,
            "consent_required" => Self::ConsentRequired,
            "interaction_required" | "account_selection_required" => Self::InteractionRequired,
            _ => Self::ServerError,
        }
    }
}

impl ReturnUri {
    /// The registered `Uri`, with `path` appended where there is one.
    pub fn build(registered: &str, path: Option<&str>) -> Result<Self, NoReturn> {
        let base = Registered::read(registered)?;
        let Some(path) = path else {
            return Ok(Self(base.text));
        };
        check_path(path)?;
        let joined = base.append(path);
        if base.holds(&joined) { Ok(Self(joined)) } else { Err(NoReturn::Path) }
    }

    /// The page of this deployment that sums up what is linked, for journeys that no client began.
    pub fn summary(public_url: &Url) -> Self {
        let base = public_url.as_str().trim_end_matches('/');
        Self(format!("{base}/integrations/"))
    }

    /// A `ReturnUri` that was made earlier and kept in the database.
    pub(crate) fn kept(text: String) -> Self {
        Self(text)
    }

    /// Where to go when the account is linked: nothing is appended.
    pub fn success(&self) -> &str {
        &self.0
    }

    /// Where to go when it is not: `error=<code>` joins the query that is there, before a fragment.
    pub fn failure(&self, code: ErrorCode) -> String {
        let (before, fragment) = match self.0.split_once('#') {
            Some((before, fragment)) => (before, Some(fragment)),
            None => (self.0.as_str(), None),
        };
        let joint = match before.split_once('?') {
            None => "?",
            Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
            Some(_) => "&",
        };
        let fragment = fragment.map(|f| format!("#{f}")).unwrap_or_default();
        format!("{before}{joint}error={}{fragment}", code.as_str())
    }
}

impl fmt::Debug for ReturnUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The `Uri` that a client registered.
struct Registered {
    text: String,
    url: Url,
    is_web: bool,
}

impl Registered {
    fn read(text: &str) -> Result<Self, NoReturn> {
        let clean = text.is_ascii() && !text.bytes().any(|b| b <= b' ' || b == 0x7f || b == b'\\');
        if !clean || text.len() > REGISTERED_BYTES_MAX {
            return Err(NoReturn::Registered);
        }
        let url = Url::parse(text).map_err(|_| NoReturn::Registered)?;
        let is_web = matches!(url.scheme(), "http" | "https");
        let written_so = text.get(..url.scheme().len()).is_some_and(|s| s.eq_ignore_ascii_case(url.scheme()));
        let complete = !is_web || (url.has_host() && text.contains("://"));
        if BROWSER_SCHEMES.contains(&url.scheme()) || !written_so || !complete {
            return Err(NoReturn::Registered);
        }
        Ok(Self { text: text.to_owned(), url, is_web })
    }

    /// Path joins path, query joins query. Of the two slashes where they meet one is left, so that
    /// `myapplication://` + `/goto_page` is `myapplication://goto_page`.
    fn append(&self, path: &str) -> String {
        let (base, base_fragment) = cut(&self.text, '#');
        let (base, base_query) = cut(base, '?');
        let (path, fragment) = cut(path, '#');
        let (path, query) = cut(path, '?');
        let path = if base.ends_with('/') { path.strip_prefix('/').unwrap_or(path) } else { path };
        let queries = [base_query, query].into_iter().flatten().filter(|q| !q.is_empty()).collect::<Vec<_>>();
        let mut out = format!("{base}{path}");
        if !queries.is_empty() {
            out.push('?');
            out.push_str(&queries.join("&"));
        }
        if let Some(fragment) = fragment.or(base_fragment) {
            out.push('#');
            out.push_str(fragment);
        }
        utf8_percent_encode(&out, NOT_IN_URI).to_string()
    }

    /// Whether a browser that reads `joined` ends up where the client registered. This is looked at anew on the
    /// finished text, whatever the checks before have let through.
    fn holds(&self, joined: &str) -> bool {
        let prefix = self.text.split(['?', '#']).next().unwrap_or_default();
        let Ok(url) = Url::parse(joined) else {
            return false;
        };
        let same_prefix = joined.starts_with(prefix);
        let same_scheme = url.scheme() == self.url.scheme();
        let same_authority = url.host() == self.url.host()
            && url.port() == self.url.port()
            && url.username() == self.url.username()
            && url.password() == self.url.password();
        let no_authority_registered = !self.is_web && prefix.ends_with("://");
        same_prefix && same_scheme && (same_authority || no_authority_registered) && self.holds_path(&url)
    }

    /// The registered path is still the beginning of the result's path.
    fn holds_path(&self, url: &Url) -> bool {
        !self.is_web || url.path().starts_with(self.url.path().trim_end_matches('/'))
    }
}

fn cut(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(before, after)| (before, Some(after)))
}

/// The rules for a path, before it is joined to anything.
fn check_path(path: &str) -> Result<(), NoReturn> {
    let sized = path.len() <= RETURN_PATH_BYTES_MAX;
    let (only_path, _) = cut(path, '#');
    let (only_path, _) = cut(only_path, '?');
    let clean = !path.chars().any(|c| c.is_control() || c == '\\' || is_slash_alike(c) || is_invisible(c));
    let Some(rest) = only_path.strip_prefix('/') else {
        return Err(NoReturn::Path);
    };
    let segments_good = rest.split('/').all(is_plain_segment);
    let one_slash = !rest.starts_with('/');
    if sized && clean && one_slash && segments_good { Ok(()) } else { Err(NoReturn::Path) }
}

/// A segment that is no way up and in which no slash, backslash or control character hides behind encodings. This is
/// asked of every segment, not of the first alone: the base may have no path, or the reader may decode twice.
fn is_plain_segment(segment: &str) -> bool {
    let mut text = segment.to_owned();
    for _ in 0..DECODINGS_MAX {
        let dots = text == "." || text == "..";
        if dots || text.chars().any(|c| c.is_control() || c == '/' || c == '\\' || is_slash_alike(c)) {
            return false;
        }
        let decoded = percent_decode_str(&text).decode_utf8_lossy().into_owned();
        if decoded == text {
            return true;
        }
        text = decoded;
    }
    false
}

/// Characters that some readers take for a slash, a dot or an end of line.
fn is_slash_alike(c: char) -> bool {
    matches!(
        c,
        '\u{2044}'
            | '\u{2215}'
            | '\u{2216}'
            | '\u{29f5}'
            | '\u{29f8}'
            | '\u{fe68}'
            | '\u{ff0e}'
            | '\u{ff0f}'
            | '\u{ff3c}'
            | '\u{2028}'
            | '\u{2029}'
    )
}

/// Characters that are not seen: they turn texts around or hide in them.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{ad}')
}

#[cfg(test)]
mod tests;
