//! A server that is away for a moment is asked again.

use std::time::Duration;

use redis::{Cmd, FromRedisValue, Script, ToRedisArgs};
use tokio::time::Instant;

use super::Redis;
use crate::StoreError;

/// How long somebody who waits for an answer lets us ask again.
pub(super) const BRIEF: Duration = Duration::from_secs(5);

/// How long a worker asks again: giving up would do its work once more.
const LONG: Duration = Duration::from_secs(60);

impl Redis {
    /// The same server, asked as long as a worker asks.
    #[must_use]
    pub(crate) fn patient(&self) -> Self {
        Self { patience: LONG, ..self.clone() }
    }

    /// How long a call is made again from now on, which must be one that can be repeated: an answer may get lost.
    pub(crate) fn patience(&self) -> Patience {
        Patience { deadline: Instant::now() + self.patience, pause: Duration::from_millis(20) }
    }

    /// [Runs a script](Self::run) that can be repeated.
    ///
    /// # Errors
    /// If the script fails, or the server cannot be reached.
    pub(crate) async fn run_again<T: FromRedisValue>(
        &self,
        script: &Script,
        keys: &[String],
        arguments: &impl ToRedisArgs,
    ) -> Result<T, StoreError> {
        let mut patience = self.patience();
        loop {
            match self.run(script, keys, arguments).await {
                Err(error) if patience.outlasts(&error).await => {}
                done => return done,
            }
        }
    }

    /// Sends a command that can be repeated.
    ///
    /// # Errors
    /// If the server refuses it, or cannot be reached.
    pub(crate) async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        let mut patience = self.patience();
        loop {
            match command.query_async(&mut self.connection()).await.map_err(StoreError::from) {
                Err(error) if patience.outlasts(&error).await => {}
                done => return done,
            }
        }
    }
}

/// How long to try again while the server is away, which it says by not answering or by asking to wait.
pub(crate) struct Patience {
    deadline: Instant,
    pause: Duration,
}

impl Patience {
    /// Waits a little, if `error` may pass and there is time. Returns whether to try again.
    pub(crate) async fn outlasts(&mut self, error: &StoreError) -> bool {
        let StoreError::Redis(error) = error else { return false };
        let again = is_passing(error) && Instant::now() + self.pause < self.deadline;
        if again {
            tracing::warn!(%error, "Redis did not answer; trying again");
            tokio::time::sleep(self.pause).await;
            self.pause = (self.pause * 2).min(Duration::from_secs(1));
        }
        again
    }
}

/// What is tried again several times a second is complained of now and then.
#[derive(Debug, Default)]
pub(crate) struct Complaint {
    last: Option<Instant>,
}

impl Complaint {
    const EVERY: Duration = Duration::from_secs(10);

    /// Whether to complain now.
    pub(crate) fn is_due(&mut self) -> bool {
        let due = self.last.is_none_or(|last| last.elapsed() >= Self::EVERY);
        if due {
            self.last = Some(Instant::now());
        }
        due
    }
}

pub(super) fn is_passing(error: &redis::RedisError) -> bool {
    use redis::ErrorKind::Server;
    let asks_to_wait = matches!(
        error.kind(),
        Server(
            redis::ServerErrorKind::BusyLoading
                | redis::ServerErrorKind::TryAgain
                | redis::ServerErrorKind::ClusterDown
                | redis::ServerErrorKind::MasterDown
                | redis::ServerErrorKind::ReadOnly
        )
    );
    error.is_io_error() || asks_to_wait
}
