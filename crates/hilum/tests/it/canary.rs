//! Secrets and personal data put through every path are nowhere in the clear afterwards: not in a page of the database, its
//! log or a backup, not in a line of the log, not in an answer that refuses.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    path::Path,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use axum::body::Body;
use http::{Method, Request, StatusCode, header};
use tracing_subscriber::fmt::MakeWriter;

use crate::app::{ADMINISTRATOR, App, DEVELOPER, DIARY, Reply, Somebody, TestApp, form, parameter};

const PERSON: Somebody = Somebody("canary.quillfeather@marker.example", "canary-password-Zx81qPlumage");
const NAME: &str = "Zanthia Quillfeather-Canary";
const WRONG_PASSWORD: &str = "canary-mistyped-Wd52rPlumage";
const CLIENT: App = App {
    client_id: "canaryclient00000000000000000000.canary",
    secret: "hlm_cs_CanaryClientSecret-0123456789-abcdefghij-9",
    redirect_uri: "https://canary.example/signed-in",
};
const OUR_SECRET_THERE: &str = "canary-our-secret-at-the-third-party-Kp03";
const SECOND_SECRET_THERE: &str = "canary-second-secret-there-Hn77";
const ACCESS: [&str; 3] =
    ["canary-access-token-one-Qm19", "canary-access-token-two-Ty64", "canary-access-token-three-Vb30"];
const REFRESH: [&str; 3] =
    ["canary-refresh-token-one-Lr08", "canary-refresh-token-two-Ec45", "canary-refresh-token-three-Ow92"];
const ACCOUNT: &str = "canary-account-at-the-third-party-Sg21";
const REMARK: &str = "canary-payload-of-the-third-party-Hd66";
const CODE_THERE: &str = "canary-code-of-the-third-party-Bj17";

/// Every line that is logged in this process, at the most talkative level of our own crates.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
impl<'w> MakeWriter<'w> for Log {
    type Writer = Self;
    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

fn log() -> &'static Log {
    static LOG: OnceLock<Log> = OnceLock::new();
    LOG.get_or_init(|| {
        let log = Log::default();
        let ours = ["audit", "auth", "broker", "console", "crypto", "hilum", "jobs", "store", "vault", "web"];
        let filter = format!("debug,{}", ours.map(|name| format!("{name}=trace")).join(","));
        let subscriber = web::logging::json_lines(&filter, log.clone()).unwrap();
        tracing::subscriber::set_global_default(subscriber).unwrap();
        log
    })
}

/// What is looked for: in every form in which it could be written down.
struct Marks {
    /// By the first eight bytes of a form: the form, and what it is a form of.
    forms: BTreeMap<[u8; 8], Vec<(Vec<u8>, String)>>,
}

impl Marks {
    fn new() -> Self {
        Self { forms: BTreeMap::new() }
    }

    fn add(&mut self, name: &str, value: &str) {
        assert!(value.len() >= 12, "{name} is too short to be told from chance");
        for (how, form) in forms_of(value) {
            let first = *form.first_chunk::<8>().unwrap();
            self.forms.entry(first).or_default().push((form, format!("{name} ({how})")));
        }
    }

    /// What of all this is in these bytes.
    fn found_in(&self, bytes: &[u8]) -> Vec<&str> {
        let mut found = Vec::new();
        for (at, window) in bytes.windows(8).enumerate() {
            let Some(forms) = self.forms.get(window) else { continue };
            found.extend(
                forms.iter().filter(|(form, _)| bytes[at..].starts_with(form)).map(|(_, name)| name.as_str()),
            );
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// As it is, percent-encoded, in hex, and in base64 at each of the three places where it can begin in a triple.
fn forms_of(value: &str) -> Vec<(&'static str, Vec<u8>)> {
    let bytes = value.as_bytes();
    let hex = |digits: fn(&u8) -> String| bytes.iter().map(digits).collect::<String>();
    let mut forms = vec![
        ("as it is", bytes.to_vec()),
        ("in capitals", value.to_uppercase().into_bytes()),
        ("in small letters", value.to_lowercase().into_bytes()),
        ("in hex", hex(|byte| format!("{byte:02x}")).into_bytes()),
        ("in HEX", hex(|byte| format!("{byte:02X}")).into_bytes()),
        ("as a form", form(&[("", value)]).trim_start_matches('=').as_bytes().to_vec()),
        ("percent-encoded", hex(|byte| format!("%{byte:02X}")).into_bytes()),
    ];
    for before in 0..3_usize {
        let padded = [&vec![0; before][..], bytes].concat();
        let whole = padded.len() / 3 * 3;
        // The first letters hold what was put before, the last may hold what comes after.
        let skip = [0, 2, 3][before];
        for (how, text) in [
            ("in base64", crypto::b64::encode_standard(&padded[..whole])),
            ("in base64url", crypto::b64::encode(&padded[..whole])),
        ] {
            forms.push((how, text.as_bytes()[skip..].to_vec()));
        }
    }
    let distinct: BTreeMap<Vec<u8>, &'static str> =
        forms.into_iter().rev().map(|(how, form)| (form, how)).collect();
    distinct.into_iter().map(|(form, how)| (how, form)).collect()
}

/// Answers that refuse, to be searched.
#[derive(Default)]
struct Refusals(Vec<(String, Reply)>);

impl Refusals {
    fn keep(&mut self, what: &str, reply: Reply) {
        assert!(reply.status >= 400, "{what} was not refused: {}", reply.status);
        self.0.push((what.to_owned(), reply));
    }
}

async fn set_up() -> (TestApp, Marks) {
    let app = TestApp::set(&[("people.self_registration", "open")]).await;
    let more = format!(
        r#"
[[client]]
client_id = "{}"
name = "Canary client"
uri = "https://canary.example"
redirect_uris = ["{}"]
grant_types = ["authorization_code", "client_credentials"]
scopes = "openid profile email integrations:revoke"
secret = "{}"
verified = true

[[integration]]
id = "omega"
name = "Omega health"
provider = "sandbox"
client_id = "hilum-at-omega"
client_secret = "{OUR_SECRET_THERE}"
settings = {{ base_url = "{{party}}" }}

[[trust]]
client = "{}"
integration = "omega"
actions = ["steps"]
proxy = ["GET /1/echo"]
"#,
        CLIENT.client_id, CLIENT.redirect_uri, CLIENT.secret, CLIENT.client_id
    );
    app.load(&format!("[organisation]\nslug = \"northwind\"\nname = \"Northwind Hospital\"\n{more}")).await;
    let mut marks = Marks::new();
    for (name, value) in [
        ("the password", PERSON.1),
        ("a wrong password", WRONG_PASSWORD),
        ("the e-mail address", PERSON.0.split('@').next().unwrap()),
        ("the person's name", NAME),
        ("the client's secret", CLIENT.secret),
        ("our secret at the third party", OUR_SECRET_THERE),
        ("our second secret there", SECOND_SECRET_THERE),
        ("the account at the third party", ACCOUNT),
        ("what the third party says of the person", REMARK),
        ("the third party's code", CODE_THERE),
    ] {
        marks.add(name, value);
    }
    for token in ACCESS.iter().chain(&REFRESH) {
        marks.add("a token of the third party", token);
    }
    (app, marks)
}

/// The end of something secret that was made on the way.
fn tail(secret: &str) -> &str {
    &secret[secret.len().saturating_sub(40)..]
}

async fn account(app: &TestApp, marks: &mut Marks, refusals: &mut Refusals) {
    let browser = app.browser();
    let fields = |password| {
        [("organisation", "northwind"), ("display_name", NAME), ("email", PERSON.0), ("password", password)]
    };
    let short = browser.post("/register", &fields("canary")).await;
    assert_eq!(short.status, 422, "{}", short.text());
    browser.post("/register", &fields(PERSON.1)).await.expect(303);
    let taken = browser.post("/register", &fields(PERSON.1)).await;
    assert_eq!(taken.status, 409, "{}", taken.text());
    marks.add("a session", tail(browser.cookies.borrow().values().next().unwrap()));
    for reply in [short, taken, browser.sign_in(Somebody(PERSON.0, WRONG_PASSWORD)).await] {
        // The form comes back as it was filled in, to the one who did, but for the password.
        for secret in [PERSON.1, WRONG_PASSWORD] {
            assert!(!reply.text().contains(secret), "a page repeats a password");
        }
    }
    let query = form(&[("email", PERSON.0), ("password", PERSON.1)]);
    refusals.keep("a form of another type", app.send(of_type("/sign-in", "text/plain", &query)).await);
    let twice = format!("{query}&{query}");
    let form_type = "application/x-www-form-urlencoded";
    refusals.keep("fields twice", app.send(of_type("/sign-in", form_type, &twice)).await);
    refusals.keep("no such page", app.get(&format!("/nope?{query}")).await);
    refusals.keep("no such method", browser.send(Method::PUT, &format!("/sign-in?{query}"), None, &[]).await);
}

fn of_type(path: &str, media: &str, body: &str) -> Request<Body> {
    Request::post(path).header(header::CONTENT_TYPE, media).body(Body::from(body.to_owned())).unwrap()
}

async fn tokens(app: &TestApp, marks: &mut Marks, refusals: &mut Refusals) -> String {
    let browser = app.signed_in(PERSON).await;
    marks.add("a session", tail(browser.cookies.borrow().values().next().unwrap()));
    let answer = browser.exchange(CLIENT, "openid profile email integrations:revoke").await;
    for name in ["access_token", "id_token"] {
        marks.add(name, tail(answer[name].as_str().unwrap()));
    }
    let token = answer["access_token"].as_str().unwrap().to_owned();
    let verifier = "canary-verifier-canary-verifier-canary-verifier-1";
    let code = browser.code(CLIENT, "openid", verifier).await;
    marks.add("a code", tail(&code));
    marks.add("a verifier", verifier);
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", CLIENT.redirect_uri),
        ("code_verifier", "canary-verifier-that-is-wrong-canary-verifier-1"),
    ];
    refusals.keep("a wrong verifier", app.ask_as(CLIENT, "/oauth2/token", &fields).await);
    refusals.keep("a spent code", app.ask_as(CLIENT, "/oauth2/token", &fields).await);
    let wrong = App { client_id: DIARY.client_id, ..CLIENT };
    refusals.keep("another's secret", app.ask_as(wrong, "/oauth2/token", &fields).await);
    let secret =
        form(&[("client_id", CLIENT.client_id), ("client_secret", CLIENT.secret), ("token", &token)]);
    refusals.keep(
        "a secret in the query",
        app.send(of_type(&format!("/oauth2/token?{secret}"), "text/plain", "")).await,
    );
    refusals.keep("a token in the query", app.get(&format!("/integrations/v1/?access_token={token}")).await);
    refusals
        .keep("a broken token", app.call(Method::GET, "/integrations/v1/", &format!("{token}x"), None).await);
    app.ask_as(CLIENT, "/oauth2/introspection", &[("token", &token)]).await.expect(200);
    app.call(Method::GET, "/oauth2/userinfo", &token, None).await.expect(200);
    token
}

/// Link, use, renew, be refused, link again, and end, with a third party that repeats secrets when it fails.
async fn connection(app: &TestApp, token: &str, marks: &mut Marks, refusals: &mut Refusals) {
    let browser = app.signed_in(PERSON).await;
    let steps = "/integrations/v1/omega/actions/steps";
    let day = Some(r#"{"from":"2026-01-04","to":"2026-01-04"}"#);
    let echo = "/integrations/v1/omega/proxy/1/echo";
    let issue = |nth: usize| {
        app.party.behave(|manner| {
            (manner.access_token, manner.refresh_token) = (ACCESS[nth].to_owned(), REFRESH[nth].to_owned());
            (manner.account, manner.remark) = (ACCOUNT.to_owned(), REMARK.to_owned());
            manner.token_status = StatusCode::OK;
        });
    };
    let link = async || {
        let state = browser.leave_for("omega", CLIENT).await;
        let back = form(&[("code", CODE_THERE), ("state", &state)]);
        let end = browser.get(&format!("/integrations/oauth2/omega/callback?{back}")).await.location();
        (state, end)
    };
    issue(0);
    let (state, end) = link().await;
    assert_eq!(end, "https://canary.example/linked");
    let proof = crypto::b64::encode_standard(format!("hilum-at-omega:{OUR_SECRET_THERE}"));
    let redeemed = app.party.asked("/oauth2/token");
    assert_eq!(redeemed.last().unwrap().authorization, format!("Basic {proof}"), "the canary was not in use");
    marks.add("a state", tail(&state));
    app.call(Method::POST, steps, token, day).await.expect(200);
    assert!(
        app.call(Method::GET, echo, token, None).await.expect(200).text().contains(REMARK),
        "the proxy hands it on"
    );
    for status in [500, 403, 404, 429] {
        app.party.behave(|manner| manner.api_status = StatusCode::from_u16(status).unwrap());
        refusals.keep("the third party fails", app.call(Method::POST, steps, token, day).await);
    }
    app.party.behave(|manner| manner.api_status = StatusCode::OK);
    refusals.keep(
        "a wrong input",
        app.call(Method::POST, steps, token, Some(&format!(r#"{{"from":"{REMARK}"}}"#))).await,
    );

    issue(1);
    app.clock.advance(Duration::from_secs(3590));
    let token = &app.token(PERSON, CLIENT, "openid integrations:revoke").await;
    app.call(Method::POST, steps, token, day).await.expect(200);
    assert!(app.party.asked("/oauth2/token").last().unwrap().body.contains(REFRESH[0]), "it was renewed");

    app.party.behave(|manner| manner.token_status = StatusCode::BAD_REQUEST);
    app.clock.advance(Duration::from_secs(3700));
    let browser_again = app.signed_in(PERSON).await;
    *browser.cookies.borrow_mut() = browser_again.cookies.borrow().clone();
    let token = &browser.token(CLIENT, "openid integrations:revoke").await;
    refusals.keep("a renewal refused for good", app.call(Method::POST, steps, token, day).await);
    let (_, end) = link().await;
    assert_eq!(parameter(&end, "error"), "server_error", "a code refused: {end}");

    issue(2);
    assert_eq!(link().await.1, "https://canary.example/linked");
    app.party.behave(|manner| manner.revoke_status = StatusCode::SERVICE_UNAVAILABLE);
    app.delete("/integrations/v1/omega", token).await.expect(204);
    app.work().await;
    app.house.db.flush_lazy().await.unwrap();
    assert_hidden(app, marks, "while the revocation waits");
    app.party.behave(|manner| manner.revoke_status = StatusCode::OK);
    app.clock.advance(Duration::from_secs(86_400));
    app.work().await;
    let revoked = app.party.asked("/oauth2/revoke");
    assert!(revoked.last().unwrap().body.contains(REFRESH[2]), "{revoked:?}");
}

/// Secrets that are typed into, or shown on, pages of developers and administrators.
async fn pages(app: &TestApp, marks: &mut Marks) {
    let developer = app.signed_in(DEVELOPER).await;
    let fields = [
        ("suffix", "shown"),
        ("name", "Shown once"),
        ("uri", "https://shown.example"),
        ("confidentiality", "confidential"),
        ("grant_types.client_credentials", "on"),
    ];
    let page = developer.post("/developer/applications", &fields).await.expect(200).text();
    let at = page.find("hlm_cs_").expect("the secret is shown");
    let secret: String =
        page[at..].chars().take_while(|c| c.is_ascii_alphanumeric() || "_-".contains(*c)).collect();
    assert!(secret.len() > 40, "{secret}");
    marks.add("a secret that was shown once", tail(&secret));
    let administrator = app.signed_in(ADMINISTRATOR).await;
    let fields = [
        ("provider", "sandbox"),
        ("slug", "psi"),
        ("name", "Psi health"),
        ("client_id", "hilum-at-psi"),
        ("client_secret", SECOND_SECRET_THERE),
        ("settings.base_url", app.party.url.as_str()),
    ];
    administrator.post("/admin/integrations", &fields).await.expect(303);
    let wrong = administrator.post("/admin/integrations", &fields).await.expect(409);
    for path in ["/admin/integrations/psi", "/admin/audit", "/admin/people"] {
        assert!(!administrator.get(path).await.expect(200).text().contains(SECOND_SECRET_THERE), "{path}");
    }
    assert!(!wrong.text().contains(SECOND_SECRET_THERE), "a form comes back with the secret in it");
}

fn files_in(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.filter(|path| path.is_file());
    files
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap()))
        .collect()
}

#[track_caller]
fn assert_hidden(app: &TestApp, marks: &Marks, when: &str) {
    for (name, bytes) in files_in(app.folder.path()) {
        assert_eq!(marks.found_in(&bytes), [""; 0], "{name} {when}");
    }
    let logged = log().0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    assert_eq!(marks.found_in(&logged), [""; 0], "the log {when}");
}

#[tokio::test]
async fn nothing_secret_or_personal_is_anywhere_in_the_clear() {
    log();
    let (app, mut marks) = set_up().await;
    let mut refusals = Refusals::default();
    account(&app, &mut marks, &mut refusals).await;
    let token = tokens(&app, &mut marks, &mut refusals).await;
    connection(&app, &token, &mut marks, &mut refusals).await;
    pages(&app, &mut marks).await;
    app.house.db.flush_lazy().await.unwrap();
    app.house.db.backup_to(&app.folder.path().join("backup.db")).await.unwrap();
    assert_hidden(&app, &marks, "in the end");
    for (what, reply) in &refusals.0 {
        let headers: String = reply
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap()))
            .collect();
        let whole = [headers.as_bytes(), &reply.bytes].concat();
        assert_eq!(marks.found_in(&whole), [""; 0], "the answer to {what}: {}", reply.text());
    }
    the_search_finds(&app);
    let folder = app.close().await;
    for (name, bytes) in files_in(folder.path()) {
        assert_eq!(marks.found_in(&bytes), [""; 0], "{name} after closing");
    }
}

/// The same search finds what is in the clear on purpose, in the database, its log, the backup and the lines of the log.
#[track_caller]
fn the_search_finds(app: &TestApp) {
    let mut control = Marks::new();
    control.add("the client's name", "Untrusted notes");
    let files = files_in(app.folder.path());
    let holding: Vec<&str> = files
        .iter()
        .filter(|(_, bytes)| !control.found_in(bytes).is_empty())
        .map(|(name, _)| name.as_str())
        .collect();
    assert!(holding.contains(&"backup.db"), "{holding:?}");
    assert!(holding.iter().any(|name| name.starts_with("hilum.db")), "{holding:?}");
    let mut control = Marks::new();
    control.add("a route", "/integrations/v1/{integration}/actions/{action}");
    assert!(!control.found_in(&log().0.lock().unwrap()).is_empty(), "nothing was logged");
}

#[test]
fn a_mark_is_found_in_every_form() {
    let mut marks = Marks::new();
    marks.add("the password", PERSON.1);
    for before in 0..5 {
        let padded = format!("{}{}and more", "x".repeat(before), PERSON.1);
        for text in [padded.clone(), crypto::b64::encode(&padded), crypto::b64::encode_standard(&padded)] {
            assert_eq!(marks.found_in(text.as_bytes()).len(), 1, "{text}");
        }
    }
    let hex: String = PERSON.1.bytes().map(|byte| format!("{byte:02X}")).collect();
    assert_eq!(marks.found_in(hex.as_bytes()), ["the password (in HEX)"]);
    assert_eq!(marks.found_in(&PERSON.1.as_bytes()[1..]), [""; 0]);
}
