//! A Hilum of its own: an empty folder, the real binary, what an operator would set up, and one linked person.

use std::{
    fs::File,
    net::{Ipv4Addr, TcpListener},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{
    connection::Connection,
    person::Browser,
    third_party::{API_PATH, ThirdParty},
};

/// When a start has failed.
const START_MAX: Duration = Duration::from_secs(30);
/// Between two looks at the readiness.
const LOOK_EVERY: Duration = Duration::from_millis(1);

pub const EMAIL: &str = "nadia@northwind.example";
pub const PASSWORD: &str = "quiet harbour lantern";
pub const CLIENT_ID: &str = "benchbenchbenchbenchbenchbench01.bench";
pub const CLIENT_SECRET: &str = "hlm_cs_bench-bench-bench-bench-bench-bench-bench-1";
/// Where nobody listens: the browser stops at its door.
pub const APPLICATION: &str = "http://127.0.0.1:9";
pub const INTEGRATION: &str = "readings";

pub struct Deployment {
    folder: TempDir,
    pub port: u16,
    admin_port: u16,
    party: u16,
}

/// A Hilum that serves, until it is dropped.
pub struct Running {
    child: Child,
    /// From its start to its first readiness.
    pub ready_after: Duration,
}

impl Deployment {
    /// `hilum init` and `hilum load` in an empty folder beside the build, not in /tmp: that may be memory, where every
    /// write is durable at once.
    pub fn arrange(party: &ThirdParty) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let deployment = Self { folder, port: free_port(), admin_port: free_port(), party: party.port };
        let file = deployment.folder.path().join("declarations.toml");
        std::fs::write(&file, declarations(&party.url())).unwrap();
        deployment.command(&["init"]);
        deployment.command(&["load", file.to_str().unwrap()]);
        deployment
    }

    pub fn database(&self) -> PathBuf {
        self.folder.path().join("hilum.db")
    }

    /// `hilum serve`, its log written to a file as it would be in earnest.
    pub fn start(&self) -> Running {
        let log = File::create(self.folder.path().join("hilum.log")).unwrap();
        let began = Instant::now();
        let child = self.hilum(&["serve"]).stdout(log).spawn().unwrap();
        let mut running = Running { child, ready_after: Duration::ZERO };
        while !self.is_ready() {
            assert!(began.elapsed() < START_MAX, "it does not become ready");
            assert!(running.child.try_wait().unwrap().is_none(), "it has ended");
            std::thread::sleep(LOOK_EVERY);
        }
        running.ready_after = began.elapsed();
        running
    }

    /// A person signs in, allows the application to act, and links her account; the application's call through the proxy,
    /// written out.
    pub fn call_of_linked_person(&self) -> Vec<u8> {
        let mut browser = Browser::new(self.port);
        let token = browser.token_for_application();
        browser.link();
        let path = format!("/integrations/v1/{INTEGRATION}/proxy{API_PATH}");
        call(&path, self.port, &token)
    }

    fn is_ready(&self) -> bool {
        let look = format!("GET /health/ready HTTP/1.1\r\nhost: 127.0.0.1:{}\r\n\r\n", self.port);
        let answer =
            |mut connection: Connection| connection.exchange(look.as_bytes()).map(|answer| answer.status);
        Connection::open(self.port).and_then(answer).is_ok_and(|status| status == 200)
    }

    fn command(&self, words: &[&str]) {
        let output = self.hilum(words).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn hilum(&self, words: &[&str]) -> Command {
        let folder = self.folder.path();
        let mut command = Command::new(env!("CARGO_BIN_EXE_hilum"));
        command.args(words).current_dir(folder).stdin(Stdio::null()).env_clear().envs([
            ("HILUM__SERVER__LISTEN", format!("127.0.0.1:{}", self.port)),
            ("HILUM__SERVER__ADMIN_LISTEN", format!("127.0.0.1:{}", self.admin_port)),
            ("HILUM__SERVER__PUBLIC_URL", format!("http://127.0.0.1:{}", self.port)),
            ("HILUM__STORE__URL", format!("sqlite:{}", self.database().display())),
            ("HILUM__VAULT__ROOT_KEY_FILE", folder.join("root.key").display().to_string()),
            ("HILUM__INTEGRATIONS__ALLOW_INTERNAL", format!("[\"127.0.0.1:{}\"]", self.party)),
            // All calls come from one address.
            ("HILUM__LIMITS__REQUESTS_PER_MINUTE", String::from("100000000")),
        ]);
        command
    }
}

impl Running {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Stop it as an operator would, and wait for its end.
    pub fn stop(mut self) {
        rustix::process::kill_process(
            rustix::process::Pid::from_child(&self.child),
            rustix::process::Signal::TERM,
        )
        .unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// `GET`, written out.
pub fn call(path: &str, port: u16, bearer: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nauthorization: Bearer {bearer}\r\naccept: application/json\r\n\r\n"
    )
    .into_bytes()
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

fn declarations(party: &str) -> String {
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
uri = "{APPLICATION}"
redirect_uris = ["{APPLICATION}/signed-in"]
grant_types = ["authorization_code"]
scopes = "openid"
secret = "{CLIENT_SECRET}"
verified = true

[[integration]]
id = "{INTEGRATION}"
name = "Readings"
provider = "oidc"
client_id = "hilum"
client_secret = "secret-at-the-third-party"
scopes = "readings"

[integration.settings]
issuer = "{party}"
authorize_url = "{party}/authorize"
token_url = "{party}/token"
revocation_url = "{party}/revoke"
api_url = "{party}"

[[trust]]
client = "{CLIENT_ID}"
integration = "{INTEGRATION}"
proxy = ["GET {API_PATH}"]
calls_per_minute = 600000
"#
    )
}
