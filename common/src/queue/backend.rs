//! The queue as an apalis backend: a fetcher claims exactly as many entries as there are free slots, a keeper renews
//! leases and collects those of silent workers, and a tower layer acknowledges before it frees the slot.
//!
//! Store errors never reach the apalis worker: it would stop. They are logged and tried again until they pass.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use apalis_core::{
    backend::{Backend, BackendConfig, finalize::Ephemeral},
    error::BoxDynError,
    task::{Task, builder::TaskBuilder, task_id::TaskId},
    worker::context::WorkerContext,
};
use futures::future::BoxFuture;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;
use tower::{Layer, Service};

use super::{Claimed, Queue, Verdict};
use crate::{
    StoreError,
    job::{Job, Lane},
    redis::Complaint,
};

/// An entry as it reaches whoever performs it.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The id of the entry.
    pub id: String,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// The last attempt there will be.
    pub max_attempts: u32,
    /// The job, or why the payload cannot be read.
    pub job: Result<Job, String>,
    /// To ask whether it is still ours.
    pub hold: Hold,
}

/// What a worker holds at one attempt. A worker that slept longer than its lease wakes up in the middle of work that
/// another has done since.
#[derive(Clone, Debug)]
pub struct Hold {
    queue: Queue,
    worker: Arc<str>,
    id: String,
    attempt: u32,
}

impl Hold {
    /// Whether the entry has not gone to another worker. To be asked before anything is written that a later attempt,
    /// or a later job, may have written already.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn is_ours(&self) -> Result<bool, StoreError> {
        self.queue.holds(&self.id, &self.worker, self.attempt).await
    }
}

/// No error ever comes out of the backend.
#[derive(Debug, thiserror::Error)]
pub enum Never {}

/// One lane of the queue as an apalis backend for one worker.
pub struct LeaseBackend {
    deliveries: Option<mpsc::Receiver<Task<Delivery>>>,
    holder: Holder,
    stop: CancellationToken,
    fetcher: Option<JoinHandle<()>>,
    closing: Option<BoxFuture<'static, ()>>,
}

/// Who holds the entries, for claiming and acknowledging.
#[derive(Clone)]
struct Holder {
    queue: Queue,
    lane: Lane,
    worker: Arc<str>,
    held: Arc<Mutex<HashSet<(String, u32)>>>,
}

/// Frees the slot when the last clone is gone.
#[derive(Clone)]
struct Slot {
    _permit: Arc<OwnedSemaphorePermit>,
}

impl LeaseBackend {
    /// Starts fetching for up to `concurrency` jobs of `lane` at once, under the name `worker`.
    #[must_use]
    pub fn start(queue: Queue, lane: Lane, worker: &str, concurrency: usize) -> Self {
        let (sender, deliveries) = mpsc::channel(concurrency.max(1));
        let holder = Holder { queue, lane, worker: worker.into(), held: Arc::default() };
        let stop = CancellationToken::new();
        let fetcher = tokio::spawn(fetch(holder.clone(), sender, concurrency.max(1), stop.clone()));
        Self { deliveries: Some(deliveries), holder, stop, fetcher: Some(fetcher), closing: None }
    }
}

/// Fetches until told to stop, which it hears where it waits and not in the middle of a claim: an entry that was claimed
/// and not delivered would have had an attempt for nothing.
async fn fetch(holder: Holder, sender: mpsc::Sender<Task<Delivery>>, concurrency: usize, stop: CancellationToken) {
    let slots = Arc::new(Semaphore::new(concurrency));
    let mut checked = None::<Instant>;
    let mut complaint = Complaint::default();
    loop {
        let slot = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            slot = slots.clone().acquire_owned() => slot,
        };
        let Ok(first) = slot else { return };
        let free = slots.available_permits() + 1;
        if checked.is_none_or(|when| when.elapsed() > holder.queue.lease / 3) && holder.give_back_lost().await {
            checked = Some(Instant::now());
        }
        let claimed = match holder.claim(free).await {
            Ok(claimed) => claimed,
            Err(error) => {
                checked = None;
                if complaint.is_due() {
                    tracing::warn!(%error, "nothing could be claimed; trying again");
                }
                drop(first);
                let _ = tokio::time::timeout(Duration::from_millis(200), stop.cancelled()).await;
                continue;
            }
        };
        if claimed.is_empty() {
            drop(first);
            holder.sleep(&stop).await;
            continue;
        }
        let mut first = Some(first);
        for entry in claimed {
            let permit = match first.take() {
                Some(permit) => permit,
                None => match slots.clone().acquire_owned().await {
                    Ok(permit) => permit,
                    Err(_) => return,
                },
            };
            if sender.send(task(&holder, entry, permit)).await.is_err() {
                return;
            }
        }
    }
}

fn task(holder: &Holder, entry: Claimed, permit: OwnedSemaphorePermit) -> Task<Delivery> {
    let job = serde_json::from_str::<Job>(&entry.payload).map_err(|error| format!("payload: {error}"));
    let job = job.and_then(|job| match job.version {
        Job::VERSION => Ok(job),
        other => Err(format!("envelope version {other} is unknown to this worker")),
    });
    let id = TaskId::from_string(&entry.id);
    let (queue, worker) = (holder.queue.clone(), holder.worker.clone());
    let hold = Hold { queue, worker, id: entry.id.clone(), attempt: entry.attempt };
    let delivery = Delivery { id: entry.id, attempt: entry.attempt, max_attempts: entry.max_attempts, job, hold };
    TaskBuilder::new(delivery).task_id(id).data(Slot { _permit: Arc::new(permit) }).build()
}

impl Holder {
    fn held(&self) -> MutexGuard<'_, HashSet<(String, u32)>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there may be something to take.
    async fn sleep(&self, stop: &CancellationToken) {
        let longest = self.queue.longest_sleep();
        let due = self.queue.next_due(self.lane).await.ok().flatten().map_or(longest, Duration::from_millis);
        let due = due.clamp(Duration::from_millis(1), longest);
        tokio::select! {
            () = stop.cancelled() => {}
            _ = tokio::time::timeout(due, self.queue.wakes[self.lane as usize].notified()) => {}
        }
    }

    /// Takes up to `most` entries and remembers them.
    async fn claim(&self, most: usize) -> Result<Vec<Claimed>, StoreError> {
        let claimed = self.queue.claim(self.lane, &self.worker, most).await?;
        self.held().extend(claimed.iter().map(|entry| (entry.id.clone(), entry.attempt)));
        Ok(claimed)
    }

    /// Gives back what this worker holds without knowing. Must not run beside a claim. Returns whether it could.
    async fn give_back_lost(&self) -> bool {
        let known = self.held().iter().map(|(id, _)| id.clone()).collect();
        match self.queue.give_back_lost(self.lane, &self.worker, known).await {
            Ok(0) => {}
            Ok(entries) => tracing::warn!(entries, "entries whose claim was not answered were given back"),
            Err(error) => {
                tracing::warn!(%error, "entries whose claim was not answered were not looked for");
                return false;
            }
        }
        true
    }

    /// Acknowledges, however long the store is away: forgetting would run the job again.
    async fn acknowledge(&self, id: &str, attempt: u32, verdict: &Verdict) {
        let mut pause = Duration::from_millis(20);
        loop {
            match self.queue.acknowledge(id, &self.worker, attempt, verdict).await {
                Ok(true) => break,
                Ok(false) => {
                    tracing::warn!(entry = id, attempt, "the entry had gone to another worker");
                    break;
                }
                Err(error) => {
                    tracing::warn!(%error, entry = id, "acknowledging failed; trying again");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_secs(1));
                }
            }
        }
        self.held().remove(&(id.to_owned(), attempt));
        if *verdict != Verdict::Done {
            self.queue.wake(self.lane);
        }
    }
}

impl Drop for LeaseBackend {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Backend for LeaseBackend {
    type Task = Task<Delivery>;
    type Error = Never;

    fn poll_ready(&mut self, _: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), Never>> {
        Poll::Ready(Ok(()))
    }

    fn poll_next(&mut self, cx: &mut Context<'_>, _: &WorkerContext) -> Poll<Option<Result<Self::Task, Never>>> {
        match &mut self.deliveries {
            Some(deliveries) => deliveries.poll_recv(cx).map(|task| task.map(Ok)),
            None => Poll::Ready(None),
        }
    }

    /// Stops fetching and gives back what was claimed but not begun.
    fn poll_close(&mut self, cx: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), Never>> {
        let Self { deliveries, holder, stop, fetcher, closing } = self;
        let closing = closing.get_or_insert_with(|| {
            stop.cancel();
            let (deliveries, fetcher, holder) = (deliveries.take(), fetcher.take(), holder.clone());
            Box::pin(async move {
                if let Some(fetcher) = fetcher {
                    let _ = fetcher.await;
                }
                let Some(mut deliveries) = deliveries else { return };
                while let Ok(task) = deliveries.try_recv() {
                    holder.acknowledge(&task.args.id, task.args.attempt, &Verdict::Release).await;
                }
            })
        });
        closing.as_mut().poll(cx).map(Ok)
    }
}

impl BackendConfig for LeaseBackend {
    type Args = Delivery;
    type Id = String;
    type Kind = Ephemeral;
    type Config = ();
    type Layer = AcknowledgeLayer;

    fn config(&self) -> &() {
        &()
    }

    fn middleware(&mut self, _: &mut WorkerContext) -> AcknowledgeLayer {
        AcknowledgeLayer { holder: self.holder.clone() }
    }
}

/// Acknowledges each entry by the verdict its service returns.
#[derive(Clone)]
pub struct AcknowledgeLayer {
    holder: Holder,
}

impl<S> Layer<S> for AcknowledgeLayer {
    type Service = Acknowledge<S>;

    fn layer(&self, inner: S) -> Acknowledge<S> {
        Acknowledge { holder: self.holder.clone(), inner }
    }
}

/// See [`AcknowledgeLayer`].
#[derive(Clone)]
pub struct Acknowledge<S> {
    holder: Holder,
    inner: S,
}

impl<S> Service<Task<Delivery>> for Acknowledge<S>
where
    S: Service<Task<Delivery>, Response = Verdict>,
    S::Future: Send + 'static,
    S::Error: Into<BoxDynError>,
{
    type Response = ();
    type Error = BoxDynError;
    type Future = BoxFuture<'static, Result<(), BoxDynError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxDynError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, task: Task<Delivery>) -> Self::Future {
        let slot = task.ctx().data().get::<Slot>().cloned();
        let (id, attempt) = (task.args.id.clone(), task.args.attempt);
        let holder = self.holder.clone();
        let work = self.inner.call(task);
        Box::pin(async move {
            let verdict = work.await.unwrap_or_else(|error| {
                let error: BoxDynError = error.into();
                tracing::error!(%error, entry = id, "the handler failed without a verdict");
                Verdict::Retry { after: Duration::from_secs(1) }
            });
            holder.acknowledge(&id, attempt, &verdict).await;
            drop(slot);
            Ok(())
        })
    }
}
