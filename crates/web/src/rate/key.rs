//! What requests are counted under.

use std::{fmt, net::IpAddr};

/// The key of one count. Addresses, which every request is counted by, are kept as bits: making a text of one for each
/// request would cost more than counting it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct CellKey(Kind);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Kind {
    Text(Box<str>),
    V4(&'static str, u32),
    /// The network of one customer.
    V6(&'static str, u64),
    Nowhere(&'static str),
}

impl CellKey {
    pub(crate) fn text(text: &str) -> Self {
        Self(Kind::Text(text.into()))
    }

    /// The address, of IPv6 its /64; requests without a socket count together.
    pub(crate) fn address(route: &'static str, address: Option<IpAddr>) -> Self {
        Self(match address {
            Some(IpAddr::V4(address)) => Kind::V4(route, address.to_bits()),
            Some(IpAddr::V6(address)) => Kind::V6(route, (address.to_bits() >> 64) as u64),
            None => Kind::Nowhere(route),
        })
    }
}

/// The key as Redis knows it.
impl fmt::Display for CellKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Text(text) => f.write_str(text),
            Kind::V4(route, bits) => write!(f, "{route}:{}", std::net::Ipv4Addr::from_bits(*bits)),
            Kind::V6(route, network) => write!(f, "{route}:{network:x}/64"),
            Kind::Nowhere(route) => write!(f, "{route}:nowhere"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_key_for_a_route_and_an_ipv6_network_is_one_customer() {
        let of = |route, text: &str| CellKey::address(route, Some(text.parse().unwrap()));
        assert_eq!(of("all", "2001:db8:1:2::1"), of("all", "2001:db8:1:2:ffff::9"));
        assert_ne!(of("all", "2001:db8:1:2::1"), of("all", "2001:db8:1:3::1"));
        assert_ne!(of("all", "192.0.2.1"), of("token", "192.0.2.1"));
        for (key, text) in [
            (of("all", "192.0.2.1"), "all:192.0.2.1"),
            (of("all", "2001:db8:1:2::1"), "all:20010db800010002/64"),
            (CellKey::address("all", None), "all:nowhere"),
            (CellKey::text("api:client:x"), "api:client:x"),
        ] {
            assert_eq!(key.to_string(), text);
        }
    }
}
