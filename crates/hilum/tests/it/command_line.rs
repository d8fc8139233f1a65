//! The commands that call a Hilum which serves: as staff type them, against the binary itself.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Stdio};

use axum::{Router, body::Bytes, extract::State, http::HeaderMap, routing::post};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    net::TcpListener,
    process::{Child, ChildStdout, Command},
    sync::mpsc,
    time::timeout,
};

use crate::{
    commands::{PATIENCE, Said, command, ended, free_port, run},
    party::Party,
};

const KEY: &str = "hlm_ak_staff-staff-staff-staff-staff-staff-staff-staff-1";
const CANARY: &str = "canary-credential";

/// A deployment that serves, with staff who have a key.
struct Served {
    folder: TempDir,
    url: String,
    key: String,
    party: Party,
    /// An address that takes what it is told, and what it was told.
    hooks: (String, mpsc::UnboundedReceiver<Got>),
    _serving: Child,
    _tasks: web::Tasks,
}

async fn until(lines: &mut Lines<BufReader<ChildStdout>>, what: &str) -> String {
    let found = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains(what) {
                return line;
            }
        }
        panic!("it ended before it said {what}");
    };
    timeout(PATIENCE, found).await.unwrap_or_else(|_| panic!("it does not say {what}"))
}

impl Served {
    async fn begin() -> Self {
        let (folder, tasks) = (tempfile::tempdir().unwrap(), web::Tasks::new());
        let party = Party::start(&tasks).await;
        let (listen, admin) = (format!("127.0.0.1:{}", free_port()), format!("127.0.0.1:{}", free_port()));
        let hooks = receiver(&tasks).await;
        let inside = hooks.0.trim_start_matches("http://").trim_end_matches("/in");
        let (url, allowed) = (format!("http://{listen}"), format!("[\"{}\", \"{inside}\"]", party.host()));
        let settings = [
            ("server.listen", listen.as_str()),
            ("server.admin_listen", &admin),
            ("server.public_url", &url),
            ("integrations.allow_internal", &allowed),
        ];
        run(folder.path(), &["init"], &settings).await.done();
        let text = format!(
            "[organisation]\nslug = \"northwind\"\nname = \"Northwind\"\nsites = {{ main = \"Main\" }}\ncodes = {{ main = \"HCNWMN1\" }}\n\
             validation = \"off\"\nsubscriptions = [\"base\"]\n[[api_key]]\nname = \"Staff\"\nroles = [\"org_admin\"]\nkey = \"{KEY}\"\n\
             scopes = \"integration:read integration:write integration:sync integration:records webhook:read webhook:write\"\n"
        );
        fs::write(folder.path().join("staff.toml"), text).unwrap();
        let told = run(folder.path(), &["load", "staff.toml"], &settings).await.done().out;
        let key = format!("{}.{KEY}", told.trim_end().rsplit("API key ").next().unwrap());
        let mut serving = command(folder.path(), &["serve"], &settings);
        let mut serving = serving.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(serving.stdout.take().unwrap()).lines();
        until(&mut lines, "\"ready\"").await;
        // What it logs from now on is read, so that it never waits for a reader.
        tasks.spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { folder, url, key, party, hooks, _serving: serving, _tasks: tasks }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self, name: &str, text: &str) -> String {
        fs::write(self.path(name), text).unwrap();
        self.path(name).display().to_string()
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = command(self.folder.path(), words, &[]);
        command.env("HILUM_URL", &self.url).env("HILUM_API_KEY", &self.key).env("HOME", self.folder.path());
        command
    }

    async fn ask(&self, words: &[&str]) -> Said {
        let said = ended(self.command(words)).await;
        for secret in [KEY, CANARY, "party-access-1"] {
            assert!(!said.out.contains(secret) && !said.err.contains(secret), "{words:?} shows a secret");
        }
        said
    }

    async fn json(&self, words: &[&str]) -> Value {
        let words = [words, &["--json"]].concat();
        let said = self.ask(&words).await.done();
        serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{words:?}: {}", said.out))
    }

    /// What staff do by other means: here, with the same key.
    async fn post(&self, path: &str, body: &Value) -> Value {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let asked = client.post(format!("{}{path}", self.url)).header("x-api-key", &self.key).json(body);
        let answer = asked.send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.unwrap_or_default()
    }

    async fn site(&self) -> String {
        let database = rusqlite::Connection::open(self.path("hilum.db")).unwrap();
        let bytes: Vec<u8> = database.query_row("SELECT id FROM site", [], |row| row.get(0)).unwrap();
        kernel::Id::<kernel::Site>::from_bytes(bytes.try_into().unwrap()).to_string()
    }
}

fn code(said: &Said) -> i32 {
    said.code.unwrap_or(-1)
}

#[tokio::test]
async fn staff_connect_a_system_from_the_command_line() {
    let served = Served::begin().await;
    let none = served.ask(&["integrations", "list"]).await.done();
    assert!(none.out.contains("There are none. Next: hilum integrations create"), "{}", none.out);
    let (wrong, right) = (served.file("wrong", CANARY), served.file("right", "party-access-1\n"));
    let base = format!("base_url={}/fhir", served.party.url);
    let site = format!("site_id={}", served.site().await);
    let create = [
        "integrations",
        "create",
        "--name",
        "Clinic",
        "--type",
        "fhir",
        "--set",
        &base,
        "--set",
        &site,
        "--set",
        "resource_types=[\"Patient\"]",
        "--set",
        "auth_type=bearer",
    ];
    let argument = [&create[..], &["--credential", "token"]].concat();
    let said = served.ask(&argument).await;
    assert!(code(&said) == 2 && said.err.contains("NAME=FILE"), "{}", said.err);
    let credential = format!("token={wrong}");
    let made = served.ask(&[&create[..], &["--credential", &credential]].concat()).await.done();
    assert!(
        made.out.contains("pending") && made.out.contains("Next: hilum integrations test int_"),
        "{}",
        made.out
    );
    let again = served.ask(&create).await;
    assert!(
        code(&again) == 3 && again.err.contains("INT004") && again.err.contains("Next: "),
        "{}",
        again.err
    );

    let listed = served.json(&["integrations", "list", "--type", "fhir"]).await;
    assert_eq!((&listed["total"], &listed["items"][0]["name"]), (&json!(1), &json!("Clinic")));
    let id = listed["items"][0]["id"].as_str().unwrap();
    let tested = served.ask(&["integrations", "test", id]).await;
    assert!(
        code(&tested) == 1 && tested.out.contains("sign_in") && tested.out.contains("Next: mend"),
        "{}",
        tested.out
    );
    let early = served.ask(&["integrations", "activate", id]).await;
    assert!(code(&early) == 3 && early.err.contains("test the integration first"), "{}", early.err);
    let mended = format!("token={right}");
    let update = ["integrations", "update", id, "--credential", &mended, "--reason", "the right one"];
    served.ask(&update).await.done();
    let stale = served.ask(&["integrations", "update", id, "--name", "Other", "--if-match", "\"1.x\""]).await;
    assert!(code(&stale) == 3 && stale.err.contains("changed it meanwhile"), "{}", stale.err);
    assert_eq!(code(&served.ask(&["integrations", "update", id]).await), 2, "nothing is to be changed");
    served.ask(&["integrations", "test", id]).await.done();
    let on = served.ask(&["integrations", "activate", id]).await.done();
    assert!(on.out.contains("active") && on.out.contains("Next: hilum sync run"), "{}", on.out);

    let synced = served.ask(&["sync", "run", id, "--full", "--follow"]).await.done();
    assert!(synced.out.contains("done") && synced.out.contains("stored"), "{}{}", synced.out, synced.err);
    let job = synced.out.lines().find_map(|line| line.strip_prefix("job")).unwrap().trim().to_owned();
    let seen = served.json(&["sync", "status", &job]).await;
    assert_eq!((&seen["status"], &seen["report"]["received"]), (&json!("done"), &json!(1)), "{seen}");
    assert_eq!(code(&served.ask(&["sync", "cancel", &job]).await), 3, "it has ended");
    let clean = served.ask(&["sync", "quarantine", "list", id]).await.done();
    assert!(clean.out.contains("Every record was taken"), "{}", clean.out);
    let letters = served.ask(&["sync", "dead-letters", "list"]).await.done();
    assert!(letters.out.contains("No job has failed"), "{}", letters.out);

    let history = served.ask(&["integrations", "history", id]).await.done();
    assert!(
        history.out.contains("integration.updated") && history.out.contains("the right one"),
        "{}",
        history.out
    );
    served.ask(&["integrations", "archive", id]).await.done();
    let gone = served.ask(&["integrations", "show", id]).await;
    assert!(code(&gone) == 3 && gone.err.contains("INT001"), "{}", gone.err);
    let purge = served.ask(&["integrations", "purge", id, "--reason", "over", "--confirm", "Clinics"]).await;
    assert!(code(&purge) == 2 && purge.err.contains("nothing was removed"), "{}", purge.err);
    let back = served.json(&["integrations", "restore", id]).await;
    assert_eq!(back["status"], "inactive");
    let providers = served.ask(&["integrations", "providers", "--type", "edc"]).await.done();
    assert!(providers.out.contains("medidata"), "{}", providers.out);
}

/// What each fault says, and with which code it ends.
#[tokio::test]
async fn every_refusal_says_what_to_do_next() {
    let served = Served::begin().await;
    let never = format!("int_{}", "0".repeat(32));
    for (words, expected, says) in [
        (&["integrations", "show", &never][..], 3, "Next: "),
        (&["integrations", "show", "../oauth2"], 2, "is no id"),
        (&["integrations", "list", "--size", "0"], 3, "size: must be 1 to 100"),
        (&["integrations", "list", "--token-file", "nowhere"], 2, "nowhere"),
        (&["integrations", "list", "--url", "http://hilum.example"], 2, "https"),
        (&["integrations", "list", "--url", "http://127.0.0.1:1"], 4, "cannot be reached"),
        (&["sync", "status", "sync_0", "--follow"], 3, "Next: "),
        (&["webhooks", "replay", "0"], 2, "EVENT"),
        (&["webhooks", "listen", "--to", "https://example.org/"], 2, "this machine"),
    ] {
        let said = served.ask(words).await;
        assert_eq!(code(&said), expected, "{words:?}: {}{}", said.out, said.err);
        assert!(said.err.contains(says), "{words:?}: {}", said.err);
        assert!(said.out.is_empty(), "{words:?}: {}", said.out);
    }
    let mut nobody = served.command(&["integrations", "list"]);
    let nobody = ended({
        nobody.env_remove("HILUM_API_KEY");
        nobody
    })
    .await;
    assert!(code(&nobody) == 2 && nobody.err.contains("hilum profile set"), "{}", nobody.err);
    let mut wrong = served.command(&["integrations", "list", "--json"]);
    let wrong = ended({
        wrong.env("HILUM_API_KEY", "k7m2qd.nobody.hlm_ak_wrong");
        wrong
    })
    .await;
    let told: Value = serde_json::from_str(&wrong.err).unwrap();
    assert_eq!((code(&wrong), &told["error"]["code"]), (3, &json!("INT003")));
    assert!(!wrong.err.contains("hlm_ak_wrong"));
}

#[tokio::test]
async fn a_profile_says_where_and_as_whom() {
    let served = Served::begin().await;
    let key = served.file("key", &served.key);
    let plain = |words: &[&str]| {
        let mut command = served.command(words);
        command.env_remove("HILUM_URL").env_remove("HILUM_API_KEY");
        command
    };
    ended(plain(&["profile", "set", "--url", &served.url, "--api-key-file", &key])).await.done();
    let file = served.path(".config/hilum/profiles.toml");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let listed = ended(plain(&["profile", "list"])).await.done();
    assert!(listed.out.contains(&served.url) && !listed.out.contains(KEY), "{}", listed.out);
    ended(plain(&["integrations", "list"])).await.done();
    // The key of one Hilum is not shown to another one.
    let elsewhere = ended(plain(&["integrations", "list", "--url", "http://127.0.0.1:1"])).await;
    assert!(code(&elsewhere) == 2 && elsewhere.err.contains("whose key is not for it"), "{}", elsewhere.err);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let exposed = ended(plain(&["integrations", "list"])).await;
    assert!(
        code(&exposed) == 2 && exposed.err.contains("chmod 600") && !exposed.err.contains(KEY),
        "{}",
        exposed.err
    );
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    ended(plain(&["profile", "remove", "default"])).await.done();
    assert_eq!(code(&ended(plain(&["integrations", "list"])).await), 2);
}

type Got = (HeaderMap, Bytes);

/// A receiver on this machine.
async fn receiver(tasks: &web::Tasks) -> (String, mpsc::UnboundedReceiver<Got>) {
    async fn take(State(to): State<mpsc::UnboundedSender<Got>>, headers: HeaderMap, body: Bytes) {
        to.send((headers, body)).unwrap();
    }
    let (sender, receiver) = mpsc::unbounded_channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/in", listener.local_addr().unwrap());
    let app = Router::new().route("/in", post(take)).with_state(sender);
    tasks.spawn(async move { drop(axum::serve(listener, app).await) });
    (url, receiver)
}

fn signed_by(secret: &str, (headers, body): &Got) -> bool {
    let key: [u8; 32] = crypto::b64::decode_standard(secret.trim().strip_prefix("whsec_").unwrap())
        .unwrap()
        .try_into()
        .unwrap();
    let text = |name: &str| headers[name].to_str().unwrap().to_owned();
    let at = kernel::Timestamp::from_seconds(text("webhook-timestamp").parse().unwrap());
    let message = crypto::webhook::Message { id: &text("webhook-id"), at, body };
    text("webhook-signature") == crypto::webhook::sign(&kernel::Secret::new(key), &message)
}

#[tokio::test]
async fn what_happens_is_heard_and_passed_on_signed() {
    let mut served = Served::begin().await;
    let url = served.hooks.0.clone();
    let secret = format!("whsec_{}", crypto::b64::encode_standard([7; 32]));
    let file = served.file("secret", &secret);
    let mut listening = served.command(&[
        "webhooks",
        "listen",
        "--to",
        &url,
        "--secret-file",
        &file,
        "--event-type",
        "inbound.*",
    ]);
    let mut listening = listening.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut told = BufReader::new(listening.stderr.take().unwrap()).lines();
    let listens = async { while !told.next_line().await.unwrap().unwrap().contains("Listening") {} };
    timeout(PATIENCE, listens).await.unwrap();
    let recipe = json!({"name": "Lab", "integration": "lab", "recipe": {"algorithm": "none"}});
    let inbound = served.post("/api/v1/integrations/inbound-webhooks", &recipe).await;
    served.post(inbound["path"].as_str().unwrap(), &json!({"result": 1})).await;

    let one = timeout(PATIENCE, served.hooks.1.recv()).await.unwrap().unwrap();
    let body: Value = serde_json::from_slice(&one.1).unwrap();
    assert_eq!(
        (&body["type"], body["id"].as_str()),
        (&json!("inbound.received"), one.0["webhook-id"].to_str().ok())
    );
    assert!(signed_by(&secret, &one), "signed as endpoints are told");
    let mut lines = BufReader::new(listening.stdout.take().unwrap()).lines();
    let line = until(&mut lines, "inbound.received").await;
    assert!(line.contains(body["id"].as_str().unwrap()) && line.contains("→ 200"), "{line}");
    let pid = rustix::process::Pid::from_raw(listening.id().unwrap().try_into().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert!(timeout(PATIENCE, listening.wait()).await.unwrap().unwrap().success());
    assert!(told.next_line().await.unwrap().unwrap().contains("1 events heard, 0 of them not taken"));
    let left = served.json(&["webhooks", "endpoints", "list"]).await;
    assert_eq!(left["total"], 0, "nothing is left behind");
}

#[tokio::test]
async fn who_is_told_is_said_and_looked_after_from_the_command_line() {
    let served = Served::begin().await;
    let to = served.hooks.0.clone();
    let kept = served.path("endpoint-secret").display().to_string();
    let create = ["webhooks", "endpoints", "create", "--name", "Ours", "--to", &to, "--secret-file", &kept];
    let made = served.ask(&create).await.done();
    let secret = fs::read_to_string(&kept).unwrap();
    assert!(secret.starts_with("whsec_") && !made.out.contains(secret.trim()), "{}", made.out);
    assert_eq!(fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(code(&served.ask(&create).await), 2, "no file is overwritten, and nothing is made");
    let listed = served.json(&["webhooks", "endpoints", "list"]).await;
    assert_eq!(listed["total"], 1);
    let id = listed["items"][0]["id"].as_str().unwrap();
    let event =
        served.json(&["webhooks", "endpoints", "test", id]).await["event_id"].as_str().unwrap().to_owned();
    let delivered = async {
        while served.json(&["webhooks", "deliveries", "list", id, "--state", "delivered"]).await["total"] == 0
        {
        }
    };
    timeout(PATIENCE, delivered).await.unwrap();
    let shown = served.ask(&["webhooks", "deliveries", "show", id, &event]).await.done();
    assert!(shown.out.contains("webhook.test") && shown.out.contains("200"), "{}", shown.out);
    let again = served.ask(&["webhooks", "replay", id, &event]).await.done();
    assert!(again.out.contains('1'), "{}", again.out);
    served.ask(&["webhooks", "replay", id, "--since", "2026-01-01T00:00:00Z", "--state", "all"]).await.done();
    served.ask(&["webhooks", "endpoints", "update", id, "--state", "paused"]).await.done();
    let health = served.ask(&["webhooks", "endpoints", "health", id]).await.done();
    assert!(health.out.contains("paused"), "{}", health.out);
    let rotated = served.json(&["webhooks", "endpoints", "rotate-secret", id]).await;
    assert!(rotated["secret"].as_str().unwrap().starts_with("whsec_"));
    assert!(served.ask(&["webhooks", "event-types"]).await.done().out.contains("connection.linked"));
    served.ask(&["webhooks", "endpoints", "delete", id]).await.done();
    assert_eq!(code(&served.ask(&["webhooks", "endpoints", "show", id]).await), 3);
    assert!(!Path::new(&served.folder.path().join(".config")).exists(), "no profile was made");
}
