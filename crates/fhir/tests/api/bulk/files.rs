//! A server of files for imports: it keeps what it is asked for and serves whole, in part, packed, broken off or not at all.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    convert::Infallible,
    io::Write,
    sync::{Arc, Mutex},
};

use axum::{Router, body::Body, body::Bytes, extract::State, response::Response};
use futures_util::{StreamExt, stream};
use http::{HeaderMap, StatusCode, Uri, header};
use outbound::InternalHost;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet};

/// One file.
#[derive(Clone, Default)]
pub struct Served {
    pub body: Vec<u8>,
    pub etag: Option<&'static str>,
    /// At this byte the connection breaks, so many times.
    pub cut: (usize, usize),
}

impl Served {
    pub fn new(text: &str) -> Self {
        Self { body: text.as_bytes().to_vec(), ..Self::default() }
    }

    pub fn packed(text: &str) -> Self {
        let mut packing = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packing.write_all(text.as_bytes()).unwrap();
        Self { body: packing.finish().unwrap(), ..Self::default() }
    }
}

#[derive(Default)]
struct Inner {
    files: BTreeMap<String, Served>,
    answers: VecDeque<(u16, &'static [(&'static str, &'static str)])>,
    heard: Vec<(String, Option<String>)>,
}

#[derive(Clone)]
pub struct Files {
    inner: Arc<Mutex<Inner>>,
    port: u16,
    _serving: Arc<JoinSet<std::io::Result<()>>>,
}

impl Files {
    pub async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let inner = Arc::new(Mutex::new(Inner::default()));
        let port = listener.local_addr().unwrap().port();
        let app = Router::new().fallback(serve).with_state(Arc::clone(&inner));
        let mut serving = JoinSet::new();
        serving.spawn(async move { axum::serve(listener, app).await });
        Self { inner, port, _serving: Arc::new(serving) }
    }

    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub fn hosts(&self) -> BTreeSet<InternalHost> {
        [self.host().parse().unwrap()].into_iter().collect()
    }

    /// From now on this is served there; its address.
    pub fn put(&self, name: &str, file: Served) -> String {
        self.inner.lock().unwrap().files.insert(format!("/{name}"), file);
        format!("http://{}/{name}", self.host())
    }

    /// The next calls are answered so.
    pub fn answer(&self, status: u16, fields: &'static [(&'static str, &'static str)], times: usize) {
        self.inner.lock().unwrap().answers.extend(std::iter::repeat_n((status, fields), times));
    }

    /// What was asked for since the last time, and from which byte.
    pub fn heard(&self) -> Vec<(String, Option<String>)> {
        std::mem::take(&mut self.inner.lock().unwrap().heard)
    }
}

/// A kick-off for these files.
pub fn manifest(inputs: &[(&str, &str)]) -> Value {
    let inputs: Vec<Value> = inputs.iter().map(|(of, url)| json!({"type": of, "url": url})).collect();
    json!({"inputFormat": "application/fhir+ndjson", "inputSource": "https://other.example/fhir",
        "storageDetail": {"type": "https"}, "input": inputs})
}

async fn serve(State(inner): State<Arc<Mutex<Inner>>>, uri: Uri, headers: HeaderMap) -> Response {
    let mut inner = inner.lock().unwrap();
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let range = text(header::RANGE);
    inner.heard.push((uri.path().to_owned(), range.clone()));
    let answer = Response::builder();
    if let Some((status, fields)) = inner.answers.pop_front() {
        let answer = fields.iter().fold(answer, |answer, (name, value)| answer.header(*name, *value));
        return answer.status(status).body(Body::empty()).unwrap();
    }
    let Some(file) = inner.files.get_mut(uri.path()) else {
        return answer.status(404).body(Body::empty()).unwrap();
    };
    let answer = match file.etag {
        Some(etag) => answer.header(header::ETAG, etag),
        None => answer,
    };
    let from = range.filter(|_| file.etag.is_some() && text(header::IF_RANGE).as_deref() == file.etag);
    let from = from.and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
    let all = file.body.len();
    let answer = match from {
        Some(from) if from >= all => {
            let answer = answer.status(StatusCode::RANGE_NOT_SATISFIABLE);
            return answer
                .header(header::CONTENT_RANGE, format!("bytes */{all}"))
                .body(Body::empty())
                .unwrap();
        }
        Some(from) => answer
            .status(StatusCode::PARTIAL_CONTENT)
            .header(header::CONTENT_RANGE, format!("bytes {from}-{}/{all}", all - 1)),
        None => answer,
    };
    let from = from.unwrap_or_default();
    if file.cut.1 == 0 {
        return answer.body(Body::from(file.body[from..].to_vec())).unwrap();
    }
    file.cut.1 -= 1;
    let some = Bytes::from(file.body[from..file.cut.0.max(from)].to_vec());
    // It says that there is more, and breaks off when what there is has left.
    let left = stream::once(async {
        for _ in 0..10_000 {
            tokio::task::yield_now().await;
        }
        Ok(Bytes::new())
    });
    let pieces = stream::iter([Ok::<_, Infallible>(some)]).chain(left);
    answer.header(header::CONTENT_LENGTH, all - from).body(Body::from_stream(pieces)).unwrap()
}
