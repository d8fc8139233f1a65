//! Whether anybody is there: the name, then a connection, without a word said to the other side. For tests of what somebody has set up.

use std::net::{IpAddr, SocketAddr};

use tokio::{net::TcpStream, time::timeout};
use url::{Host, Url};

use crate::{CONNECT_TIMEOUT, Outbound, Refusal, check::Way, lookup::judged};

/// Why nobody is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreached {
    /// The address is one that may not be called.
    #[error("outbound: refused: {0}")]
    Refused(Refusal),
    /// The name has no address.
    #[error("outbound: the name has no address")]
    NoAddress,
    /// Nobody takes a connection there.
    #[error("outbound: could not connect")]
    NoConnection,
}

/// Where a host is to be reached, looked at as it is for every call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Door(Vec<SocketAddr>);

impl Outbound {
    /// Where the host of this address is to be reached.
    ///
    /// # Errors
    /// [`Unreached`].
    pub async fn look_up(&self, url: &Url) -> Result<Door, Unreached> {
        let way = self.way(url).map_err(Unreached::Refused)?;
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(Unreached::Refused(Refusal::Host));
        };
        self.door(way, host.to_owned(), port).await
    }

    /// The same for a protocol that has no address of its own.
    ///
    /// # Errors
    /// [`Unreached`].
    pub async fn look_up_host(&self, host: &str, port: u16) -> Result<Door, Unreached> {
        let host = Host::parse(host).map_err(|_| Unreached::Refused(Refusal::Host))?;
        let way = self.way_to(&host, port).map_err(Unreached::Refused)?;
        self.door(way, host, port).await
    }

    async fn door(&self, way: Way, host: Host<String>, port: u16) -> Result<Door, Unreached> {
        let addresses = match host {
            Host::Ipv4(v4) => vec![IpAddr::V4(v4)],
            Host::Ipv6(v6) => vec![IpAddr::V6(v6)],
            Host::Domain(name) => {
                let looked = timeout(CONNECT_TIMEOUT, self.lookup.lookup(&name)).await;
                let found = looked.map_err(|_| Unreached::NoAddress)?.map_err(|_| Unreached::NoAddress)?;
                if found.is_empty() {
                    return Err(Unreached::NoAddress);
                }
                found
            }
        };
        let addresses = match way {
            Way::Internal => addresses,
            Way::Public => judged(addresses).map_err(Unreached::Refused)?,
        };
        Ok(Door(addresses.into_iter().map(|address| SocketAddr::new(address, port)).collect()))
    }
}

impl Door {
    /// Whether anybody takes a connection there. It is closed again at once.
    ///
    /// # Errors
    /// [`Unreached::NoConnection`].
    pub async fn knock(&self) -> Result<(), Unreached> {
        self.connect().await.map(|_| ())
    }

    /// A connection to exactly the addresses that were looked at, in the clear: what is spoken on it has to protect itself.
    ///
    /// # Errors
    /// [`Unreached::NoConnection`].
    pub async fn connect(&self) -> Result<TcpStream, Unreached> {
        let connected = timeout(CONNECT_TIMEOUT, TcpStream::connect(self.0.as_slice())).await;
        connected.map_err(|_| Unreached::NoConnection)?.map_err(|_| Unreached::NoConnection)
    }
}
