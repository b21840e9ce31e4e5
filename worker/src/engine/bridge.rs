//! The one bridge from async code to the threads that push pixels.

use std::panic::{AssertUnwindSafe, catch_unwind};

use common::Failure;
use tokio::sync::oneshot;

use super::{Engine, Stop};

impl Engine {
    /// Runs `work` on the engine's own threads; dropping the future cancels `stop`.
    ///
    /// Jobs start in the order in which they came, at most `Limits::threads` at once.
    ///
    /// # Errors
    /// What `work` or `stop` says; `internal` where `work` panicked.
    pub async fn run<T: Send + 'static>(
        &self,
        stop: &Stop,
        work: impl FnOnce(&Self) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let (sender, receiver) = oneshot::channel();
        let engine = self.clone();
        let token = stop.clone();
        self.pool().spawn_fifo(move || {
            // Nobody waits any more: not even start.
            if sender.is_closed() {
                return;
            }
            let outcome = token.check().and_then(|()| {
                catch_unwind(AssertUnwindSafe(|| work(&engine)))
                    .unwrap_or_else(|panic| Err(Failure::internal(&reason(panic.as_ref()))))
            });
            // The receiver may have gone in the meantime; then the result is of no use to anybody.
            drop(sender.send(outcome));
        });
        let mut guard = CancelOnDrop { stop, armed: true };
        let outcome = receiver.await.unwrap_or_else(|gone| Err(Failure::internal(&gone)));
        guard.armed = false;
        outcome
    }
}

/// What a panic said, for the log.
fn reason(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("panic in the engine: {}", text.unwrap_or("of unknown kind"))
}

struct CancelOnDrop<'a> {
    stop: &'a Stop,
    armed: bool,
}

impl Drop for CancelOnDrop<'_> {
    fn drop(&mut self) {
        if self.armed {
            self.stop.cancel();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use common::FailureKind;

    use super::*;
    use crate::engine::Limits;

    #[tokio::test]
    async fn brings_back_results_failures_and_panics() {
        let engine = Engine::new(Limits::default()).unwrap();
        let stop = Stop::new(Duration::from_secs(60));
        assert_eq!(engine.run(&stop, |_| Ok(7)).await.unwrap(), 7);
        let failure = engine.run::<()>(&stop, |_| Err(Failure::invalid("a", "b"))).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::InvalidArgument);
        let failure = engine.run::<()>(&stop, |_| panic!("on purpose")).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Internal);
        assert!(!failure.to_string().contains("purpose"));
        assert_eq!(engine.run(&stop, |_| Ok(8)).await.unwrap(), 8, "the threads survive a panic");
    }

    #[tokio::test]
    async fn dropping_the_future_cancels_the_job() {
        let engine = Engine::new(Limits::default()).unwrap();
        let stop = Stop::new(Duration::from_secs(60));
        let (sender, receiver) = oneshot::channel();
        let seen = stop.clone();
        let job = engine.run(&stop, move |_| {
            while seen.check().is_ok() {
                std::thread::yield_now();
            }
            let _ = sender.send(());
            Ok(())
        });
        assert!(tokio::time::timeout(Duration::from_millis(30), job).await.is_err());
        receiver.await.unwrap();
        assert_eq!(stop.check().unwrap_err().kind, FailureKind::Cancelled);
    }
}
