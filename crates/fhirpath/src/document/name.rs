//! Names of elements, prepared for comparison.

/// A name with its hash. The tape keeps the hash of every element's name, so that looking for a child compares one number per
/// sibling, and texts only where the numbers agree. No table of names is shared: documents and programs can be made in any order and thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    hash: u32,
    text: Box<str>,
}

impl Name {
    /// Prepares a name.
    pub fn new(text: &str) -> Self {
        Self { hash: hash(text.as_bytes()), text: text.into() }
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What [`Element::name_hash`](super::Element::name_hash) answers for elements of this name, and for few others.
    pub fn hash(&self) -> u32 {
        self.hash
    }
}

/// Mixes eight bytes at a time. It need not resist an attacker: equal hashes only cost a comparison of texts.
pub(crate) fn hash(bytes: &[u8]) -> u32 {
    let mut state: u64 = 0x9E37_79B9_7F4A_7C15 ^ bytes.len() as u64;
    let mut chunks = bytes.chunks_exact(8);
    for chunk in &mut chunks {
        let word = <[u8; 8]>::try_from(chunk).map(u64::from_le_bytes).unwrap_or_default();
        state = (state ^ word).wrapping_mul(0xFF51_AFD7_ED55_8CCD).rotate_left(29);
    }
    let mut last = 0u64;
    for byte in chunks.remainder() {
        last = last << 8 | u64::from(*byte);
    }
    state = (state ^ last).wrapping_mul(0xC4CE_B9FE_1A85_EC53);
    (state >> 32) as u32
}

/// Whether two names are the same: words at once where there are such, since most names are too short for a call.
pub(super) fn is_same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() || a.len() > 16 {
        return a == b;
    }
    match (a.first_chunk::<8>(), b.first_chunk::<8>(), a.first_chunk::<4>(), b.first_chunk::<4>()) {
        (Some(first), Some(own), ..) => first == own && a.last_chunk::<8>() == b.last_chunk::<8>(),
        (_, _, Some(first), Some(own)) => first == own && a.last_chunk::<4>() == b.last_chunk::<4>(),
        _ => a.iter().eq(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_one_family_differ() {
        let names = [
            "name",
            "names",
            "value",
            "valueString",
            "valueStrinh",
            "a",
            "",
            "extension",
            "extensioo",
            "modifierExtension",
        ];
        for one in names {
            for other in names {
                assert_eq!(is_same(one.as_bytes(), other.as_bytes()), one == other, "{one} {other}");
            }
        }
        for (i, one) in names.iter().enumerate() {
            for other in names.iter().skip(i + 1) {
                assert_ne!(hash(one.as_bytes()), hash(other.as_bytes()), "{one} {other}");
            }
        }
    }
}
