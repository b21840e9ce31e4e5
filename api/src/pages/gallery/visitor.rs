//! Who looks at the gallery.

use axum::{
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use common::{Failure, ImageId, ImageRecord, JobId, StoreError, UserId, jobs::JobRecord};

use crate::{
    Site,
    pages::{Browser, PageError, see_other},
};

/// Somebody who may look at what is theirs.
pub(super) struct Visitor {
    pub(super) user: UserId,
    pub(super) browser: Browser,
}

/// Why somebody sees something else.
#[derive(Debug)]
pub(super) enum Instead {
    /// They are to sign in first.
    Go(&'static str, String),
    Error(PageError),
}

impl IntoResponse for Instead {
    fn into_response(self) -> Response {
        match self {
            Self::Go(page, return_to) if return_to.is_empty() => see_other(page),
            Self::Go(page, return_to) => see_other(&format!("{page}?return_to={return_to}")),
            Self::Error(error) => error.into_response(),
        }
    }
}

impl From<PageError> for Instead {
    fn from(error: PageError) -> Self {
        Self::Error(error)
    }
}

impl From<StoreError> for Instead {
    fn from(error: StoreError) -> Self {
        Self::Error(error.into())
    }
}

impl From<Failure> for Instead {
    fn from(failure: Failure) -> Self {
        Self::Error(failure.into())
    }
}

impl Visitor {
    /// Whoever is signed in; with `AUTH=off` whoever sits at this machine. Others are sent to sign in, and from there to
    /// `path`, which must hold nothing but ids.
    pub(super) async fn of(site: &Site, headers: &HeaderMap, path: &str) -> Result<Self, Instead> {
        let browser = Browser::of(&site.authority, headers).await?;
        if !site.shared.config.web.auth {
            // As on /mcp: a tunnel or proxy on this machine would let the world in as the owner.
            if headers.contains_key("x-forwarded-for") || headers.contains_key(header::FORWARDED) {
                let text = "AUTH=off is for this machine only, and this request came through a proxy.";
                return Err(PageError::new(StatusCode::FORBIDDEN, "Not from elsewhere", text).into());
            }
            return Ok(Self { user: UserId::local(), browser });
        }
        match &browser.session {
            Some(session) => Ok(Self { user: session.user.id.clone(), browser }),
            None if site.authority.setup_required().await? => Err(Instead::Go("/setup", String::new())),
            None => Err(Instead::Go("/login", path.to_owned())),
        }
    }

    /// Their own image. Somebody else's looks like none.
    pub(super) async fn image(&self, site: &Site, id: &str) -> Result<ImageRecord, Instead> {
        let Some(id) = ImageId::parse(id) else { return Err(nothing("image")) };
        site.shared.stores.images.get(&self.user, &id).await?.ok_or_else(|| nothing("image"))
    }

    /// Their own batch.
    pub(super) async fn batch(&self, site: &Site, id: &str) -> Result<JobRecord, Instead> {
        let Some(id) = JobId::parse(id) else { return Err(nothing("batch")) };
        let job = site.shared.stores.jobs.get(&self.user, &id).await?;
        job.filter(|job| job.kind == "batch").ok_or_else(|| nothing("batch"))
    }
}

fn nothing(what: &str) -> Instead {
    let text = match what {
        "image" => "It was deleted, its time was over, or it belongs to somebody else. Your gallery is at /gallery.",
        _ => "Batches are remembered for three days after their end; their images stay in your gallery at /gallery.",
    };
    PageError::new(StatusCode::NOT_FOUND, format!("There is no such {what}"), text).into()
}
