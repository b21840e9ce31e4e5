//! The worker inside the web process, for a single machine.

use std::sync::Arc;

use anyhow::Context as _;
use common::{Stores, queue::Presence};
use config::Config;
use worker::{
    Context, Lanes,
    engine::{Engine, Limits},
    files::Files,
};

/// Starts both lanes of a worker on `stores`.
///
/// # Errors
/// If an allowed folder cannot be opened, or the store cannot be used.
pub async fn start(config: &Config, stores: &Stores) -> anyhow::Result<Lanes> {
    let storage = &config.storage;
    let files = Files::open(&storage.allowed_dirs, &storage.own_dirs(), config.engine.max_file_bytes)
        .context("a folder of ALLOWED_DIRS cannot be opened")?;
    let slots = u32::try_from(config.queue.worker_concurrency)?;
    let engine = Engine::new(limits(config, config.queue.worker_concurrency))?;
    let context = Arc::new(Context { stores: stores.clone(), engine, files, slots });
    let presence = Presence::announce(&config.storage.data_dir.join("workers"))?;
    Ok(worker::start(context, presence, &config.queue).await?)
}

/// The engine's limits as they are set.
pub(crate) fn limits(config: &Config, threads: usize) -> Limits {
    Limits {
        threads,
        max_pixels: config.engine.max_pixels,
        max_file_bytes: config.engine.max_file_bytes,
        max_frames: config.engine.max_frames,
        max_memory_bytes: config.engine.max_memory_bytes,
        timeout: config.engine.job_timeout,
    }
}
