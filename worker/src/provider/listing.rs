//! The models that the provider has (`GET /models`). The list lags, so nothing is refused by it.

use std::time::Duration;

use common::{Failure, FailureKind};
use serde_json::Value;

use super::Provider;

/// The longest that a list takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// The most that is read of it.
const MOST_BYTES: usize = 4 << 20;

/// A model of the provider.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listed {
    /// Its name.
    pub id: String,
    /// The day on which it ends, where the provider says so.
    pub shutdown: Option<String>,
}

impl Provider {
    /// The models that the key may use. Costs nothing.
    ///
    /// # Errors
    /// `missing_api_key`, or what the provider says.
    pub async fn list(&self) -> Result<Vec<Listed>, Failure> {
        self.need_key()?;
        let answered = self.http().get("models", PATIENCE).await?;
        let unusable = |_| Failure::new(FailureKind::UpstreamFailed, "The provider's list of models cannot be read.");
        let body = answered.body(MOST_BYTES).await.map_err(|why| unusable(why.len()))?;
        let list: Value = serde_json::from_slice(&body).map_err(|error| unusable(error.column()))?;
        let models = list["data"].as_array().into_iter().flatten().filter_map(|row| {
            let shutdown = row["shutdown_date"].as_str().map(str::to_owned);
            Some(Listed { id: row["id"].as_str()?.to_owned(), shutdown })
        });
        Ok(models.collect())
    }
}
