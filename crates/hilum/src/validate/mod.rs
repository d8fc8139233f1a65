//! Validating files: which packages, which inputs, on all cores, and what is written about it.

pub mod compiled;
pub mod fetch;
pub mod input;
pub mod packages;
pub mod registry;
pub mod terminology;
pub mod work;
pub mod write;
