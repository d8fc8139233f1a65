//! A mail server that takes everything, after it has said a few times that it cannot now.  RFC 5321

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// A mail as it came.
#[derive(Debug, Clone, Default)]
pub struct Taken {
    pub to: Vec<String>,
    pub text: String,
}

pub struct Sink {
    pub port: u16,
    taken: Arc<Mutex<Vec<Taken>>>,
    _serving: JoinSet<()>,
}

impl Sink {
    /// It refuses so many mails for now.
    pub async fn start(refuses: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let taken: Arc<Mutex<Vec<Taken>>> = Arc::default();
        let (own, mut serving) = (Arc::clone(&taken), JoinSet::new());
        let left = Arc::new(Mutex::new(refuses));
        serving.spawn(async move {
            let mut all = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                all.spawn(serve(stream, Arc::clone(&own), Arc::clone(&left)));
            }
        });
        Self { port, taken, _serving: serving }
    }

    pub fn mails(&self) -> Vec<Taken> {
        self.taken.lock().unwrap().clone()
    }
}

async fn serve(stream: TcpStream, taken: Arc<Mutex<Vec<Taken>>>, left: Arc<Mutex<usize>>) {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 sink.example\r\n").await.unwrap();
    let (mut mail, mut in_data, mut line) = (Taken::default(), false, String::new());
    loop {
        line.clear();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return;
        }
        if in_data && line != ".\r\n" {
            mail.text.push_str(&line);
            continue;
        }
        let answer = if in_data {
            in_data = false;
            taken.lock().unwrap().push(std::mem::take(&mut mail));
            "250 taken"
        } else if let Some(to) = line.strip_prefix("RCPT TO:") {
            mail.to.push(to.trim().to_owned());
            "250 ok"
        } else if line.starts_with("MAIL") {
            let mut left = left.lock().unwrap();
            let is_refused = *left > 0;
            *left = left.saturating_sub(1);
            if is_refused { "451 later" } else { "250 ok" }
        } else if line.starts_with("DATA") {
            in_data = true;
            "354 go on"
        } else if line.starts_with("QUIT") {
            "221 bye"
        } else {
            "250 sink.example"
        };
        if stream.write_all(format!("{answer}\r\n").as_bytes()).await.is_err() {
            return;
        }
    }
}
