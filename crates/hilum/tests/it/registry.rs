//! `hilum packages add` by name, from a registry on a real port of this machine, as good and as bad as the test says.

use std::{
    collections::BTreeMap,
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
};

use crypto::sha1;
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

#[derive(Clone)]
enum Reply {
    Body(Vec<u8>),
    Redirect(String),
    Status(u16),
    /// Until nobody listens any more.
    Endless,
}

/// What it answers, by path, and what it was asked.
struct Registry {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Registry {
    fn serve(replies: impl FnOnce(&str) -> BTreeMap<String, Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (replies, asked) = (replies(&url), Arc::<Mutex<Vec<String>>>::default());
        let remembered = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                answer(stream, &replies, &remembered);
            }
        });
        Self { url, asked }
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

fn answer(mut stream: TcpStream, replies: &BTreeMap<String, Reply>, asked: &Mutex<Vec<String>>) {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|count| count == 1) {
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let Some(path) = head.split(' ').nth(1) else { return };
    asked.lock().unwrap().push(path.to_owned());
    let written = match replies.get(path).cloned().unwrap_or(Reply::Status(404)) {
        Reply::Body(body) => {
            let head =
                format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
            stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body))
        }
        Reply::Redirect(to) => stream.write_all(
            format!("HTTP/1.1 302 Found\r\nConnection: close\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n")
                .as_bytes(),
        ),
        Reply::Status(status) => stream.write_all(
            format!("HTTP/1.1 {status} x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").as_bytes(),
        ),
        Reply::Endless => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
            while stream.write_all(&[b' '; 65536]).is_ok() {}
            Ok(())
        }
    };
    // A caller that has heard enough may hang up.
    let _ = written;
}

fn tar(kind: u8, name: &str, content: &[u8]) -> Vec<u8> {
    let mut block = vec![0; 512];
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[124..136].copy_from_slice(format!("{:011o}\0", content.len()).as_bytes());
    block[156] = kind;
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block.extend(content);
    block.resize(block.len().next_multiple_of(512), 0);
    block
}

fn tgz(name: &str, version: &str, needs: &Value, more: Vec<u8>) -> Vec<u8> {
    let manifest =
        json!({"name": name, "version": version, "fhirVersions": ["4.0.1"], "dependencies": needs});
    let mut archive = tar(b'0', "package/package.json", manifest.to_string().as_bytes());
    archive.extend(more);
    archive.extend([0; 1024]);
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(&archive).unwrap();
    packed.finish().unwrap()
}

fn shasum(bytes: &[u8]) -> String {
    sha1(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What a registry tells of a package with these versions.
fn listing(versions: &[(&str, &[u8])]) -> Reply {
    let versions: BTreeMap<_, _> =
        versions.iter().map(|(version, tgz)| (*version, json!({"dist": {"shasum": shasum(tgz)}}))).collect();
    Reply::Body(json!({"versions": versions}).to_string().into_bytes())
}

/// Exit status and what was written.
fn run(folder: &Path, words: &[&str], sources: Option<&str>) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hilum"));
    command.args(words).current_dir(folder).env_clear();
    if let Some(sources) = sources {
        command.env("HILUM_PACKAGE_SOURCES", sources);
    }
    let done = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (done.status.code().unwrap(), text(done.stdout), text(done.stderr))
}

fn kept(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder.join("p")).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_package_comes_with_what_it_needs_where_that_is_asked_for() {
    let core = tgz("hl7.fhir.r4.core", "4.0.1", &json!({}), vec![]);
    let needs = json!({"hl7.fhir.r4.core": "4.0.1", "b.base": "1.2.x"});
    let (old, guide) = (tgz("a.guide", "1.0.0", &json!({}), vec![]), tgz("a.guide", "1.1.0", &needs, vec![]));
    let base = tgz("b.base", "1.2.3", &json!({}), vec![]);
    let build = tgz("a.guide", "2.0.0-cibuild", &json!({}), vec![]);
    let registry = Registry::serve(|_| {
        let builds = json!([{"package-id": "a.guide", "repo": "HL7/guide/branches/main/qa.json", "dateISO8601": "2026"},
            {"package-id": "a.guide", "repo": "fork/guide/branches/main/qa.json", "dateISO8601": "2025"}]);
        BTreeMap::from([
            ("/a.guide".to_owned(), listing(&[("1.0.0", &old), ("1.1.0", &guide), ("2.0.0-beta", &old)])),
            ("/a.guide/1.1.0".to_owned(), Reply::Redirect("/files/guide.tgz".to_owned())),
            ("/files/guide.tgz".to_owned(), Reply::Body(guide)),
            ("/b.base".to_owned(), listing(&[("1.2.1", &old), ("1.2.3", &base), ("1.3.0", &old)])),
            ("/b.base/1.2.3".to_owned(), Reply::Body(base)),
            ("/hl7.fhir.r4.core".to_owned(), listing(&[("4.0.1", &core)])),
            ("/hl7.fhir.r4.core/4.0.1".to_owned(), Reply::Body(core)),
            ("/ig/qas.json".to_owned(), Reply::Body(builds.to_string().into_bytes())),
            ("/ig/HL7/guide/branches/main/package.tgz".to_owned(), Reply::Body(build)),
        ])
    });
    let here = tempfile::tempdir().unwrap();
    let add = |more: &[&str]| {
        let words = [&["packages", "--packages", "p", "add", "--source", &registry.url], more].concat();
        let (status, out, err) = run(here.path(), &words, None);
        assert_eq!(status, 0, "{out}{err}");
        out
    };
    let out = add(&["a.guide#1.x"]);
    assert!(out.contains("a.guide#1.1.0: 0 resources") && out.contains("b.base#1.2.x is not there"), "{out}");
    assert_eq!(kept(here.path()), ["a.guide#1.1.0.tgz"]);
    assert_eq!(registry.asked(), ["/a.guide", "/a.guide/1.1.0", "/files/guide.tgz"], "and nothing else");
    let out = add(&["a.guide", "--with-dependencies"]);
    assert!(out.contains("a.guide#1.1.0: is there already"), "{out}");
    assert_eq!(kept(here.path()), ["a.guide#1.1.0.tgz", "b.base#1.2.3.tgz", "hl7.fhir.r4.core#4.0.1.tgz"]);
    add(&["a.guide#current", "--build-server", &registry.url]);
    assert!(kept(here.path()).contains(&"a.guide#current.tgz".to_owned()));
    registry.asked();
    fs::write(here.path().join("a.json"), "{}").unwrap();
    let validate = |guide: &str| {
        run(here.path(), &["validate", "--packages", "p", "--ig", guide, "a.json"], Some(&registry.url))
    };
    assert_eq!(validate("a.guide#1.1.0").0, 1);
    assert_eq!(validate("a.guide#current").0, 1);
    assert_eq!(validate("a.guide#1.0.0").0, 2, "it is not there, and nobody has asked for it to be fetched");
    assert_eq!(registry.asked(), [""; 0], "validating asks no registry");
    let words = ["packages", "--packages", "q", "add", "a.guide#1.1.0"];
    assert_eq!(
        run(here.path(), &words, Some(&format!("{0}/none {0}", registry.url))).0,
        0,
        "the second has it"
    );
    let (status, _, err) = run(here.path(), &words, None);
    assert!(status == 2 && err.contains("--source"), "{err}");
}

/// What is told, what was asked for, and what the registry answers.
type Case<'a> = (&'a str, &'a str, Vec<(&'a str, Reply)>);

#[test]
fn what_a_registry_should_not_do_is_refused() {
    let good = tgz("a.a", "1.0.0", &json!({}), vec![]);
    let other = tgz("x.x", "1.0.0", &json!({}), vec![]);
    let link = tar(b'2', "package/link", &[]);
    let link = tgz("a.a", "1.0.0", &json!({}), link);
    let inside = Registry::serve(|_| BTreeMap::from([("/a.a/1.0.0".to_owned(), Reply::Body(good.clone()))]));
    let of = |tgz: &[u8], reply: Reply| vec![("/a.a", listing(&[("1.0.0", tgz)])), ("/a.a/1.0.0", reply)];
    let body = |bytes: &[u8]| Reply::Body(bytes.to_vec());
    let cases: Vec<Case<'_>> = vec![
        ("digest is not the one", "a.a#1.0.0", of(&other, body(&good))),
        (
            "no digest",
            "a.a#1.0.0",
            vec![("/a.a", body(br#"{"versions":{"1.0.0":{}}}"#)), ("/a.a/1.0.0", body(&good))],
        ),
        ("refused", "a.a#1.0.0", of(&good, Reply::Redirect(format!("{}/a.a/1.0.0", inside.url)))),
        ("refused", "a.a#1.0.0", of(&good, Reply::Redirect("http://169.254.169.254/latest".to_owned()))),
        ("refused", "a.a#1.0.0", of(&good, Reply::Redirect("file:///etc/passwd".to_owned()))),
        ("REDIRECTS_MAX", "a.a#1.0.0", of(&good, Reply::Redirect("/a.a/1.0.0".to_owned()))),
        ("larger than", "a.a#1.0.0", of(&good, Reply::Endless)),
        ("larger than", "a.a#1.0.0", vec![("/a.a", Reply::Endless)]),
        ("another package", "a.a#1.0.0", of(&other, body(&other))),
        ("links are refused", "a.a#1.0.0", of(&link, body(&link))),
        (
            "not a gzip stream",
            "a.a#1.0.0",
            of(b"this is no archive at all", body(b"this is no archive at all")),
        ),
        ("what http", "a.a#1.0.0", vec![("/a.a", body(b"<html>"))]),
        ("500", "a.a#1.0.0", vec![("/a.a", Reply::Status(500))]),
        ("is not there", "a.a#1.0.0", vec![("/a.a", listing(&[("1.0.0", &good)]))]),
        ("no source has", "a.a#2.0.0", of(&good, body(&good))),
        ("no source has", "a.gone", vec![]),
        (
            "another package",
            "a.a#9.9.9",
            vec![("/a.a", listing(&[("9.9.9", &good)])), ("/a.a/9.9.9", body(&good))],
        ),
    ];
    for (why, asked, replies) in cases {
        let registry =
            Registry::serve(|_| replies.into_iter().map(|(path, reply)| (path.to_owned(), reply)).collect());
        let here = tempfile::tempdir().unwrap();
        let words = ["packages", "--packages", "p", "add", "--source", &registry.url, asked];
        let (status, out, err) = run(here.path(), &words, None);
        assert_eq!((status, out.as_str()), (2, ""), "{why}: {err}");
        assert!(err.contains(why), "{why}: {err}");
        assert_eq!(kept(here.path()), [""; 0], "{why}");
    }
    assert_eq!(inside.asked(), [""; 0], "what is inside is never asked");
}
