//! `list_images`: what is stored.

use common::{Failure, ImageId, JobId, Listing, schema::clip};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::{About, Entry};
use crate::{
    Scope,
    mcp::{
        dispatch::Call,
        reply::{self, ListFacts, Reply},
    },
};

/// How many images are listed unless told otherwise.
const DEFAULT_LIMIT: u32 = 20;

#[derive(Debug, Deserialize, JsonSchema)]
struct Arguments {
    /// How many images. Default 20.
    #[schemars(range(min = 1, max = 50))]
    limit: Option<u32>,
    /// Only images older than this image_id: the last one of the page before.
    before: Option<String>,
    /// Only images made from this image_id.
    parent: Option<String>,
    /// Only images made by this job_id.
    job: Option<String>,
}

pub(super) fn entry() -> Entry {
    let about = About {
        name: "list_images",
        title: "List stored images",
        description: "The stored images, newest first, each with its image_id, a fresh link (or path), size, format, \
            the tool and job that made it and the image it was made from. Use it to find an image_id again, to get a \
            new link after 24 hours, or to follow what was made from what (parent, job).",
        needs: &[Scope::Read],
        works: false,
        read_only: true,
        destructive: false,
        idempotent: true,
        open_world: false,
    };
    Entry::new::<Arguments, ListFacts>(about, |call, arguments| {
        Box::pin(async move { run(call, super::read(arguments)?).await })
    })
}

async fn run(call: &Call, arguments: Arguments) -> Result<Reply, Failure> {
    let limit = arguments.limit.unwrap_or(DEFAULT_LIMIT);
    let image = |text: &Option<String>, argument| parsed(text, argument, "an image_id (img_…)", ImageId::parse);
    let mut listing = Listing {
        parent: image(&arguments.parent, "parent")?,
        job: parsed(&arguments.job, "job", "a job_id (job_…)", JobId::parse)?,
        before: image(&arguments.before, "before")?,
        limit: limit + 1,
    };
    let mut records = call.shared.stores.images.list(&call.caller.user, &listing).await?;
    let has_more = records.len() > usize::try_from(limit).unwrap_or(usize::MAX);
    records.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    listing.limit = limit;
    let mut same = json!({"limit": limit});
    if let Some(parent) = &listing.parent {
        same["parent"] = json!(parent);
    }
    if let Some(job) = &listing.job {
        same["job"] = json!(job);
    }
    reply::list(&call.shared, &records, has_more.then_some(same))
}

fn parsed<Id>(
    text: &Option<String>,
    argument: &str,
    allowed: &str,
    parse: fn(&str) -> Option<Id>,
) -> Result<Option<Id>, Failure> {
    let Some(text) = text else { return Ok(None) };
    let wrong = || Failure::invalid(argument, format!("\"{}\" is not {allowed}.", clip(text))).allowed(allowed);
    parse(text.trim()).map(Some).ok_or_else(wrong)
}
