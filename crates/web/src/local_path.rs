//! A place on this site to go back to, and nowhere else.

use std::fmt;

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Deserializer, de};

/// A path on this site, with its query: begins with one `/`, and no browser takes it for another site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalPath(String);

/// The text does not stay on this site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a path on this site")]
pub struct NotLocal;

impl LocalPath {
    /// The longest path that is taken, in bytes.
    pub const BYTES_MAX: usize = 2048;
    /// How often a path is decoded in search of something that a proxy behind us might decode.
    const DECODINGS_MAX: usize = 3;

    /// The text as a local path. Refused: anything that does not begin with a single `/`, backslashes, control
    /// characters, spaces, non-ASCII, `//` and dot segments in the path, each also percent-encoded, and over 2 KB.
    ///
    /// # Errors
    /// [`NotLocal`], without the text.
    pub fn parse(text: &str) -> Result<Self, NotLocal> {
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        if text.len() > Self::BYTES_MAX || !visible {
            return Err(NotLocal);
        }
        let end = text.find(['?', '#']).unwrap_or(text.len());
        let (path, rest) = text.split_at_checked(end).ok_or(NotLocal)?;
        let mut path = path.to_owned();
        for _ in 0..Self::DECODINGS_MAX {
            if !stays_here(&path) {
                return Err(NotLocal);
            }
            path = percent_decode_str(&path).decode_utf8().map_err(|_| NotLocal)?.into_owned();
        }
        let hidden = percent_decode_str(rest).any(|byte| byte.is_ascii_control());
        if stays_here(&path) && !hidden { Ok(Self(text.to_owned())) } else { Err(NotLocal) }
    }

    /// The start page.
    pub fn root() -> Self {
        Self("/".to_owned())
    }

    /// The path and query as they go into a `Location`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn stays_here(path: &str) -> bool {
    let dots = |segment: &str| segment == "." || segment == "..";
    path.starts_with('/')
        && !path.contains("//")
        && !path.chars().any(|c| c == '\\' || c.is_control())
        && !path.split('/').any(dots)
}

impl fmt::Display for LocalPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for LocalPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&std::borrow::Cow::<'de, str>::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_paths_stay_on_this_site() {
        for text in
            ["/", "/a", "/a/b?c=d&e=https://f//g#h", "/a?return_to=%2F%2Fx", "/%C3%BC", "/a:b@c", "/a/"]
        {
            assert_eq!(LocalPath::parse(text).map(|path| path.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn everything_that_could_leave_is_refused() {
        let long = format!("/{}", "a".repeat(LocalPath::BYTES_MAX));
        for text in [
            "",
            "a",
            "evil.example",
            "//evil",
            "///evil",
            "/\\evil",
            "\\/evil",
            "\\\\evil",
            "/\\/evil",
            "https:evil",
            "https://evil",
            "HTTPS://evil",
            "javascript:alert(1)",
            "data:text/html,x",
            "/%2f%2fevil",
            "/%2Fevil",
            "/%5cevil",
            "/%5C%5Cevil",
            "%2f%2fevil",
            "/%252f%252fevil",
            "/%25252fevil",
            "/%255cevil",
            "/\tevil",
            "/a\nb",
            "/a\r\nSet-Cookie:x",
            "/%0d%0aSet-Cookie:x",
            "/%00",
            "/a%09b",
            "/a?b=%0d%0aX",
            "/a b",
            " /a",
            "/a ",
            "/ü",
            "/a//b",
            "/./a",
            "/../a",
            "/a/..//evil",
            "/%2e%2e/a",
            "/.%2e/a",
            "/a/%2e",
            "@evil",
            ":80/a",
            "/a\u{7f}",
            "/\u{2028}",
            "?a",
            "#a",
            "/%ff",
            &long,
        ] {
            assert_eq!(LocalPath::parse(text), Err(NotLocal), "{text:?}");
        }
    }
}
