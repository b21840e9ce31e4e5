//! What is let in: new work is refused before anything grows without bound.

use std::time::Duration;

use super::{Jobs, Kept, on_either};
use crate::{Failure, FailureKind, StoreError, UserId};

/// What there may be at most.
#[derive(Clone, Copy, Debug)]
pub struct Admission {
    /// Jobs of one user that are not over.
    pub open_of_each: u64,
    /// Calls of all users that wait for a worker.
    pub waiting: u64,
    /// How long the first of them may have waited; longer, and no worker seems to be there.
    pub longest_wait: Duration,
}

impl Admission {
    /// What the settings say.
    #[must_use]
    pub fn of(queue: &config::Queue) -> Self {
        Self {
            open_of_each: queue.max_jobs_per_user,
            waiting: queue.max_waiting_jobs,
            longest_wait: queue.max_queue_wait,
        }
    }
}

impl Jobs {
    /// Whether another job would be let in, of `owner` if their jobs count; else `rate_limited` or `unavailable`, with
    /// when to try again.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn admit(
        &self,
        owner: Option<&UserId>,
        admission: &Admission,
    ) -> Result<Result<(), Failure>, StoreError> {
        if let Some(owner) = owner
            && on_either!(self.open(owner))? >= admission.open_of_each
        {
            return Ok(Err(too_many_open(admission.open_of_each)));
        }
        let pressure = self.queue.pressure().await?;
        if pressure.waiting >= admission.waiting {
            return Ok(Err(busy("The server has more to do than it can hold.", 10)));
        }
        if pressure.longest_wait > admission.longest_wait {
            let waited = pressure.longest_wait.as_secs();
            return Ok(Err(busy(&format!("No worker has taken a job for {waited} seconds."), 30)));
        }
        Ok(Ok(()))
    }
}

/// The failure of a caller who has `most` jobs that are not over.
pub(crate) fn too_many_open(most: u64) -> Failure {
    let message = format!("You have {most} jobs that are not over yet, as many as one user may have.");
    let mut failure = Failure::new(FailureKind::RateLimited, message)
        .next("Wait for some of them with get_job, or stop some with cancel_job; then call again.");
    failure.retry_after = Some(5);
    failure
}

fn busy(message: &str, seconds: u64) -> Failure {
    let mut failure = Failure::new(FailureKind::Unavailable, message).next("Nothing was begun; call again later.");
    failure.retry_after = Some(seconds);
    failure
}
