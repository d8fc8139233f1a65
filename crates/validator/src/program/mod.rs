//! Profiles as programs: each `StructureDefinition` compiled once, when it is first asked for, and never changed after that.

mod binding;

pub use binding::{Binding, Strength};
