//! Which methods and paths of the third party a trust lets a client pass through the proxy.
//!
//! A rule is a method and a path pattern: `GET /1/user/-/activities/*/date/{day}.json` is not one, because a pattern
//! stands for whole segments only. `{name}` and `*` stand for exactly one segment, `**` at the end for one or more.

use std::{fmt, str::FromStr};

use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The longest path that is passed on, in bytes as sent.
pub const PATH_BYTES_MAX: usize = 2048;
/// The most segments that a path or a pattern may have.
pub const SEGMENTS_MAX: usize = 32;
/// The most rules that one trust may name.
pub const RULES_MAX: usize = 64;

/// What stays as it is in a path segment that is sent on (RFC 3986 §3.3: unreserved, and what means nothing special
/// to any server that we know of).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b':')
    .remove(b'@')
    .remove(b',')
    .remove(b'$');

/// One line of a trust's allow-list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    method: Method,
    segments: Box<[Segment]>,
    rest: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Literal(Box<str>),
    Any(Box<str>),
}

/// The text is not a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a proxy rule: write `GET /path/{{any}}/*`, whole segments only, `**` at the end alone")]
pub struct MalformedRule;

impl FromStr for Rule {
    type Err = MalformedRule;
    fn from_str(text: &str) -> Result<Self, MalformedRule> {
        let (method, path) = text.split_once(' ').ok_or(MalformedRule)?;
        let upper = method.bytes().all(|b| b.is_ascii_uppercase());
        let method = Method::from_bytes(method.as_bytes()).map_err(|_| MalformedRule)?;
        if !upper || !METHODS.contains(&method) || path.len() > PATH_BYTES_MAX {
            return Err(MalformedRule);
        }
        let mut words: Vec<&str> = path.strip_prefix('/').ok_or(MalformedRule)?.split('/').collect();
        let rest = words.last() == Some(&"**");
        if rest {
            words.pop();
        }
        if words.len() > SEGMENTS_MAX {
            return Err(MalformedRule);
        }
        let segments = words.into_iter().map(segment).collect::<Result<_, _>>()?;
        Ok(Self { method, segments, rest })
    }
}

/// The methods that may be passed on at all.
const METHODS: [Method; 6] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

fn segment(word: &str) -> Result<Segment, MalformedRule> {
    if word == "*" {
        return Ok(Segment::Any(word.into()));
    }
    let name = word.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    if let Some(name) = name {
        let good =
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        return if good { Ok(Segment::Any(word.into())) } else { Err(MalformedRule) };
    }
    let plain = !word.is_empty() && !word.contains(['*', '{', '}', '%', '\\', '?', '#']) && is_harmless(word);
    if plain { Ok(Segment::Literal(word.into())) } else { Err(MalformedRule) }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.method)?;
        for segment in &self.segments {
            let (Segment::Literal(text) | Segment::Any(text)) = segment;
            write!(f, "/{text}")?;
        }
        if self.rest { f.write_str("/**") } else { Ok(()) }
    }
}

impl Rule {
    /// Whether a call of this method on this path is what the rule allows.
    pub fn allows(&self, method: &Method, path: &CleanPath) -> bool {
        let enough =
            if self.rest { path.0.len() > self.segments.len() } else { path.0.len() == self.segments.len() };
        let same = |(pattern, word): (&Segment, &String)| match pattern {
            Segment::Literal(text) => **text == **word,
            Segment::Any(_) => true,
        };
        self.method == *method && enough && self.segments.iter().zip(&path.0).all(same)
    }
}

/// A path whose decoded segments mean the same to every server: none is empty, a dot segment, or holds a slash, a
/// backslash, a control character or a second layer of encoding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CleanPath(Vec<String>);

/// The path could mean something else to the third party than to the rules here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the path has an empty segment, a dot segment, an encoded slash or another trick")]
pub struct TrickyPath;

impl CleanPath {
    /// Read a path as it came in: still percent-encoded, without the query, beginning with `/`.
    ///
    /// # Errors
    /// [`TrickyPath`].
    pub fn parse(raw: &str) -> Result<Self, TrickyPath> {
        let raw = raw.strip_prefix('/').ok_or(TrickyPath)?;
        if raw.len() > PATH_BYTES_MAX {
            return Err(TrickyPath);
        }
        let words = raw.split('/').map(decode).collect::<Result<Vec<_>, _>>()?;
        if words.len() > SEGMENTS_MAX { Err(TrickyPath) } else { Ok(Self(words)) }
    }

    /// The path as it is sent on: `/` before each segment, everything unusual percent-encoded.
    pub fn encode(&self) -> String {
        let mut out = String::new();
        for word in &self.0 {
            out.push('/');
            out.extend(utf8_percent_encode(word, SEGMENT));
        }
        out
    }
}

fn decode(word: &str) -> Result<String, TrickyPath> {
    let whole = percent_escapes_are_whole(word);
    let text = percent_decode_str(word).decode_utf8().map_err(|_| TrickyPath)?.into_owned();
    let twice = text
        .as_bytes()
        .windows(3)
        .any(|w| matches!(w, [b'%', a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit()));
    if whole && !twice && is_harmless(&text) { Ok(text) } else { Err(TrickyPath) }
}

fn percent_escapes_are_whole(word: &str) -> bool {
    word.split('%')
        .skip(1)
        .all(|rest| matches!(rest.as_bytes(), [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit()))
}

/// A segment that no server takes for a way up, a second slash or a line end. Some servers cut a segment at `;`.
fn is_harmless(text: &str) -> bool {
    let before_parameters = text.split(';').next().unwrap_or_default();
    let dots = before_parameters == "." || before_parameters == "..";
    !text.is_empty() && !before_parameters.is_empty() && !dots && !text.chars().any(is_trick)
}

fn is_trick(c: char) -> bool {
    c.is_control() || matches!(c, '/' | '\\' | '\u{2044}' | '\u{2215}' | '\u{29f8}' | '\u{ff0f}' | '\u{ff3c}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(rule: &str, method: &str, path: &str) -> bool {
        let rule: Rule = rule.parse().unwrap();
        CleanPath::parse(path).is_ok_and(|path| rule.allows(&method.parse().unwrap(), &path))
    }

    #[test]
    fn a_rule_allows_its_own_shape_and_nothing_else() {
        assert!(allowed("GET /1/user/-/devices.json", "GET", "/1/user/-/devices.json"));
        assert!(allowed("GET /1/user/{user}/sleep", "GET", "/1/user/-/sleep"));
        assert!(allowed("GET /records/*", "GET", "/records/a%20b"));
        assert!(allowed("GET /records/**", "GET", "/records/a/b"));
        assert!(allowed("GET /%41".replace("%41", "A").as_str(), "GET", "/%41"));
        for (rule, method, path) in [
            ("GET /a/b", "POST", "/a/b"),
            ("GET /a/b", "GET", "/a"),
            ("GET /a/b", "GET", "/a/b/c"),
            ("GET /a/b", "GET", "/A/b"),
            ("GET /records/*", "GET", "/records/a/b"),
            ("GET /records/*", "GET", "/records"),
            ("GET /records/**", "GET", "/records"),
            ("GET /records/**", "GET", "/record/a"),
            ("GET /records/**", "HEAD", "/records/a"),
        ] {
            assert!(!allowed(rule, method, path), "{rule} {method} {path}");
        }
    }

    #[test]
    fn tricks_are_refused_whatever_the_rules() {
        for path in [
            "",
            "a",
            "/",
            "/a//b",
            "/a/",
            "//a",
            "/a/../b",
            "/a/./b",
            "/..",
            "/%2e%2e/b",
            "/a/%2E%2e/b",
            "/a/.%2e/b",
            "/a%2fb",
            "/a%2Fb",
            "/a%5cb",
            "/a\\b",
            "/%252e%252e/b",
            "/a%252fb",
            "/a/..;/b",
            "/a/..;x=1/b",
            "/a/;/b",
            "/a/.;/b",
            "/a%00b",
            "/a%0d%0ab",
            "/a%",
            "/a%2",
            "/a%zz",
            "/a%ff",
            "/a%c0%af",
            "/a\u{2215}b",
            "/a%E2%88%95b",
            "/a%EF%BC%8Fb",
            "/a/%7f",
        ] {
            assert_eq!(CleanPath::parse(path), Err(TrickyPath), "{path}");
        }
        assert_eq!(CleanPath::parse(&"/a".repeat(SEGMENTS_MAX + 1)), Err(TrickyPath));
        assert_eq!(CleanPath::parse(&format!("/{}", "a".repeat(PATH_BYTES_MAX + 1))), Err(TrickyPath));
    }

    #[test]
    fn what_is_sent_on_reads_back_as_the_same_path() {
        for path in ["/1/user/-/a b.json", "/a/b;c=1", "/ä", "/a?b#c", "/x/$everything"] {
            let words: Vec<String> = path.split('/').skip(1).map(String::from).collect();
            let clean = CleanPath(words);
            assert_eq!(CleanPath::parse(&clean.encode()), Ok(clean.clone()));
            assert!(!clean.encode().contains(['?', '#', ' ']));
        }
    }

    #[test]
    fn rules_are_written_in_one_way() {
        for text in ["GET /a/{b}/*", "POST /x/**", "DELETE /a"] {
            assert_eq!(text.parse::<Rule>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "GET",
            "GET a",
            "get /a",
            "GET  /a",
            "TRACE /a",
            "CONNECT /a",
            "GET /a*",
            "GET /{}",
            "GET /{a b}",
            "GET /a/**/b",
            "GET /../a",
            "GET //a",
            "GET /a/",
            "GET /a?b",
            "GET /a%2fb",
            "GET /a{b}",
        ] {
            assert!(text.parse::<Rule>().is_err(), "{text}");
        }
    }
}
