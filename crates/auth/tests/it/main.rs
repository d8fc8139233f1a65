//! The flows and the attacks, in process, on both engines.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what a test does not expect is a failed test"
)]

mod api_keys;
mod authenticator;
mod authorize;
mod backchannel;
mod backend_services;
mod bound_tokens;
mod certification;
mod client_auth;
mod client_keys;
mod code_flow;
mod connection_flow;
mod device;
mod discovery;
mod exchange;
mod factors;
mod fapi;
mod house;
mod identity_provider;
mod introspection;
mod keys;
mod logout;
mod passkeys;
mod people;
mod prover;
mod provider;
mod redirects;
mod refresh;
mod registration;
mod roles;
mod self_registration;
mod session_ends;
mod sessions;
mod sign_in;
mod smart;
mod status;
mod step_up;
mod sweep;
mod tiered;
mod tokens;
mod trace;
mod udap;
mod upstream;
