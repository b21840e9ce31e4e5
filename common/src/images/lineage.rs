//! What a picture was made from, and what was made from it.

use super::{ImageRecord, Images, Listing};
use crate::{ImageId, StoreError, UserId};

/// Steps back at most.
const MOST_STEPS: usize = 50;

/// Children at most.
const MOST_CHILDREN: u32 = 50;

/// Where a picture comes from and what became of it.
#[derive(Clone, Debug)]
pub struct Lineage {
    /// What it was made from, the nearest first. A picture that is gone is the last that is known of.
    pub ancestors: Vec<Ancestor>,
    /// What was made from it directly, newest first; at most 50.
    pub children: Vec<ImageRecord>,
    /// Whether there are older ancestors or further children.
    pub more: bool,
}

/// A picture that another was made from.
#[derive(Clone, Debug)]
pub enum Ancestor {
    /// It is stored.
    Kept(Box<ImageRecord>),
    /// It was deleted.
    Gone(ImageId),
}

impl Images {
    /// Where a picture of `owner` comes from and what became of it.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn lineage(&self, owner: &UserId, of: &ImageRecord) -> Result<Lineage, StoreError> {
        let (mut ancestors, mut next) = (Vec::new(), of.parent.clone());
        while let Some(id) = next.take() {
            if ancestors.len() == MOST_STEPS {
                next = Some(id);
                break;
            }
            match self.get(owner, &id).await? {
                Some(record) => {
                    next.clone_from(&record.parent);
                    ancestors.push(Ancestor::Kept(Box::new(record)));
                }
                None => ancestors.push(Ancestor::Gone(id)),
            }
        }
        let made = Listing { parent: Some(of.id.clone()), limit: MOST_CHILDREN + 1, ..Listing::default() };
        let mut children = self.list(owner, &made).await?;
        let more = next.is_some() || children.len() > MOST_CHILDREN as usize;
        children.truncate(MOST_CHILDREN as usize);
        Ok(Lineage { ancestors, children, more })
    }
}
