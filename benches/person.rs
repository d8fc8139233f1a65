//! A person at a browser without a screen: cookies, forms and redirects.

use std::collections::BTreeMap;

use url::{Url, form_urlencoded};

use crate::{
    connection::Connection,
    deployment::{APPLICATION, CLIENT_ID, CLIENT_SECRET, EMAIL, INTEGRATION, PASSWORD},
};

/// Redirects on the way to one page.
const REDIRECTS_MAX: usize = 10;

pub struct Browser {
    hilum: Url,
    cookies: BTreeMap<String, String>,
}

/// Where a visit has ended, and what was there.
struct Page {
    url: Url,
    text: String,
}

impl Browser {
    pub fn new(port: u16) -> Self {
        Self { hilum: Url::parse(&format!("http://127.0.0.1:{port}")).unwrap(), cookies: BTreeMap::new() }
    }

    /// Sign in, allow, and the application's exchange of the code: the authorization code flow with PKCE.
    pub fn token_for_application(&mut self) -> String {
        let verifier = "v".repeat(43);
        let redirect_uri = format!("{APPLICATION}/signed-in");
        let asked = [
            ("response_type", "code"),
            ("client_id", CLIENT_ID),
            ("redirect_uri", &redirect_uri),
            ("scope", "openid"),
            ("state", "state-of-the-application"),
            ("code_challenge", &crypto::pkce::s256_challenge(&verifier)),
            ("code_challenge_method", "S256"),
        ];
        let page = self.visit("/oauth2/authorize", &asked);
        let return_to = parameter(&page, "return_to");
        let page =
            self.submit("/sign-in", &[("email", EMAIL), ("password", PASSWORD), ("return_to", &return_to)]);
        let request = parameter(&page, "request");
        let page =
            self.submit("/consent", &[("request", &request), ("scope.openid", "on"), ("decision", "allow")]);
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", &parameter(&page, "code")),
            ("redirect_uri", &redirect_uri),
            ("code_verifier", &verifier),
        ];
        let pair = crypto::b64::encode_standard(format!("{CLIENT_ID}:{CLIENT_SECRET}"));
        let credential = format!("authorization: Basic {pair}\r\n");
        let (answer, _) =
            self.send("POST", self.hilum.join("/oauth2/token").unwrap(), &form(&fields), &credential);
        let tokens: serde_json::Value = serde_json::from_str(&answer).unwrap();
        tokens["access_token"].as_str().unwrap_or_else(|| panic!("no token: {answer}")).to_owned()
    }

    /// Link the account at the third party, and come back to the application.
    pub fn link(&mut self) {
        let path = format!("/integrations/oauth2/{INTEGRATION}/connect");
        let page = self.visit(&path, &[("client_id", CLIENT_ID), ("returnPath", "/linked")]);
        let is_linked = page.url.path() == "/linked" && page.url.query().is_none();
        assert!(is_linked, "linking ended at {}: {}", page.url, page.text);
    }

    fn visit(&mut self, path: &str, query: &[(&str, &str)]) -> Page {
        let mut url = self.hilum.join(path).unwrap();
        url.query_pairs_mut().extend_pairs(query);
        self.follow("GET", url, String::new())
    }

    fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.follow("POST", self.hilum.join(path).unwrap(), form(fields))
    }

    /// Follow redirects to a page, or to the door of the application.
    fn follow(&mut self, mut method: &str, mut url: Url, mut body: String) -> Page {
        for _ in 0..REDIRECTS_MAX {
            if url.as_str().starts_with(APPLICATION) {
                return Page { url, text: String::new() };
            }
            let (text, location) = self.send(method, url.clone(), &body, "");
            let Some(location) = location else { return Page { url, text } };
            (method, url, body) = ("GET", url.join(&location).unwrap(), String::new());
        }
        panic!("too many redirects, the last to {url}");
    }

    /// One request; the answer's body, and where it redirects to.
    fn send(&mut self, method: &str, url: Url, body: &str, fields: &str) -> (String, Option<String>) {
        let is_hilum = url.origin() == self.hilum.origin();
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookie = if is_hilum { format!("cookie: {}\r\n", cookies.join("; ")) } else { String::new() };
        let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let request = format!(
            "{method} {target} HTTP/1.1\r\nhost: {}\r\n{fields}{cookie}sec-fetch-site: same-origin\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
            url.authority(),
            body.len()
        );
        let mut connection = Connection::open(url.port().unwrap()).unwrap();
        let answer = connection.exchange(request.as_bytes()).unwrap();
        for set in answer.fields("set-cookie").filter(|_| is_hilum) {
            let (name, value) = set.split(';').next().and_then(|pair| pair.split_once('=')).unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        (answer.text(), answer.fields("location").next().map(str::to_owned))
    }
}

fn form(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

fn parameter(page: &Page, name: &str) -> String {
    let found = page.url.query_pairs().find(|(found, _)| found == name);
    found.unwrap_or_else(|| panic!("no {name} in {}: {}", page.url, page.text)).1.into_owned()
}
