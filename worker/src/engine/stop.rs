//! When a job has to end before it is done: cancelled, or out of time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use common::{Failure, FailureKind};

/// A token that every loop of a job looks at; clones share one state.
#[derive(Clone, Debug)]
pub struct Stop {
    cancelled: Arc<AtomicBool>,
    /// `None`: so far away that the clock cannot express it.
    deadline: Option<Instant>,
    timeout: Duration,
}

impl Stop {
    /// A token whose time starts now and ends after `timeout`.
    #[must_use]
    pub fn new(timeout: Duration) -> Self {
        Self { cancelled: Arc::new(AtomicBool::new(false)), deadline: Instant::now().checked_add(timeout), timeout }
    }

    /// Asks everybody who holds a clone to stop.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether the job may go on.
    ///
    /// # Errors
    /// `cancelled`; or `too_large` when the time is over, because a smaller picture or fewer steps would have fitted.
    pub fn check(&self) -> Result<(), Failure> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(Failure::new(FailureKind::Cancelled, "The job was cancelled."));
        }
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            let seconds = self.timeout.as_secs();
            return Err(Failure::new(FailureKind::TooLarge, format!("The job took longer than {seconds} seconds."))
                .allowed(format!("{seconds} seconds a job (setting JOB_TIMEOUT_SECS)"))
                .next("Use a smaller picture or fewer steps, or ask the operator to raise JOB_TIMEOUT_SECS."));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_the_cancellation() {
        let stop = Stop::new(Duration::from_secs(60));
        assert!(stop.check().is_ok());
        stop.clone().cancel();
        assert_eq!(stop.check().unwrap_err().kind, FailureKind::Cancelled);
    }

    #[test]
    fn the_deadline_names_its_setting() {
        let failure = Stop::new(Duration::ZERO).check().unwrap_err();
        assert_eq!(failure.kind, FailureKind::TooLarge);
        assert!(failure.to_string().contains("JOB_TIMEOUT_SECS"));
        assert!(Stop::new(Duration::MAX).check().is_ok());
    }
}
