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
