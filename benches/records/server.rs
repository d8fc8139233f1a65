//! A server that serves records, and what it costs: Hilum and its peers look the same from here.

use std::{
    fs::File,
    net::{Ipv4Addr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{database::Database, place::Place};

const START_MAX: Duration = Duration::from_secs(600);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Where what it keeps is.
pub enum Kept {
    /// A SQLite file, and what stands beside it by the same name.
    File(PathBuf),
    Database(Database),
}

/// A server that serves, until it is dropped.
pub struct Server {
    pub name: &'static str,
    pub place: Place,
    pub kept: Kept,
    /// What an empty one takes.
    empty_bytes: u64,
    child: Child,
    /// Its folder, which goes with it.
    _folder: TempDir,
}

impl Server {
    /// Start it, with its log in a file, and wait until it answers here.
    pub fn start(
        name: &'static str,
        folder: TempDir,
        command: &mut Command,
        kept: Kept,
        place: Place,
        ready: &str,
    ) -> Self {
        let log = File::create(folder.path().join("server.log")).unwrap();
        let errors = log.try_clone().unwrap();
        let began = Instant::now();
        let child = command.stdin(Stdio::null()).stdout(log).stderr(errors).spawn().unwrap();
        let place = Place { pid: child.id(), ..place };
        let mut server = Self { name, place, kept, empty_bytes: 0, child, _folder: folder };
        while !server.answers(ready) {
            assert!(began.elapsed() < START_MAX, "{name} does not become ready");
            assert!(server.child.try_wait().unwrap().is_none(), "{name} has ended");
            std::thread::sleep(LOOK_EVERY);
        }
        server.empty_bytes = server.all_bytes();
        server
    }

    fn answers(&self, target: &str) -> bool {
        let look = self.place.request("GET", target, b"");
        // A first answer may take longer than a connection that is to be quick waits for.
        TcpStream::connect((Ipv4Addr::LOCALHOST, self.place.port)).is_ok()
            && self.place.connect().exchange(&look).is_ok_and(|answer| answer.status == 200)
    }

    /// Resident memory of its process, in millions of bytes.
    pub fn rss_mb(&self) -> f64 {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.place.pid)).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() * 1024.0 / 1e6
    }

    /// What its records take on disk.
    pub fn bytes(&self) -> u64 {
        self.all_bytes().saturating_sub(self.empty_bytes)
    }

    fn all_bytes(&self) -> u64 {
        match &self.kept {
            Kept::File(file) => {
                let database = rusqlite::Connection::open(file).unwrap();
                let pages = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()";
                let bytes: i64 = database.query_row(pages, [], |row| row.get(0)).unwrap();
                u64::try_from(bytes).unwrap()
            }
            Kept::Database(database) => database.bytes(),
        }
    }

    pub fn is_durable(&self) -> bool {
        match &self.kept {
            Kept::File(_) => self.name.starts_with("Hilum"),
            Kept::Database(database) => database.is_durable(),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A folder of its own beside the build, not in /tmp: that may be memory, where every write is durable at once.
pub fn folder() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// A file or folder of this benchmark's sources.
pub fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../benches/records").join(name)
}
