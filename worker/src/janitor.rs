//! Forgets jobs that ended long ago: their records and all that is kept beside them; small values that have expired;
//! pictures that have, where the settings say when; and bytes that nothing names. Every worker has one: what one removes, the others do
//! not find.

mod orphans;
mod pictures;

use std::{sync::Arc, time::Duration};

use common::{StoreError, kept};
use tokio::task::JoinHandle;

use crate::Context;

/// How long the record of a job is kept after its end.
const KEPT: Duration = Duration::from_secs(72 * 3600);

const BETWEEN: Duration = Duration::from_secs(600);

/// Jobs forgotten at a time, so that nobody waits long for the one writer.
const AT_A_TIME: u32 = 100;

/// Forgets old jobs now and then, until the returned task is aborted.
pub(crate) fn start(context: Arc<Context>) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            match sweep(&context).await {
                Ok(0) => {}
                Ok(jobs) => tracing::info!(jobs, "jobs that ended long ago were forgotten"),
                Err(error) => tracing::warn!(%error, "old jobs could not be forgotten; trying again later"),
            }
            match pictures::sweep(&context.stores).await {
                Ok(0) => {}
                Ok(pictures) => tracing::info!(pictures, "pictures whose time was over were removed"),
                Err(error) => tracing::warn!(%error, "old pictures could not be removed; trying again later"),
            }
            match orphans::sweep(&context.stores).await {
                Ok(0) => {}
                Ok(blobs) => tracing::info!(blobs, "bytes that nothing names were removed"),
                Err(error) => {
                    tracing::warn!(%error, "bytes that nothing names could not be removed; trying again later")
                }
            }
            tokio::time::sleep(BETWEEN).await;
        }
    })
}

async fn sweep(context: &Context) -> Result<u64, StoreError> {
    let stores = &context.stores;
    stores.state.sweep().await?;
    let kept_ms = i64::try_from(KEPT.as_millis()).unwrap_or(i64::MAX);
    let mut forgotten = 0;
    loop {
        let old = stores.jobs.ended_before(stores.clock.now_ms() - kept_ms, AT_A_TIME).await?;
        if old.is_empty() {
            return Ok(forgotten);
        }
        for id in &old {
            // Bytes first: a record without its bytes can still be forgotten, bytes without a record cannot be found.
            let pictures = stores.jobs.any(id).await?.map_or(0, |record| record.tally.total);
            for key in kept::all(id, pictures) {
                stores.blobs.delete(&key).await?;
            }
            stores.jobs.forget(id).await?;
            forgotten += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use common::{
        Blobs, Clock, Failure, FailureKind, Stores, UserId,
        job::{Inspect, Source, Work},
    };

    use super::*;
    use crate::{
        Metrics,
        engine::{Engine, Limits},
        fetch::Fetcher,
        files::Files,
        ocr::Ocr,
        provider::Provider,
    };

    #[tokio::test]
    async fn an_old_job_goes_with_its_bytes_and_a_young_one_stays() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::default();
        let stores =
            Stores::open(folder.path(), Blobs::memory(), Duration::from_secs(30), clock.clone()).await.unwrap();
        let engine = Engine::new(Limits::default()).unwrap();
        let files = Files::open(&[], &[], 1).unwrap();
        let around = config::Surroundings {
            way: config::Way::Stdio,
            start_dir: folder.path().into(),
            home_dir: None,
            data_home: folder.path().into(),
            cores: 1,
            read_file: |path| std::fs::read_to_string(path),
        };
        let settings = config::Config::read(&Default::default(), &around).unwrap().openai;
        let provider = Provider::new(&settings, engine.clone(), stores.state.clone(), clock.clone()).unwrap();
        let metrics = Metrics::default();
        let context = Context {
            stores: stores.clone(),
            engine,
            provider,
            ocr: Ocr::new(None).unwrap(),
            files,
            fetcher: Fetcher::public(1000),
            slots: 1,
            metrics,
        };
        let mut ids = Vec::new();
        for path in ["old", "young"] {
            clock.advance(KEPT);
            let work = Work::Inspect(Inspect { source: Source::Path(path.into()), sections: vec![], thumbnail: false });
            let id = stores.jobs.submit(&UserId::local(), work).await.unwrap().id;
            stores.jobs.finish(&id, &Err(Failure::new(FailureKind::NotFound, "None."))).await.unwrap();
            for key in kept::all(&id, 0) {
                stores.blobs.put(&key, vec![1]).await.unwrap();
            }
            ids.push(id);
        }
        clock.advance(Duration::from_secs(1));
        assert_eq!(sweep(&context).await.unwrap(), 1);
        assert!(stores.jobs.any(&ids[0]).await.unwrap().is_none());
        for key in kept::all(&ids[0], 0) {
            assert!(stores.blobs.get(&key).await.is_err(), "{key}");
        }
        assert!(stores.jobs.any(&ids[1]).await.unwrap().is_some());
        assert!(stores.blobs.get(&kept::preview(&ids[1])).await.is_ok());
    }
}
