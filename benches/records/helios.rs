//! Helios HFS on SQLite: `cargo install helios-hfs --version 0.2.7 --no-default-features --features R4,sqlite`, found by the
//! environment variable `HFS` or in the path.

use std::{path::PathBuf, process::Command};

use crate::{
    hilum::Validation,
    material,
    place::{Place, free_port},
    server::{Kept, Server, folder},
};

/// None, said loudly, where it is not installed.
pub fn start(validation: Validation) -> Option<Server> {
    let program = std::env::var_os("HFS").map_or_else(|| PathBuf::from("hfs"), PathBuf::from);
    if !Command::new(&program).arg("--version").output().is_ok_and(|output| output.status.success()) {
        println!("WITHOUT HELIOS: `hfs` is not in the path, and HFS does not name it");
        return None;
    }
    let folder = folder();
    let (port, file) = (free_port(), folder.path().join("helios.db"));
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let parameters = material::folder("fhir/definitions/search-parameters-r4.json");
    std::fs::copy(parameters, data.join("search-parameters-r4.json")).unwrap();
    let validation = if validation == Validation::Told { "log" } else { "off" };
    let mut command = Command::new(program);
    command.current_dir(folder.path()).args(["--port", &port.to_string(), "--log-level", "warn"]);
    command.arg("--database-url").arg(&file).arg("--data-dir").arg(data).envs([
        ("HFS_REQUEST_TIMEOUT", "3600"),
        ("HFS_UI_ENABLED", "false"),
        ("HFS_NL_SEARCH_ENABLED", "false"),
        ("HFS_VALIDATION_MODE", validation),
    ]);
    let place = Place { port, pid: 0, base: "", fields: String::new() };
    Some(Server::start("Helios, SQLite", folder, &mut command, Kept::File(file), place, "/metadata"))
}
