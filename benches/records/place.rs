//! Where a server listens, and calls to it.

use std::{
    net::{Ipv4Addr, TcpListener, TcpStream},
    time::Duration,
};

use crate::connection::Connection;

/// A Bundle may take its time.
const PATIENCE: Duration = Duration::from_secs(3600);

/// A server on this machine.
#[derive(Clone)]
pub struct Place {
    pub port: u16,
    /// The process that serves.
    pub pid: u32,
    /// What stands before `/Patient`.
    pub base: &'static str,
    /// Header fields of every call, each with its line's end.
    pub fields: String,
}

impl Place {
    pub fn connect(&self) -> Connection {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Connection::over(Box::new(stream))
    }

    /// A request, written out; `target` begins after the base.
    pub fn request(&self, method: &str, target: &str, body: &[u8]) -> Vec<u8> {
        let (port, base, fields, length) = (self.port, self.base, &self.fields, body.len());
        let media = if body.is_empty() { "" } else { "content-type: application/fhir+json\r\n" };
        let head = format!(
            "{method} {base}{target} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\naccept: application/fhir+json\r\n\
             cache-control: no-cache\r\n{fields}{media}content-length: {length}\r\n\r\n"
        );
        let mut request = head.into_bytes();
        request.extend_from_slice(body);
        request
    }

    pub fn get(&self, target: &str) -> serde_json::Value {
        self.ask(&mut self.connect(), &self.request("GET", target, b""))
    }

    /// The answer in JSON to a request that must be answered well.
    pub fn ask(&self, connection: &mut Connection, request: &[u8]) -> serde_json::Value {
        let answer = connection.exchange(request).unwrap();
        assert!((200..300).contains(&answer.status), "{}{}", answer.head, answer.text());
        assert!(answer.fields("content-type").any(|media| media.contains("json")), "{}", answer.head);
        serde_json::from_slice(answer.body).unwrap()
    }
}

pub fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}
