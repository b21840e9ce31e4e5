//! How fast pictures are asked for, by all workers together: the provider counts them by account.

use std::time::Duration;

use common::{Clock, Failure, FailureKind, State, StoreError};
use tokio::time::Instant;

const WINDOW: Duration = Duration::from_secs(60);

/// Pictures asked for in this minute.
const ASKED: &str = "provider/asked";

/// Until when nobody asks, in milliseconds since 1970.
const PAUSE: &str = "provider/pause";

/// However long the provider wants one request to wait, others may try after this.
const LONGEST_PAUSE: Duration = WINDOW;

/// The pace, kept where all workers see it.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    state: State,
    clock: Clock,
    per_minute: Option<u64>,
}

impl Pace {
    pub(super) fn new(state: State, clock: Clock, per_minute: Option<u64>) -> Self {
        Self { state, clock, per_minute }
    }

    /// Waits until `pictures` may be asked for.
    ///
    /// # Errors
    /// `rate_limited` where that is not before `deadline`; `unavailable` where the store is away.
    pub(super) async fn turn(&self, pictures: u64, deadline: Instant) -> Result<(), Failure> {
        while let Some(wait) = self.wait(pictures).await? {
            if Instant::now() + wait >= deadline {
                let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
                let failure =
                    Failure::new(FailureKind::RateLimited, "So many pictures are asked for that it is not your turn.")
                        .next("Wait, then try again.");
                return Err(failure.retry_after(seconds));
            }
            tokio::time::sleep(wait).await;
        }
        Ok(())
    }

    /// How long it is not the turn of `pictures`; counts them if it is.
    async fn wait(&self, pictures: u64) -> Result<Option<Duration>, Failure> {
        if let Some(until) = self.state.get(PAUSE).await? {
            let until = until.try_into().map_or(0, i64::from_be_bytes);
            let wait = Duration::from_millis(u64::try_from(until - self.clock.now_ms()).unwrap_or_default());
            if !wait.is_zero() {
                return Ok(Some(wait));
            }
        }
        let Some(most) = self.per_minute else { return Ok(None) };
        // More than fit into a minute have one to themselves.
        let fits = |total: u64| total <= most || total == pictures;
        if let Some(count) = self.state.counted(ASKED).await?
            && !fits(count.total + pictures)
        {
            return Ok(Some(count.resets_in));
        }
        let count = self.state.count(ASKED, pictures, WINDOW).await?;
        // Somebody else may have been faster. Then ours count for nothing in this minute, which is on the safe side.
        Ok((!fits(count.total)).then_some(count.resets_in))
    }

    /// The provider was asked too often: nobody asks for a while.
    pub(super) async fn pause(&self, after: Option<Duration>) {
        let wait = after.unwrap_or(Duration::from_secs(1)).min(LONGEST_PAUSE);
        let until = self.clock.now_ms().saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX));
        if let Err(error) = self.pause_until(until).await {
            tracing::warn!(%error, "the other workers are not told that the provider is asked too often");
        }
    }

    /// A longer pause than this stands.
    async fn pause_until(&self, until: i64) -> Result<(), StoreError> {
        let new = until.to_be_bytes();
        let mut known = self.state.get_or_set(PAUSE, &new, Some(LONGEST_PAUSE)).await?;
        while known.as_slice().try_into().map_or(0, i64::from_be_bytes) < until {
            if self.state.swap(PAUSE, &known, &new, Some(LONGEST_PAUSE)).await? {
                break;
            }
            known = self.state.get_or_set(PAUSE, &new, Some(LONGEST_PAUSE)).await?;
        }
        Ok(())
    }
}
