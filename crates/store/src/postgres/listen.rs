//! Hearing what other nodes publish.

use std::{sync::Arc, time::Duration};

use tokio::task::JoinHandle;
use tokio_postgres::Client;

use crate::{
    DbError, Notify,
    notify::WIRE_CHANNEL,
    postgres::{CONNECT_MAX, dial::Dialer, fault::cannot_connect},
};

/// The longest pause between attempts to listen again.
const RECONNECT_MAX: Duration = Duration::from_secs(5);
/// The shortest.
const RECONNECT_MIN: Duration = Duration::from_millis(100);
/// How often the listening connection is asked for a sign of life.
const PROBE_EVERY: Duration = Duration::from_secs(30);

/// Listen, and go on listening until the runtime that carries it ends.
pub(super) async fn start(dialer: Arc<Dialer>, notify: Notify) -> Result<(), DbError> {
    let first = listen(&dialer).await?;
    // Ends with its thread.
    let handle = dialer.first_handle().clone();
    drop(handle.spawn(keep_listening(dialer, notify, first)));
    Ok(())
}

async fn listen(dialer: &Dialer) -> Result<(Client, JoinHandle<()>), DbError> {
    let listening = async {
        let (client, task) =
            dialer.dial_on(dialer.first_handle()).await.map_err(|error| cannot_connect(&error))?;
        let listen = format!("LISTEN {WIRE_CHANNEL}");
        client.batch_execute(&listen).await.map_err(|error| cannot_connect(&error))?;
        Ok((client, task))
    };
    tokio::time::timeout(CONNECT_MAX, listening)
        .await
        .unwrap_or_else(|_| Err(DbError::unavailable("no connection to listen on within CONNECT_MAX")))
}

async fn keep_listening(dialer: Arc<Dialer>, notify: Notify, first: (Client, JoinHandle<()>)) {
    let mut listening = first;
    loop {
        wait_for_end(listening).await;
        tracing::warn!("the connection that hears other nodes is lost");
        let mut pause = RECONNECT_MIN;
        listening = loop {
            tokio::time::sleep(pause).await;
            match listen(&dialer).await {
                Ok(again) => break again,
                Err(fault) => tracing::debug!(%fault, "cannot listen yet"),
            }
            pause = (pause * 2).min(RECONNECT_MAX);
        };
        tracing::info!("hearing other nodes again");
        notify.resync_all();
    }
}

async fn wait_for_end((client, mut task): (Client, JoinHandle<()>)) {
    while tokio::time::timeout(PROBE_EVERY, &mut task).await.is_err() {
        let alive = tokio::time::timeout(CONNECT_MAX, client.batch_execute("SELECT 1")).await;
        if !matches!(alive, Ok(Ok(()))) {
            task.abort();
            return;
        }
    }
}
