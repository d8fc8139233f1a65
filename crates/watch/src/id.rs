//! Ids as contract 4 writes them: a word of what they are ids of, and 32 hexadecimal digits.

use kernel::{Id, IdKind, Integration};

/// What stands before the digits.
pub(crate) trait Prefixed: IdKind + Sized {
    const PREFIX: &'static str;
}
impl Prefixed for Integration {
    const PREFIX: &'static str = "int_";
}

pub(crate) fn write<K: Prefixed>(id: Id<K>) -> String {
    format!("{}{}", K::PREFIX, hex(id.as_bytes()))
}

pub(crate) fn read<K: Prefixed>(text: &str) -> Option<Id<K>> {
    unhex(text.strip_prefix(K::PREFIX)?).map(Id::from_bytes)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Exactly so many bytes, in lower case.
pub(crate) fn unhex<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let digits = digits.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    for (to, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
        let [high, low] = pair else { return None };
        *to = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_way_to_write_an_id() {
        let id = Id::<Integration>::from_bytes([0xab; 16]);
        let text = format!("int_{}", "ab".repeat(16));
        assert_eq!((write(id), read::<Integration>(&text)), (text.clone(), Some(id)));
        for wrong in ["", "int_", &text.to_uppercase(), &format!("{text}0"), &text.replace("int_", "sync_")] {
            assert_eq!(read::<Integration>(wrong), None, "{wrong}");
        }
    }
}
