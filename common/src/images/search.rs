//! Which pictures to list.

use super::{ImageRecord, Images, redis, sqlite};
use crate::{Format, ImageId, JobId, Store, StoreError, UserId};

/// Which pictures to list. What is not said does not matter.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// Only those made from this one.
    pub parent: Option<ImageId>,
    /// Only those made by this job.
    pub job: Option<JobId>,
    /// Only those older than this one.
    pub before: Option<ImageId>,
    /// Only those in whose name, source, prompt or description all these words occur; see [`Listing::words`].
    pub words: Vec<String>,
    /// Only those made by this tool.
    pub tool: Option<String>,
    /// Only those in this format.
    pub format: Option<Format>,
    /// Only those made then or later, in milliseconds since 1970 (UTC).
    pub since: Option<i64>,
    /// Only those made then or earlier, in milliseconds since 1970 (UTC).
    pub until: Option<i64>,
    /// How many at most.
    pub limit: u32,
}

/// What a search found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The pictures, newest first.
    pub records: Vec<ImageRecord>,
    /// The last picture that was looked at, where there are too many to look at all of them at once: go on `before` it.
    pub looked_until: Option<ImageId>,
}

impl Listing {
    /// The words of a query, as they are compared.
    #[must_use]
    pub fn words(query: &str) -> Vec<String> {
        query.split_whitespace().map(str::to_lowercase).collect()
    }

    /// Whether most pictures may be none of those.
    pub(super) fn narrows(&self) -> bool {
        !self.words.is_empty() || self.tool.is_some() || self.format.is_some()
    }

    /// Whether a picture of `owner` is one of those; `before` is not looked at.
    pub(super) fn takes(&self, owner: &UserId, record: &ImageRecord) -> bool {
        let words = if self.words.is_empty() { String::new() } else { record.words() };
        record.owner == *owner
            && self.parent.as_ref().is_none_or(|parent| record.parent.as_ref() == Some(parent))
            && self.job.as_ref().is_none_or(|job| record.job == *job)
            && self.tool.as_ref().is_none_or(|tool| record.tool == *tool)
            && self.format.is_none_or(|format| record.facts.format == format)
            && self.since.is_none_or(|since| record.created_at >= since)
            && self.until.is_none_or(|until| record.created_at <= until)
            && self.words.iter().all(|word| words.contains(word.as_str()))
    }
}

impl ImageRecord {
    /// What it is searched by, in lower case.
    pub(super) fn words(&self) -> String {
        let made = self.by_model.as_ref();
        let prompt = made.map_or("", |made| made.prompt.as_str());
        let description = made.and_then(|made| made.description.as_deref()).unwrap_or_default();
        [self.name.as_str(), self.source.as_deref().unwrap_or_default(), prompt, description].join("\n").to_lowercase()
    }
}

impl Images {
    /// Pictures of `owner`, newest first.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn list(&self, owner: &UserId, listing: &Listing) -> Result<Vec<ImageRecord>, StoreError> {
        Ok(self.search(owner, listing).await?.records)
    }

    /// The same, saying where it stopped if it did not look at all of them: on Redis after 20,000 pictures.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn search(&self, owner: &UserId, listing: &Listing) -> Result<Found, StoreError> {
        match &self.store {
            Store::Sqlite(db) => Ok(Found { records: sqlite::list(db, owner, listing).await?, looked_until: None }),
            Store::Redis(redis) => redis::list(redis, owner, listing).await,
        }
    }
}
