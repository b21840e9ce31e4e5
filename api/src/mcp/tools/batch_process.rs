//! `batch_process`: many pictures through one recipe.

use std::time::Duration;

use common::{
    Failure,
    job::{Batch, BatchSource, OnConflict, Return, Source, Work},
    jobs::JobState,
    naming::{self, Template},
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    About, Entry,
    recipe::{self, RecipeArguments},
};
use crate::{
    Scope,
    mcp::{
        dispatch::{self, Abandoned, Call},
        image_argument,
        reply::{self, JobFacts, Page, Reply},
    },
};

/// How long a call waits unless told otherwise.
const DEFAULT_WAIT_SECONDS: u32 = 20;

/// How many pictures the answer to a finished batch lists.
const ITEMS_SHOWN: u32 = 10;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SourceArguments {
    /// A folder inside the allowed ones. Not together with images.
    folder: Option<String>,
    /// Which file names count, such as *.png. Default: every image. Goes with folder.
    glob: Option<String>,
    /// Whether folders below count too. Default false. Goes with folder.
    recursive: Option<bool>,
    /// Images one by one: image_id or path. Not together with folder.
    #[schemars(length(min = 1, max = 1000))]
    images: Option<Vec<String>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct Arguments {
    /// Where the images come from: {"folder":"…","glob":"*.jpg","recursive":true} or {"images":["…","…"]}.
    source: SourceArguments,
    #[serde(flatten)]
    recipe: RecipeArguments,
    /// How results are named: {stem} {ext} {index} {index:04} {dir} {width} {height} {hash8} {date}. Default {dir}/{stem}.{ext}.
    #[schemars(length(min = 1, max = 200))]
    name: Option<String>,
    /// When a name is taken: suffix (default, adds a number), skip, overwrite, error. Originals are never overwritten.
    on_conflict: Option<OnConflict>,
    /// Also write the results into this folder inside the allowed ones; made if missing.
    save_to: Option<String>,
    /// Make damaged files fail. Default: they are read as far as they go, with a warning.
    strict: Option<bool>,
    /// Give up after so many failed images. Default: never; one bad image does not stop the rest.
    #[schemars(range(min = 1, max = 10_000_000))]
    max_failures: Option<u32>,
    /// How the reply shows the first contact sheet: preview (default), full, link, none.
    #[serde(rename = "return")]
    show: Option<Return>,
    /// How long to wait for the end before handing back the job_id. Default 20.
    #[schemars(range(min = 0, max = 45))]
    wait_seconds: Option<u32>,
}

pub(super) fn entry() -> Entry {
    let about = About {
        name: "batch_process",
        title: "Process many images",
        description: "Runs the same steps over a whole folder or a list of images: resize, crop, convert, compress and \
            so on, with the same `steps` as transform_image, which describes their parameters. Returns a job_id; if state is queued or running when \
            the call returns, poll get_job {job_id, wait_seconds: 45} and never call batch_process again for it. \
            Originals are never altered: results go into the store and, with save_to, into a folder as well. One bad \
            image does not stop the rest: the result counts ok, failed and skipped, lists the first failures, and \
            links all results as one zip, a manifest and a report with a line for each image, and contact sheets, of \
            which it shows the first. cancel_job stops it.",
        needs: &[Scope::Write],
        works: true,
        read_only: false,
        // save_to with on_conflict overwrite replaces files.
        destructive: true,
        idempotent: false,
        open_world: false,
    };
    Entry::new::<Arguments, JobFacts>(about, |call, arguments| {
        Box::pin(async move { run(call, super::read(arguments)?).await })
    })
    .with_brief_steps()
}

async fn run(call: &Call, arguments: Arguments) -> Result<Reply, Failure> {
    let mut recipe = arguments.recipe.recipe()?;
    let name = arguments.name.unwrap_or_else(|| naming::DEFAULT.to_owned());
    Template::parse(&name, "name")?;
    let others = recipe::others(call, &mut recipe).await?;
    let work = Work::BatchPlan(Batch {
        source: source(call, arguments.source).await?,
        recipe,
        others,
        name,
        on_conflict: arguments.on_conflict.unwrap_or_default(),
        save_to: arguments.save_to,
        strict: arguments.strict.unwrap_or_default(),
        max_failures: arguments.max_failures,
        show: arguments.show.unwrap_or_default(),
    });
    let longest = Duration::from_secs(arguments.wait_seconds.unwrap_or(DEFAULT_WAIT_SECONDS).into());
    let (record, joined) = dispatch::submit_and_wait(call, work, longest, Abandoned::Keep).await?;
    match record.state {
        JobState::Finished => {
            let page = Page { limit: ITEMS_SHOWN, ..Page::default() };
            reply::job(&call.shared, &record, joined, Some(page)).await
        }
        _ => reply::of_call(&call.shared, &record, joined).await,
    }
}

async fn source(call: &Call, given: SourceArguments) -> Result<BatchSource, Failure> {
    let one_kind = r#"{"folder":"…","glob":"*.jpg"} or {"images":["…"]}"#;
    match (given.folder, given.images) {
        (Some(folder), None) if !folder.trim().is_empty() => Ok(BatchSource::Folder {
            folder,
            glob: given.glob.unwrap_or_else(|| "*".to_owned()),
            recursive: given.recursive.unwrap_or_default(),
        }),
        (None, Some(_)) if given.glob.is_some() || given.recursive.is_some() => {
            Err(Failure::invalid("source", "glob and recursive go with folder, not with images.").allowed(one_kind))
        }
        (None, Some(images)) => {
            let mut sources = Vec::with_capacity(images.len());
            for (index, image) in images.iter().enumerate() {
                let argument = format!("source.images[{index}]");
                let source = image_argument::resolve(call, image, &argument).await?;
                // Slow servers would hold the places of pictures that are here.
                if matches!(source, Source::Url(_)) {
                    return Err(Failure::invalid(&argument, "A batch fetches nothing from addresses.")
                        .allowed("image_ids, paths inside the allowed folders, data: URLs")
                        .next("Send single addresses to transform_image, or put the files into a folder."));
                }
                sources.push(source);
            }
            Ok(BatchSource::Images(sources))
        }
        (Some(_), Some(_)) => {
            Err(Failure::invalid("source", "folder and images are both given; it takes exactly one.").allowed(one_kind))
        }
        _ => Err(Failure::invalid("source", "Neither a folder nor images are given.").allowed(one_kind)),
    }
}
