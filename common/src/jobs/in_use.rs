//! Which stored pictures jobs still need.

use std::collections::HashSet;

use super::{ItemFilter, ItemStatus, Jobs, Kept, on_either};
use crate::{ImageId, StoreError, UserId, job::Work};

/// Pictures of a batch that are read at a time.
const PAGE: u32 = 1000;

impl Jobs {
    /// The pictures that jobs of `owner` need which are not over.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn images_in_use(&self, owner: &UserId) -> Result<HashSet<ImageId>, StoreError> {
        let mut used = HashSet::new();
        for id in on_either!(self.live(owner))? {
            let Some(record) = self.any(&id).await? else { continue };
            used.extend(record.work.images().cloned());
            if !matches!(record.work, Work::BatchPlan(_)) {
                continue;
            }
            // What a batch found by itself stands in its plan only.
            let mut filter = ItemFilter { limit: PAGE, ..ItemFilter::default() };
            loop {
                let items = self.items(&id, &filter).await?;
                let Some(last) = items.last() else { break };
                filter.from = last.index + 1;
                let waits = |status| matches!(status, ItemStatus::Pending | ItemStatus::Queued | ItemStatus::Running);
                let waiting = items.iter().filter(|item| waits(item.status));
                used.extend(waiting.filter_map(|item| item.origin.image()).cloned());
            }
        }
        Ok(used)
    }

    /// The pictures that jobs of anybody need which are not over. On many machines it takes a while.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn images_in_use_by_all(&self) -> Result<HashSet<ImageId>, StoreError> {
        let mut used = HashSet::new();
        for owner in on_either!(self.busy())? {
            used.extend(self.images_in_use(&owner).await?);
        }
        Ok(used)
    }
}
