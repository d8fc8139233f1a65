//! What one would write in an afternoon: read a page, send it as a transaction, read the next one.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    connection::Connection,
    source::{PAGE, RECORDS, Source, TYPES},
    target::Target,
};

#[derive(Deserialize)]
struct Page<'a> {
    link: Vec<HashMap<String, String>>,
    #[serde(borrow)]
    entry: Vec<Entry<'a>>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    resource: &'a RawValue,
}

#[derive(Deserialize)]
struct Head<'a> {
    id: &'a str,
}

pub fn bring(source: &Source, target: &Target) -> Duration {
    let (mut from, mut to) = (Connection::open(source.port).unwrap(), Connection::open(target.port).unwrap());
    let (began, mut all) = (Instant::now(), 0);
    for of in TYPES {
        let mut next = Some(format!("/fhir/{of}?_count={PAGE}"));
        while let Some(path) = next {
            let request = format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{}\r\n\r\n", source.port);
            let answer = from.exchange(request.as_bytes()).unwrap();
            assert_eq!(answer.status, 200, "{}", answer.text());
            let page: Page<'_> = serde_json::from_slice(answer.body).unwrap();
            let entries: Vec<String> = page.entry.iter().map(|entry| put(of, entry.resource.get())).collect();
            let bundle = format!(
                r#"{{"resourceType":"Bundle","type":"transaction","entry":[{}]}}"#,
                entries.join(",")
            );
            let answered = to.exchange(&target.transaction(&bundle)).unwrap();
            assert_eq!(answered.status, 200, "{}", answered.text());
            all += entries.len();
            let link = page.link.into_iter().find(|link| link["relation"] == "next");
            next = link.map(|link| link["url"].split_once("/fhir/").unwrap().1.to_owned());
            next = next.map(|rest| format!("/fhir/{rest}"));
        }
    }
    assert_eq!(all, RECORDS);
    began.elapsed()
}

fn put(of: &str, resource: &str) -> String {
    let Head { id } = serde_json::from_str(resource).unwrap();
    format!(r#"{{"resource":{resource},"request":{{"method":"PUT","url":"{of}/{id}"}}}}"#)
}
