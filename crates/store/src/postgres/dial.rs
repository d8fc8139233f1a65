//! Making connections whose sockets live on the unit threads, so that they outlive whichever runtime asked for them.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use deadpool_postgres::Connect;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    runtime::Handle,
    task::JoinHandle,
};
use tokio_postgres::{AsyncMessage, Client, Config, Connection, Error, NoTls};

use crate::{Notify, postgres::settings::Settings};

pub(super) struct Dialer {
    settings: Settings,
    first: Handle,
    others: Vec<Handle>,
    turn: AtomicUsize,
    notify: Notify,
}

impl Dialer {
    pub(super) const fn new(settings: Settings, first: Handle, others: Vec<Handle>, notify: Notify) -> Self {
        Self { settings, first, others, turn: AtomicUsize::new(0), notify }
    }

    pub(super) const fn config(&self) -> &Config {
        &self.settings.config
    }

    /// The thread that hears other nodes: what belongs together ends together.
    pub(super) const fn first_handle(&self) -> &Handle {
        &self.first
    }

    async fn dial(&self) -> Result<(Client, JoinHandle<()>), Error> {
        let turn = self
            .turn
            .fetch_add(1, Relaxed)
            .checked_rem(self.others.len().saturating_add(1))
            .unwrap_or_default();
        self.dial_on(self.others.get(turn).unwrap_or(&self.first)).await
    }

    pub(super) async fn dial_on(&self, handle: &Handle) -> Result<(Client, JoinHandle<()>), Error> {
        let (client, task) = match &self.settings.tls {
            None => {
                let (client, connection) = on(handle, self.settings.config.connect(NoTls)).await?;
                (client, handle.spawn(drive(connection, self.notify.clone())))
            }
            Some(tls) => {
                let (client, connection) = on(handle, self.settings.config.connect(tls.clone())).await?;
                (client, handle.spawn(drive(connection, self.notify.clone())))
            }
        };
        client.batch_execute(&self.settings.session_sql).await?;
        Ok((client, task))
    }
}

/// Poll a future as if it ran on that runtime: what it opens belongs there.
async fn on<F: Future>(handle: &Handle, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|context| {
        let _inside = handle.enter();
        future.as_mut().poll(context)
    })
    .await
}

/// Move bytes for a connection until it ends, and pass on what other nodes say.
async fn drive<S, T>(mut connection: Connection<S, T>, notify: Notify)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        match poll_fn(|context| connection.poll_message(context)).await {
            Some(Ok(AsyncMessage::Notification(message))) => notify.deliver_wire(message.payload()),
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                tracing::debug!(
                    code = error.code().map(|code| code.code()),
                    "a connection to PostgreSQL ended"
                );
                return;
            }
            None => return,
        }
    }
}

/// The dialer in the shape that the pool wants.
pub(super) struct PoolDialer(pub(super) Arc<Dialer>);

type Dialled = Result<(Client, JoinHandle<()>), Error>;

impl Connect for PoolDialer {
    fn connect(&self, _config: &Config) -> Pin<Box<dyn Future<Output = Dialled> + Send + '_>> {
        Box::pin(self.0.dial())
    }
}
