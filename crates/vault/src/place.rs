//! Where a sealed value lives, and the sealed value.

use std::fmt;

use store::{FromValue, Mismatch, ToValue, Value, ValueRef};

/// The layout of the associated data; part of it, so that another layout never opens what this one sealed.
const PLACE_FORMAT: &[u8] = &[1];

/// The one place in which a sealed value opens. Copied anywhere else, it stays shut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The table.
    pub table: &'static str,
    /// The row's id.
    pub row: [u8; 16],
    /// The column.
    pub column: &'static str,
    /// What the value is for: `refresh_token`, `email`.
    pub purpose: &'static str,
}

/// Whose key it is; the first part of all associated data.
#[derive(Clone, Copy)]
pub(crate) enum Owner<'a> {
    Deployment,
    Tenant(&'a [u8; 16]),
}

impl Owner<'_> {
    pub(crate) fn parts(&self) -> [&[u8]; 2] {
        match self {
            Self::Deployment => [b"deployment", b""],
            Self::Tenant(id) => [b"tenant", id.as_slice()],
        }
    }
}

impl Place {
    pub(crate) fn context<'a>(&'a self, owner: &'a Owner<'a>) -> [&'a [u8]; 7] {
        let [kind, id] = owner.parts();
        [
            kind,
            id,
            self.table.as_bytes(),
            &self.row,
            self.column.as_bytes(),
            self.purpose.as_bytes(),
            PLACE_FORMAT,
        ]
    }
}

/// A sealed value, as the database keeps it (BLOB).
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

impl Sealed {
    pub(crate) const fn new(envelope: Vec<u8>) -> Self {
        Self(envelope)
    }

    /// The envelope.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}
impl ToValue for Sealed {
    fn to_value(&self) -> Value {
        Value::Blob(self.0.clone())
    }
}
impl FromValue for Sealed {
    fn from_value(value: ValueRef<'_>) -> Result<Self, Mismatch> {
        Vec::from_value(value).map(Self)
    }
}
