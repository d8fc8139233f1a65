//! Coming in, going out, and letting an application act for oneself.

pub(crate) mod answer;
pub(crate) mod app;
pub(crate) mod consent;
pub(crate) mod device;
pub(crate) mod factor;
pub(crate) mod go_on;
pub(crate) mod passkey;
pub(crate) mod register;
pub(crate) mod second;
pub(crate) mod security;
pub(crate) mod session;
pub(crate) mod sign_in;
pub(crate) mod sign_out;
pub(crate) mod start;
pub(crate) mod upstream;
