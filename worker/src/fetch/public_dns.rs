//! Names as the public internet knows them: what a name gives of our own network is left out. The connection is made
//! to what this gives, so that there is no second look-up that could give something else (DNS rebinding).

use std::{io, net::SocketAddr};

use common::is_public;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Gives the public addresses of a name, as the operating system knows them, and no others.
pub(super) struct PublicDns;

impl Resolve for PublicDns {
    fn resolve(&self, name: Name) -> Resolving {
        let name = name.as_str().to_owned();
        Box::pin(async move { public_only(tokio::net::lookup_host((name, 443)).await?.collect()) })
    }
}

/// What is public of `found`.
pub(super) fn public_only(mut found: Vec<SocketAddr>) -> Result<Addrs, Box<dyn std::error::Error + Send + Sync>> {
    found.retain(|address| is_public(address.ip()));
    if found.is_empty() {
        return Err(io::Error::other("the name has no address in the public internet").into());
    }
    Ok(Box::new(found.into_iter()))
}
