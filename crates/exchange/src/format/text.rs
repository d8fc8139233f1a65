//! Bytes of a file as characters, and back to how many bytes they were.

use std::borrow::Cow;

use super::{Rest, Unreadable};

pub(super) const BROKEN: Unreadable = Unreadable("it holds bytes that are no characters of its encoding");

/// In which characters a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub enum Encoding {
    /// With or without a byte order mark.
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    /// ISO 8859-1: each byte is the character of its number.
    #[serde(rename = "iso-8859-1")]
    Latin1,
}

/// The characters of a window.
pub(super) struct Decoded<'a> {
    pub text: Cow<'a, str>,
    /// Whether more follows the text.
    pub rest: Rest,
    /// Whether what follows is no text.
    pub is_broken: bool,
    encoding: Encoding,
    /// Bytes of a mark before the text.
    mark: usize,
}

const MARK: &[u8] = b"\xef\xbb\xbf";

/// What of a window is text: a character that is cut in two at its end is left to the next one.
pub(super) fn decode(
    window: &[u8],
    encoding: Encoding,
    (is_begin, rest): (bool, Rest),
) -> Result<Decoded<'_>, Unreadable> {
    if is_begin && (window.starts_with(b"\xff\xfe") || window.starts_with(b"\xfe\xff")) {
        return Err(Unreadable("it is written in UTF-16, which is not read"));
    }
    if encoding == Encoding::Latin1 {
        let text = window.iter().map(|byte| char::from(*byte)).collect();
        return Ok(Decoded { text: Cow::Owned(text), rest, is_broken: false, encoding, mark: 0 });
    }
    let mark = if is_begin && window.starts_with(MARK) { MARK.len() } else { 0 };
    let bytes = window.get(mark..).unwrap_or_default();
    let (text, is_broken) = match std::str::from_utf8(bytes) {
        Ok(text) => (text, false),
        Err(fault) => {
            let good = bytes.get(..fault.valid_up_to()).unwrap_or_default();
            let is_cut = fault.error_len().is_none() && rest == Rest::More;
            (std::str::from_utf8(good).unwrap_or_default(), !is_cut)
        }
    };
    let rest = if text.len() < bytes.len() { Rest::More } else { rest };
    Ok(Decoded { text: Cow::Borrowed(text), rest, is_broken, encoding, mark })
}

impl Decoded<'_> {
    /// Bytes of the window up to the end of this beginning of the text.
    pub fn bytes(&self, done: &str) -> usize {
        match self.encoding {
            Encoding::Latin1 => done.chars().count(),
            Encoding::Utf8 if done.is_empty() && !self.text.is_empty() => 0,
            Encoding::Utf8 => self.mark + done.len(),
        }
    }
}
