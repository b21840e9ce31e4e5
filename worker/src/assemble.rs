//! Builds the parts of a worker from the settings.

use std::sync::Arc;

use common::{Failure, StoreError, Stores, queue::Presence};
use config::Config;

use crate::{
    Context, Lanes, Metrics,
    engine::{Engine, Limits},
    fetch::Fetcher,
    files::Files,
    lanes,
    ocr::Ocr,
    provider::{Provider, ProviderError},
};

/// Why a worker could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A folder of `ALLOWED_DIRS` cannot be opened.
    #[error("a folder of ALLOWED_DIRS cannot be opened: {0}")]
    Folder(#[source] std::io::Error),
    /// There can be no threads for the engine.
    #[error("the engine cannot start: {0}")]
    Engine(#[source] Failure),
    /// There can be no provider of models.
    #[error("{0}")]
    Provider(#[from] ProviderError),
    /// The models of `OCR_MODEL_DIR` cannot be used.
    #[error("OCR_MODEL_DIR: {0}")]
    Ocr(String),
    /// The store said no.
    #[error("{0}")]
    Store(#[from] StoreError),
}

/// Starts both lanes of a worker on `stores`.
///
/// # Errors
/// If an allowed folder cannot be opened, or the store cannot be used.
pub async fn assemble(config: &Config, stores: &Stores, metrics: Metrics) -> Result<Lanes, StartError> {
    let (storage, slots) = (&config.storage, config.queue.worker_concurrency);
    let files = Files::open(&storage.allowed_dirs, &storage.own_dirs(), config.engine.max_file_bytes)
        .map_err(StartError::Folder)?;
    let engine = Engine::new(limits(config, slots)).map_err(StartError::Engine)?;
    let provider = Provider::new(&config.openai, engine.clone(), stores.state.clone(), stores.clock.clone())?;
    let ocr = Ocr::new(config.engine.ocr_model_dir.as_deref()).map_err(StartError::Ocr)?;
    let presence = if stores.are_shared() {
        Presence::anywhere()?
    } else {
        Presence::announce(&storage.data_dir.join("workers"))?
    };
    let slots = u32::try_from(slots).unwrap_or(u32::MAX);
    let fetcher = Fetcher::public(config.engine.max_file_bytes);
    let context = Context { stores: stores.clone(), engine, provider, ocr, files, fetcher, slots, metrics };
    let context = Arc::new(context);
    Ok(lanes::start(context, presence, &config.queue).await?)
}

/// The engine's limits as they are set, for so many threads.
#[must_use]
pub fn limits(config: &Config, threads: usize) -> Limits {
    Limits {
        threads,
        max_pixels: config.engine.max_pixels,
        max_file_bytes: config.engine.max_file_bytes,
        max_frames: config.engine.max_frames,
        max_memory_bytes: config.engine.max_memory_bytes,
        timeout: config.engine.job_timeout,
    }
}
