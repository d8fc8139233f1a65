//! Names to addresses, each looked at before anybody connects to it.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use futures_util::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::{Refusal, is_public};

/// The most addresses of a name that are looked at; a name with more is refused.
const ADDRESSES_MAX: usize = 64;

/// What a look-up answers.
pub type Looked = BoxFuture<'static, io::Result<Vec<IpAddr>>>;

/// Where the addresses of a name come from.
pub trait Lookup: Send + Sync + 'static {
    /// All addresses of the name.
    fn lookup(&self, name: &str) -> Looked;
}

/// The system's own resolver.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup(&self, name: &str) -> Looked {
        let name = name.to_owned();
        Box::pin(
            async move { Ok(tokio::net::lookup_host((name, 0)).await?.map(|found| found.ip()).collect()) },
        )
    }
}

/// Hands over only addresses of the public internet. The client connects to exactly what is handed over, so a name
/// that answers differently the next time (DNS rebinding) is judged anew and never used unjudged.
pub(super) struct PublicOnly(pub Arc<dyn Lookup>);

/// Hands over whatever the name has: for hosts that the configuration names.
pub(super) struct AsConfigured(pub Arc<dyn Lookup>);

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let looked = self.0.lookup(name.as_str());
        Box::pin(async move { Ok(handed_over(judged(looked.await?)?)) })
    }
}

impl Resolve for AsConfigured {
    fn resolve(&self, name: Name) -> Resolving {
        let looked = self.0.lookup(name.as_str());
        Box::pin(async move { Ok(handed_over(looked.await?)) })
    }
}

fn handed_over(addresses: Vec<IpAddr>) -> Addrs {
    Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0)))
}

/// All of them, or none: a name with one address that is not public is not trusted for the others either.
pub(super) fn judged(addresses: Vec<IpAddr>) -> Result<Vec<IpAddr>, Refusal> {
    let good = (1..=ADDRESSES_MAX).contains(&addresses.len()) && addresses.iter().all(|a| is_public(*a));
    if good { Ok(addresses) } else { Err(Refusal::Address) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_closed_address_refuses_them_all() {
        let all = |texts: &[&str]| judged(texts.iter().map(|t| t.parse().unwrap()).collect());
        assert!(all(&["1.1.1.1", "2606:4700::1111"]).is_ok());
        assert_eq!(all(&["1.1.1.1", "127.0.0.1"]), Err(Refusal::Address));
        assert_eq!(all(&["::ffff:1.1.1.1"]), Err(Refusal::Address));
        assert_eq!(all(&[]), Err(Refusal::Address));
    }
}
