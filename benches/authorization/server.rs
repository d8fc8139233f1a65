//! The two servers: Hilum as an operator would set it up, and its peer, npm oidc-provider with everything in memory.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{
    connection::Connection,
    place::{CERTIFICATE, Place, Wire},
};

const START_MAX: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(1);
pub const EMAIL: &str = "nadia@northwind.example";
pub const PASSWORD: &str = "quiet harbour lantern";
pub const CLIENT_ID: &str = "benchbenchbenchbenchbenchbench01.bench";
pub const CLIENT_SECRET: &str = "hlm_cs_bench-bench-bench-bench-bench-bench-bench-1";
/// Where nobody listens: the browser stops at its door.
pub const CALLBACK: &str = "http://127.0.0.1:9/signed-in";

/// An empty folder, set up.
pub struct Deployment {
    folder: TempDir,
    store: String,
    pub port: u16,
}

/// A server that serves, until it is dropped.
pub struct Running {
    child: Child,
    pub place: Place,
    /// From its start to its first readiness.
    pub ready_after: Duration,
}

impl Deployment {
    /// `hilum init` and `hilum load`, on SQLite beside the build, or in a database elsewhere.
    pub fn arrange(store: Option<String>) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let store = store.unwrap_or_else(|| format!("sqlite:{}", folder.path().join("hilum.db").display()));
        let deployment = Self { folder, store, port: free_port() };
        for (name, text) in [
            ("declarations.toml", declarations().as_str()),
            ("certificate.pem", &CERTIFICATE.0),
            ("key.pem", &CERTIFICATE.1),
        ] {
            std::fs::write(deployment.path(name), text).unwrap();
        }
        deployment.command(&["init"]);
        deployment.command(&["load", deployment.path("declarations.toml").to_str().unwrap()]);
        deployment
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `hilum serve`, its log written to a file as it would be in earnest.
    pub fn start(&self, wire: Wire) -> Running {
        self.start_at(self.port, wire)
    }

    /// A node beside the first, on the same database, at a port of its own.
    pub fn start_beside(&self) -> Running {
        self.start_at(free_port(), Wire::Clear)
    }

    fn start_at(&self, port: u16, wire: Wire) -> Running {
        let log = File::create(self.path("hilum.log")).unwrap();
        let admin = free_port();
        let mut command = self.hilum(&["serve"], wire);
        command.envs([
            ("HILUM__SERVER__LISTEN", format!("127.0.0.1:{port}")),
            ("HILUM__SERVER__ADMIN_LISTEN", format!("127.0.0.1:{admin}")),
        ]);
        let began = Instant::now();
        let child = command.stdout(log).spawn().unwrap();
        let place = Place::new(port, child.id(), wire);
        let mut running = Running { child, place, ready_after: Duration::ZERO };
        while !is_ready(admin) {
            assert!(began.elapsed() < START_MAX, "it does not become ready");
            assert!(running.child.try_wait().unwrap().is_none(), "it has ended");
            std::thread::sleep(LOOK_EVERY);
        }
        running.ready_after = began.elapsed();
        running
    }

    fn command(&self, words: &[&str]) {
        let output = self.hilum(words, Wire::Clear).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn hilum(&self, words: &[&str], wire: Wire) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hilum"));
        command.args(words).current_dir(self.folder.path()).stdin(Stdio::null()).env_clear().envs([
            ("HILUM__SERVER__PUBLIC_URL", format!("{}://127.0.0.1:{}", wire.scheme(), self.port)),
            ("HILUM__STORE__URL", self.store.clone()),
            ("HILUM__VAULT__ROOT_KEY_FILE", self.path("root.key").display().to_string()),
            // All calls come from one address.
            ("HILUM__LIMITS__REQUESTS_PER_MINUTE", String::from("100000000")),
            ("HILUM__LIMITS__TOKEN_PER_MINUTE", String::from("100000000")),
            ("HILUM__LIMITS__SIGN_IN_PER_MINUTE", String::from("1000000")),
        ]);
        if wire == Wire::Tls {
            command.env("HILUM__SERVER__TLS_CERTIFICATE", self.path("certificate.pem"));
            command.env("HILUM__SERVER__TLS_KEY", self.path("key.pem"));
        }
        command
    }
}

impl Running {
    /// Resident memory, in millions of bytes.
    pub fn rss_mb(&self) -> f64 {
        self.mb("VmRSS:")
    }

    /// What of it is the process's own: the rest are pages of files, which the kernel drops when it needs the room.
    pub fn own_mb(&self) -> f64 {
        self.mb("RssAnon:")
    }

    fn mb(&self, name: &str) -> f64 {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.place.pid)).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() * 1024.0 / 1e6
    }

    /// Stop it as an operator would, and wait for its end.
    pub fn stop(mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What the peer has made before it began to listen.
pub struct PeerGrants {
    pub refresh: Vec<String>,
    pub access: Vec<String>,
}

/// npm oidc-provider, from the modules of `e2e/`.
pub fn start_peer(deployment: &Deployment, wire: Wire, grants: usize) -> (Running, PeerGrants) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let modules = root.join("e2e/package.json");
    assert!(root.join("e2e/node_modules/oidc-provider").exists(), "npm ci in e2e/ first");
    let port = free_port();
    let mut command = Command::new("node");
    command
        .arg(root.join("benches/peer/oidc_provider.mjs"))
        .env("E2E_MODULES", modules)
        .env("NODE_ENV", "production");
    command.args([&port.to_string(), CLIENT_ID, CLIENT_SECRET, CALLBACK, &grants.to_string()]);
    if wire == Wire::Tls {
        command.arg(deployment.path("certificate.pem")).arg(deployment.path("key.pem"));
    }
    let began = Instant::now();
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let said = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap)
        .find(|line| line.starts_with('{'))
        .expect("the peer has ended");
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    let all = |name: &str| -> Vec<String> {
        let list = said["grants"].as_array().unwrap().iter();
        list.map(|grant| grant[name].as_str().unwrap().to_owned()).collect()
    };
    let grants = PeerGrants { refresh: all("refresh"), access: all("access") };
    let place = Place::new(port, child.id(), wire);
    (Running { child, place, ready_after: began.elapsed() }, grants)
}

fn is_ready(admin: u16) -> bool {
    let look = format!("GET /health/ready HTTP/1.1\r\nhost: 127.0.0.1:{admin}\r\n\r\n");
    let answer =
        |mut connection: Connection| connection.exchange(look.as_bytes()).map(|answer| answer.status);
    Connection::open(admin).and_then(answer).is_ok_and(|status| status == 200)
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

fn declarations() -> String {
    format!(
        r#"
[organisation]
slug = "northwind"
name = "Northwind Hospital"

[[person]]
email = "{EMAIL}"
name = "Nadia Petrenko"
password = "{PASSWORD}"

[[client]]
client_id = "{CLIENT_ID}"
name = "Bench"
uri = "http://127.0.0.1:9"
redirect_uris = ["{CALLBACK}"]
grant_types = ["authorization_code", "refresh_token", "client_credentials"]
scopes = "openid offline_access"
secret = "{CLIENT_SECRET}"
verified = true
"#
    )
}
