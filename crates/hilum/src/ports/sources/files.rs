//! Files: in a directory of an SFTP server, or in a bucket.

use std::sync::Arc;

use exchange::connector::{
    Mapper, SignIn,
    azure::{self, Azure},
    bucket::{Bucket, Dialect},
    files::{After, Records, Rules, declared},
    s3, sftp,
};
use serde_json::Value;
use url::Url;

use super::{Asked, Made};

/// Which files are taken, and what becomes of them.
fn wanted(asked: &Asked<'_>) -> Result<(Rules, Records), &'static str> {
    const WRONG: &str = "what config says of files and their mapping does not fit: write it again";
    let declared = declared(&asked.of.config).map_err(|_| WRONG)?;
    let (rules, mapping) = declared.ok_or("config.mapping is missing: it says what records become")?;
    if rules.patterns.is_empty() {
        return Err("config.file_patterns names no files");
    }
    let mapper = Mapper::new(Arc::new(mapping), &asked.vault, asked.of.id);
    Ok((rules, Records::new(mapper, &asked.vault, asked.of.id)))
}

pub(super) fn sftp(asked: &Asked<'_>) -> Made {
    let (rules, records) = wanted(asked)?;
    let text = |name| asked.text(name).map(str::to_owned);
    let port = match asked.number("port") {
        Some(port) => u16::try_from(port).map_err(|_| "config.port is no port")?,
        None => sftp::PORT,
    };
    let host_key = asked.text("host_key").map(str::parse).transpose();
    let secret = |name| asked.credentials.get(name).cloned();
    let directory = sftp::Directory {
        paced: asked.paced(),
        host: text("host").ok_or("config.host is missing")?,
        port,
        host_key: host_key.map_err(|_| "config.host_key is no key of a host")?,
        username: text("username").ok_or("config.username is missing")?,
        proof: sftp::Proof {
            password: secret("password"),
            private_key: secret("private_key"),
            passphrase: secret("passphrase"),
        },
        path: text("directory").ok_or("config.directory is missing")?,
        processed: text("processed_directory"),
    };
    Ok(Arc::new(sftp::source(directory, rules, records, asked.sources.world.clone())))
}

pub(super) fn bucket(asked: &Asked<'_>) -> Made {
    match asked.of.provider.as_str() {
        "azure_blob" => of_store(asked, container(asked)?),
        _ => of_store(asked, s3_bucket(asked)?),
    }
}

/// Its objects, whatever the store is spoken to in.
fn of_store<D: Dialect>(asked: &Asked<'_>, store: D) -> Made {
    let (mut rules, records) = wanted(asked)?;
    // Objects cannot be moved.
    rules.after = After::Stay;
    let ways = (asked.way_by(SignIn::Open), asked.sources.world.clone());
    let bucket = Bucket::new(ways, store, asked.text("prefix").unwrap_or_default().to_owned());
    Ok(Arc::new(bucket.source(rules, records)))
}

const NO_BUCKET: &str = "config.bucket is missing";

fn endpoint(text: &str) -> Result<Url, &'static str> {
    text.parse().map_err(|_| "config.endpoint is no address")
}

fn s3_bucket(asked: &Asked<'_>) -> Result<s3::S3, &'static str> {
    let region = asked.text("region").unwrap_or(s3::REGION);
    let (place, usual) = match asked.text("endpoint") {
        Some(place) => (place.to_owned(), s3::Style::Path),
        None => (format!("https://s3.{region}.amazonaws.com"), s3::Style::Host),
    };
    let style = match asked.of.config.get("path_style").and_then(Value::as_bool) {
        Some(true) => s3::Style::Path,
        Some(false) => s3::Style::Host,
        None => usual,
    };
    let bucket = asked.text("bucket").ok_or(NO_BUCKET)?;
    let base = s3::Address { endpoint: endpoint(&place)?, bucket, style }.base();
    let id = asked.credential("access_key_id", "credentials.access_key_id is not set")?;
    let secret = asked.credential("secret_access_key", "credentials.secret_access_key is not set")?;
    let keys = s3::keys(id.expose(), secret, asked.credentials.get("session_token").cloned());
    Ok(s3::S3::new(base.ok_or("config.endpoint is no address of buckets")?, region.to_owned(), keys))
}

/// A container of Azure: by the account's key, or by a shared access signature where that is set.
fn container(asked: &Asked<'_>) -> Result<Azure, &'static str> {
    const NO_ACCOUNT: &str = "config.account is missing: the storage account that the container is of";
    let account = asked.text("account");
    let place = match asked.text("endpoint") {
        Some(place) => endpoint(place)?,
        None => {
            Azure::endpoint(account.ok_or(NO_ACCOUNT)?).ok_or("config.account is no name of an account")?
        }
    };
    let proof = match (asked.credentials.get("sas_token"), asked.credentials.get("account_key")) {
        (Some(token), _) => azure::shared_access(token)
            .ok_or("credentials.sas_token is no shared access signature (sv=…&sig=…)")?,
        (None, Some(key)) => azure::account_key(account.ok_or(NO_ACCOUNT)?, key)
            .ok_or("credentials.account_key is no key of an account (base64)")?,
        (None, None) => return Err("neither credentials.account_key nor credentials.sas_token is set"),
    };
    let bucket = asked.text("bucket").ok_or(NO_BUCKET)?;
    Azure::new(place, bucket, proof).ok_or("config.endpoint is no address of containers")
}
