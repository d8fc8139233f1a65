//! Extractors whose refusals name the field at fault, and never repeat its value.

mod address;
mod body;
mod form;
mod json;
mod path;
mod reason;
mod strict;
mod whole;

pub use address::{ClientAddr, PeerAddr};
pub use form::{Form, Query, parameters};
pub use json::{Json, shaped};
pub use path::Path;
pub use whole::whole;

pub(crate) use address::client_addr;
