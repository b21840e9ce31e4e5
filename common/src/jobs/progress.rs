//! How far a job is that asks a model, in words: written by its worker, read by whoever waits.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{JobId, State, StoreError};

/// How long it is remembered: longer than any such job takes.
const KEPT: Duration = Duration::from_secs(2 * 3600);

/// How far a job is.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Progress {
    /// What is being done.
    pub words: String,
    /// The last unfinished picture that can be looked at, counted from 1.
    pub unfinished: Option<u64>,
}

impl Progress {
    /// What was last written of `job`.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn of(state: &State, job: &JobId) -> Result<Option<Self>, StoreError> {
        let Some(written) = state.get(&key(job)).await? else { return Ok(None) };
        Ok(Some(serde_json::from_slice(&written)?))
    }

    /// Writes it down.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn put(&self, state: &State, job: &JobId) -> Result<(), StoreError> {
        state.put(&key(job), &serde_json::to_vec(self)?, Some(KEPT)).await
    }

    /// The key of an unfinished picture.
    #[must_use]
    pub fn blob(job: &JobId, number: u64) -> String {
        format!("{job}.unfinished-{number}")
    }
}

fn key(job: &JobId) -> String {
    format!("progress/{job}")
}
