//! Why an archive is no package. Names in it are those of the archive, shortened and with control characters escaped.

/// Why bytes are refused as a package.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackageFault {
    /// No gzip stream (RFC 1952).
    #[error("not a gzip stream: {0}")]
    NotGzip(String),
    /// The gzip stream or the archive ends too early.
    #[error("the archive is cut off")]
    Truncated,
    /// Bytes follow the gzip stream or the end of the archive.
    #[error("{0} bytes follow the end of the archive")]
    TrailingBytes(usize),
    /// A limit of [`super::Limits`], by its name.
    #[error("the archive is over {limit} ({max})")]
    OverLimit {
        /// The limit's name.
        limit: &'static str,
        /// The limit.
        max: usize,
    },
    /// A header of the archive whose check sum or numbers are wrong.
    #[error("entry {entry} of the archive has a bad header: {why}")]
    BadHeader {
        /// Counted from 1.
        entry: usize,
        /// What is wrong.
        why: &'static str,
    },
    /// A link, whether it leads out or not.
    #[error("{name}: links are refused ({kind})")]
    Link {
        /// In the archive.
        name: String,
        /// Hard or symbolic.
        kind: &'static str,
    },
    /// A device, pipe, or another thing that is neither file nor folder.
    #[error("{name}: {kind} is refused, only files and folders are taken")]
    NotAFile {
        /// In the archive.
        name: String,
        /// What it is.
        kind: &'static str,
    },
    /// A name that leads out of the package or means another thing elsewhere.
    #[error("{name}: {why}")]
    BadName {
        /// In the archive.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A file twice, or twice but for upper and lower case.
    #[error("{name} is in the archive twice (as {first})")]
    Duplicate {
        /// The second.
        name: String,
        /// The first.
        first: String,
    },
    /// There is no `package/package.json`.
    #[error("the archive has no package/package.json")]
    NoManifest,
    /// `package/package.json` is not what the format asks for.
    #[error("package/package.json: {0}")]
    BadManifest(String),
}

impl PackageFault {
    pub(super) fn name(name: &str, why: &'static str) -> Self {
        Self::BadName { name: shown(name), why }
    }
}

/// A name as it may stand in a message: no control characters, not endless.
pub(super) fn shown(name: &str) -> String {
    const SHOWN_CHARS_MAX: usize = 120;
    let mut shown: String = name.chars().take(SHOWN_CHARS_MAX).flat_map(char::escape_debug).collect();
    if name.chars().nth(SHOWN_CHARS_MAX).is_some() {
        shown.push('…');
    }
    shown
}
