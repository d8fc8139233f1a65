//! The pages: sign-in, a person's services, the developer portal, administration. Server-rendered, complete without
//! JavaScript.

mod asset;
mod form;
mod frame;
mod moment;
mod page;
mod route;
mod state;
mod words;

#[cfg(any(test, feature = "samples"))]
pub use page::sample::samples;
