//! Where a request comes from.

use std::{
    convert::Infallible,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use axum::extract::FromRequestParts;
use http::{HeaderMap, request::Parts};

use crate::Networks;

/// How many hops of a forwarding header are looked at.
const HOPS_MAX: usize = 16;

/// The other end of the socket, as [`serve`](fn@crate::serve) leaves it in the request's extensions.
#[derive(Debug, Clone, Copy)]
pub struct PeerAddr(pub SocketAddr);

/// The client's address: the other end of the socket or, if that is a trusted proxy, the last address in
/// `X-Forwarded-For` that is none. What anybody else writes there is ignored. `0.0.0.0` without a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddr(pub IpAddr);

impl<S: Send + Sync> FromRequestParts<S> for ClientAddr {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().copied().unwrap_or(Self(IpAddr::V4(Ipv4Addr::UNSPECIFIED))))
    }
}

/// The rule of [`ClientAddr`].
pub(crate) fn client_addr(peer: Option<PeerAddr>, headers: &HeaderMap, trusted: &Networks) -> ClientAddr {
    let Some(PeerAddr(peer)) = peer else { return ClientAddr(IpAddr::V4(Ipv4Addr::UNSPECIFIED)) };
    let mut client = peer.ip().to_canonical();
    let hops = headers.get_all("x-forwarded-for").iter().rev().flat_map(|value| {
        let text = value.to_str().unwrap_or_default();
        text.split(',').rev().map(|hop| hop.trim().parse::<IpAddr>().ok())
    });
    for hop in hops.take(HOPS_MAX) {
        if !trusted.contain(client) {
            break;
        }
        // A hop that cannot be read hides what is behind it: the proxy itself is then the client.
        let Some(hop) = hop else { break };
        client = hop.to_canonical();
    }
    ClientAddr(client)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_proxies_may_say_who_is_behind_them() {
        let trusted: Networks = "10.0.0.0/8, 192.0.2.7, fd00::/8".parse().unwrap();
        let table: &[(&str, &[&str], &str)] = &[
            ("203.0.113.9:1", &[], "203.0.113.9"),
            ("203.0.113.9:1", &["198.51.100.1"], "203.0.113.9"),
            ("10.1.2.3:1", &["198.51.100.1"], "198.51.100.1"),
            ("10.1.2.3:1", &["1.1.1.1, 198.51.100.1, 192.0.2.7"], "198.51.100.1"),
            ("10.1.2.3:1", &["1.1.1.1", "198.51.100.1"], "198.51.100.1"),
            ("10.1.2.3:1", &["spoofed, 198.51.100.1"], "198.51.100.1"),
            ("10.1.2.3:1", &["198.51.100.1, junk"], "10.1.2.3"),
            ("[::ffff:10.1.2.3]:1", &["198.51.100.1"], "198.51.100.1"),
            ("[fd00::1]:1", &["2001:db8::1"], "2001:db8::1"),
            ("10.1.2.3:1", &["10.9.9.9"], "10.9.9.9"),
        ];
        for (peer, forwarded, client) in table {
            let mut headers = HeaderMap::new();
            for value in *forwarded {
                headers.append("x-forwarded-for", value.parse().unwrap());
            }
            let found = client_addr(Some(PeerAddr(peer.parse().unwrap())), &headers, &trusted);
            assert_eq!(found.0.to_string(), *client, "{peer} {forwarded:?}");
        }
    }
}
