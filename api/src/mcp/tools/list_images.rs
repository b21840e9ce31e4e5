//! `list_images`: what is stored, searched, and what was made from what.

use common::{Failure, Format, ImageId, JobId, Listing, schema::clip};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    About, Entry,
    moment::{End, moment},
};
use crate::{
    Scope,
    mcp::{
        dispatch::Call,
        own_image::own_image,
        reply::{self, ListFacts, More, Reply},
    },
};

/// How many images are listed unless told otherwise.
const DEFAULT_LIMIT: u32 = 20;

/// What came from the caller was made by no tool.
const UPLOAD: &str = "upload";

#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
struct Arguments {
    /// Words that all occur in the name, prompt, description or source, in any order, upper or lower case.
    #[schemars(length(max = 200))]
    query: Option<String>,
    /// Only images made by this tool, such as create_image; upload: those that came from the caller.
    tool: Option<String>,
    /// Only images in this format, such as png.
    format: Option<String>,
    /// Only images made then or later: 2026-11-23 (UTC) or 2026-11-23T08:00:00Z.
    since: Option<String>,
    /// Only images made then or earlier, in the same way; a day counts to its end.
    until: Option<String>,
    /// How many images. Default 20.
    #[schemars(range(min = 1, max = 50))]
    limit: Option<u32>,
    /// Only images older than this image_id: the last one of the page before.
    before: Option<String>,
    /// Only images made from this image_id.
    parent: Option<String>,
    /// Only images made by this job_id.
    job: Option<String>,
    /// Instead of a list: what this image_id was made from, step by step, and what was made from it. Stands alone.
    lineage: Option<String>,
}

pub(super) fn entry() -> Entry {
    let about = About {
        name: "list_images",
        title: "Find stored images",
        description: "Finds stored images by words (query), tool, format, time, parent or job; without arguments lists the \
            newest. Each with its image_id, a fresh link (or path), size, format, the tool and job that made it, the prompt or \
            recipe, and the image it was made from. Use it to find an image_id again, or to get a new link after 24 hours. \
            lineage: how an image came about, back to its original, and what was made from it. Wherever an image_id is \
            asked for, the first 6 or more letters behind img_ will do if no other image begins like that.",
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
    let (images, user) = (&call.shared.stores.images, &call.caller.user);
    if let Some(image) = &arguments.lineage {
        let alone = Arguments { lineage: Some(image.clone()), ..Arguments::default() };
        if arguments != alone {
            return Err(Failure::invalid("lineage", "lineage stands beside other arguments.")
                .allowed("lineage alone")
                .next("Leave the others out, or call once with lineage and once with them."));
        }
        let record = own_image(call, image, "lineage").await?;
        return reply::lineage(&call.shared, &record, &images.lineage(user, &record).await?);
    }
    let limit = arguments.limit.unwrap_or(DEFAULT_LIMIT);
    let listing = Listing { limit: limit + 1, ..listing(call, &arguments).await? };
    let found = images.search(user, &listing).await?;
    let mut records = found.records;
    let has_more = records.len() > usize::try_from(limit).unwrap_or(usize::MAX);
    records.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let last = records.last().filter(|_| has_more).map(|record| record.id.clone());
    let unseen = last.is_none() && found.looked_until.is_some();
    let same = Arguments { limit: Some(limit), before: None, ..arguments };
    let same = serde_json::to_value(same).map_err(|error| Failure::internal(&error))?;
    let more = last.or(found.looked_until).map(|before| More { before, arguments: without_nulls(same), unseen });
    reply::list(&call.shared, &records, more)
}

fn without_nulls(mut arguments: serde_json::Value) -> serde_json::Value {
    if let Some(arguments) = arguments.as_object_mut() {
        arguments.retain(|_, value| !value.is_null());
    }
    arguments
}

async fn listing(call: &Call, arguments: &Arguments) -> Result<Listing, Failure> {
    let since = arguments.since.as_ref().map(|text| moment(text, "since", End::First)).transpose()?;
    let until = arguments.until.as_ref().map(|text| moment(text, "until", End::Last)).transpose()?;
    if since.zip(until).is_some_and(|(since, until)| since > until) {
        return Err(Failure::invalid("until", "until is before since.").next("Exchange the two."));
    }
    let before = match &arguments.before {
        Some(before) => Some(own_image(call, before, "before").await?.id),
        None => None,
    };
    Ok(Listing {
        // A picture that is gone may have children.
        parent: match &arguments.parent {
            Some(parent) => match ImageId::parse(parent.trim()) {
                Some(id) => Some(id),
                None => Some(own_image(call, parent, "parent").await?.id),
            },
            None => None,
        },
        job: arguments.job.as_ref().map(|text| job(text)).transpose()?,
        before,
        words: Listing::words(arguments.query.as_deref().unwrap_or_default()),
        tool: arguments.tool.as_ref().map(|text| tool(text)).transpose()?,
        format: arguments.format.as_ref().map(|text| format(text)).transpose()?,
        since,
        until,
        limit: 0,
    })
}

fn job(text: &str) -> Result<JobId, Failure> {
    let allowed = "a job_id (job_…)";
    let wrong = || Failure::invalid("job", format!("\"{}\" is not {allowed}.", clip(text))).allowed(allowed);
    JobId::parse(text.trim()).ok_or_else(wrong)
}

fn tool(text: &str) -> Result<String, Failure> {
    let makers = super::all().iter().filter(|entry| entry.about.works).map(|entry| entry.about.name);
    let names: Vec<&str> = makers.chain([UPLOAD]).collect();
    if names.contains(&text.trim()) {
        return Ok(text.trim().to_owned());
    }
    Err(Failure::invalid("tool", format!("No tool is called \"{}\".", clip(text))).allowed(names.join(", ")))
}

fn format(text: &str) -> Result<Format, Failure> {
    let names = || Format::ALL.map(Format::name).join(", ");
    let wrong = || Failure::invalid("format", format!("\"{}\" is no format.", clip(text))).allowed(names());
    Format::from_extension(&text.trim().to_ascii_lowercase()).ok_or_else(wrong)
}
