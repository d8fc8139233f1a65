//! The texts of a package, packed in blocks: a library of guides has a hundred million bytes of JSON, of which a run reads a few.
//! LZ4, since a block is unpacked whenever one of its texts is asked for.

use std::borrow::Cow;

use lz4_flex::block::{compress, decompress};

use super::Limits;

/// `BLOCK_BYTES`: a block is full when it has so many; a text that has more fills a block alone.
const BLOCK_BYTES: usize = 64 << 10;

/// Packed texts, which never change.
#[derive(Debug, Default)]
pub(super) struct Texts {
    blocks: Vec<Block>,
    /// Read from a file, or a part of the binary.
    bytes: Cow<'static, [u8]>,
    /// Where the first block begins in `bytes`.
    start: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// Behind its last packed byte, counted from the first block.
    pub(super) end: u32,
    pub(super) unpacked: u32,
}

/// Where a text lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) block: u32,
    pub(super) start: u32,
    pub(super) end: u32,
}

/// Packs one text after another.
#[derive(Debug, Default)]
pub(super) struct Packer {
    open: Vec<u8>,
    blocks: Vec<Block>,
    bytes: Vec<u8>,
}

impl Packer {
    /// `None`, where there is no more room: 4 GB of packed text.
    pub(super) fn push(&mut self, text: &[u8]) -> Option<Place> {
        if self.open.len() + text.len() > BLOCK_BYTES {
            self.close()?;
        }
        let start = u32::try_from(self.open.len()).ok()?;
        self.open.extend_from_slice(text);
        let end = u32::try_from(self.open.len()).ok()?;
        Some(Place { block: u32::try_from(self.blocks.len()).ok()?, start, end })
    }

    fn close(&mut self) -> Option<()> {
        if self.open.is_empty() {
            return Some(());
        }
        self.bytes.extend_from_slice(&compress(&self.open));
        let end = u32::try_from(self.bytes.len()).ok()?;
        self.blocks.push(Block { end, unpacked: u32::try_from(self.open.len()).ok()? });
        self.open.clear();
        Some(())
    }

    pub(super) fn finish(mut self) -> Option<Texts> {
        self.close()?;
        self.bytes.shrink_to_fit();
        Some(Texts { blocks: self.blocks, bytes: self.bytes.into(), start: 0 })
    }
}

impl Texts {
    /// What was packed before; `None`, where the blocks are not those of the bytes.
    pub(super) fn of_blocks(blocks: Vec<Block>, bytes: Cow<'static, [u8]>, start: usize) -> Option<Self> {
        let mut before = 0;
        for block in &blocks {
            let is_in_order = block.end > before && block.unpacked as usize <= Limits::BLOCK_BYTES_MAX;
            before = is_in_order.then_some(block.end)?;
        }
        let length = bytes.len().checked_sub(start)?;
        (before as usize == length).then_some(Self { blocks, bytes, start })
    }

    /// A text. What no longer is what was packed is empty, so that it is told as what cannot be read.
    pub(super) fn read(&self, place: Place) -> Vec<u8> {
        self.unpacked(place.block)
            .and_then(|mut block| {
                block.truncate(place.end as usize);
                (place.start as usize <= block.len()).then(|| block.split_off(place.start as usize))
            })
            .unwrap_or_default()
    }

    fn unpacked(&self, number: u32) -> Option<Vec<u8>> {
        let at = number as usize;
        let block = self.blocks.get(at)?;
        let start = at.checked_sub(1).and_then(|before| self.blocks.get(before)).map_or(0, |block| block.end);
        let packed = self.bytes.get(self.start + start as usize..self.start + block.end as usize)?;
        decompress(packed, block.unpacked as usize).ok()
    }

    pub(super) fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    pub(super) fn packed(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    /// What they take in memory.
    pub(super) fn size_bytes(&self) -> usize {
        self.bytes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_is_read() {
        let texts: Vec<Vec<u8>> = [0, 1, 1000, BLOCK_BYTES, 5, 3 * BLOCK_BYTES, BLOCK_BYTES - 5, 7, 0]
            .map(|n| vec![b'a'; n])
            .into();
        let mut packer = Packer::default();
        let places: Vec<Place> = texts.iter().map(|text| packer.push(text).unwrap()).collect();
        let packed = packer.finish().unwrap();
        assert!(packed.size_bytes() < 5000);
        for (text, place) in texts.iter().zip(&places) {
            assert_eq!(packed.read(*place), *text);
        }
        let blocks = packed.blocks().to_vec();
        let again = [b"head".as_slice(), packed.packed()].concat();
        let read = Texts::of_blocks(blocks.clone(), again.clone().into(), 4).unwrap();
        assert_eq!(read.read(places[5]), texts[5]);
        assert!(Texts::of_blocks(blocks.clone(), again.into(), 3).is_none());
        assert!(Texts::of_blocks(blocks, Cow::default(), 0).is_none());
        assert!(packed.read(Place { block: 99, start: 0, end: 1 }).is_empty());
        assert!(packed.read(Place { block: 0, start: 9_999_999, end: 1 }).is_empty());
    }
}
