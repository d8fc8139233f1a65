//! Networks: which addresses a setting speaks of.

use std::{net::IpAddr, str::FromStr};

/// An address, or all addresses that share a prefix: `10.0.0.0/8`, `192.0.2.7`, `fd00::/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix_bits: u8,
}

/// The text is not an address or a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an address or network: write 192.0.2.7 or 10.0.0.0/8")]
pub struct MalformedNetwork;

impl Network {
    /// Whether the address is in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(net), IpAddr::V4(ip)) => {
                same(net.to_bits().into(), ip.to_bits().into(), 32, self.prefix_bits)
            }
            (IpAddr::V6(net), IpAddr::V6(ip)) => same(net.to_bits(), ip.to_bits(), 128, self.prefix_bits),
            _ => false,
        }
    }
}

fn same(net: u128, ip: u128, width: u8, prefix_bits: u8) -> bool {
    let dropped = u32::from(width.saturating_sub(prefix_bits));
    (net ^ ip).checked_shr(dropped).unwrap_or(0) == 0
}

impl FromStr for Network {
    type Err = MalformedNetwork;
    fn from_str(text: &str) -> Result<Self, MalformedNetwork> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.trim().parse().map_err(|_| MalformedNetwork)?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let prefix_bits = match prefix {
            Some(prefix) => prefix.trim().parse().map_err(|_| MalformedNetwork)?,
            None => width,
        };
        if prefix_bits <= width { Ok(Self { address, prefix_bits }) } else { Err(MalformedNetwork) }
    }
}

/// A list of networks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(Vec<Network>);

impl Networks {
    /// Whether the address is in one of them.
    pub fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }
}

impl FromIterator<Network> for Networks {
    fn from_iter<I: IntoIterator<Item = Network>>(networks: I) -> Self {
        Self(networks.into_iter().collect())
    }
}

/// Networks separated by commas.
impl FromStr for Networks {
    type Err = MalformedNetwork;
    fn from_str(text: &str) -> Result<Self, MalformedNetwork> {
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::parse).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_compared_by_their_prefix() {
        let networks: Networks = "10.0.0.0/8,192.0.2.7, ::/0".parse().unwrap();
        for (address, inside) in [
            ("10.255.0.1", true),
            ("11.0.0.1", false),
            ("192.0.2.7", true),
            ("192.0.2.6", false),
            ("2001:db8::1", true),
        ] {
            assert_eq!(networks.contain(address.parse().unwrap()), inside, "{address}");
        }
        for text in ["10.0.0.0/33", "x", "10.0.0.0/", "::/129", "10.0.0/8"] {
            assert_eq!(text.parse::<Network>(), Err(MalformedNetwork), "{text}");
        }
        assert!("0.0.0.0/0".parse::<Network>().unwrap().contains("255.1.2.3".parse().unwrap()));
    }
}
