//! Logs and numbers of integrations on both engines.

#![cfg(test)]

mod alerts;
mod follow;
mod logs;
mod metrics;
mod sink;
mod stage;
