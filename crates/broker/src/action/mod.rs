//! Actions: what a trusted application can have done with a person's credentials, declared as data.
//!
//! Everything here is pure. The engine sends what [`prepare`] makes and hands the answer to [`normalise`].

mod declare;
pub(crate) mod list;
mod normalise;
mod prepare;
pub(crate) mod run;

pub use declare::{ActionDeclaration, DateRules, NextPage, RequestTemplate};
pub use normalise::{
    Context, NormaliseFault, Normaliser, OBSERVATIONS_MAX, UnknownTimeZone, normalise, time_zone_of,
};
pub use prepare::{InputFault, PAGES_MAX, UpstreamRequest, prepare};
