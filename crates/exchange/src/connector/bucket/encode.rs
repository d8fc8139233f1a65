//! Names as they stand in an address that is signed.  RFC 3986 §2.3

/// Whether a slash parts names, or is a letter of one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::connector) enum Slash {
    Kept,
    Encoded,
}

/// Everything but letters, digits and `-._~` as `%XY`.
pub(in crate::connector) fn encoded(text: &str, slash: Slash) -> String {
    let mut all = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => all.push(char::from(byte)),
            b'/' if slash == Slash::Kept => all.push('/'),
            _ => all.push_str(&format!("%{byte:02X}")),
        }
    }
    all
}
