//! What the URL says, and whether the server is one that we can use.

use std::{net::IpAddr, path::Path, str::FromStr, sync::Arc, time::Duration};

use kernel::Secret;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject},
};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio_postgres::config::{Config, Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{DbError, Durability, Reader, StoreConfig, postgres::CONNECT_MAX};

/// The oldest server that we speak to.
const VERSION_MIN: i64 = 15;
/// How long a broken network may go unnoticed on a connection in use.
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(15);
/// How long an idle connection goes without a sign of life.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);
/// How long a transaction may sit idle before the server ends it: longer than any unit, for a node that has died.
const IDLE_IN_TRANSACTION_S: u32 = 60;

/// How connections are made.
pub(super) struct Settings {
    pub(super) config: Config,
    pub(super) tls: Option<MakeRustlsConnect>,
    /// Sent once on every new connection.
    pub(super) session_sql: String,
}

impl Settings {
    pub(super) fn read(url: &Secret<String>, config: &StoreConfig) -> Result<Self, DbError> {
        let (bare, asked) = take_tls_parameters(url)?;
        // The error would quote the text, which holds the password.
        let mut parsed = Config::from_str(bare.expose())
            .map_err(|_| DbError::setting("the PostgreSQL URL has a part that is not understood"))?;
        let tls = if asked.wants_tls(&parsed)? { Some(connector(asked.root_file.as_deref())?) } else { None };
        parsed
            .ssl_mode(if tls.is_some() { SslMode::Require } else { SslMode::Disable })
            .application_name("hilum")
            .connect_timeout(CONNECT_MAX)
            .tcp_user_timeout(UNACKNOWLEDGED_MAX)
            .keepalives_idle(KEEPALIVE_IDLE)
            .keepalives_interval(Duration::from_secs(10))
            .keepalives_retries(3);
        Ok(Self { config: parsed, tls, session_sql: session_sql(config) })
    }
}

fn session_sql(config: &StoreConfig) -> String {
    let commit = match config.durability {
        // A server that is set to something stronger than a local flush keeps it.
        Durability::Full => {
            "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
        }
        Durability::Relaxed => "SET synchronous_commit = off",
    };
    // Statements are short: to compile one takes longer than to run it, and the server would by what it believes of its tables.
    format!(
        "SET jit = off; SET statement_timeout = {}; SET idle_in_transaction_session_timeout = '{IDLE_IN_TRANSACTION_S}s';
         SET client_min_messages = warning; SET timezone = 'UTC'; {commit}",
        config.statement_max.as_millis()
    )
}

#[derive(Default)]
struct TlsParameters {
    mode: Option<String>,
    root_file: Option<String>,
}

/// The driver knows neither `verify-full` nor `sslrootcert`; both are ours to honour.
fn take_tls_parameters(url: &Secret<String>) -> Result<(Secret<String>, TlsParameters), DbError> {
    let mut parsed =
        url::Url::parse(url.expose()).map_err(|_| DbError::setting("the PostgreSQL URL is not a URL"))?;
    let mut asked = TlsParameters::default();
    let mut others = Vec::new();
    for (name, value) in parsed.query_pairs() {
        match &*name {
            "sslmode" => asked.mode = Some(value.into_owned()),
            "sslrootcert" => asked.root_file = Some(value.into_owned()),
            _ => others.push((name.into_owned(), value.into_owned())),
        }
    }
    parsed.set_query(None);
    if !others.is_empty() {
        parsed.query_pairs_mut().extend_pairs(others);
    }
    Ok((Secret::new(String::from(parsed)), asked))
}

impl TlsParameters {
    /// Encrypted and verified, unless the operator says otherwise or the data does not leave the machine.
    fn wants_tls(&self, config: &Config) -> Result<bool, DbError> {
        match self.mode.as_deref() {
            Some("disable") => Ok(false),
            Some("require" | "verify-ca" | "verify-full") => Ok(true),
            None | Some("prefer") => Ok(!config.get_hosts().iter().all(is_local)),
            Some(_) => {
                Err(DbError::setting("sslmode is one of disable, prefer, require, verify-ca, verify-full"))
            }
        }
    }
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

fn connector(root_file: Option<&str>) -> Result<MakeRustlsConnect, DbError> {
    let failed = |why: String| DbError::setting(format!("TLS to PostgreSQL cannot be set up: {why}"));
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(error.to_string()))?;
    let builder = match root_file {
        Some(file) => {
            let mut roots = RootCertStore::empty();
            let unreadable = |error| failed(format!("sslrootcert {file}: {error}"));
            for certificate in CertificateDer::pem_file_iter(Path::new(file)).map_err(unreadable)? {
                roots.add(certificate.map_err(unreadable)?).map_err(|error| failed(error.to_string()))?;
            }
            builder.with_root_certificates(roots)
        }
        None => builder.with_platform_verifier().map_err(|error| failed(error.to_string()))?,
    };
    Ok(MakeRustlsConnect::new(builder.with_no_client_auth()))
}

pub(super) async fn check_version(reader: &mut Reader) -> Result<(), DbError> {
    let (number,): (String,) = reader.one("SELECT current_setting('server_version_num')", Vec::new()).await?;
    judge_version(&number)
}

/// `server_version_num` is the major version times 10,000 plus the minor one.
fn judge_version(number: &str) -> Result<(), DbError> {
    match number.parse::<i64>().map(|number| number / 10_000) {
        Ok(major) if major >= VERSION_MIN => Ok(()),
        Ok(major) => Err(DbError::setting(format!(
            "PostgreSQL {major} is too old: version {VERSION_MIN} or later is needed"
        ))),
        Err(_) => Err(DbError::setting("the server does not say which version of PostgreSQL it is")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wants_tls(url: &str) -> Result<bool, DbError> {
        let (bare, asked) = take_tls_parameters(&Secret::new(String::from(url)))?;
        asked.wants_tls(&Config::from_str(bare.expose()).unwrap())
    }

    #[test]
    fn what_leaves_the_machine_is_encrypted() {
        for (url, encrypted) in [
            ("postgres://db.example/hilum", true),
            ("postgres://db.example/hilum?sslmode=prefer", true),
            ("postgres://db.example/hilum?sslmode=verify-full&sslrootcert=/ca.pem", true),
            ("postgres://db.example/hilum?sslmode=disable", false),
            ("postgres://10.0.0.1/hilum", true),
            ("postgres://127.0.0.1:5432/hilum", false),
            ("postgres://localhost/hilum", false),
            ("postgres://localhost/hilum?sslmode=require", true),
            ("postgres:///hilum?host=/run/postgresql", false),
        ] {
            assert_eq!(wants_tls(url), Ok(encrypted), "{url}");
        }
        assert!(wants_tls("postgres://db.example/hilum?sslmode=never").is_err());
    }

    #[test]
    fn a_password_with_signs_survives_and_a_wrong_part_is_not_quoted() {
        let url = Secret::new(String::from("postgres://mira:a%40b%2Fc@localhost/hilum?sslmode=disable"));
        let (bare, _) = take_tls_parameters(&url).unwrap();
        assert_eq!(Config::from_str(bare.expose()).unwrap().get_password(), Some(&b"a@b/c"[..]));
        let config = StoreConfig::new(crate::StoreUrl::sqlite("unused".into()));
        let wrong = Secret::new(String::from("postgres://mira:hunter2@localhost/hilum?color=hunter2"));
        assert!(!Settings::read(&wrong, &config).err().unwrap().to_string().contains("hunter2"));
    }

    #[test]
    fn an_old_server_is_refused() {
        assert_eq!(judge_version("150018"), Ok(()));
        assert_eq!(judge_version("180001"), Ok(()));
        assert!(judge_version("140020").unwrap_err().to_string().contains("PostgreSQL 14 is too old"));
        assert!(judge_version("").is_err());
    }
}
