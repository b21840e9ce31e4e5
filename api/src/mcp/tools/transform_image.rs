//! `transform_image`: one picture through an ordered list of steps.

use common::{
    Failure,
    job::{Return, SaveTo, Transform, Work},
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
        dispatch::{self, Call},
        image_argument,
        reply::{Reply, TransformFacts},
    },
};

#[derive(Debug, Deserialize, JsonSchema)]
struct Arguments {
    /// image_id of an earlier result, an https URL, a path inside the allowed folders, or data: URL / base64 under 256 KB.
    image: String,
    #[serde(flatten)]
    recipe: RecipeArguments,
    /// Refuse a damaged file. Default: it is read as far as it goes, with a warning.
    strict: Option<bool>,
    /// What the reply shows: preview (default, at most 1024 px), full (at most 1568 px), link, none.
    #[serde(rename = "return")]
    show: Option<Return>,
    /// Also write to this path inside the allowed folders; its ending gives the format.
    save_to: Option<String>,
    /// Let save_to replace an existing file. Default false.
    overwrite: Option<bool>,
}

pub(super) fn entry() -> Entry {
    let about = About {
        name: "transform_image",
        title: "Transform an image",
        description: "Resize, crop, rotate, sharpen, change colours and tones of one image, write or draw on it, \
            watermark it, redact parts of it, convert its format, or compress it. Put several changes into ONE call: \
            `steps` is an ordered list, such as \
            [{\"op\":\"crop\",\"aspect\":\"1:1\",\"gravity\":\"smart\"},{\"op\":\"resize\",\"width\":512},{\"op\":\"grayscale\"}]; \
            each parameter says which steps take it, and places count in pixels of the image as it is at that step; \
            width, height and fit alone are short for one resize. To hide something use redact, not blur. The original is never changed; the result gets a new image_id, a \
            link (or a path) and a preview. EXIF orientation is applied; unless you ask, colours become sRGB and metadata is stripped. \
            The result states what was applied and what had no effect. \
            For many images use batch_process.",
        needs: &[Scope::Write],
        works: true,
        read_only: false,
        // save_to with overwrite replaces a file.
        destructive: true,
        idempotent: false,
        open_world: true,
    };
    Entry::new::<Arguments, TransformFacts>(about, |call, arguments| {
        Box::pin(async move { run(call, super::read(arguments)?).await })
    })
}

async fn run(call: &Call, mut arguments: Arguments) -> Result<Reply, Failure> {
    if let Some(path) = &arguments.save_to {
        arguments.recipe.fit_to_name(path)?;
    }
    let mut recipe = arguments.recipe.recipe()?;
    let overwrite = arguments.overwrite.unwrap_or_default();
    if overwrite && arguments.save_to.is_none() {
        return Err(Failure::invalid("overwrite", "overwrite needs save_to."));
    }
    let source = image_argument::resolve(call, &arguments.image, "image").await?;
    let others = recipe::others(call, &mut recipe).await?;
    let work = Work::Transform(Transform {
        source,
        recipe,
        others,
        strict: arguments.strict.unwrap_or_default(),
        show: arguments.show.unwrap_or_default(),
        save_to: arguments.save_to.map(|path| SaveTo { path, overwrite }),
    });
    dispatch::perform(call, work).await
}
