//! `generate_variations`: pictures like another.

use common::{
    Failure,
    generation::{Strength, Task, Wishes},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{About, Entry, wishes::Making};
use crate::{
    Scope,
    mcp::{
        dispatch::Call,
        image_argument,
        reply::{GeneratedFacts, Reply},
    },
};

/// How many, unless told otherwise.
const VARIATIONS: u8 = 2;

#[derive(Debug, Deserialize, JsonSchema)]
struct Arguments {
    /// The image to vary: image_id, an https URL, a path in the allowed folders, or data: / base64 under 256 KB.
    image: String,
    /// How far they may go: subtle (details only), medium (default: same subject and style), strong (same subject and mood).
    strength: Option<Strength>,
    /// What must stay exactly as it is, such as: the logo and the bottle.
    #[schemars(length(max = 2000))]
    keep: Option<String>,
    #[serde(flatten)]
    making: Making,
}

pub(super) fn entry() -> Entry {
    let about = About {
        name: "generate_variations",
        title: "Vary an image",
        description: "Makes variations of an image with an image model (n, default 2). This costs money: dear calls are only \
            quoted, and run when repeated with confirm_token; the same call within 10 minutes costs nothing (joined), and \
            fresh: true pays for new ones. For a certain change use edit_image. When the state is queued or running, poll \
            get_job and do not call again.",
        needs: &[Scope::Write, Scope::ImageProcessing],
        works: true,
        read_only: false,
        destructive: true,
        idempotent: false,
        open_world: true,
    };
    Entry::new::<Arguments, GeneratedFacts>(about, |call, arguments| {
        Box::pin(async move { run(call, super::read(arguments.clone())?, arguments).await })
    })
}

async fn run(call: &Call, mut arguments: Arguments, said: Value) -> Result<Reply, Failure> {
    arguments.making.n().get_or_insert(VARIATIONS);
    let image = image_argument::resolve(call, &arguments.image, "image").await?;
    let keep = arguments.keep.filter(|keep| !keep.trim().is_empty());
    let task = Task::Vary { image, strength: arguments.strength.unwrap_or_default(), keep };
    arguments.making.perform(call, task, Wishes::default(), said).await
}
