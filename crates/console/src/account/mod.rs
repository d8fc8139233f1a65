//! Coming in, going out, and letting an application act for oneself.

pub(crate) mod consent;
pub(crate) mod register;
pub(crate) mod sign_in;
pub(crate) mod sign_out;
pub(crate) mod start;
