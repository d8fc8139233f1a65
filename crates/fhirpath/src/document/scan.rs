//! Looking for a byte eight at a time.

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// How many bytes from `at` on are ordinary in a JSON string: neither quote, backslash nor control character.
pub(super) fn ordinary(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    let mut seen = 0;
    let mut chunks = rest.chunks_exact(8);
    for chunk in &mut chunks {
        let word = <[u8; 8]>::try_from(chunk).map(u64::from_le_bytes).unwrap_or_default();
        let special = zeros(word ^ (ONES * 0x22)) | zeros(word ^ (ONES * 0x5C)) | below_space(word);
        if special != 0 {
            return seen + (special.trailing_zeros() / 8) as usize;
        }
        seen += 8;
    }
    let tail = chunks.remainder();
    seen + tail.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)).unwrap_or(tail.len())
}

/// How many spaces there are from `at` on.
pub(super) fn spaces(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    let mut seen = 0;
    for chunk in rest.chunks_exact(8) {
        let word = <[u8; 8]>::try_from(chunk).map(u64::from_le_bytes).unwrap_or_default() ^ (ONES * 0x20);
        if word != 0 {
            return seen + (word.trailing_zeros() / 8) as usize;
        }
        seen += 8;
    }
    seen + rest.iter().skip(seen).take_while(|byte| **byte == b' ').count()
}

/// The high bit of the lowest zero byte is set, and none below it.
fn zeros(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & HIGHS
}

fn below_space(word: u64) -> u64 {
    word.wrapping_sub(ONES * 0x20) & !word & HIGHS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_special_byte_is_found_wherever_it_stands() {
        for special in [b'"', b'\\', 0, 0x1F, b'\n'] {
            for at in 0..20 {
                let mut text = "abcdé xyz ÿ0123456789".as_bytes().to_vec();
                text.truncate(20);
                text[at] = special;
                assert_eq!(ordinary(&text, 0), at);
            }
        }
        for count in 0..30 {
            let text = " ".repeat(count) + "x  ";
            assert_eq!((spaces(text.as_bytes(), 0), spaces(text.as_bytes(), count + 1)), (count, 2));
        }
        assert_eq!(ordinary(b"nothing special here", 3), 17);
        assert_eq!(ordinary(b"", 0), 0);
    }
}
