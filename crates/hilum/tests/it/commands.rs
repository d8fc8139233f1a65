//! The binary, as an operator meets it.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Output, Stdio},
    time::Duration,
};

use http::Method;
use testkit::engine::{POSTGRES, server, with_url};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
    time::timeout,
};

use url::Url;

use crate::app::{DIARY, FOREIGN_PATIENT, PATIENT, TestApp};

/// How long a command may take here.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// What a command says and how it ends.
pub struct Said {
    pub succeeded: bool,
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Said {
    #[track_caller]
    pub fn done(self) -> Self {
        assert!(self.succeeded, "{}{}", self.out, self.err);
        self
    }

    #[track_caller]
    fn refused(self) -> String {
        assert!(!self.succeeded, "{}{}", self.out, self.err);
        self.err
    }
}

pub fn command(folder: &Path, words: &[&str], settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hilum"));
    command.args(words).current_dir(folder).env_clear().stdin(Stdio::null()).kill_on_drop(true);
    for (name, value) in
        [("store.url", "sqlite:hilum.db"), ("vault.root_key_file", "root.key")].iter().chain(settings)
    {
        command.env(format!("HILUM__{}", name.to_uppercase().replace('.', "__")), value);
    }
    command
}

pub async fn run(folder: &Path, words: &[&str], settings: &[(&str, &str)]) -> Said {
    ended(command(folder, words, settings)).await
}

/// A command, when it has come to its end.
pub async fn ended(mut command: Command) -> Said {
    let ended = timeout(PATIENCE, command.output()).await;
    let Output { status, stdout, stderr } =
        ended.unwrap_or_else(|_| panic!("{command:?} does not end")).unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { succeeded: status.success(), code: status.code(), out: text(stdout), err: text(stderr) }
}

#[tokio::test]
async fn check_prints_what_is_in_force_and_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("hilum.toml"), "[redis]\nurl = \"redis://:file-password@cache:6379\"\n")
        .unwrap();
    let settings = [
        ("store.url", "postgres://hilum:env-password@db.internal/hilum"),
        ("vault.root_key", "dGhpcyBpcyBhIHJvb3Qga2V5IGZvciBhIHRlc3QgISE="),
        ("server.listen", "0.0.0.0:8080"),
    ];
    let said = run(folder.path(), &["check"], &settings).await.done();
    let all = format!("{}{}", said.out, said.err);
    for secret in ["file-password", "env-password", "dGhpcyBpcyBh"] {
        assert!(!all.contains(secret), "{secret}: {all}");
    }
    for shown in
        ["db.internal", "cache:6379", "0.0.0.0:8080", "hilum.toml", "server.listen is reachable from outside"]
    {
        assert!(said.out.contains(shown), "{shown}: {}", said.out);
    }
    // What it prints is a file of settings with every key.
    let printed: String =
        said.out.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect();
    let table: toml::Table = printed.parse().unwrap();
    assert_eq!(table["limits"]["token_per_minute"].as_integer(), Some(1200));
}

#[tokio::test]
async fn a_setting_that_does_not_exist_is_refused_by_every_command() {
    let folder = tempfile::tempdir().unwrap();
    for word in ["check", "serve", "init", "migrate"] {
        let why = run(folder.path(), &[word], &[("server.lisen", "127.0.0.1:1")]).await.refused();
        assert!(why.contains("server.lisen") && why.contains("server.listen"), "{word}: {why}");
        let why =
            run(folder.path(), &[word], &[("server.public_url", "http://hilum.example")]).await.refused();
        assert!(why.contains("server.public_url"), "{word}: {why}");
    }
    assert!(!folder.path().join("root.key").exists() && !folder.path().join("hilum.db").exists());
}

#[tokio::test]
async fn init_makes_what_is_not_there_and_leaves_what_is() {
    let folder = tempfile::tempdir().unwrap();
    let first = run(folder.path(), &["init"], &[]).await.done();
    let key = folder.path().join("root.key");
    let made = fs::read(&key).unwrap();
    for file in ["root.key", "hilum.db"] {
        let mode = fs::metadata(folder.path().join(file)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{file}");
    }
    assert!(first.out.contains("root.key") && first.out.contains("serve"), "{}", first.out);
    let second = run(folder.path(), &["init"], &[]).await.done();
    assert!(second.out.contains("is there already") && second.out.contains("0 migrations"), "{}", second.out);
    assert_eq!(fs::read(&key).unwrap(), made);
    let line = String::from_utf8(made).unwrap();
    let secret = line.lines().find(|line| !line.starts_with('#')).unwrap();
    assert!(!first.out.contains(secret) && !second.out.contains(secret), "the key is printed");
}

/// As the README says it: in an empty folder, with no setting at all.
#[tokio::test]
async fn init_makes_the_folder_that_the_defaults_name() {
    let folder = tempfile::tempdir().unwrap();
    let mut plain = Command::new(env!("CARGO_BIN_EXE_hilum"));
    plain.arg("init").current_dir(folder.path()).env_clear().stdin(Stdio::null()).kill_on_drop(true);
    let said = timeout(PATIENCE, plain.output()).await.unwrap().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let mode = |name: &str| fs::metadata(folder.path().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("data"), mode("data/root.key"), mode("data/hilum.db")), (0o700, 0o600, 0o600));
}

/// Nothing is served without the right key, and what is said of it is no help to a thief.
#[tokio::test]
async fn serving_needs_the_right_key_and_a_private_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let serve = async |settings: &[(&str, &str)]| run(path, &["serve"], settings).await.refused();
    let without = serve(&[]).await;
    assert!(without.contains("root.key"), "{without}");
    run(path, &["init"], &[]).await.done();
    let key = path.join("root.key");
    for mode in [0o644, 0o640, 0o604, 0o666] {
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
        let exposed = serve(&[]).await;
        assert!(
            exposed.contains("root.key") && exposed.contains("chmod") || exposed.contains("others"),
            "{exposed}"
        );
    }
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let right = fs::read_to_string(&key).unwrap();
    let other = tempfile::tempdir().unwrap();
    run(other.path(), &["init"], &[]).await.done();
    let wrong = fs::read_to_string(other.path().join("root.key")).unwrap();
    fs::write(&key, &wrong).unwrap();
    let refused = serve(&[]).await;
    assert!(refused.contains("key"), "{refused}");
    for bad in ["", "short", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="] {
        fs::write(&key, bad).unwrap();
        serve(&[]).await;
    }
    for secret in [&right, &wrong] {
        let line = secret.lines().last().unwrap();
        assert!(!refused.contains(line), "the refusal shows a key: {refused}");
    }
    fs::write(&key, right).unwrap();
    run(path, &["migrate"], &[]).await.done();
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Start, answer, and end when told to, with everything that was acknowledged kept.
#[tokio::test]
async fn serve_answers_until_it_is_told_to_stop() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &["init"], &[]).await.done();
    let (public, admin) = (format!("127.0.0.1:{}", free_port()), format!("127.0.0.1:{}", free_port()));
    let settings = [
        ("server.listen", public.as_str()),
        ("server.admin_listen", &admin),
        ("server.public_url", &format!("http://{public}")),
    ];
    let mut serving = command(folder.path(), &["serve"], &settings);
    let mut child = serving.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let ready = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            let said: serde_json::Value =
                serde_json::from_str(&line).unwrap_or_else(|_| panic!("not JSON: {line}"));
            if said["message"] == "ready" {
                return;
            }
        }
        panic!("it ended before it was ready");
    };
    timeout(PATIENCE, ready).await.expect("it is ready in time");
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let get = async |url: String| client.get(url).send().await.unwrap();
    assert_eq!(get(format!("http://{public}/health/ready")).await.status(), 200);
    assert_eq!(get(format!("http://{admin}/health/ready")).await.status(), 200);
    assert!(get(format!("http://{admin}/metrics")).await.text().await.unwrap().contains("# EOF"));
    assert_eq!(get(format!("http://{public}/metrics")).await.status(), 404, "metrics are not for the public");
    assert_eq!(get(format!("http://{public}/sign-in")).await.status(), 200);
    let told = std::process::Command::new("kill")
        .args(["-TERM", &child.id().unwrap().to_string()])
        .status()
        .unwrap();
    assert!(told.success());
    let ended = timeout(PATIENCE, child.wait()).await.expect("it ends when it is told to").unwrap();
    assert!(ended.success(), "{ended}");
}

#[tokio::test]
async fn loading_twice_changes_nothing() {
    let app = TestApp::empty(&[], 3).await;
    app.load(include_str!("northwind.toml")).await;
    let counts = async |app: &TestApp| {
        let mut reader = app.house.db.read().await.unwrap();
        let mut counts = Vec::new();
        for sql in [
            "SELECT COUNT(*) FROM person",
            "SELECT COUNT(*) FROM role_grant",
            "SELECT COUNT(*) FROM client",
            "SELECT COUNT(*) FROM client_secret",
            "SELECT COUNT(*) FROM integration",
            "SELECT COUNT(*) FROM client_trust",
            "SELECT COUNT(*) FROM site",
            "SELECT COUNT(*) FROM study",
        ] {
            counts.push(reader.one::<(i64,)>(sql, store::binds![]).await.unwrap().0);
        }
        counts
    };
    let before = counts(&app).await;
    assert_eq!(before, [3, 5, 2, 2, 1, 1, 1, 1]);
    let folder = app.close().await;
    let file = folder.path().join("northwind.toml");
    let text = include_str!("northwind.toml").replace("{party}", "http://127.0.0.1:9");
    fs::write(&file, &text).unwrap();
    let allowed = [("integrations.allow_internal", "[\"127.0.0.1:9\"]")];
    for _ in 0..2 {
        let said = run(folder.path(), &["load", "northwind.toml"], &allowed).await.done();
        assert!(said.out.contains("3 people, 2 applications, 1 integrations, 1 grants"), "{}", said.out);
        for secret in ["quiet harbour lantern", "hlm_cs_", "alpha-secret"] {
            assert!(!format!("{}{}", said.out, said.err).contains(secret));
        }
    }
    fs::write(&file, text.replace("roles = [\"developer\"]", "rolls = [\"developer\"]")).unwrap();
    let why = run(folder.path(), &["load", "northwind.toml"], &allowed).await.refused();
    assert!(why.contains("line") && why.contains("rolls") && !why.contains("copper window"), "{why}");
    let app = TestApp::at(folder, &[], 4).await;
    assert_eq!(counts(&app).await, before);
}

#[tokio::test]
async fn a_declared_api_key_is_told_by_its_id_and_never_by_its_text() {
    let folder = TestApp::empty(&[], 3).await.close().await;
    let text = "[organisation]\nslug = \"northwind\"\nname = \"Northwind\"\n[[api_key]]\nname = \"Lab Reports\"\n\
                scopes = \"client:read\"\nkey = \"hlm_ak_lab-lab-lab-lab-lab-lab-lab-lab-lab-lab-lab\"\n";
    fs::write(folder.path().join("keys.toml"), text).unwrap();
    let mut told = Vec::new();
    for _ in 0..2 {
        let said = run(folder.path(), &["load", "keys.toml"], &[]).await.done();
        assert!(!format!("{}{}", said.out, said.err).contains("lab-lab"));
        let (_, id) = said.out.trim_end().split_once("API key ").unwrap();
        assert!(id.len() == 17 && id.ends_with(".labreports"), "{id}");
        told.push(id.to_owned());
    }
    assert_eq!(told[0], told[1]);
    fs::write(folder.path().join("keys.toml"), text.replace("client:read", "openid")).unwrap();
    let why = run(folder.path(), &["load", "keys.toml"], &[]).await.refused();
    assert!(why.contains("Lab Reports") && !why.contains("lab-lab"), "{why}");
}

#[tokio::test]
async fn the_document_is_printed_without_a_deployment() {
    let folder = tempfile::tempdir().unwrap();
    let said = run(folder.path(), &["openapi"], &[]).await.done();
    let printed: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    let app = TestApp::empty(&[], 0).await;
    assert_eq!(printed, serde_json::to_value(app.house.openapi()).unwrap());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "it leaves nothing behind");
}

/// People, clients, trust, a linked account, a session and a line of a log.
async fn populated(seed: u64) -> TestApp {
    let app = TestApp::empty(&[], seed).await;
    app.load(include_str!("northwind.toml")).await;
    app.load(include_str!("southside.toml")).await;
    app.signed_in(PATIENT).await.link("alpha", DIARY).await;
    let sql = "INSERT INTO integration_line (integration_id, at, phrase, details) VALUES ($1, $2, $3, $4)";
    let line = store::binds![[7_u8; 16], 1_i64, 1_i64, "{}"];
    app.house.watch.log_db().execute(sql, line).await.unwrap();
    app
}

/// It serves what was there: passwords, client secrets, sealed names, the linked account.
async fn assert_serves(app: &TestApp) {
    let token = app.token(PATIENT, DIARY, "openid profile email").await;
    let claims = app.call(Method::GET, "/oauth2/userinfo", &token, None).await.expect(200).json();
    assert_eq!(
        (claims["name"].as_str(), claims["email"].as_str()),
        (Some("Nadia Petrenko"), Some(PATIENT.0))
    );
    let seen = app.call(Method::GET, "/integrations/v1/alpha", &token, None).await.expect(200).json();
    assert_eq!(seen["connected"], true);
    let page = app.signed_in(PATIENT).await.get("/integrations/").await.expect(200).text();
    assert!(page.contains("Alpha health"));
    app.signed_in(FOREIGN_PATIENT).await;
}

/// How many lines of logs a database has.
async fn lines(url: store::StoreUrl) -> i64 {
    let db = store::Db::open(&store::StoreConfig::new(url)).await.unwrap();
    let sql = "SELECT COUNT(*) FROM integration_line";
    let (lines,) = db.read().await.unwrap().one::<(i64,)>(sql, store::binds![]).await.unwrap();
    db.close().await;
    lines
}

async fn lines_in(folder: &Path, file: &str) -> i64 {
    lines(store::StoreUrl::sqlite(folder.join(file))).await
}

#[tokio::test]
async fn a_backup_is_a_deployment() {
    let app = populated(5).await;
    let folder = app.close().await;
    let said = lines_in(folder.path(), "hilum.log.db").await;
    assert!(said > 0, "something was said");
    let copy = tempfile::tempdir().unwrap();
    let to = copy.path().join("hilum.db");
    let words = ["db", "backup", "--to", to.to_str().unwrap()];
    run(folder.path(), &words, &[]).await.done();
    let again = run(folder.path(), &words, &[]).await.refused();
    assert!(again.contains("is there already"), "{again}");
    for file in ["hilum.db", "hilum.log.db"] {
        let mode = fs::metadata(copy.path().join(file)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{file}");
    }
    assert_eq!(lines_in(copy.path(), "hilum.log.db").await, said);
    fs::copy(folder.path().join("root.key"), copy.path().join("root.key")).unwrap();
    assert_serves(&TestApp::at(copy, &[], 6).await).await;
}

#[test]
fn a_deployment_moves_to_postgres_and_back() {
    with_url(POSTGRES, async |url| {
        // What is shown of it has neither user nor password.
        let shown = url.to_string();
        let mut postgres = Url::parse(&server().unwrap()).unwrap();
        postgres.set_path(Url::parse(&shown).unwrap().path());
        let postgres = postgres.to_string();
        let folder = populated(7).await.close().await;
        let copy = async |from: &str, to: &str| {
            run(folder.path(), &["db", "copy", "--from", from, "--to", to], &[]).await
        };
        let said = copy("sqlite:hilum.db", &postgres).await.done();
        assert!(said.out.contains("counts and digests agree"), "{}", said.out);
        let logged = lines_in(folder.path(), "hilum.log.db").await;
        assert!(logged > 0);
        assert_eq!(lines(store::StoreUrl::parse(&postgres).unwrap()).await, logged);
        let full = copy("sqlite:hilum.db", &postgres).await.refused();
        assert!(full.contains("not empty"), "{full}");
        let key = folder.path().join("root.key");

        let there = tempfile::tempdir().unwrap();
        fs::copy(&key, there.path().join("root.key")).unwrap();
        let app = TestApp::at(there, &[("store.url", &postgres)], 8).await;
        assert_serves(&app).await;
        app.close().await;

        let logged = lines(store::StoreUrl::parse(&postgres).unwrap()).await;
        copy(&postgres, "sqlite:again.db").await.done();
        assert_eq!(lines_in(folder.path(), "again.log.db").await, logged);
        assert_eq!(lines_in(folder.path(), "again.db").await, 0, "they are in the file of their own");
        let back = tempfile::tempdir().unwrap();
        fs::copy(&key, back.path().join("root.key")).unwrap();
        fs::copy(folder.path().join("again.db"), back.path().join("hilum.db")).unwrap();
        assert_serves(&TestApp::at(back, &[], 9).await).await;
    });
}

#[tokio::test]
async fn the_audit_trail_is_printed_as_it_was_recorded() {
    let folder = populated(10).await.close().await;
    let said =
        run(folder.path(), &["audit", "--organisation", "northwind", "--act", "connection.linked"], &[])
            .await
            .done();
    let lines: Vec<serde_json::Value> =
        said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 1, "{}", said.out);
    assert_eq!(lines[0]["act"], "connection.linked");
    for secret in ["party-access", "party-refresh", PATIENT.0, "Nadia"] {
        assert!(!said.out.contains(secret), "{secret}: {}", said.out);
    }
    let all =
        run(folder.path(), &["audit", "--organisation", "northwind", "--last", "100"], &[]).await.done();
    assert!(all.out.lines().count() > 8, "{}", all.out);
    let foreign =
        run(folder.path(), &["audit", "--organisation", "southside", "--last", "100"], &[]).await.done();
    assert!(!foreign.out.contains("connection."), "{}", foreign.out);
    let unknown = run(folder.path(), &["audit", "--organisation", "nowhere"], &[]).await.refused();
    assert!(unknown.contains("nowhere"), "{unknown}");
}
