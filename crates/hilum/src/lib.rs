//! Hilum, the health integration gateway: settings, wiring and commands. No rule of a domain lives here.

pub mod client;
pub mod commands;
pub mod config;
pub mod demo;
pub mod events;
pub mod examples;
pub mod load;
pub mod ports;
pub mod sample;
pub mod sandbox;
pub mod serve;
pub mod validate;
pub mod wire;
