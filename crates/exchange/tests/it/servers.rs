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

const fn yes(is: bool) -> &'static str {
    if is { "yes" } else { "no" }
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
/// Lets a server that was started with it ask a file for passwords, and not the machine's own accounts.  <https://cwrap.org/pam_wrapper.html>
const PAM_WRAPPER: &str = "/usr/lib/*/libpam_wrapper.so";

/// How a server wants people to prove themselves.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    /// By a key.
    Key,
    /// By a password.
    Password,
    /// By a question of its own, which is for the password.  RFC 4256
    Question,
    /// By a key, and then by a password.
    Both,
}

impl Sshd {
    /// None where it is not installed.
    pub fn start() -> Option<Self> {
        Self::asking(Asks::Key, "")
    }

    /// One that asks for this, and for this password.
    pub fn asking(asks: Asks, password: &str) -> Option<Self> {
        let wrapper = glob::glob(PAM_WRAPPER).unwrap().find_map(Result::ok);
        if asks != Asks::Key && wrapper.is_none() {
            println!("SKIPPED: no {PAM_WRAPPER}: install libpam-wrapper");
            return None;
        }
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
            "ListenAddress 127.0.0.1\nPort {}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nUsePAM {}\nStrictModes no\n\
             PasswordAuthentication {}\nKbdInteractiveAuthentication {}\nPubkeyAuthentication {}\nAuthenticationMethods {}\n\
             PermitRootLogin yes\nMaxStartups 200\nSubsystem sftp internal-sftp\n",
            address.port(),
            at("host").display(),
            at("authorized").display(),
            yes(asks != Asks::Key),
            yes(matches!(asks, Asks::Password | Asks::Both)),
            yes(asks == Asks::Question),
            yes(matches!(asks, Asks::Key | Asks::Both)),
            if asks == Asks::Both { "publickey,password" } else { "any" },
        );
        fs::write(at("config"), config).unwrap();
        let mut command = Command::new(SSHD);
        command.args(["-D", "-e", "-f"]).arg(at("config"));
        let whoami = Command::new("id").arg("-un").output().unwrap();
        let username = String::from_utf8(whoami.stdout).unwrap().trim().to_owned();
        if let Some(wrapper) = wrapper.filter(|_| asks != Asks::Key) {
            let module = wrapper.with_file_name("pam_wrapper").join("pam_matrix.so");
            let line =
                |of| format!("{of} required {} passdb={}\n", module.display(), at("passwords").display());
            let rules: String = ["auth", "account", "session", "password"].map(line).concat();
            fs::create_dir_all(at("pam")).unwrap();
            for service in ["sshd", "other"] {
                fs::write(at("pam").join(service), &rules).unwrap();
            }
            fs::write(at("passwords"), format!("{username}:{password}:sshd\n")).unwrap();
            // `-r`: a server that starts itself anew for each connection forgets what it was started with.
            command.arg("-r").env("LD_PRELOAD", wrapper).env("PAM_WRAPPER", "1");
            command.env("PAM_WRAPPER_SERVICE_DIR", at("pam"));
        }
        let process = Process::start(command, "Server listening");
        Some(Self {
            address,
            username,
            private_key: fs::read_to_string(at("user")).unwrap(),
            host_key: fs::read_to_string(at("host.pub")).unwrap(),
            folder,
            _process: process,
        })
    }

    pub fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Another key that opens, with what it is sealed by, if by anything.
    pub fn another_key(&self, of: &str, passphrase: &str) -> String {
        let path = self.at(&format!("{of}-{}", passphrase.len()));
        let mut made = Command::new("ssh-keygen");
        made.args(["-q", "-t", of, "-N", passphrase, "-C", "test", "-f"]).arg(&path);
        assert!(made.status().unwrap().success());
        let public = fs::read_to_string(path.with_extension("pub")).unwrap();
        let known = fs::read_to_string(self.at("authorized")).unwrap();
        fs::write(self.at("authorized"), known + &public).unwrap();
        fs::read_to_string(path).unwrap()
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

/// A store that speaks as Azure Blob Storage does.
pub struct Azurite {
    pub address: SocketAddr,
    _process: Process,
}

impl Azurite {
    pub const ACCOUNT: &'static str = "northwind";
    /// Made up for the account: 64 bytes, as Azure's are.
    pub const KEY: &'static str =
        "bm90LWEtc2VjcmV0LW9mLWFueWJvZHktYnV0LW9mLXRoaXMtdGVzdC1hbG9uZS1hbmQtNjQtYnl0ZXMtbG9uZw==";

    /// None where none is installed: `TEST_AZURE_SERVER` names the command.
    pub fn start() -> Option<Self> {
        #[expect(
            clippy::disallowed_methods,
            reason = "what is installed is told to tests by the environment"
        )]
        let Ok(program) = std::env::var("TEST_AZURE_SERVER") else {
            println!("SKIPPED: no store that speaks as Azure's: set TEST_AZURE_SERVER to an azurite-blob");
            return None;
        };
        let address: SocketAddr = format!("127.0.0.1:{}", free_port()).parse().unwrap();
        let port = address.port().to_string();
        // It says on its standard output that it listens.
        let mut command = Command::new("sh");
        command.args([
            "-c",
            "exec \"$0\" \"$@\" >&2",
            &program,
            "--inMemoryPersistence",
            "--disableTelemetry",
        ]);
        command.args(["--silent", "--blobHost", "127.0.0.1", "--blobPort", &port]);
        command.env("AZURITE_ACCOUNTS", format!("{}:{}", Self::ACCOUNT, Self::KEY));
        let process = Process::start(command, "successfully listen");
        Some(Self { address, _process: process })
    }
}
