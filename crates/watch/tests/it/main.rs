//! Logs and numbers of integrations on both engines.

#![cfg(test)]

mod follow;
mod logs;
mod metrics;
mod stage;
