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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        jobs::tests::{Bench, batch, inspect},
        test_store::on_every_store,
    };

    const ADMISSION: Admission = Admission { open_of_each: 2, waiting: 4, longest_wait: Duration::from_secs(60) };

    on_every_store!(
        only_so_many_jobs_of_one_user_are_open,
        only_so_many_calls_wait,
        a_call_that_waits_too_long_tells_that_nobody_works,
        a_batch_does_not_count_as_waiting,
    );

    async fn refusal(bench: &Bench, owner: Option<&UserId>) -> Option<(FailureKind, Option<u64>)> {
        let refused = bench.jobs.admit(owner, &ADMISSION).await.unwrap().err();
        refused.map(|failure| (failure.kind, failure.retry_after))
    }

    async fn only_so_many_jobs_of_one_user_are_open(bench: &Bench) {
        let (ann, ben) = (UserId("ann".into()), UserId("ben".into()));
        let first = bench.jobs.submit_within(&ann, inspect("a"), 2).await.unwrap().id;
        bench.jobs.submit_within(&ann, inspect("b"), 2).await.unwrap();
        assert!(matches!(bench.jobs.submit_within(&ann, inspect("c"), 2).await, Err(StoreError::TooManyOpen(2))));
        assert!(bench.jobs.submit_within(&ann, inspect("a"), 2).await.unwrap().joined, "that is no other job");
        assert_eq!(refusal(bench, Some(&ann)).await, Some((FailureKind::RateLimited, Some(5))));
        assert_eq!(refusal(bench, Some(&ben)).await, None);
        assert_eq!(refusal(bench, None).await, None, "whose jobs do not count is not refused");
        bench.jobs.cancel(&first).await.unwrap();
        assert_eq!(refusal(bench, Some(&ann)).await, None);
        bench.jobs.submit_within(&ann, inspect("c"), 2).await.unwrap();
    }

    async fn only_so_many_calls_wait(bench: &Bench) {
        for (index, lane) in ["a", "b", "c"].into_iter().enumerate() {
            assert_eq!(refusal(bench, None).await, None, "{index}");
            bench.jobs.submit(&UserId::local(), inspect(lane)).await.unwrap();
        }
        // Planning a batch is a call too, in the other lane.
        let planning = bench.jobs.submit(&UserId::local(), batch(None)).await.unwrap().id;
        assert_eq!(refusal(bench, None).await, Some((FailureKind::Unavailable, Some(10))));
        bench.jobs.cancel(&planning).await.unwrap();
        assert_eq!(refusal(bench, None).await, None);
    }

    async fn a_call_that_waits_too_long_tells_that_nobody_works(bench: &Bench) {
        bench.jobs.submit(&UserId::local(), inspect("a")).await.unwrap();
        bench.home.clock.advance(Duration::from_secs(59));
        assert_eq!(refusal(bench, None).await, None);
        bench.home.clock.advance(Duration::from_secs(2));
        assert_eq!(refusal(bench, None).await, Some((FailureKind::Unavailable, Some(30))));
        let taken = bench.queue.claim(crate::job::Lane::Cpu, "w", 1).await.unwrap();
        assert_eq!(refusal(bench, None).await, None);
        // What waits for its time to be tried again does not wait for a worker.
        let later = crate::queue::Verdict::Retry { after: Duration::from_secs(10) };
        assert!(bench.queue.acknowledge(&taken[0].id, "w", 1, &later).await.unwrap());
        bench.home.clock.advance(Duration::from_secs(9));
        assert_eq!(bench.queue.pressure().await.unwrap(), crate::queue::Pressure::default());
    }

    async fn a_batch_does_not_count_as_waiting(bench: &Bench) {
        bench.planned(100, None).await;
        while !bench.queue.claim(crate::job::Lane::Remote, "w", 1).await.unwrap().is_empty() {}
        bench.home.clock.advance(Duration::from_secs(3600));
        assert_eq!(refusal(bench, None).await, None);
    }
}
