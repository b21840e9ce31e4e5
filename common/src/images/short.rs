//! The beginnings of ids, by which people and models call pictures.

use super::{Images, Listing, redis, sqlite};
use crate::{ImageId, Store, StoreError, UserId};

/// The fewest letters behind `img_` that name a picture.
const FEWEST: usize = 6;

/// How many pictures an ambiguous beginning is answered with.
const CANDIDATES: u32 = 5;

/// The newest pictures, among which one is looked for whose id is nearly the one that was given.
const LOOKED_AT: u32 = 200;

/// So many letters may be wrong or missing in an id that is nearly right.
const NEAR: usize = 2;

/// What a text names that may be the id of a picture, or its beginning.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Named {
    /// This one.
    One(ImageId),
    /// One of these, or further ones.
    Several(Vec<ImageId>),
    /// None; these have ids that are nearly the same.
    None(Vec<ImageId>),
}

impl ImageId {
    /// Its beginning, which names it among a few thousand.
    #[must_use]
    pub fn short(&self) -> &str {
        self.as_str().get(..Self::PREFIX.len() + FEWEST).unwrap_or(self.as_str())
    }
}

impl Images {
    /// The picture of `owner` that `text` names: its id, or at least six letters of the beginning.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn named(&self, owner: &UserId, text: &str) -> Result<Named, StoreError> {
        let text = text.trim().to_ascii_lowercase();
        if let Some(id) = ImageId::parse(&text)
            && self.get(owner, &id).await?.is_some()
        {
            return Ok(Named::One(id));
        }
        let letters = text.strip_prefix(ImageId::PREFIX).unwrap_or_default();
        if letters.len() >= FEWEST && letters.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            let mut found = match &self.store {
                Store::Sqlite(db) => sqlite::beginning_with(db, owner, &text, CANDIDATES).await?,
                Store::Redis(redis) => redis::beginning_with(redis, owner, &text, CANDIDATES).await?,
            };
            match found.len() {
                0 => {}
                1 => return Ok(found.pop().map_or(Named::None(Vec::new()), Named::One)),
                _ => return Ok(Named::Several(found)),
            }
        }
        Ok(Named::None(self.nearly(owner, &text).await?))
    }

    async fn nearly(&self, owner: &UserId, text: &str) -> Result<Vec<ImageId>, StoreError> {
        if text.len() < ImageId::PREFIX.len() + NEAR * 2 {
            return Ok(Vec::new());
        }
        let newest = self.list(owner, &Listing { limit: LOOKED_AT, ..Listing::default() }).await?;
        let distance = |id: &ImageId| {
            let beginning = id.as_str().get(..text.len()).unwrap_or(id.as_str());
            strsim::damerau_levenshtein(beginning, text)
        };
        let mut near: Vec<_> = newest.into_iter().map(|record| (distance(&record.id), record.id)).collect();
        near.retain(|(distance, _)| *distance <= NEAR);
        near.sort_by_key(|(distance, _)| *distance);
        Ok(near.into_iter().map(|(_, id)| id).take(CANDIDATES as usize).collect())
    }
}
