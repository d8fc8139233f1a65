//! Where a JSON value ends, without reading what it says.

use super::{DEPTH_MAX, Unreadable};

const NO_JSON: Unreadable = Unreadable("it is not JSON");

/// The byte behind blanks.
pub(super) fn behind_blanks(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).count()
}

/// The byte behind the value that begins there; none if that is behind the end. That it is a good value is not looked at.
pub(super) fn behind_value(bytes: &[u8], begins: usize) -> Result<Option<usize>, Unreadable> {
    let mut depth = 0_usize;
    let mut at = begins;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                let Some(behind) = behind_string(bytes, at) else { return Ok(None) };
                at = behind;
                if depth == 0 {
                    return Ok(Some(at));
                }
                continue;
            }
            b'[' | b'{' => {
                depth += 1;
                if depth > DEPTH_MAX {
                    return Err(Unreadable("it nests deeper than is read"));
                }
            }
            b']' | b'}' => {
                depth = depth.checked_sub(1).ok_or(NO_JSON)?;
                if depth == 0 {
                    return Ok(Some(at + 1));
                }
            }
            b',' | b':' | b' ' | b'\t' | b'\r' | b'\n' if depth == 0 && at == begins => return Err(NO_JSON),
            _ if depth == 0 => {
                // A number or a word: it goes up to what cannot be in one.
                let rest = bytes.get(at..).unwrap_or_default();
                let is_in = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
                let len = rest.iter().take_while(|byte| is_in(byte)).count();
                return match len {
                    0 => Err(NO_JSON),
                    _ if at + len == bytes.len() => Ok(None),
                    _ => Ok(Some(at + len)),
                };
            }
            _ => {}
        }
        at += 1;
    }
    Ok(None)
}

fn behind_string(bytes: &[u8], quote: usize) -> Option<usize> {
    let mut at = quote + 1;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}
