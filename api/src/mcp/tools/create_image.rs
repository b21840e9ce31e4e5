//! `create_image`: new pictures from words.

use common::{
    Failure,
    generation::{Task, Wishes},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{
    About, Entry,
    wishes::{Making, resolve_all},
};
use crate::{
    Scope,
    mcp::{
        dispatch::Call,
        reply::{GeneratedFacts, Reply},
    },
};

#[derive(Debug, Deserialize, JsonSchema)]
struct Arguments {
    /// What the image shall show: subject, setting, style, light; quote any text that must appear in it.
    #[schemars(length(min = 1, max = 32_000))]
    prompt: String,
    /// Images to go by (style, product, person), at most 16: image_id, an https URL, a path, or data:.
    #[schemars(length(max = 16))]
    reference_images: Option<Vec<String>>,
    /// auto (default) or low: how strictly the provider filters. Not with reference_images.
    #[schemars(length(max = 20))]
    moderation: Option<String>,
    #[serde(flatten)]
    making: Making,
}

pub(super) fn entry() -> Entry {
    let about = About {
        name: "create_image",
        title: "Create an image",
        description: "Makes 1 to 10 new images from a prompt with an image model. This costs money. A call that may cost more \
            than the server's limit, or makes more than 4 images, is only quoted: tell the user the price, and when they agree \
            call again with the same arguments and the confirm_token of the answer. The same call within 10 minutes returns the \
            same images (joined) and costs nothing; fresh: true pays for new ones. Takes 10 s to several minutes: when the \
            state is queued or running, poll get_job and do not call again. `descriptions` say what a vision model sees in the \
            result; trust them, not your idea of the prompt. To change an image use edit_image.",
        needs: &[Scope::Write, Scope::ImageProcessing],
        works: true,
        read_only: false,
        // save_to with overwrite replaces a file.
        destructive: true,
        idempotent: false,
        open_world: true,
    };
    Entry::new::<Arguments, GeneratedFacts>(about, |call, arguments| {
        Box::pin(async move { run(call, super::read(arguments.clone())?, arguments).await })
    })
}

async fn run(call: &Call, arguments: Arguments, said: Value) -> Result<Reply, Failure> {
    let references = arguments.reference_images.unwrap_or_default();
    let references = resolve_all(call, &references, "reference_images").await?;
    let task = Task::Create { prompt: arguments.prompt, references };
    let special = Wishes { moderation: arguments.moderation, ..Wishes::default() };
    arguments.making.perform(call, task, special, said).await
}
