//! The flows and the attacks, in process, on both engines.

mod code_flow;
mod discovery;
mod house;
mod logout;
mod people;
mod redirects;
mod registration;
mod sign_in;
mod sweep;
mod tokens;
