//! Names as the public internet knows them: what a name gives of our own network is left out. The connection is made
//! to what this gives, so that there is no second look-up that could give something else (DNS rebinding).

use std::{io, net::SocketAddr, sync::Arc};

use common::is_public;
use futures::{FutureExt, future::BoxFuture};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Looks a name up.
pub(super) trait LookUp: Send + Sync {
    fn look_up(&self, name: String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>>;
}

/// As the operating system does.
pub(super) struct System;

impl LookUp for System {
    fn look_up(&self, name: String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        async move { Ok(tokio::net::lookup_host((name, 443)).await?.collect()) }.boxed()
    }
}

/// Gives the public addresses of a name and no others.
#[derive(Clone)]
pub(super) struct PublicDns(Arc<dyn LookUp>);

impl PublicDns {
    pub(super) fn over(look_up: impl LookUp + 'static) -> Self {
        Self(Arc::new(look_up))
    }
}

impl Resolve for PublicDns {
    fn resolve(&self, name: Name) -> Resolving {
        let found = self.0.look_up(name.as_str().to_owned());
        Box::pin(async move {
            let mut found = found.await?;
            found.retain(|address| is_public(address.ip()));
            if found.is_empty() {
                return Err(io::Error::other("the name has no address in the public internet").into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}
