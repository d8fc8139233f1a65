//! What others tell us: addresses that nobody can guess, senders that prove themselves by a declared recipe, and messages that are on
//! disk, sealed, before they are answered.

mod challenge;
pub mod manage;
pub mod message;
mod queries;
mod receive;
mod recipe;

use futures_util::future::BoxFuture;
use kernel::{Id, IdKind, Organisation};
use vault::Place;

pub use challenge::{CHALLENGE_BYTES_MAX, Challenge};
pub(crate) use queries::sweep;
pub use receive::{INBOUND_BYTES_MAX, inbound_routes};
pub use recipe::{Algorithm, Encoding, PIECES_MAX, Recipe, TOLERANCE_S, TOLERANCE_S_MAX};

/// Inbound addresses of one organisation.
pub const INBOUND_MAX: i64 = 1_000;

/// The type of the event that tells of a message. Its subject is the message.
pub const RECEIVED: &str = "inbound.received";

/// The recipes of providers: filled in by whoever knows the catalogue.
pub trait Recipes: Send + Sync + 'static {
    /// How this provider proves itself, if a recipe says it.
    fn of(&self, provider: &str) -> Option<Recipe>;
}

/// What became of a message that came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Became {
    /// It is kept under this id.
    Taken(Id<Message>),
    /// Its sender is not proven, for this reason.
    Refused(&'static str),
}

/// Whoever keeps the logs of integrations.
pub trait Heard: Send + Sync + 'static {
    /// A message about this integration of the organisation, as the owner of the address has named it.
    fn hear<'a>(
        &'a self,
        organisation: Id<Organisation>,
        integration: &'a str,
        became: Became,
    ) -> BoxFuture<'a, ()>;
}

/// An inbound address, as ids name it.
#[derive(Debug, Clone, Copy)]
pub enum Inbound {}
impl IdKind for Inbound {
    const NAME: &'static str = "webhook_inbound";
}

/// A message that came in, as ids name it.
#[derive(Debug, Clone, Copy)]
pub enum Message {}
impl IdKind for Message {
    const NAME: &'static str = "webhook_message";
}

fn secret_place(id: Id<Inbound>) -> Place {
    Place { table: "webhook_inbound", row: *id.as_bytes(), column: "secret", purpose: "inbound" }
}

fn body_place(id: Id<Message>) -> Place {
    Place { table: "webhook_message", row: *id.as_bytes(), column: "body", purpose: "message" }
}
