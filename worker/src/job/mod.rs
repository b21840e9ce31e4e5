//! What each kind of job does: fetch inputs, do, store.

mod account;
pub(crate) mod analyze_image;
pub(crate) mod batch_finish;
pub(crate) mod batch_item;
pub(crate) mod batch_plan;
mod batch_sheets;
pub(crate) mod compare_images;
pub(crate) mod extract_text;
pub(crate) mod generate;
mod input;
pub(crate) mod inspect;
mod store;
pub(crate) mod thumbnail;
pub(crate) mod transform;
pub(crate) mod write_prompt;

use common::{Failure, FailureKind, JobId, Stores, job::Return, queue::Hold};

use crate::{
    Metrics,
    engine::{Engine, PreviewKind, Stop},
    fetch::Fetcher,
    files::Files,
    ocr::Ocr,
    provider::Provider,
};

/// What jobs work with.
#[derive(Debug)]
pub struct Context {
    /// Everything that is kept.
    pub stores: Stores,
    /// The image engine.
    pub engine: Engine,
    /// Models that make and read pictures.
    pub provider: Provider,
    /// What reads text.
    pub ocr: Ocr,
    /// Files that callers may name.
    pub files: Files,
    /// Addresses that callers may name.
    pub(crate) fetcher: Fetcher,
    /// Pictures worked on at once by this process.
    pub slots: u32,
    /// What is counted.
    pub metrics: Metrics,
}

impl Context {
    /// Runs `work` on the engine, until the job is over for another reason.
    async fn on_engine<T: Send + 'static>(
        &self,
        id: Option<&JobId>,
        work: impl FnOnce(&Engine, &Stop) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let stop = Stop::new(self.engine.limits().timeout);
        let inner = stop.clone();
        let done = self.engine.run(&stop, move |engine| work(engine, &inner));
        let Some(id) = id else { return done.await };
        let over = self.stores.jobs.stop_token(id);
        tokio::pin!(done);
        tokio::select! {
            done = &mut done => done,
            () = over.cancelled() => {
                stop.cancel();
                done.await
            }
        }
    }
}

/// To be asked before a file is written that a later job may have written anew.
///
/// # Errors
/// `unavailable` where the job has gone to another worker: whoever performs it here does nothing more.
async fn still_ours(hold: &Hold) -> Result<(), Failure> {
    if hold.is_ours().await? {
        Ok(())
    } else {
        Err(Failure::new(FailureKind::Unavailable, "The job has gone to another worker."))
    }
}

/// [`still_ours`], to be asked from a thread that may block. Must be made within a Tokio runtime.
fn asker(hold: &Hold) -> impl Fn() -> Result<(), Failure> + Send + use<> {
    let (hold, runtime) = (hold.clone(), tokio::runtime::Handle::current());
    move || runtime.block_on(still_ours(&hold))
}

fn preview_kind(show: Return) -> PreviewKind {
    match show {
        Return::Preview => PreviewKind::Preview,
        Return::Full => PreviewKind::Full,
        Return::Link | Return::None => PreviewKind::None,
    }
}
