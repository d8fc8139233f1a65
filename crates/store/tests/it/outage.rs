//! The server goes away and comes back; nobody waits for ever, and nobody has to restart anything.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use store::{Db, DbError, Engine, Signal, StoreConfig, StoreUrl, Writer, binds};
use testkit::engine::{server, with_url};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};

use crate::schema::{MIGRATIONS, bump, count};

/// A network between us and the server that can be cut.
struct Cable {
    is_whole: Arc<AtomicBool>,
    cut: watch::Sender<()>,
    port: u16,
}

impl Cable {
    async fn to(address: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let is_whole = Arc::new(AtomicBool::new(true));
        let (cut, cuts) = watch::channel(());
        let whole = Arc::clone(&is_whole);
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                if !whole.load(SeqCst) {
                    continue;
                }
                let (address, mut cuts) = (address.clone(), cuts.clone());
                cuts.mark_unchanged();
                tokio::spawn(async move {
                    let mut far = TcpStream::connect(address).await.unwrap();
                    tokio::select! {
                        _ = copy_bidirectional(&mut near, &mut far) => {}
                        _ = cuts.changed() => {}
                    }
                });
            }
        });
        Self { is_whole, cut, port }
    }

    fn cut(&self) {
        self.is_whole.store(false, SeqCst);
        self.cut.send(()).unwrap();
    }

    fn mend(&self) {
        self.is_whole.store(true, SeqCst);
    }
}

fn address_of(server: &str) -> String {
    let rest = server.split_once("://").unwrap().1;
    let authority = rest.split(['/', '?']).next().unwrap();
    let host = authority.rsplit('@').next().unwrap();
    if host.contains(':') { host.into() } else { format!("{host}:5432") }
}

#[test]
fn an_outage_is_said_soon_and_ends_by_itself() {
    let Some(server) = server() else {
        println!("SKIPPED (no TEST_DATABASE_URL)");
        return;
    };
    let address = address_of(&server);
    with_url(Engine::Postgres, async move |url| {
        let direct = Db::open(&StoreConfig::new(url.clone())).await.unwrap();
        direct.migrate(&[MIGRATIONS]).await.unwrap();
        let (name,) = direct
            .read()
            .await
            .unwrap()
            .one::<(String,)>("SELECT current_database()", binds![])
            .await
            .unwrap();
        let cable = Cable::to(address.clone()).await;
        let user = server.split_once("://").unwrap().1.split('@').next().unwrap().to_owned();
        let through = format!("postgres://{user}@127.0.0.1:{}/{name}?sslmode=disable", cable.port);
        let db = Db::open(&StoreConfig::new(StoreUrl::parse(&through).unwrap())).await.unwrap();
        let mut subscription = db.notify().subscribe("keys");
        let write = async |tx: &mut Writer| bump(tx, "outage").await;
        db.write(write).await.unwrap();
        let mut held = db.read().await.unwrap();

        cable.cut();
        let began = Instant::now();
        assert!(matches!(count(&mut held, "outage").await, Err(DbError::Unavailable { .. })));
        drop(held);
        let written: Result<i64, DbError> = db.write(write).await;
        assert!(matches!(written, Err(DbError::Unavailable { .. })), "{written:?}");
        assert!(matches!(db.read().await.map(drop), Err(DbError::Unavailable { .. })));
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());

        cable.mend();
        assert_eq!(db.write(write).await, Ok::<_, DbError>(2));
        assert_eq!(subscription.next().await, Some(Signal::Resync));
        direct.write(async |tx: &mut Writer| tx.publish("keys", "back").await).await.unwrap();
        assert_eq!(subscription.next().await, Some(Signal::Message("back".into())));
    });
}

#[test]
fn a_server_that_is_not_there_is_unavailable() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let url = format!("postgres://mira:hunter2@127.0.0.1:{port}/hilum");
        let fault = Db::open(&StoreConfig::new(StoreUrl::parse(&url).unwrap())).await.unwrap_err();
        assert!(matches!(fault, DbError::Unavailable { .. }), "{fault:?}");
        assert!(!fault.to_string().contains("hunter2"));
    });
}
