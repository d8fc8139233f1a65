//! Hilum as an operator would set it up, with an empty site, a token for its records and an API key of its staff.

use std::{
    fs::File,
    net::{Ipv4Addr, TcpListener},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    connection::Connection,
    database::Database,
    source::{PAGE, RECORDS, Source, TYPES},
};

const START_MAX: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(10);
const SECRET: &str = "hlm_ak_bench-bench-bench-bench-bench-bench-bench-1";
const SITE: &str = "HCBENCH";

/// It serves until it is dropped.
pub struct Target {
    pub port: u16,
    child: Child,
    key: String,
    token: String,
    /// The integration, once there is one.
    place: std::cell::RefCell<String>,
    _folder: TempDir,
    _database: Option<Database>,
}

impl Target {
    /// None, said loudly, where there is no such engine.
    pub fn empty(engine: &str, source_port: u16) -> Option<Self> {
        // Beside the build, not in /tmp: that may be memory, where every write is durable at once.
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let database = if engine == "postgres" { Some(Database::fresh("sync")?) } else { None };
        let file = folder.path().join("hilum.db");
        let url = database.as_ref().map_or_else(|| format!("sqlite:{}", file.display()), Database::url);
        let (port, admin) = (free_port(), free_port());
        let hilum = |words: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_hilum"));
            command.args(words).current_dir(folder.path()).stdin(Stdio::null()).env_clear().envs([
                ("HILUM__SERVER__LISTEN", format!("127.0.0.1:{port}")),
                ("HILUM__SERVER__ADMIN_LISTEN", format!("127.0.0.1:{admin}")),
                ("HILUM__SERVER__PUBLIC_URL", format!("http://127.0.0.1:{port}")),
                ("HILUM__STORE__URL", url.clone()),
                ("HILUM__VAULT__ROOT_KEY_FILE", folder.path().join("root.key").display().to_string()),
                ("HILUM__INTEGRATIONS__ALLOW_INTERNAL", format!("[\"127.0.0.1:{source_port}\"]")),
                // All calls come from one address.
                ("HILUM__LIMITS__REQUESTS_PER_MINUTE", String::from("100000000")),
            ]);
            command
        };
        let arranged = |words: &[&str]| {
            let output = hilum(words).output().unwrap();
            assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap()
        };
        std::fs::write(folder.path().join("declarations.toml"), declarations()).unwrap();
        arranged(&["init"]);
        let told = arranged(&["load", "declarations.toml"]);
        let id = told.rsplit_once("API key ").unwrap().1.trim();
        let key = format!("{id}.{SECRET}");
        let log = File::create(folder.path().join("hilum.log")).unwrap();
        let child = hilum(&["serve"]).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        let mut target = Self {
            port,
            child,
            key,
            token: String::new(),
            place: std::cell::RefCell::default(),
            _folder: folder,
            _database: database,
        };
        target.wait_until_ready();
        target.token = target.token();
        Some(target)
    }

    fn wait_until_ready(&mut self) {
        let began = Instant::now();
        let look = format!("GET /health/ready HTTP/1.1\r\nhost: 127.0.0.1:{}\r\n\r\n", self.port);
        let answer =
            |mut connection: Connection| connection.exchange(look.as_bytes()).map(|answer| answer.status);
        while !Connection::open(self.port).and_then(answer).is_ok_and(|status| status == 200) {
            assert!(began.elapsed() < START_MAX, "it does not become ready");
            assert!(self.child.try_wait().unwrap().is_none(), "it has ended");
            std::thread::sleep(LOOK_EVERY);
        }
    }

    fn token(&self) -> String {
        let (id, secret) = self.key.split_once(".hlm_").unwrap();
        let pair = crypto::b64::encode_standard(format!("{id}:hlm_{secret}"));
        let form = "grant_type=client_credentials&scope=system%2F*.cruds%20sites%3Aadmin";
        let request = format!(
            "POST /oauth2/token HTTP/1.1\r\nhost: 127.0.0.1:{}\r\nauthorization: Basic {pair}\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
            self.port,
            form.len()
        );
        let told = self.asked(request.as_bytes(), 200);
        told["access_token"].as_str().unwrap().to_owned()
    }

    fn asked(&self, request: &[u8], status: u16) -> Value {
        let mut connection = Connection::open(self.port).unwrap();
        let answer = connection.exchange(request).unwrap();
        assert_eq!(answer.status, status, "{}", answer.text());
        serde_json::from_slice(answer.body).unwrap()
    }

    fn ask(&self, method: &str, path: &str, body: &Value, status: u16) -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let head = format!(
            "{method} /api/v1/integrations{path} HTTP/1.1\r\nhost: 127.0.0.1:{}\r\nx-api-key: {}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.port,
            self.key,
            body.len()
        );
        self.asked(head.as_bytes(), status)
    }

    /// A transaction as a request, written out.
    pub fn transaction(&self, bundle: &str) -> Vec<u8> {
        let head = format!(
            "POST /fhir HTTP/1.1\r\nhost: 127.0.0.1:{}\r\nauthorization: Bearer {}\r\nSU-SiteId: {SITE}\r\n\
             content-type: application/fhir+json\r\naccept: application/fhir+json\r\ncontent-length: {}\r\n\r\n",
            self.port,
            self.token,
            bundle.len()
        );
        [head.as_bytes(), bundle.as_bytes()].concat()
    }

    /// Connect the source, and bring all that it has; how long the run took.
    pub fn sync(&self, source: &Source) -> Duration {
        let sites = format!(
            "GET /admin/fhir/sites HTTP/1.1\r\nhost: 127.0.0.1:{}\r\nauthorization: Bearer {}\r\n\r\n",
            self.port, self.token
        );
        let site = self.asked(sites.as_bytes(), 200)[0]["id"].clone();
        let base = format!("http://127.0.0.1:{}/fhir", source.port);
        let config = json!({
            "base_url": base, "auth_type": "none", "site_id": site, "resource_types": TYPES, "page_size": PAGE,
        });
        let integration = json!({
            "name": "Clinic", "type": "fhir", "provider": "custom", "sync_frequency": "manual", "config": config,
        });
        let made = self.ask("POST", "", &integration, 201);
        let place = format!("/{}", made["id"].as_str().unwrap());
        let tested = self.ask("POST", &format!("{place}/test"), &Value::Null, 200);
        assert_ne!(tested["status"], "error", "{tested}");
        self.ask("POST", &format!("{place}/activate"), &Value::Null, 200);
        *self.place.borrow_mut() = place;
        let began = Instant::now();
        let report = self.run("full");
        let took = began.elapsed();
        assert_eq!(report["stored"], RECORDS, "{report}");
        took
    }

    /// Ask again for what has changed; how many records were stored.
    pub fn sync_again(&self) -> u64 {
        self.run("incremental")["stored"].as_u64().unwrap()
    }

    fn run(&self, extent: &str) -> Value {
        let path = format!("{}/sync", self.place.borrow());
        let begun = self.ask("POST", &path, &json!({"sync_type": extent}), 202);
        let job = format!("/sync-jobs/{}", begun["job_id"].as_str().unwrap());
        loop {
            let seen = self.ask("GET", &job, &Value::Null, 200);
            if !seen["finished_at"].is_null() {
                assert_eq!(seen["status"], "done", "{seen}");
                return seen["report"].clone();
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
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
sites = {{ main = "Main building" }}
codes = {{ main = "{SITE}" }}
validation = "off"
subscriptions = ["foundation", "base", "clinical"]

[[api_key]]
name = "Bench"
scopes = "integration:read integration:write integration:sync system/*.cruds sites:admin"
roles = ["org_admin"]
key = "{SECRET}"
"#
    )
}
