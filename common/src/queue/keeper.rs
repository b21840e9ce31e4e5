//! Keeps what living workers hold, and gives back what silent ones held.

use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use super::{Kept, Queue};

/// How long nobody is declared silent after the store was away: the others need a moment to be heard again, or each
/// would rob the next of work that is still being done.
const GRACE: Duration = Duration::from_secs(5);

/// A renewal that took longer tells of a store that was away.
const SLOW: Duration = Duration::from_secs(2);

impl Queue {
    /// Renews the leases of `worker` and gives back those of silent ones, until the returned task is aborted. It is
    /// a task of its own, so that no handler, however busy, delays a heartbeat.
    #[must_use]
    pub fn keep_leases(&self, worker: &str) -> JoinHandle<()> {
        let (queue, worker) = (self.clone(), worker.to_owned());
        let between = (self.lease / 3).min(Duration::from_secs(1));
        let grace = match &self.kept {
            Kept::Sqlite(_) => Duration::ZERO,
            Kept::Redis(_) => GRACE,
        };
        tokio::spawn(async move {
            let mut reaps_from = Instant::now();
            loop {
                tokio::time::sleep(between).await;
                let began = Instant::now();
                let renewed = queue.renew(&worker).await;
                if renewed.is_err() || began.elapsed() > SLOW {
                    reaps_from = Instant::now() + grace;
                }
                if let Err(error) = renewed {
                    tracing::warn!(%error, "leases were not renewed");
                } else if reaps_from <= Instant::now() && !queue.give_back_of_silent(&worker).await {
                    reaps_from = Instant::now() + grace;
                }
            }
        })
    }

    /// Returns whether it could.
    async fn give_back_of_silent(&self, worker: &str) -> bool {
        match self.reap(worker).await {
            Ok(0) => {}
            Ok(entries) => tracing::warn!(entries, "entries of silent workers were given back"),
            Err(error) => {
                tracing::warn!(%error, "silent workers were not looked for");
                return false;
            }
        }
        true
    }

    /// How long a worker sleeps at most when nothing waits, in case it did not hear of what was put in.
    pub(super) fn longest_sleep(&self) -> Duration {
        match &self.kept {
            Kept::Sqlite(_) => Duration::from_millis(500),
            Kept::Redis(_) => Duration::from_secs(1),
        }
    }
}
