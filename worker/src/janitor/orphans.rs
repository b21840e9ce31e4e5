//! Removes bytes that no record names: those of a process that died between the bytes and the record, those that came
//! with a call and were never used, and what is left of jobs and pictures that are gone.

use std::{collections::HashSet, time::Duration};

use common::{BlobFound, ImageId, ImageRecord, JobId, StoreError, Stores};
use futures::TryStreamExt;

/// Younger bytes may be waiting for their record.
const YOUNG_MS: i64 = 24 * 3600 * 1000;

/// All bytes are listed so often, by one worker of all.
const EVERY: Duration = Duration::from_secs(6 * 3600);

/// Removed in one round at most; the rest comes with the next.
const MOST: u64 = 10_000;

/// Removes bytes that no record names, unless another worker has looked lately; returns how many.
pub(super) async fn sweep(stores: &Stores) -> Result<u64, StoreError> {
    if stores.state.count("janitor/orphans", 1, EVERY).await?.total > 1 {
        return Ok(0);
    }
    collect(stores).await
}

async fn collect(stores: &Stores) -> Result<u64, StoreError> {
    let old = stores.clock.now_ms().saturating_sub(YOUNG_MS);
    // Before the list: a job that begins after this brings its bytes anew, and they are young.
    let needed = stores.jobs.images_in_use_by_all().await?;
    let blobs = stores.blobs.list().try_filter(|found| std::future::ready(found.written_at < old));
    let mut blobs = std::pin::pin!(blobs);
    let mut removed = 0;
    while let Some(found) = blobs.try_next().await? {
        if removed == MOST {
            break;
        }
        if !is_orphan(stores, &needed, &found).await? {
            continue;
        }
        // The list may be minutes old, and the same bytes may have come again.
        if stores.blobs.written_at(&found.key).await?.is_some_and(|written_at| written_at < old) {
            stores.blobs.delete(&found.key).await?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// Whether it belongs to a picture or a job that there is not. What belongs to neither is somebody else's to judge.
async fn is_orphan(stores: &Stores, needed: &HashSet<ImageId>, found: &BlobFound) -> Result<bool, StoreError> {
    let Some((id, _)) = found.key.split_once('.') else { return Ok(false) };
    if let Some(id) = ImageId::parse(id) {
        let named = stores.images.any(&id).await?;
        let kept = named.is_some_and(|record| record.blob == found.key || found.key == ImageRecord::thumbnail(&id));
        return Ok(!kept && !needed.contains(&id));
    }
    match JobId::parse(id) {
        Some(id) => Ok(stores.jobs.any(&id).await?.is_none()),
        None => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use common::{
        Blobs, Clock, Format, UserId,
        job::{Inspect, Source, Work},
    };

    use super::*;

    #[tokio::test]
    async fn only_old_bytes_that_nobody_names_or_needs_go() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::default();
        let lease = Duration::from_secs(30);
        let stores = Stores::open(folder.path(), Blobs::memory(), lease, clock.clone()).await.unwrap();
        let ids: Vec<ImageId> = (0..5).map(|_| ImageId::random().unwrap()).collect();
        let [named, dead, unused, waiting, young] = &ids[..] else { panic!("five") };
        let record = ImageRecord {
            id: named.clone(),
            owner: UserId::local(),
            tool: "upload".into(),
            job: JobId::random().unwrap(),
            parent: None,
            source: None,
            name: "a.png".into(),
            blob: format!("{named}.png"),
            recipe: None,
            by_model: None,
            facts: common::Facts {
                width: 1,
                height: 1,
                format: Format::Png,
                bytes: 1,
                sha256: String::new(),
                alpha: false,
                bit_depth: 8,
            },
            created_at: 1,
        };
        stores.images.put(&record).await.unwrap();
        let inspect = Inspect { source: Source::Inline(waiting.clone()), sections: vec![], thumbnail: false };
        let job = stores.jobs.submit(&UserId::local(), Work::Inspect(inspect)).await.unwrap().id;
        let kept = [
            record.blob.clone(),
            ImageRecord::thumbnail(named),
            format!("{waiting}.upload"),
            format!("{job}.preview"),
            "mark_of_storage".to_owned(),
        ];
        let gone =
            [format!("{dead}.png"), format!("{unused}.upload"), format!("{named}.jpg"), ImageRecord::thumbnail(dead)];
        let gone: Vec<String> = gone.into_iter().chain([format!("{}.preview", JobId::random().unwrap())]).collect();
        for key in kept.iter().chain(&gone) {
            stores.blobs.put(key, vec![1]).await.unwrap();
        }
        assert_eq!(collect(&stores).await.unwrap(), 0, "all are young");
        clock.advance(Duration::from_secs(24 * 3600 + 60));
        assert_eq!(sweep(&stores).await.unwrap(), gone.len() as u64);
        for key in &kept {
            assert!(stores.blobs.get(key).await.is_ok(), "{key}");
        }
        for key in &gone {
            assert!(stores.blobs.get(key).await.is_err(), "{key}");
        }
        stores.blobs.put(&format!("{young}.png"), vec![1]).await.unwrap();
        assert_eq!(sweep(&stores).await.unwrap(), 0, "somebody has looked lately");
    }
}
