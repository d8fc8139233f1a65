//! Files: in a directory of an SFTP server, or in a bucket.

use std::sync::Arc;

use exchange::connector::{
    Mapper, SignIn,
    files::{After, Records, Rules, declared},
    s3, sftp,
};
use serde_json::Value;

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
    let (mut rules, records) = wanted(asked)?;
    if asked.of.provider == "azure_blob" {
        return Err("Azure's own protocol is not spoken: only that of S3");
    }
    // Objects cannot be moved.
    rules.after = After::Stay;
    let region = asked.text("region").unwrap_or(s3::REGION);
    let (endpoint, usual) = match asked.text("endpoint") {
        Some(endpoint) => (endpoint.to_owned(), s3::Style::Path),
        None => (format!("https://s3.{region}.amazonaws.com"), s3::Style::Host),
    };
    let style = match asked.of.config.get("path_style").and_then(Value::as_bool) {
        Some(true) => s3::Style::Path,
        Some(false) => s3::Style::Host,
        None => usual,
    };
    let endpoint = endpoint.parse().map_err(|_| "config.endpoint is no address")?;
    let bucket = asked.text("bucket").ok_or("config.bucket is missing")?;
    let base = s3::Address { endpoint, bucket, style }.base();
    let id = asked.credential("access_key_id", "credentials.access_key_id is not set")?;
    let secret = asked.credential("secret_access_key", "credentials.secret_access_key is not set")?;
    let keys = s3::keys(id.expose(), secret, asked.credentials.get("session_token").cloned());
    let place = (region.to_owned(), asked.text("prefix").unwrap_or_default().to_owned());
    let ways = (asked.way_by(SignIn::Open), asked.sources.world.clone());
    let bucket = s3::Bucket::new(ways, base.ok_or("config.endpoint is no address of buckets")?, place, keys);
    Ok(Arc::new(bucket.source(rules, records)))
}
