//! `hilum demo`: a deployment with sample data on this machine, beside a sandbox and a sample application in processes of their
//! own. Stopping and starting again keeps everything.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context, bail, ensure};
use kernel::{Secret, World};
use tokio::process::{Child, Command};

use crate::{
    commands::say,
    config,
    load::{self, Declarations},
    serve,
    wire::House,
};

mod records;
mod staff;

const DECLARATIONS: &str = include_str!("declarations.toml");
/// The client id of the demonstration's deployment at the sandbox.
const SANDBOX_CLIENT: &str = "hilum-demo";
/// The client id of the application that calls the FHIR API for itself.
const RECORDS: &str = "records.service";
/// What the client id of the SMART sample application ends with.
const CHART: &str = ".chart";
/// Where the four processes listen: this many ports in a row.
const PORTS: u16 = 4;

struct Places {
    folder: PathBuf,
    hilum: String,
    admin: String,
    sandbox: String,
    sample: String,
}

impl Places {
    fn new(folder: &Path, port: u16) -> anyhow::Result<Self> {
        ensure!((1..=u16::MAX - PORTS).contains(&port), "--port must be 1 to {}", u16::MAX - PORTS);
        let at = |nth: u16| format!("127.0.0.1:{}", port + nth);
        let folder = std::path::absolute(folder)?;
        Ok(Self { folder, hilum: at(0), admin: at(1), sandbox: at(2), sample: at(3) })
    }

    /// The demonstration's settings; what the environment says wins.
    fn settings(&self, mut environment: BTreeMap<String, String>) -> BTreeMap<String, String> {
        let ours = [
            ("SERVER__LISTEN", self.hilum.clone()),
            ("SERVER__ADMIN_LISTEN", self.admin.clone()),
            ("SERVER__PUBLIC_URL", format!("http://{}", self.hilum)),
            ("STORE__URL", format!("sqlite:{}", self.folder.join("hilum.db").display())),
            ("VAULT__ROOT_KEY_FILE", self.folder.join("root.key").display().to_string()),
            ("INTEGRATIONS__ALLOW_INTERNAL", format!("[\"{}\"]", self.sandbox)),
            ("PEOPLE__SELF_REGISTRATION", "open".to_owned()),
            ("LOG__FORMAT", "text".to_owned()),
            ("LOG__FILTER", "warn".to_owned()),
        ];
        for (key, value) in ours {
            environment.entry(format!("HILUM__{key}")).or_insert(value);
        }
        environment
    }
}

/// Serve the demonstration until told to stop.
///
/// # Errors
/// A port that is taken, a folder that cannot be written, or whatever else stopped it.
pub async fn run(
    folder: &Path,
    port: u16,
    environment: BTreeMap<String, String>,
    world: World,
) -> anyhow::Result<()> {
    let places = Places::new(folder, port)?;
    fs::create_dir_all(&places.folder).with_context(|| places.folder.display().to_string())?;
    let loaded = config::load(None, &places.settings(environment))?;
    let key = &loaded.config.vault.root_key_file;
    if loaded.config.vault.root_key.is_none() && !key.exists() {
        vault::Vault::create_root_key_file(key, &world)?;
    }
    let text = declarations(&places, &world)?;
    let declared = Declarations::parse(&text)?;
    let house = House::open(&loaded.config, &world).await?;
    let report = load::declare(&house, &declared).await?;
    records::write(&house).await?;
    let children = Children::start(&places, &declared)?;
    announce(&places, &declared, report.api_keys.first())?;
    let served = serve::serve(&loaded.config, house).await;
    children.stop().await;
    served
}

/// The file of declarations, made at the first start.
fn declarations(places: &Places, world: &World) -> anyhow::Result<String> {
    let path = places.folder.join("demo.toml");
    if path.exists() {
        return fs::read_to_string(&path).with_context(|| path.display().to_string());
    }
    let opaque: String = crypto::b64::encode(world.random::<48>())
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(32)
        .collect();
    let mut text = DECLARATIONS
        .replace("{client_id}", &format!("{opaque}.diary"))
        .replace("{chart_id}", &format!("{opaque}{CHART}"))
        .replace("{client_secret}", crypto::token::generate(world, auth::client::secret::PREFIX).expose())
        .replace("{api_key}", crypto::token::generate(world, auth::api_key::PREFIX).expose())
        .replace("{sandbox_secret}", &crypto::b64::encode(world.random::<32>()))
        .replace("{sandbox}", &format!("http://{}", places.sandbox))
        .replace("{sample}", &format!("http://{}", places.sample));
    while text.contains("{secret}") {
        let drawn = crypto::token::generate(world, auth::client::secret::PREFIX);
        text = text.replacen("{secret}", drawn.expose(), 1);
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
    file.write_all(text.as_bytes())?;
    Ok(text)
}

/// The two other processes.
struct Children(Vec<Child>);

impl Children {
    fn start(places: &Places, declared: &Declarations) -> anyhow::Result<Self> {
        let (Some(client), Some(integration)) = (declared.clients.first(), declared.integrations.first())
        else {
            bail!("demo.toml declares no client or no integration; delete it to have it made anew");
        };
        let secret =
            |secret: &Option<Secret<String>>| secret.as_ref().map(|s| s.expose().clone()).unwrap_or_default();
        let program = std::env::current_exe().context("finding this program")?;
        let start = |words: &[&str], secret: String| {
            Command::new(&program)
                .args(words)
                .env("HILUM_CLIENT_SECRET", secret)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .kill_on_drop(true)
                .spawn()
                .with_context(|| format!("starting hilum {}", words.first().copied().unwrap_or_default()))
        };
        let state = places.folder.join("sandbox.json").display().to_string();
        let callback = format!("http://{}/integrations/oauth2/{}/callback", places.hilum, integration.id);
        let sandbox = start(
            &[
                "sandbox",
                "--listen",
                &places.sandbox,
                "--state-file",
                &state,
                "--client-id",
                SANDBOX_CLIENT,
                "--redirect-uri",
                &callback,
            ],
            secret(&integration.client_secret),
        )?;
        let hilum = format!("http://{}", places.hilum);
        let mut words: Vec<&str> =
            vec!["sample", "--listen", &places.sample, "--hilum", &hilum, "--client-id", &client.client_id];
        if let Some(chart) = declared.clients.iter().find(|client| client.client_id.ends_with(CHART)) {
            words.extend(["--chart-client-id", &chart.client_id]);
        }
        let sample = start(&words, secret(&client.secret))?;
        Ok(Self(vec![sandbox, sample]))
    }

    async fn stop(self) {
        for mut child in self.0 {
            if let Err(error) = child.kill().await {
                tracing::debug!(%error, "a process of the demonstration had ended already");
            }
        }
    }
}

fn announce(places: &Places, declared: &Declarations, key_id: Option<&String>) -> anyhow::Result<()> {
    let Places { folder, hilum, admin, sandbox, sample } = places;
    let service = declared.clients.iter().find(|client| client.client_id == RECORDS);
    let calls = service
        .and_then(|client| Some(records::calls(hilum, &client.client_id, client.secret.as_ref()?.expose())));
    let managing = declared.api_keys.first().zip(key_id);
    let managing = managing.map(|(declared, id)| staff::calls(hilum, id, declared.key.expose()));
    say(format_args!(
        "
Hilum is ready, with sample data. Everything it keeps is in {folder}. Ctrl-C stops it.

  Sample application   http://{sample}/      sign in, link the sandbox, read heart rate, steps and sleep
  Open for a patient   http://{hilum}/launch   as Ines: a SMART application, opened for a patient of hers
  Hilum                http://{hilum}/
  FHIR API             http://{hilum}/fhir   records of the site {site}, with two made-up patients
  API reference        http://{hilum}/docs
  Sandbox              http://{sandbox}/sandbox/   a third-party health service with made-up data; make it fail here
  Metrics and health   http://{admin}/metrics  http://{admin}/health/ready

  Sign in as                                 password
  nadia@northwind.example  (patient)         quiet harbour lantern
  omar@northwind.example   (developer)       copper window seventeen
  ines@northwind.example   (administrator)   winter orchard compass

First calls to try:
  curl http://{hilum}/oauth2/.well-known/openid-configuration
  curl -i http://{hilum}/integrations/v1/                      # 401, and how to authenticate
  then open the sample application and press \"Sign in with Hilum\".

{managing}
{calls}",
        folder = folder.display(),
        site = records::SITE,
        calls = calls.unwrap_or_default(),
        managing = managing.unwrap_or_default(),
    ))
}
