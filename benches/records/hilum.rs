//! Hilum as an operator would set it up: `hilum init`, `hilum load`, `hilum serve`, a token of a client that reaches the whole site.

use std::{path::Path, process::Command};

use tempfile::TempDir;

use crate::{
    connection::Connection,
    database::Database,
    material,
    place::{Place, free_port},
    server::{Kept, Server, folder},
};

const CLIENT_ID: &str = "benchbenchbenchbenchbenchbench01.bench";
const CLIENT_SECRET: &str = "hlm_cs_bench-bench-bench-bench-bench-bench-bench-1";
const SITE: &str = "HCBENCH";

/// What a site asks of what is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Validation {
    Off,
    /// What is found is told and not refused: Synthea's own extensions are in no package.
    Told,
}

pub fn on_sqlite(validation: Validation) -> Server {
    let folder = folder();
    let file = folder.path().join("hilum.db");
    let url = format!("sqlite:{}", file.display());
    start("Hilum, SQLite", folder, validation, &url, Kept::File(file))
}

pub fn on_postgres(validation: Validation) -> Option<Server> {
    let database = Database::fresh("hilum")?;
    let url = database.url();
    Some(start("Hilum, PostgreSQL", folder(), validation, &url, Kept::Database(database)))
}

fn start(name: &'static str, folder: TempDir, validation: Validation, store: &str, kept: Kept) -> Server {
    let (port, admin) = (free_port(), free_port());
    let path = folder.path().to_owned();
    std::fs::write(path.join("declarations.toml"), declarations(validation)).unwrap();
    let arranged = |words: &[&str]| {
        let output = hilum(&path, store, (port, admin), words).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    arranged(&["init"]);
    arranged(&["load", "declarations.toml"]);
    let place = Place { port, pid: 0, base: "/fhir", fields: String::new() };
    let mut command = hilum(&path, store, (port, admin), &["serve"]);
    let mut server = Server::start(name, folder, &mut command, kept, place, "/metadata");
    server.place.fields = format!("authorization: Bearer {}\r\nSU-SiteId: {SITE}\r\n", token(port));
    server
}

fn token(port: u16) -> String {
    let pair = crypto::b64::encode_standard(format!("{CLIENT_ID}:{CLIENT_SECRET}"));
    let form = "grant_type=client_credentials&scope=system%2F*.cruds";
    let request = format!(
        "POST /oauth2/token HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nauthorization: Basic {pair}\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
        form.len()
    );
    let mut connection = Connection::open(port).unwrap();
    let answer = connection.exchange(request.as_bytes()).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    let read: serde_json::Value = serde_json::from_slice(answer.body).unwrap();
    read["access_token"].as_str().unwrap().to_owned()
}

fn hilum(folder: &Path, store: &str, (port, admin): (u16, u16), words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hilum"));
    command.args(words).current_dir(folder).env_clear().envs([
        ("HILUM__SERVER__LISTEN", format!("127.0.0.1:{port}")),
        ("HILUM__SERVER__ADMIN_LISTEN", format!("127.0.0.1:{admin}")),
        ("HILUM__SERVER__PUBLIC_URL", format!("http://127.0.0.1:{port}")),
        ("HILUM__STORE__URL", store.to_owned()),
        ("HILUM__VAULT__ROOT_KEY_FILE", folder.join("root.key").display().to_string()),
        ("HILUM__FHIR__PACKAGES_FOLDER", material::folder("fhir/packages").display().to_string()),
        ("HILUM__FHIR__BUNDLE_ENTRIES_MAX", String::from("100000")),
        // All calls come from one address.
        ("HILUM__LIMITS__REQUESTS_PER_MINUTE", String::from("100000000")),
        ("HILUM__LIMITS__TOKEN_PER_MINUTE", String::from("100000000")),
    ]);
    command
}

fn declarations(validation: Validation) -> String {
    let validation = match validation {
        Validation::Off => "off",
        Validation::Told => "warn",
    };
    format!(
        r#"
[organisation]
slug = "northwind"
name = "Northwind Hospital"
sites = {{ main = "Main building" }}
codes = {{ main = "{SITE}" }}
validation = "{validation}"
subscriptions = ["foundation", "base", "clinical", "financial", "specialized"]

[[client]]
client_id = "{CLIENT_ID}"
name = "Bench"
uri = "http://127.0.0.1:9"
grant_types = ["client_credentials"]
scopes = "system/*.cruds"
secret = "{CLIENT_SECRET}"
"#
    )
}
