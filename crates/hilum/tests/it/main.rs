//! The whole deployment, in this process and as the binary: what no crate can be asked alone.

#![cfg(test)]

mod access;
mod app;
mod canary;
mod client_connections;
mod command_line;
mod commands;
mod connected;
mod ends;
mod events;
mod faults;
mod foreign;
mod headers;
mod isolation;
mod languages;
mod openapi;
mod pages;
mod party;
mod portal;
mod receivers;
mod registry;
mod settings;
mod sql;
mod staff_pages;
mod subscribers;
mod syncs;
mod terminology;
mod validate;
