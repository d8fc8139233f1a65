//! Lines and columns, worked out only when somebody asks.

/// A place in a text, as editors count: the first line and column are 1; a column is a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
}

impl Position {
    /// The place of a byte. A line ends with LF; in text that is not UTF-8 each stray byte counts as it would begin a character.
    pub(crate) fn of(source: &[u8], offset: usize) -> Self {
        let before = source.get(..offset.min(source.len())).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count();
        let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let column = before.iter().skip(start).filter(|byte| **byte & 0xC0 != 0x80).count();
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX - 1) + 1;
        Self { line: count(line), column: count(column) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_characters_are_counted_from_one() {
        let text = "{\n  \"ä\": 1\n}".as_bytes();
        assert_eq!(Position::of(text, 0), Position { line: 1, column: 1 });
        assert_eq!(Position::of(text, 4), Position { line: 2, column: 3 });
        assert_eq!(Position::of(text, 9), Position { line: 2, column: 7 });
        assert_eq!(Position::of(text, 999), Position { line: 3, column: 2 });
    }
}
