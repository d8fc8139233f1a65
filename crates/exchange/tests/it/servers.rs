//! Real servers for tests, each with its own folder and a port of its own on loopback, and a network that cuts connections.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::{SocketAddr, TcpListener as StdListener},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, UNIX_EPOCH},
};

use kernel::{Entropy, Timestamp};
use testkit::SeededEntropy;
use tokio::{
    io::{AsyncReadExt, copy},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

fn free_port() -> u16 {
    StdListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A process that ends with this.
struct Process(Child);

impl Process {
    /// Started, once it says in its log that it listens.
    fn start(mut command: Command, says: &str) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut told = Vec::new();
        loop {
            match lines.next() {
                Some(Ok(line)) if line.contains(says) => break,
                Some(Ok(line)) => told.push(line),
                _ => panic!("it does not start: {told:?}"),
            }
        }
        // What it writes later on must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self(child)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// OpenSSH's own server, with one user: the one that runs the test.
pub struct Sshd {
    pub address: SocketAddr,
    /// As whom one signs in.
    pub username: String,
    /// The key that opens.
    pub private_key: String,
    /// The server's own key, as a line of `known_hosts` has it.
    pub host_key: String,
    folder: tempfile::TempDir,
    _process: Process,
}

const SSHD: &str = "/usr/sbin/sshd";

impl Sshd {
    /// None where it is not installed.
    pub fn start() -> Option<Self> {
        if !PathBuf::from(SSHD).exists() {
            println!("SKIPPED: no {SSHD}: install openssh-server");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["host", "user"] {
            let mut made = Command::new("ssh-keygen");
            made.args(["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f"]).arg(at(name));
            assert!(made.status().unwrap().success());
        }
        fs::copy(at("user.pub"), at("authorized")).unwrap();
        fs::create_dir_all(at("files")).unwrap();
        fs::create_dir_all(at("done")).unwrap();
        // Where it runs as root it wants this folder, which its package makes when it is started as a service.
        drop(fs::create_dir_all("/run/sshd"));
        let address: SocketAddr = format!("127.0.0.1:{}", free_port()).parse().unwrap();
        let config = format!(
            "ListenAddress 127.0.0.1\nPort {}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nUsePAM no\nStrictModes no\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\nMaxStartups 200\n\
             Subsystem sftp internal-sftp\n",
            address.port(),
            at("host").display(),
            at("authorized").display(),
        );
        fs::write(at("config"), config).unwrap();
        let mut command = Command::new(SSHD);
        command.args(["-D", "-e", "-f"]).arg(at("config"));
        let process = Process::start(command, "Server listening");
        let whoami = Command::new("id").arg("-un").output().unwrap();
        Some(Self {
            address,
            username: String::from_utf8(whoami.stdout).unwrap().trim().to_owned(),
            private_key: fs::read_to_string(at("user")).unwrap(),
            host_key: fs::read_to_string(at("host.pub")).unwrap(),
            folder,
            _process: process,
        })
    }

    pub fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file that was last changed then.
    pub fn put(&self, name: &str, text: &str, modified: Timestamp) {
        let path = self.at("files").join(name);
        fs::write(&path, text).unwrap();
        let modified = UNIX_EPOCH + Duration::from_secs(u64::try_from(modified.as_seconds()).unwrap());
        fs::File::options().append(true).open(path).unwrap().set_modified(modified).unwrap();
    }

    /// Names of the files in a folder.
    pub fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.at(folder)).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// A way to a server on which connections break off after some bytes, whatever is spoken.
pub struct Cutter {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    _serving: JoinSet<()>,
}

struct Shared {
    upstream: SocketAddr,
    chance: SeededEntropy,
    percent: AtomicU8,
    cut: AtomicUsize,
}

impl Cutter {
    pub async fn open(upstream: SocketAddr, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            upstream,
            chance: SeededEntropy::new(seed),
            percent: AtomicU8::new(0),
            cut: AtomicUsize::new(0),
        });
        let (own, mut serving) = (Arc::clone(&shared), JoinSet::new());
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let own = Arc::clone(&own);
                connections.spawn(async move { drop(own.serve(client).await) });
            }
        });
        Self { address, shared, _serving: serving }
    }

    /// From now on so many of a hundred connections break off.
    pub fn cut(&self, percent: u8) {
        self.shared.percent.store(percent, Relaxed);
    }

    /// How many have.
    pub fn met(&self) -> usize {
        self.shared.cut.load(Relaxed)
    }
}

impl Shared {
    async fn serve(&self, client: TcpStream) -> std::io::Result<()> {
        let mut bytes = [0; 4];
        self.chance.fill(&mut bytes);
        let [whether, much, more, _] = bytes;
        let is_cut = u16::from(whether) * 100 < u16::from(self.percent.load(Relaxed)) * 256;
        let limit = match is_cut {
            true => u64::from(u16::from_be_bytes([much, more])),
            false => u64::MAX,
        };
        self.cut.fetch_add(usize::from(is_cut), Relaxed);
        let server = TcpStream::connect(self.upstream).await?;
        let (mut from_client, mut to_client) = client.into_split();
        let (from_server, mut to_server) = server.into_split();
        let mut from_server = from_server.take(limit);
        tokio::select! {
            ended = copy(&mut from_client, &mut to_server) => ended.map(drop),
            ended = copy(&mut from_server, &mut to_client) => ended.map(drop),
        }
    }
}

/// A store that speaks as S3 does.
pub struct Store {
    pub address: SocketAddr,
    _process: Process,
}

impl Store {
    /// None where none is installed: `TEST_S3_SERVER` names the command.
    pub fn start() -> Option<Self> {
        #[expect(
            clippy::disallowed_methods,
            reason = "what is installed is told to tests by the environment"
        )]
        let Ok(command) = std::env::var("TEST_S3_SERVER") else {
            println!("SKIPPED: no S3-compatible store: set TEST_S3_SERVER to a moto_server");
            return None;
        };
        let address: SocketAddr = format!("127.0.0.1:{}", free_port()).parse().unwrap();
        let mut command = Command::new(command);
        command.args(["-H", "127.0.0.1", "-p", &address.port().to_string()]);
        let process = Process::start(command, "Running on");
        Some(Self { address, _process: process })
    }
}
