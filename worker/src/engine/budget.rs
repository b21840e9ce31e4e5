//! The memory that all jobs together may use.
//!
//! A job asks once, before it allocates pixels, for the most it will need at any moment, and gives it back when it
//! ends. One request a job means that no two jobs can wait for each other.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use common::{Failure, FailureKind};

use super::Stop;

/// How often a waiting job looks whether it was cancelled.
const LOOK_AGAIN: Duration = Duration::from_millis(25);

/// A counter of bytes with a ceiling; who does not fit waits, first come first served.
#[derive(Debug)]
pub(crate) struct Budget {
    total: u64,
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    used: u64,
    next_ticket: u64,
    /// In order of arrival, so that a large job is not passed by small ones for ever.
    waiting: VecDeque<u64>,
}

impl Budget {
    pub(crate) fn new(total: u64) -> Self {
        Self { total, state: Mutex::default(), freed: Condvar::new() }
    }

    /// Takes `bytes`, waiting until they are free.
    ///
    /// # Errors
    /// `too_large` where `bytes` would never fit; whatever `stop` says while waiting.
    pub(crate) fn take(&self, bytes: u64, stop: &Stop) -> Result<Share<'_>, Failure> {
        if bytes > self.total {
            let (need, have) = (mebibytes(bytes), self.total / (1024 * 1024));
            return Err(Failure::new(
                FailureKind::TooLarge,
                format!("This job needs about {need} MB of memory, more than all jobs together may use."),
            )
            .allowed(format!("{have} MB (setting MAX_MEMORY_MB)"))
            .next("Use a smaller picture, or ask the operator to raise MAX_MEMORY_MB."));
        }
        let mut state = self.lock();
        let ticket = state.next_ticket;
        state.next_ticket += 1;
        state.waiting.push_back(ticket);
        loop {
            if let Err(failure) = stop.check() {
                state.waiting.retain(|waiting| *waiting != ticket);
                self.freed.notify_all();
                return Err(failure);
            }
            if state.waiting.front() == Some(&ticket) && bytes <= self.total - state.used {
                state.waiting.pop_front();
                state.used += bytes;
                self.freed.notify_all();
                return Ok(Share { budget: self, bytes });
            }
            state = self.freed.wait_timeout(state, LOOK_AGAIN).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is whole between any two statements that could panic, so a poisoned lock is still good.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn mebibytes(bytes: u64) -> u64 {
    bytes.div_ceil(1024 * 1024)
}

/// Bytes taken from a [`Budget`], given back on drop.
#[derive(Debug)]
pub(crate) struct Share<'a> {
    budget: &'a Budget,
    bytes: u64,
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.budget.lock().used -= self.bytes;
        self.budget.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, thread};

    use super::*;

    fn patient() -> Stop {
        Stop::new(Duration::from_secs(60))
    }

    #[test]
    fn what_never_fits_is_refused_at_once() {
        let failure = Budget::new(100).take(101, &patient()).unwrap_err();
        assert_eq!(failure.kind, FailureKind::TooLarge);
        assert!(failure.to_string().contains("MAX_MEMORY_MB"));
    }

    #[test]
    fn a_job_waits_until_another_gives_back() {
        let budget = Budget::new(100);
        let first = budget.take(80, &patient()).unwrap();
        thread::scope(|scope| {
            let (sender, receiver) = mpsc::channel();
            let budget = &budget;
            scope.spawn(move || {
                let _share = budget.take(50, &patient()).unwrap();
                sender.send(()).unwrap();
            });
            assert!(receiver.recv_timeout(Duration::from_millis(60)).is_err(), "it must wait");
            drop(first);
            receiver.recv_timeout(Duration::from_secs(10)).unwrap();
        });
        assert_eq!(budget.lock().used, 0);
    }

    #[test]
    fn waiting_honours_the_stop_and_leaves_the_line() {
        let budget = Budget::new(100);
        let _all = budget.take(100, &patient()).unwrap();
        assert_eq!(budget.take(1, &Stop::new(Duration::from_millis(30))).unwrap_err().kind, FailureKind::TooLarge);
        let stop = patient();
        stop.cancel();
        assert_eq!(budget.take(1, &stop).unwrap_err().kind, FailureKind::Cancelled);
        assert!(budget.lock().waiting.is_empty());
    }
}
