//! Models that make and read pictures: OpenAI, or what speaks as it does.
//!
//! Way of a call: [`wishes`] and [`common::models`] refuse what the model would refuse, before anybody pays; [`prepare`] makes
//! pictures such as the provider takes; [`pace`] waits for a turn; [`http`] sends one request; [`retry`] decides whether to send another;
//! [`answer`] and [`stream`] read pictures, [`vision`] reads words; [`errors`] says what went wrong.

mod answer;
mod errors;
mod http;
mod images;
mod listing;
mod pace;
mod prepare;
mod retry;
mod stream;
mod vision;
mod wishes;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use common::{
    Clock, Failure, State,
    models::{Defaults, Models},
};
use config::{Compat, OpenAi};

use self::{http::Http, pace::Pace};
pub use self::{
    images::{Edit, Generate, Made, Quote},
    listing::Listed,
    vision::{Look, Seen},
};
use crate::engine::Engine;

/// A picture on the way to being finished.
#[derive(Clone, Debug)]
pub struct Partial {
    /// Counts from 0; there may be fewer than were asked for.
    pub index: u64,
    /// The file.
    pub bytes: Bytes,
}

/// Why there can be no provider.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// The file of models cannot be used.
    #[error("OPENAI_MODELS_FILE: {0}")]
    Models(String),
    /// There can be no connections.
    #[error("{0}")]
    Http(#[source] Failure),
}

/// The provider: its address, its key, its models. Clones share them.
#[derive(Clone, Debug)]
pub struct Provider {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    http: Http,
    pace: Pace,
    engine: Engine,
    clock: Clock,
    models: Models,
    compat: bool,
    timeout: Duration,
    image_model: String,
    edit_model: String,
    vision_model: String,
}

impl Provider {
    /// The provider that the settings name; `engine` prepares pictures for it, and all workers keep its pace by
    /// `state`. Asks nobody.
    ///
    /// # Errors
    /// If the models of one's own cannot be read, or the system lets nobody connect.
    pub fn new(settings: &OpenAi, engine: Engine, state: State, clock: Clock) -> Result<Self, ProviderError> {
        let compat = settings.compat == Compat::Compat;
        let models = Models::of(settings).map_err(ProviderError::Models)?;
        let inner = Inner {
            http: Http::new(settings).map_err(ProviderError::Http)?,
            pace: Pace::new(state, clock.clone(), settings.images_per_minute),
            engine,
            clock,
            models,
            compat,
            timeout: settings.timeout,
            image_model: settings.image_model.clone(),
            edit_model: settings.edit_model.clone(),
            vision_model: settings.vision_model.clone(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    fn http(&self) -> &Http {
        &self.inner.http
    }

    fn pace(&self) -> &Pace {
        &self.inner.pace
    }

    fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    fn models(&self) -> &Models {
        &self.inner.models
    }

    fn is_compat(&self) -> bool {
        self.inner.compat
    }

    fn timeout(&self) -> Duration {
        self.inner.timeout
    }

    fn now_ms(&self) -> i64 {
        self.inner.clock.now_ms()
    }

    fn image_default(&self) -> Defaults<'_> {
        Defaults { set: &self.inner.image_model, built_in: OpenAi::IMAGE_MODEL }
    }

    fn edit_default(&self) -> Defaults<'_> {
        Defaults { set: &self.inner.edit_model, built_in: OpenAi::EDIT_MODEL }
    }

    fn vision_default(&self) -> Defaults<'_> {
        Defaults { set: &self.inner.vision_model, built_in: OpenAi::VISION_MODEL }
    }
}
