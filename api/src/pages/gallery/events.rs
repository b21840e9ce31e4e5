//! `GET /gallery/batches/{id}/events`: how far a batch is, as it goes on (Server-Sent Events).

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use common::{JobId, jobs::JobRecord};
use futures::{Stream, stream};
use tokio::time::Instant;

use super::{
    batch::Far,
    visitor::{Instead, Visitor},
};
use crate::Site;

/// How often something is told, at most.
const EVERY: Duration = Duration::from_secs(1);

/// How long one connection lasts: the browser asks again by itself, and shows anew who it is.
const LONGEST: Duration = Duration::from_secs(10 * 60);

/// `GET /gallery/batches/{id}/events`.
pub(super) async fn follow(
    State(site): State<Site>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Instead> {
    let visitor = Visitor::of(&site, &headers, "/gallery").await?;
    let job = visitor.batch(&site, &id).await?;
    let events = Sse::new(told(site, job)).keep_alive(KeepAlive::default());
    let mut response = events.into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Where somebody is in listening.
enum At {
    /// They hear how it is at once.
    First(Box<JobRecord>),
    Later(JobId, Far),
    /// There is nothing more to hear.
    Over,
}

fn told(site: Site, job: JobRecord) -> impl Stream<Item = Result<Event, Infallible>> {
    let until = Instant::now() + LONGEST;
    stream::unfold((site, At::First(Box::new(job))), move |(site, at)| async move {
        let (id, far) = match at {
            At::Over => return None,
            At::First(job) => (job.id.clone(), Far::of(&job)),
            At::Later(id, before) => {
                let far = next(&site, &id, &before, until).await?;
                (id, far)
            }
        };
        let event = Event::default().json_data(&far).unwrap_or_default();
        let at = if far.over { At::Over } else { At::Later(id, far) };
        Some((Ok(event), (site, at)))
    })
}

/// How it is once something has changed; `None` if nobody is to wait for that any longer.
async fn next(site: &Site, id: &JobId, before: &Far, until: Instant) -> Option<Far> {
    loop {
        tokio::select! {
            () = site.shared.stopping.cancelled() => return None,
            () = tokio::time::sleep(EVERY) => {}
        }
        let job = site.shared.stores.jobs.any(id).await.ok().flatten()?;
        let far = Far::of(&job);
        if far != *before {
            return Some(far);
        }
        if Instant::now() > until {
            return None;
        }
    }
}
