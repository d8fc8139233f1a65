//! The deployment on its sockets, until it is told to stop.

use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use web::{Metrics, Serve, ServeLimits, Shutdown, Tls};

use crate::{config::Config, wire::House};

/// How long readiness is red before no more connections are accepted, where a load balancer is in front.
const LINGER: Duration = Duration::from_secs(2);

/// Serve until SIGTERM or SIGINT, then let what is in flight finish.
///
/// # Errors
/// An address that is taken, a certificate that cannot be read, a socket that breaks.
pub async fn serve(config: &Config, house: House) -> anyhow::Result<()> {
    let only_one = only_one(config)?;
    let listener = listen(config.server.listen, "server.listen").await?;
    let admin = listen(config.server.admin_listen, "server.admin_listen").await?;
    let (metrics, shutdown) = (Metrics::new(), house.shutdown.clone());
    let health = house.health();
    let app = house.application(config, &metrics, health.clone())?;
    let tls = tls(config)?;
    if let Some(tls) = tls.clone() {
        house.tasks.spawn(tls.reload_on_hangup(shutdown.clone()));
    }
    house.tasks.spawn(until_told(shutdown.clone()));
    let (broker, is_alone) = (house.broker.clone(), only_one.is_some());
    house.tasks.spawn(async move {
        let taken_up = if is_alone { broker.take_over().await } else { broker.recover().await };
        match taken_up {
            Ok(renewals) => tracing::debug!(renewals, "taken up from earlier processes"),
            Err(fault) => tracing::warn!(%fault, "what earlier processes left is taken up later"),
        }
    });
    let worker = match &only_one {
        Some(_) => house.worker().alone(),
        None => house.worker(),
    };
    house.tasks.spawn(worker.run(shutdown.token()));
    house.webhooks.begin();
    let (auth, until) = (house.auth.clone(), shutdown.clone());
    house.tasks.spawn(async move {
        tokio::select! {
            () = auth.keep_current() => {}
            () = until.begun() => {}
        }
    });
    let limits = serve_limits(config)?;
    tracing::info!(
        listen = %config.server.listen,
        admin_listen = %config.server.admin_listen,
        public_url = %config.server.public_url,
        "ready"
    );
    let public =
        web::serve(listener, Serve { app, tls, limits: limits.clone(), metrics: metrics.clone() }, &shutdown);
    let operators = Serve { app: health.admin(&metrics), tls: None, limits, metrics: metrics.clone() };
    let (served, _) = tokio::join!(public, web::serve(admin, operators, &shutdown));
    house.close().await;
    served.context("serving")
}

/// On SQLite one process serves a database: it caches what no other process may change behind its back, and at its start takes over the jobs
/// that earlier ones held ([`jobs::Worker::alone`]) and the renewals that they began, without waiting for leases. All of that rests on this
/// lock alone. It is held until the process ends, however it ends.
fn only_one(config: &Config) -> anyhow::Result<Option<File>> {
    let Some(database) = config.store.url.expose().strip_prefix("sqlite:") else { return Ok(None) };
    lock(Path::new(database)).map(Some)
}

/// By whichever path it is named, a file has one lock.
fn lock(database: &Path) -> anyhow::Result<File> {
    let shown = database.display();
    let mut path = database.canonicalize().with_context(|| shown.to_string())?.into_os_string();
    path.push(".lock");
    let path = PathBuf::from(path);
    let failed = || path.display().to_string();
    let file = File::create(&path).with_context(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            bail!("another hilum serves {shown}: use PostgreSQL for several nodes")
        }
        Err(TryLockError::Error(error)) => Err(error).with_context(failed),
    }
}

async fn listen(address: std::net::SocketAddr, key: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("{key}: cannot listen on {address}"))
}

fn tls(config: &Config) -> anyhow::Result<Option<Tls>> {
    let (Some(chain), Some(key)) = (&config.server.tls_certificate, &config.server.tls_key) else {
        return Ok(None);
    };
    Ok(Some(
        Tls::open(chain, key, config.server.tls_client_certificates.into())
            .context("server.tls_certificate")?,
    ))
}

fn serve_limits(config: &Config) -> anyhow::Result<ServeLimits> {
    let server = &config.server;
    let linger = if server.trusted_proxies.is_empty() { Duration::ZERO } else { LINGER };
    Ok(ServeLimits {
        connections_max: usize::try_from(server.connections_max)?,
        connections_per_address_max: usize::try_from(server.connections_per_address_max)?,
        trusted_proxies: server.proxies()?,
        linger,
        finish: Duration::from_secs(server.shutdown_deadline_s),
        ..ServeLimits::default()
    })
}

/// Begin the shutdown when the process is told to stop.
pub async fn until_told(shutdown: Shutdown) {
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("signals cannot be heard; stop this process by SIGKILL");
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = shutdown.begun() => return,
    }
    tracing::info!("stopping");
    shutdown.begin();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_served_by_one_process_by_whichever_path_it_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let (database, link) = (folder.path().join("hilum.db"), folder.path().join("link.db"));
        assert!(lock(&database).is_err(), "there is no such file");
        File::create(&database).unwrap();
        std::os::unix::fs::symlink(&database, &link).unwrap();
        let held = lock(&database).unwrap();
        for again in [&database, &link, &folder.path().join(".").join("hilum.db")] {
            let refused = lock(again).unwrap_err().to_string();
            assert!(refused.contains("another hilum serves"), "{refused}");
        }
        drop(held);
        assert!(lock(&link).is_ok(), "whoever held it has ended");
    }
}
