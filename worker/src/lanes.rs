//! Two lanes of one worker, run until told to stop.

use std::{sync::Arc, time::Duration};

use apalis::prelude::{WorkerBuilder, WorkerBuilderExt};
use common::{
    job::Lane,
    queue::{Delivery, LeaseBackend, Presence},
};
use futures::future::BoxFuture;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{Context, janitor, perform};

/// How long running jobs may take to come to an end after [`Lanes::stop`]; then they go back to the queue.
const DRAIN: Duration = Duration::from_secs(25);

/// The running lanes.
pub struct Lanes {
    stop: CancellationToken,
    running: Vec<JoinHandle<()>>,
    keeper: JoinHandle<()>,
    janitor: JoinHandle<()>,
    presence: Presence,
}

/// Starts both lanes under the name of `presence`, after giving back what dead processes held.
///
/// # Errors
/// If the store cannot be used.
pub(crate) async fn start(
    context: Arc<Context>,
    presence: Presence,
    config: &config::Queue,
) -> Result<Lanes, common::StoreError> {
    let queue = &context.stores.queue;
    let recovered = presence.recover(queue).await?;
    if recovered > 0 {
        tracing::info!(recovered, "jobs of a process that died were given back");
    }
    let stop = CancellationToken::new();
    let slots = [(Lane::Cpu, config.worker_concurrency), (Lane::Remote, config.remote_concurrency)];
    let running = slots.into_iter().map(|(lane, slots)| {
        let backend = LeaseBackend::start(queue.clone(), lane, presence.name(), slots);
        tokio::spawn(run(lane, backend, context.clone(), slots, presence.name().to_owned(), stop.clone()))
    });
    let running = running.collect();
    let keeper = queue.keep_leases(presence.name());
    Ok(Lanes { stop, running, keeper, janitor: janitor::start(context), presence })
}

async fn run(
    lane: Lane,
    backend: LeaseBackend,
    context: Arc<Context>,
    slots: usize,
    name: String,
    stop: CancellationToken,
) {
    // A task of its own for each: apalis polls all handlers of a lane on one.
    let handler = move |delivery: Delivery| tokio::spawn(perform::perform(context.clone(), delivery));
    let worker =
        WorkerBuilder::new(format!("{name}-{}", lane.queue_name())).backend(backend).concurrency(slots).build(handler);
    let stopped = async move {
        stop.cancelled().await;
        Ok::<(), std::io::Error>(())
    };
    // Boxed: the compiler cannot prove that the nested future may change threads.
    let running: BoxFuture<'static, _> = Box::pin(worker.run_until(stopped));
    if let Err(error) = running.await {
        tracing::error!(%error, ?lane, "the lane ended");
    }
}

impl Lanes {
    /// Takes no more jobs, lets the running ones come to an end, and gives back what was not begun or takes too long.
    pub async fn stop(self, queue: &common::Queue) {
        self.stop.cancel();
        let ended = futures::future::join_all(self.running);
        if tokio::time::timeout(DRAIN, ended).await.is_err() {
            tracing::warn!("jobs still running were given back to the queue");
        }
        self.janitor.abort();
        self.keeper.abort();
        if let Err(error) = queue.give_back(self.presence.name()).await {
            tracing::warn!(%error, "jobs could not be given back; they come back when their lease runs out");
        }
    }
}
