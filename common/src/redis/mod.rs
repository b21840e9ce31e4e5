//! The Redis server of many machines: one connection for commands, which all share, and one that listens for news.
//!
//! Every change of more than one key is one Lua script, so that it happens as a whole. Redis' own `TIME` is the only
//! clock: those of the machines need not agree.

mod check;
mod news;
mod patience;
#[cfg(test)]
pub(crate) mod test_server;

use std::{sync::Arc, time::Duration};

use redis::{
    Client, FromRedisValue, Script, ToRedisArgs,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use tokio::{sync::broadcast, time::Instant};

pub(crate) use self::{news::News, patience::Complaint};
use crate::{Clock, StoreError};

/// What every key begins with. The braces keep all keys in one slot of a cluster, as scripts need.
const PREFIX: &str = "{image-tool}";

/// How long a server may take to start.
const STARTING: Duration = Duration::from_secs(15);

/// The server. Clones share its connections.
#[derive(Clone)]
pub struct Redis {
    connection: ConnectionManager,
    news: broadcast::Sender<News>,
    clock: Clock,
    patience: Duration,
    _listener: Arc<news::Listener>,
}

impl Redis {
    /// Connects to `url` (`redis://`, `rediss://` or `redis+unix://`).
    ///
    /// # Errors
    /// If the address is none, or nobody answers there.
    pub async fn open(url: &str, clock: Clock) -> Result<Self, StoreError> {
        // For rediss://: more than one is in the tree, so rustls must be told. Whoever was first stays.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = Client::open(url)?;
        let connection = connect(&client).await?;
        let (news, _) = broadcast::channel(4096);
        let listener = Arc::new(news::Listener::start(client, news.clone()));
        Ok(Self { connection, news, clock, patience: patience::BRIEF, _listener: listener })
    }

    /// The connection for commands.
    pub(crate) fn connection(&self) -> ConnectionManager {
        self.connection.clone()
    }

    /// The name of a key of ours.
    pub(crate) fn key(name: &str) -> String {
        format!("{PREFIX}:{name}")
    }

    /// Runs a script on its keys (as [`Redis::key`] names them) and its arguments, a tuple or a list.
    ///
    /// # Errors
    /// If the server cannot be reached, or the script fails.
    pub(crate) async fn run<T: FromRedisValue>(
        &self,
        script: &Script,
        keys: &[String],
        arguments: impl ToRedisArgs,
    ) -> Result<T, StoreError> {
        let mut call = script.prepare_invoke();
        for key in keys {
            call.key(key);
        }
        call.arg(arguments);
        Ok(call.invoke_async(&mut self.connection()).await?)
    }

    /// Tells every process, as the scripts do.
    ///
    /// # Errors
    /// If the server cannot be reached.
    #[cfg(test)]
    pub(crate) async fn tell(&self, news: &News) -> Result<(), StoreError> {
        let mut connection = self.connection();
        let command = redis::cmd("PUBLISH").arg(news::channel()).arg(news.to_string()).to_owned();
        Ok(command.query_async(&mut connection).await?)
    }

    /// What all processes tell, from now on. A receiver that lags, or hears [`News::Reconnected`], may have missed some
    /// and looks for itself.
    pub(crate) fn listen(&self) -> broadcast::Receiver<News> {
        self.news.subscribe()
    }

    /// The clock that tests may turn; what it is ahead is added to the server's time.
    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }
}

/// Connects, and waits for a server that is only just starting, as one does that starts together with this program.
async fn connect(client: &Client) -> Result<ConnectionManager, StoreError> {
    // A call fails within a second or so while the server is away; whoever can wait longer tries again.
    let settings = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(Duration::from_secs(5)))
        .set_response_timeout(Some(Duration::from_secs(10)))
        .set_number_of_retries(3)
        .set_max_delay(Duration::from_millis(500));
    let deadline = Instant::now() + STARTING;
    loop {
        match ConnectionManager::new_with_config(client.clone(), settings.clone()).await {
            Err(error) if patience::is_passing(&error) && Instant::now() < deadline => {
                tracing::warn!(%error, "Redis does not answer; waiting for it");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            done => return Ok(done?),
        }
    }
}

impl std::fmt::Debug for Redis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redis").finish_non_exhaustive()
    }
}
