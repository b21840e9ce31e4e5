//! Who in this process waits for a job, and who works on one.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tokio::sync::{Notify, futures::OwnedNotified};
use tokio_util::sync::CancellationToken;

use crate::JobId;

#[derive(Debug, Default)]
pub(super) struct Announcements {
    waiting: Mutex<HashMap<JobId, Weak<Notify>>>,
    working: Mutex<HashMap<JobId, CancellationToken>>,
}

impl Announcements {
    /// Something to wait on, which also hears a change that comes before the wait begins.
    pub(super) fn listen(&self, id: &JobId) -> Pin<Box<OwnedNotified>> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|_, notify| notify.strong_count() > 0);
        let notify = waiting.get(id).and_then(Weak::upgrade).unwrap_or_default();
        waiting.insert(id.clone(), Arc::downgrade(&notify));
        let mut listener = Box::pin(notify.notified_owned());
        listener.as_mut().enable();
        listener
    }

    /// Whether anybody in this process waits for `id`.
    pub(super) fn anyone_listens(&self, id: &JobId) -> bool {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.get(id).is_some_and(|notify| notify.strong_count() > 0)
    }

    /// Wakes everyone who waits for `id`.
    pub(super) fn changed(&self, id: &JobId) {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(notify) = waiting.get(id).and_then(Weak::upgrade) {
            notify.notify_waiters();
        }
    }

    /// Wakes everyone who waits for `id`, and stops everyone who works on it.
    pub(super) fn over(&self, id: &JobId) {
        if let Some(token) = self.working.lock().unwrap_or_else(PoisonError::into_inner).remove(id) {
            token.cancel();
        }
        self.changed(id);
    }

    /// A token that [`Self::over`] cancels.
    pub(super) fn stop_token(&self, id: &JobId) -> CancellationToken {
        self.working.lock().unwrap_or_else(PoisonError::into_inner).entry(id.clone()).or_default().clone()
    }

    /// Wakes everyone, whatever they wait for.
    pub(super) fn wake_everybody(&self) {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.values().filter_map(Weak::upgrade).for_each(|notify| notify.notify_waiters());
    }

    /// What this process works on.
    pub(super) fn worked_on(&self) -> Vec<JobId> {
        self.working.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }
}
