//! HAPI FHIR JPA on PostgreSQL, built by Maven from `hapi/`: what its starter sets up, without what nobody here asks for.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
};

use crate::{
    database::Database,
    hilum::Validation,
    place::{Place, free_port},
    server::{Kept, Server, folder, source},
};

/// The most memory that its heap may use.
const HEAP: &str = "-Xmx2g";

/// Where Maven puts what it makes.
fn made() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("records-peer")
}

/// The archive of R4's examples, which Maven fetches with the server.
pub fn examples() -> Option<PathBuf> {
    let path = fs::read_to_string(made().join("class-path.txt")).ok()?;
    path.split(':').find(|part| part.contains("fhir-examples")).map(PathBuf::from)
}

/// As its starter sets it up. None, said loudly, where Maven cannot build it.
pub fn start(validation: Validation) -> Option<Server> {
    started(validation, &[])
}

/// With all that it can be asked.
pub fn start_compared() -> Option<Server> {
    started(Validation::Off, &["compared"])
}

fn started(validation: Validation, more: &[&str]) -> Option<Server> {
    let made = made();
    let path = made.join("class-path.txt");
    let (folded, output) =
        (format!("-Dmade={}", made.display()), format!("-Dmdep.outputFile={}", path.display()));
    let done = Command::new("mvn")
        .args(["-q", "-B", "-f"])
        .arg(source("hapi/pom.xml"))
        .args([&folded, "compile", "dependency:build-classpath", &output])
        .stdout(Stdio::null())
        .status();
    if !done.is_ok_and(|status| status.success()) {
        println!("WITHOUT HAPI: Maven, a JDK 17 and Maven Central are needed for it");
        return None;
    }
    let database = Database::fresh("hapi")?;
    let (folder, port) = (folder(), free_port());
    let validation = if validation == Validation::Told { "tell" } else { "off" };
    let class_path = format!("{}:{}", made.join("classes").display(), fs::read_to_string(path).unwrap());
    let mut command = Command::new("java");
    // A date without a zone means the same to everybody.
    command.args([HEAP, "-Duser.timezone=UTC"]);
    command.arg(format!("-Djava.io.tmpdir={}", folder.path().display())).args([
        "-cp",
        &class_path,
        "Peer",
        &port.to_string(),
        &database.jdbc(),
        validation,
    ]);
    command.args(more);
    let place = Place { port, pid: 0, base: "/fhir", fields: String::new() };
    let kept = Kept::Database(database);
    Some(Server::start("HAPI JPA, PostgreSQL", folder, &mut command, kept, place, "/metadata"))
}
