//! Removes pictures whose time is over, but none that a job needs.

use std::collections::{HashMap, HashSet};

use common::{ImageId, ImageRecord, StoreError, Stores, UserId};

/// Whoever has just named a picture may take so long to make a job of it.
const GRACE_MS: i64 = 10 * 60 * 1000;

/// Pictures looked at at a time, and how often in one round: the rest comes with the next.
const AT_A_TIME: u32 = 100;
const TIMES: usize = 20;

/// Removes pictures whose time is over; returns how many.
pub(super) async fn sweep(stores: &Stores) -> Result<u64, StoreError> {
    let Some(kept_ms) = stores.images.keeping().for_ms else { return Ok(0) };
    let over = stores.clock.now_ms().saturating_sub(kept_ms).saturating_sub(GRACE_MS);
    let (mut removed, mut last): (u64, Option<ImageRecord>) = (0, None);
    for _ in 0..TIMES {
        let old = stores.images.made_before(over, last.as_ref(), AT_A_TIME).await?;
        if old.is_empty() {
            break;
        }
        let mut needed: HashMap<&UserId, HashSet<ImageId>> = HashMap::new();
        for picture in &old {
            if !needed.contains_key(&picture.owner) {
                needed.insert(&picture.owner, stores.jobs.images_in_use(&picture.owner).await?);
            }
            let in_use = needed.get(&picture.owner).is_some_and(|needed| needed.contains(&picture.id));
            if !in_use && stores.delete_image(&picture.owner, &picture.id).await?.is_some() {
                removed += 1;
            }
        }
        last = old.into_iter().next_back();
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use common::{
        Blobs, Clock, Facts, Format, JobId, Keeping,
        job::{Inspect, Source, Work},
    };

    use super::*;

    const DAY_MS: i64 = 24 * 3600 * 1000;

    async fn store(stores: &Stores) -> ImageRecord {
        let id = ImageId::random().unwrap();
        let facts = Facts {
            width: 1,
            height: 1,
            format: Format::Png,
            bytes: 1,
            sha256: String::new(),
            alpha: false,
            bit_depth: 8,
        };
        let record = ImageRecord {
            blob: format!("{id}.png"),
            owner: UserId::local(),
            tool: "upload".into(),
            job: JobId::random().unwrap(),
            parent: None,
            source: None,
            name: "a.png".into(),
            recipe: None,
            by_model: None,
            facts,
            created_at: stores.clock.now_ms(),
            id,
        };
        stores.blobs.put(&record.blob, vec![1]).await.unwrap();
        stores.images.put(&record).await.unwrap();
        record
    }

    #[tokio::test]
    async fn what_is_over_goes_unless_a_job_needs_it() {
        let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::default());
        let lease = Duration::from_secs(30);
        let stores = Stores::open(folder.path(), Blobs::memory(), lease, clock.clone()).await.unwrap();
        let needed = store(&stores).await;
        // More than one look holds.
        let mut old = Vec::new();
        for _ in 0..150 {
            old.push(store(&stores).await);
        }
        let source = Source::Image(needed.id.clone());
        let work = Work::Inspect(Inspect { source, sections: Vec::new(), thumbnail: false });
        let job = stores.jobs.submit(&UserId::local(), work).await.unwrap().id;
        clock.advance(Duration::from_secs(24 * 3600 + 3600));
        let young = store(&stores).await;
        assert_eq!(sweep(&stores).await.unwrap(), 0, "they are kept for ever");
        let stores = stores.kept_as(Keeping { for_ms: Some(DAY_MS), quota: None });
        assert_eq!(sweep(&stores).await.unwrap(), 150);
        assert!(stores.images.any(&old[0].id).await.unwrap().is_none());
        assert!(stores.blobs.get(&old[149].blob).await.is_err());
        for kept in [&needed, &young] {
            assert!(stores.images.any(&kept.id).await.unwrap().is_some());
            assert!(stores.blobs.get(&kept.blob).await.is_ok());
        }
        stores.jobs.cancel(&job).await.unwrap();
        assert_eq!(sweep(&stores).await.unwrap(), 1, "nobody needs it now");
        assert_eq!(stores.images.used_by(&UserId::local()).await.unwrap().pictures, 1);
    }
}
