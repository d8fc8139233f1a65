//! Whether an address may be called at all, as it is written.

use std::{fmt, net::IpAddr, str::FromStr};

use url::{Host, Url};

use crate::{Outbound, OutboundFault, is_public};

/// A host and port inside the machine or the network that the configuration allows by name: `127.0.0.1:9400`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct InternalHost {
    host: String,
    port: u16,
}

/// The text is not `host:port`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not host:port; write `127.0.0.1:9400`, `[::1]:9400` or `name:9400`")]
pub struct MalformedHost;

impl FromStr for InternalHost {
    type Err = MalformedHost;
    fn from_str(text: &str) -> Result<Self, MalformedHost> {
        let (host, port) = text.rsplit_once(':').ok_or(MalformedHost)?;
        let port: u16 = port.parse().map_err(|_| MalformedHost)?;
        let plain = !host.contains(['/', '@', '?', '#', '\\', '*']);
        let url = Url::parse(&format!("http://{host}/")).map_err(|_| MalformedHost)?;
        match url.host_str() {
            Some(host) if plain && port != 0 && url.port().is_none() => {
                Ok(Self { host: host.to_owned(), port })
            }
            _ => Err(MalformedHost),
        }
    }
}
impl fmt::Display for InternalHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// Why an address may not be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Only `https` leaves.
    #[error("only https is called")]
    Scheme,
    /// A user name or password in the address.
    #[error("the address holds user info")]
    UserInfo,
    /// A port other than 443.
    #[error("only port 443 is called")]
    Port,
    /// The name is one of this machine or network.
    #[error("the host name is not a public one")]
    Host,
    /// The address, or one that the name resolves to, is not public.
    #[error("the address is not a public one")]
    Address,
    /// The peer that was reached is not the public one that was checked.
    #[error("the peer's address is not a public one")]
    Peer,
}

/// Which client a call goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Public,
    Internal,
}

/// Last labels of names that never belong to the public internet (RFC 6761, RFC 6762, RFC 8375, ICANN `.internal`).
const INNER_NAMES: [&str; 12] = [
    "localhost",
    "local",
    "internal",
    "intranet",
    "lan",
    "home",
    "corp",
    "private",
    "arpa",
    "onion",
    "test",
    "invalid",
];

impl Outbound {
    /// Whether the address may be called. Also used when an integration is set up, so that a mistake is seen early.
    pub fn check(&self, url: &Url) -> Result<(), OutboundFault> {
        way(url, |host| self.allow_internal.contains(host)).map(|_| ()).map_err(OutboundFault::Refused)
    }

    pub(super) fn way(&self, url: &Url) -> Result<Way, Refusal> {
        way(url, |host| self.allow_internal.contains(host))
    }
}

/// The lowest port of the public internet that something else than HTTPS is spoken to, beside that of SSH: below are those that belong to other
/// protocols, whose servers would have to make something of our first words.  RFC 6335 §6
const FREE_PORT_MIN: u16 = 1_024;
/// The port of SSH.  RFC 4253 §4
const SSH_PORT: u16 = 22;

impl Outbound {
    /// The same for a protocol that has no address of its own: a host and a port.
    pub(super) fn way_to(&self, host: &Host<String>, port: u16) -> Result<Way, Refusal> {
        if self.allow_internal.contains(&InternalHost { host: host.to_string(), port }) {
            return Ok(Way::Internal);
        }
        if port != SSH_PORT && port < FREE_PORT_MIN {
            return Err(Refusal::Port);
        }
        check_host(Some(match host {
            Host::Domain(name) => Host::Domain(name.as_str()),
            Host::Ipv4(v4) => Host::Ipv4(*v4),
            Host::Ipv6(v6) => Host::Ipv6(*v6),
        }))
    }
}

fn way(url: &Url, is_allowed: impl Fn(&InternalHost) -> bool) -> Result<Way, Refusal> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Refusal::Scheme);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Refusal::UserInfo);
    }
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
        return Err(Refusal::Host);
    };
    if is_allowed(&InternalHost { host: host.to_owned(), port }) {
        return Ok(Way::Internal);
    }
    if url.scheme() != "https" {
        return Err(Refusal::Scheme);
    }
    if port != 443 {
        return Err(Refusal::Port);
    }
    check_host(url.host())
}

fn check_host(host: Option<Host<&str>>) -> Result<Way, Refusal> {
    let address = match host {
        Some(Host::Ipv4(v4)) => IpAddr::V4(v4),
        Some(Host::Ipv6(v6)) => IpAddr::V6(v6),
        Some(Host::Domain(name)) => return check_name(name),
        None => return Err(Refusal::Host),
    };
    if is_public(address) { Ok(Way::Public) } else { Err(Refusal::Address) }
}

fn check_name(name: &str) -> Result<Way, Refusal> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let last = name.rsplit('.').next().unwrap_or_default();
    let inner = !name.contains('.') || INNER_NAMES.iter().any(|inner| last.eq_ignore_ascii_case(inner));
    // A name whose last label is a number could be read as an address by someone further down.
    let numeric = last.bytes().all(|b| b.is_ascii_digit());
    if inner || numeric { Err(Refusal::Host) } else { Ok(Way::Public) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(url: &str, allowed: &[&str]) -> Result<Way, Refusal> {
        let allowed: Vec<InternalHost> = allowed.iter().map(|h| h.parse().unwrap()).collect();
        way(&Url::parse(url).unwrap(), |host| allowed.contains(host))
    }

    #[test]
    fn addresses_in_every_notation_are_read_as_what_they_are() {
        for url in [
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://0177.0.0.1/",
            "https://127.1/",
            "https://0x7f000001/",
            "https://017700000001/",
            "https://127.0.0.1./",
            "https://0/",
            "https://0.0.0.0/",
            "https://[::1]/",
            "https://[::]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[::ffff:169.254.169.254]/",
            "https://[64:ff9b::a9fe:a9fe]/",
            "https://[::127.0.0.1]/",
            "https://[fe80::1]/",
            "https://[fd00::1]/",
            "https://169.254.169.254/latest/meta-data/",
            "https://0xa9fea9fe/",
            "https://10.1.2.3/",
            "https://192.168.0.1/",
            "https://172.16.0.1/",
            "https://100.64.0.1/",
            "https://１２７.0.0.1/",
            "https://127。0。0。1/",
            "https://[2002:7f00:1::]/",
            "https://[2001:0:1::1]/",
        ] {
            assert_eq!(judged(url, &[]), Err(Refusal::Address), "{url}");
        }
        assert_eq!(judged("https://1.1.1.1/", &[]), Ok(Way::Public));
        for url in [
            "https://[fe80::1%25eth0]/",
            "https://[fe80::1%eth0]/",
            "https://256.1.1.1/",
            "https://1.2.3.4.5/",
        ] {
            assert!(Url::parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn names_of_this_machine_and_network_are_refused() {
        for url in [
            "https://localhost/",
            "https://LOCALHOST/",
            "https://localhost./",
            "https://a.localhost/",
            "https://printer/",
            "https://metadata.google.internal/",
            "https://nas.local/",
            "https://x.test/",
            "https://1.0.0.127.in-addr.arpa/",
        ] {
            assert_eq!(judged(url, &[]), Err(Refusal::Host), "{url}");
        }
        assert_eq!(judged("https://api.example.com/", &[]), Ok(Way::Public));
        assert_eq!(judged("https://api.example.com./", &[]), Ok(Way::Public));
    }

    #[test]
    fn only_https_on_its_own_port_without_user_info() {
        for (url, refusal) in [
            ("http://api.example.com/", Refusal::Scheme),
            ("ftp://api.example.com/", Refusal::Scheme),
            ("file:///etc/passwd", Refusal::Scheme),
            ("unix:/var/run/docker.sock", Refusal::Scheme),
            ("gopher://api.example.com/", Refusal::Scheme),
            ("https://a@api.example.com/", Refusal::UserInfo),
            ("https://:b@api.example.com/", Refusal::UserInfo),
            ("https://api.example.com:8443/", Refusal::Port),
            ("https://api.example.com:22/", Refusal::Port),
        ] {
            assert_eq!(judged(url, &[]), Err(refusal), "{url}");
        }
        assert_eq!(judged("https://api.example.com:443/", &[]), Ok(Way::Public));
    }

    #[test]
    fn what_the_configuration_names_is_reached_on_that_port_alone() {
        let allowed = ["127.0.0.1:9400", "[::1]:9401", "sandbox:9402"];
        for url in
            ["http://127.0.0.1:9400/x", "http://0x7f.1:9400/", "http://[::1]:9401/", "http://sandbox:9402/"]
        {
            assert_eq!(judged(url, &allowed), Ok(Way::Internal), "{url}");
        }
        for url in
            ["http://127.0.0.1:9401/", "http://127.0.0.2:9400/", "http://[::1]:9400/", "http://sandbox:9400/"]
        {
            assert!(judged(url, &allowed).is_err(), "{url}");
        }
        assert_eq!(judged("http://a@127.0.0.1:9400/", &allowed), Err(Refusal::UserInfo));
    }

    #[test]
    fn hosts_without_an_address_are_judged_alike() {
        let allowed = ["127.0.0.1:2222".parse().unwrap()].into_iter().collect();
        let outbound = Outbound::new(allowed, std::sync::Arc::new(crate::SystemLookup)).unwrap();
        let judged = |host: &str, port| outbound.way_to(&Host::parse(host).unwrap(), port);
        assert_eq!(judged("127.1", 2222), Ok(Way::Internal));
        assert_eq!(judged("127.0.0.1", 22), Err(Refusal::Address));
        assert_eq!(judged("169.254.169.254", 22), Err(Refusal::Address));
        assert_eq!(judged("[::1]", 2222), Err(Refusal::Address));
        assert_eq!(judged("localhost", 2222), Err(Refusal::Host));
        assert_eq!(judged("files.example.com", 25), Err(Refusal::Port));
        assert_eq!(judged("files.example.com", 22), Ok(Way::Public));
        assert_eq!(judged("files.example.com", 2022), Ok(Way::Public));
    }

    #[test]
    fn the_configuration_names_one_host_and_one_port() {
        for text in
            ["", "x", "127.0.0.1", "127.0.0.1:0", "*:80", "10.0.0.0/8:80", "a@b:80", "x:99999", "http://x:80"]
        {
            assert!(text.parse::<InternalHost>().is_err(), "{text}");
        }
        assert_eq!("127.1:80".parse::<InternalHost>().unwrap().to_string(), "127.0.0.1:80");
    }
}
