//! What one document may cost.

/// Limits of one document; each stands in `docs/limits.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DocumentLimits {
    /// Bytes of text. Never more than [`DocumentLimits::BYTES_CEILING`], since the tape counts in 32 bits.
    pub bytes_max: usize,
    /// Objects within objects. Never more than [`DocumentLimits::DEPTH_CEILING`].
    pub depth_max: usize,
    /// Elements on the tape.
    pub elements_max: usize,
}

impl DocumentLimits {
    /// Nothing longer can be addressed.
    pub const BYTES_CEILING: usize = u32::MAX as usize - 1;
    /// Nothing deeper is read, whatever the caller allows: the reader's stack grows with it.
    pub const DEPTH_CEILING: usize = 200;
    /// A number of more characters is refused.
    pub const NUMBER_BYTES_MAX: usize = 1024;
    /// A name of more characters is refused.
    pub const NAME_BYTES_MAX: usize = 256;
}

impl Default for DocumentLimits {
    fn default() -> Self {
        Self { bytes_max: 64 << 20, depth_max: 64, elements_max: 4_000_000 }
    }
}
