//! One header block of a tar archive. POSIX.1-2017 `pax`, "ustar Interchange Format"; numbers also as GNU writes large ones.

use std::ops::Range;

/// The size of a header, and what every file is rounded up to.
pub(super) const BLOCK_BYTES: usize = 512;

/// What an entry is, by its type flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EntryKind {
    File,
    Folder,
    /// Extended header of the next entry.
    Pax,
    /// Extended header of all that follow.
    PaxGlobal,
    /// GNU: the next entry's name.
    LongName,
    Link(&'static str),
    Other(&'static str),
}

#[derive(Clone, Copy)]
pub(super) struct Header<'a>(&'a [u8]);

impl<'a> Header<'a> {
    /// The next block as a header; `None` where the archive ends before it.
    pub(super) fn at(archive: &'a [u8], at: usize) -> Option<Self> {
        archive.get(at..at.checked_add(BLOCK_BYTES)?).map(Self)
    }

    pub(super) fn is_zero(self) -> bool {
        self.0.iter().all(|byte| *byte == 0)
    }

    /// The sum of all bytes, the sum's own field taken as spaces.
    pub(super) fn has_good_sum(self) -> bool {
        let (mut unsigned, mut signed) = (0_i64, 0_i64);
        for (at, byte) in self.0.iter().enumerate() {
            let byte = if (148..156).contains(&at) { b' ' } else { *byte };
            unsigned += i64::from(byte);
            signed += i64::from(i8::from_ne_bytes([byte]));
        }
        let said = number(self.field(148..156)).and_then(|sum| i64::try_from(sum).ok());
        said == Some(unsigned) || said == Some(signed)
    }

    pub(super) fn kind(self) -> EntryKind {
        match self.field(156..157).first().copied().unwrap_or(0) {
            b'0' | 0 => EntryKind::File,
            b'5' => EntryKind::Folder,
            b'x' => EntryKind::Pax,
            b'g' => EntryKind::PaxGlobal,
            b'L' => EntryKind::LongName,
            b'1' => EntryKind::Link("hard link"),
            b'2' => EntryKind::Link("symbolic link"),
            b'K' => EntryKind::Link("link with a long name"),
            b'3' => EntryKind::Other("a character device"),
            b'4' => EntryKind::Other("a block device"),
            b'6' => EntryKind::Other("a pipe"),
            b'7' => EntryKind::Other("a contiguous file"),
            b'S' => EntryKind::Other("a sparse file"),
            _ => EntryKind::Other("an entry of unknown kind"),
        }
    }

    pub(super) fn size(self) -> Option<u64> {
        number(self.field(124..136))
    }

    /// Name with the ustar prefix before it.
    pub(super) fn name(self) -> Vec<u8> {
        let name = text(self.field(0..100));
        let prefix = if self.field(257..262) == b"ustar" { text(self.field(345..500)) } else { &[] };
        // GNU keeps times in the prefix's place; its magic differs.
        if prefix.is_empty() || self.field(257..265) == b"ustar  \0" {
            return name.to_vec();
        }
        [prefix, b"/", name].concat()
    }

    fn field(self, range: Range<usize>) -> &'a [u8] {
        self.0.get(range).unwrap_or_default()
    }
}

/// Up to the first NUL.
fn text(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// Octal digits, or base 256 where the first bit is set.
fn number(field: &[u8]) -> Option<u64> {
    let (first, rest) = field.split_first()?;
    if first & 0x80 != 0 {
        let start = u64::from(first & 0x7f);
        return rest.iter().try_fold(start, |sum, byte| sum.checked_mul(256)?.checked_add(u64::from(*byte)));
    }
    let digits = text(field).trim_ascii();
    digits.iter().try_fold(0_u64, |sum, digit| {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 8)?;
        sum.checked_mul(8)?.checked_add(u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_octal_or_base_256() {
        assert_eq!(number(b"0000644\0"), Some(0o644));
        assert_eq!(number(b" 17 \0"), Some(0o17));
        assert_eq!(number(b"\x80\0\0\0\0\0\0\x01\x02"), Some(258));
        assert_eq!(number(b"8\0"), None);
        assert_eq!(number(b"-1\0"), None);
        assert_eq!(number(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff"), None, "it does not fit");
    }
}
