//! A digest of a table's content that does not depend on the order of rows. It is there to notice accidents; against malice
//! it does nothing, and need not: whoever can write to the target needs no copy to do so.

use crate::Value;

/// FNV-1a, 128 bits: the offset basis and the prime.
const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

/// How many rows, and the sum of their digests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Content {
    pub(super) rows: u64,
    digest: u128,
}

impl Content {
    pub(super) fn add(&mut self, row: &[Value]) {
        self.rows += 1;
        self.digest = self.digest.wrapping_add(row.iter().fold(BASIS, cell));
    }
}

/// Sort, length and bytes, so that no two rows are written the same way.
fn cell(state: u128, value: &Value) -> u128 {
    match value {
        Value::Null => bytes(state, &[0]),
        Value::Int(int) => bytes(bytes(state, &[1]), &int.to_le_bytes()),
        Value::Text(text) => bytes(bytes(bytes(state, &[2]), &text.len().to_le_bytes()), text.as_bytes()),
        Value::Blob(blob) => bytes(bytes(bytes(state, &[3]), &blob.len().to_le_bytes()), blob),
    }
}

fn bytes(state: u128, bytes: &[u8]) -> u128 {
    bytes.iter().fold(state, |state, byte| (state ^ u128::from(*byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::binds;

    fn content(rows: &[Vec<Value>]) -> Content {
        let mut content = Content::default();
        rows.iter().for_each(|row| content.add(row));
        content
    }

    #[test]
    fn order_does_not_matter_and_everything_else_does() {
        let (one, two) = (binds!["a", 1_i64], binds!["b", Option::<i64>::None]);
        assert_eq!(content(&[one.clone(), two.clone()]), content(&[two.clone(), one.clone()]));
        for other in
            [binds!["a", "1"], binds![b"a", 1_i64], binds!["a", 2_i64], binds!["a1", 1_i64], binds!["", "a"]]
        {
            assert_ne!(content(&[other]), content(std::slice::from_ref(&one)));
        }
        assert_ne!(content(&[binds!["a", "bc"]]), content(&[binds!["ab", "c"]]));
        assert_ne!(content(&[one.clone(), one.clone()]), content(&[one]));
    }
}
