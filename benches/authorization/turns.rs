//! What the connections do: the same at Hilum and at its peer.

use std::{collections::BTreeMap, sync::Arc};

use url::Url;

use crate::{
    connection::Connection,
    drive::Turn,
    place::Place,
    server::{CALLBACK, CLIENT_ID, CLIENT_SECRET, EMAIL, PASSWORD},
};

const VERIFIER: &str = "verifier-verifier-verifier-verifier-verifier";
const REDIRECTS_MAX: usize = 12;

/// Where the two servers differ.
#[derive(Clone, Copy)]
pub struct Paths {
    pub authorize: &'static str,
    pub token: &'static str,
    pub introspect: &'static str,
}

pub const HILUM: Paths =
    Paths { authorize: "/oauth2/authorize", token: "/oauth2/token", introspect: "/oauth2/introspection" };
pub const PEER: Paths = Paths { authorize: "/auth", token: "/token", introspect: "/token/introspection" };

pub fn basic() -> String {
    let pair = crypto::b64::encode_standard(format!("{CLIENT_ID}:{CLIENT_SECRET}"));
    format!("authorization: Basic {pair}\r\n")
}

/// The same request again and again, whose answer must say this.
pub fn same(request: Vec<u8>, expected: &'static str) -> Turn {
    Box::new(move |connection| {
        let answer = connection.exchange(&request).unwrap();
        assert!(answer.status == 200 && contains(answer.body, expected), "{}{}", answer.head, answer.text());
    })
}

fn contains(body: &[u8], expected: &str) -> bool {
    body.windows(expected.len()).any(|bytes| bytes == expected.as_bytes())
}

pub fn client_credentials(place: &Place, paths: Paths) -> Turn {
    let form = [("grant_type", "client_credentials")];
    same(place.request("POST", paths.token, &basic(), &form), "access_token")
}

pub fn introspection(place: &Place, paths: Paths, token: &str) -> Turn {
    same(place.request("POST", paths.introspect, &basic(), &[("token", token)]), r#""active":true"#)
}

/// Each answer brings the token for the next call.
pub fn refresh(place: &Place, paths: Paths, first: String) -> Turn {
    let (place, mut token, basic) = (place.clone(), first, basic());
    Box::new(move |connection| {
        let form = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
        let request = place.request("POST", paths.token, &basic, &form);
        token = member(connection, &request, "refresh_token");
    })
}

/// A browser that is signed in is sent to the application with a code, and the application exchanges it.
pub fn code_flow(place: &Place, paths: Paths, cookies: &str) -> Turn {
    let (place, basic, cookies) = (place.clone(), basic(), Arc::<str>::from(cookies));
    let target = authorize_target(paths, "openid");
    Box::new(move |connection| {
        let asked = place.request("GET", &target, &cookies, &[]);
        let answer = connection.exchange(&asked).unwrap();
        let there = answer.fields("location").next().unwrap_or_default().to_owned();
        assert!(there.starts_with(CALLBACK), "{}{}", answer.head, answer.text());
        member(
            connection,
            &place.request("POST", paths.token, &basic, &code_form(&code_in(&there))),
            "id_token",
        );
    })
}

/// As `code_flow`, for access without the person; brings the refresh token.
pub fn grant(place: &Place, paths: Paths, cookies: &str) -> impl FnMut(&mut Connection) -> String + use<> {
    let (place, basic, cookies) = (place.clone(), basic(), cookies.to_owned());
    let target = authorize_target(paths, "openid offline_access");
    move |connection| {
        let answer = connection.exchange(&place.request("GET", &target, &cookies, &[])).unwrap();
        let there = answer.fields("location").next().unwrap_or_default().to_owned();
        assert!(there.starts_with(CALLBACK), "{}{}", answer.head, answer.text());
        member(
            connection,
            &place.request("POST", paths.token, &basic, &code_form(&code_in(&there))),
            "refresh_token",
        )
    }
}

fn code_in(location: &str) -> String {
    let url = Url::parse(location).unwrap();
    url.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned()
}

fn code_form(code: &str) -> [(&'static str, &str); 4] {
    [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ]
}

fn authorize_target(paths: Paths, scope: &str) -> String {
    let mut url = Url::parse("http://x").unwrap();
    url.query_pairs_mut().extend_pairs([
        ("response_type", "code"),
        ("client_id", CLIENT_ID),
        ("redirect_uri", CALLBACK),
        ("scope", scope),
        ("state", "state-of-the-application"),
        ("code_challenge", &crypto::pkce::s256_challenge(VERIFIER)),
        ("code_challenge_method", "S256"),
    ]);
    format!("{}?{}", paths.authorize, url.query().unwrap())
}

/// A member of a JSON answer.
pub fn member(connection: &mut Connection, request: &[u8], name: &str) -> String {
    let answer = connection.exchange(request).unwrap();
    let read: serde_json::Value = serde_json::from_slice(answer.body).unwrap_or_default();
    read[name].as_str().unwrap_or_else(|| panic!("{}{}", answer.head, answer.text())).to_owned()
}

/// A person at a browser without a screen.
pub struct Browser {
    place: Place,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    /// Sign in and allow once, so that the next request is answered without a page.
    pub fn signed_in(place: &Place, paths: Paths, scope: &str) -> (Self, String) {
        let mut browser = Self { place: place.clone(), cookies: BTreeMap::new() };
        let mut target = authorize_target(paths, scope);
        let mut has_signed_in = false;
        for _ in 0..REDIRECTS_MAX {
            let location = browser.go("GET", &target, &[]);
            let url = Url::parse("http://x").unwrap().join(&location).unwrap();
            let given = |name: &str| url.query_pairs().find(|(n, _)| n == name).map(|(_, v)| v.into_owned());
            if location.starts_with(CALLBACK) {
                let code = given("code").unwrap_or_else(|| panic!("{location}"));
                return (browser, code);
            }
            target = match url.path() {
                "/sign-in" => {
                    let back = given("return_to").unwrap();
                    browser.go(
                        "POST",
                        "/sign-in",
                        &[("email", EMAIL), ("password", PASSWORD), ("return_to", &back)],
                    )
                }
                "/consent" => {
                    let request = given("request").unwrap();
                    let ticked: Vec<String> =
                        scope.split(' ').map(|scope| format!("scope.{scope}")).collect();
                    let mut form = vec![("request", request.as_str()), ("decision", "allow")];
                    form.extend(ticked.iter().map(|name| (name.as_str(), "on")));
                    browser.go("POST", "/consent", &form)
                }
                path if path.starts_with("/interaction/") && !std::mem::replace(&mut has_signed_in, true) => {
                    browser.go("POST", path, &[("prompt", "login"), ("login", "nadia"), ("password", "x")])
                }
                path if path.starts_with("/interaction/") => {
                    browser.go("POST", path, &[("prompt", "consent")])
                }
                _ => location,
            };
            if target.starts_with(CALLBACK) {
                return (browser, code_in(&target));
            }
            let there = Url::parse("http://x").unwrap().join(&target).unwrap();
            target = there[url::Position::BeforePath..].to_owned();
        }
        panic!("too many redirects, the last to {target}");
    }

    /// The tokens that a code brings.
    pub fn redeem(&self, paths: Paths, code: &str, name: &str) -> String {
        let request = self.place.request("POST", paths.token, &basic(), &code_form(code));
        member(&mut self.place.connect(), &request, name)
    }

    /// The cookies as a field.
    pub fn cookie_field(&self) -> String {
        let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("cookie: {}\r\n", pairs.join("; "))
    }

    /// One request; where it redirects to.
    fn go(&mut self, method: &str, target: &str, form: &[(&str, &str)]) -> String {
        let fields = format!("{}sec-fetch-site: same-origin\r\n", self.cookie_field());
        let request = self.place.request(method, target, &fields, form);
        let mut connection = self.place.connect();
        let answer = connection.exchange(&request).unwrap();
        for set in answer.fields("set-cookie") {
            let (name, value) = set.split(';').next().and_then(|pair| pair.split_once('=')).unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let location = answer.fields("location").next().map(str::to_owned);
        // A page that waits for a form stands where it was asked for.
        location.unwrap_or_else(|| {
            assert!(target.starts_with("/interaction/"), "{target}: {}{}", answer.head, answer.text());
            target.to_owned()
        })
    }
}
