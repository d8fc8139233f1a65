//! The binary: reads settings, wires the crates together, runs one command.

use std::process::ExitCode;

use clap::Parser;
use hilum::commands::{self, Arguments};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match commands::run(arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("hilum: {error:#}");
            ExitCode::FAILURE
        }
    }
}
