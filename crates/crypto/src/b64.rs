//! Base64 as protocols write it.  RFC 4648

use base64::{Engine as _, engine::general_purpose};

/// The text is not Base64 of the expected kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not base64 of the expected alphabet and padding")]
pub struct MalformedBase64;

/// URL-safe alphabet without padding (§5): JOSE, PKCE, cookies.
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

/// Writes the same behind what the text already holds.
pub(crate) fn append(bytes: impl AsRef<[u8]>, text: &mut String) {
    general_purpose::URL_SAFE_NO_PAD.encode_string(bytes, text);
}

/// Reads what [`encode`] writes. Padding, white space and stray trailing bits are refused, so that one value has one text.
pub fn decode(text: impl AsRef<[u8]>) -> Result<Vec<u8>, MalformedBase64> {
    general_purpose::URL_SAFE_NO_PAD.decode(text).map_err(|_| MalformedBase64)
}

/// Standard alphabet with padding (§4): key files, HTTP Basic.
pub fn encode_standard(bytes: impl AsRef<[u8]>) -> String {
    general_purpose::STANDARD.encode(bytes)
}

/// Reads what [`encode_standard`] writes, as strictly.
pub fn decode_standard(text: impl AsRef<[u8]>) -> Result<Vec<u8>, MalformedBase64> {
    general_purpose::STANDARD.decode(text).map_err(|_| MalformedBase64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_has_one_text() {
        assert_eq!(encode([0xfb, 0xff]), "-_8");
        assert_eq!(decode("-_8").unwrap(), [0xfb, 0xff]);
        for text in ["-_8=", "-_9", "+/8", "-_ 8", "-_8\n", "a"] {
            assert_eq!(decode(text), Err(MalformedBase64), "{text:?}");
        }
        assert_eq!(encode_standard([0xfb, 0xff]), "+/8=");
        assert_eq!(decode_standard("+/8="), Ok(vec![0xfb, 0xff]));
        assert_eq!(decode_standard("+/8"), Err(MalformedBase64));
    }
}
