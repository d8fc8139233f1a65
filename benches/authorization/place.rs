//! Where a server listens, in the clear or with TLS, and calls to it.

use std::sync::{Arc, LazyLock};

use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};

use crate::connection::{Connection, socket};

/// A server that listens on this machine.
#[derive(Clone)]
pub struct Place {
    pub port: u16,
    /// The process that serves.
    pub pid: u32,
    tls: Option<Arc<ClientConfig>>,
}

/// A certificate for 127.0.0.1, in PEM, made once.
pub static CERTIFICATE: LazyLock<(String, String)> = LazyLock::new(|| {
    let made = rcgen::generate_simple_self_signed([String::from("127.0.0.1")]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
});

/// Whether a server speaks TLS.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    Clear,
    Tls,
}

impl Wire {
    pub const BOTH: [Self; 2] = [Self::Clear, Self::Tls];

    pub fn scheme(self) -> &'static str {
        match self {
            Self::Clear => "http",
            Self::Tls => "https",
        }
    }
}

impl Place {
    pub fn new(port: u16, pid: u32, wire: Wire) -> Self {
        let tls = (wire == Wire::Tls).then(|| {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(CERTIFICATE.0.as_bytes()).unwrap()).unwrap();
            let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
            let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
            Arc::new(config.unwrap().with_root_certificates(roots).with_no_client_auth())
        });
        Self { port, pid, tls }
    }

    pub fn connect(&self) -> Connection {
        let socket = socket(self.port).unwrap();
        match &self.tls {
            None => Connection::over(Box::new(socket)),
            Some(config) => {
                let name = ServerName::try_from("127.0.0.1").unwrap();
                let session = ClientConnection::new(Arc::clone(config), name).unwrap();
                Connection::over(Box::new(StreamOwned::new(session, socket)))
            }
        }
    }

    /// A request, written out.
    pub fn request(&self, method: &str, target: &str, fields: &str, form: &[(&str, &str)]) -> Vec<u8> {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let media = if method == "POST" { "content-type: application/x-www-form-urlencoded\r\n" } else { "" };
        let length = body.len();
        format!(
            "{method} {target} HTTP/1.1\r\nhost: 127.0.0.1:{}\r\n{fields}{media}content-length: {length}\r\n\r\n{body}",
            self.port
        )
        .into_bytes()
    }
}
