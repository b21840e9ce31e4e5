//! `edit_image`: a picture changed as words say.

use common::{
    Failure,
    generation::{Task, Wishes},
    recipe::Region,
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
        image_argument,
        reply::{GeneratedFacts, Reply},
    },
};

#[derive(Debug, Deserialize, JsonSchema)]
struct Arguments {
    /// The image to change: image_id, an https URL, a path in the allowed folders, or data: / base64 under 256 KB.
    image: Option<String>,
    /// Instead of image: 1 to 16 images; the first is changed, the others are for reference.
    #[schemars(length(min = 1, max = 16))]
    images: Option<Vec<String>>,
    /// What shall change, and what must stay.
    #[schemars(length(min = 1, max = 32_000))]
    prompt: String,
    /// An image that says where the first may change: transparent there; or, without transparency, white there and black
    /// elsewhere. Stretched to the image.
    mask: Option<String>,
    /// Instead of mask: boxes in pixels of the first image, upright, inside which it may change.
    #[schemars(length(min = 1, max = 50))]
    regions: Option<Vec<Region>>,
    /// With mask or regions: put the original back everywhere else, pixel for pixel. Default true.
    preserve_outside_mask: Option<bool>,
    /// Smart edit: a vision model looks at the image first and words the instruction, and checks the result. Default false.
    analyze_first: Option<bool>,
    /// high or low, for older models only.
    #[schemars(length(max = 20))]
    input_fidelity: Option<String>,
    #[serde(flatten)]
    making: Making,
}

pub(super) fn entry() -> Entry {
    let about = About {
        name: "edit_image",
        title: "Edit an image with a model",
        description: "Changes an image as a prompt says, or combines up to 16 images, with an image model; with mask or regions \
            only there (inpainting), and everything else stays as it was. This costs money: dear calls are only quoted, and \
            run when repeated with confirm_token; the same call within 10 minutes costs nothing (joined). analyze_first: true \
            lets a vision model plan the edit and check the result. The result is a new image; the original stays. For exact \
            work (resize, crop, text, redact, colours) use transform_image: it is free and precise. When the state is queued or \
            running, poll get_job and do not call again.",
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

async fn run(call: &Call, arguments: Arguments, said: Value) -> Result<Reply, Failure> {
    let images = match (arguments.image, arguments.images) {
        (Some(image), None) => vec![image_argument::resolve(call, &image, "image").await?],
        (None, Some(images)) => resolve_all(call, &images, "images").await?,
        (None, None) => {
            return Err(Failure::invalid("image", "No image is given.").allowed("image, or images with 1 to 16"));
        }
        (Some(_), Some(_)) => {
            return Err(Failure::invalid("images", "Both image and images are given.")
                .next("Put all of them into images, the one to change first."));
        }
    };
    let mask = match (&arguments.mask, &arguments.regions) {
        (Some(_), Some(_)) => {
            return Err(Failure::invalid("regions", "Both mask and regions are given.").next("Leave one of them out."));
        }
        (Some(mask), None) => Some(image_argument::resolve(call, mask, "mask").await?),
        (None, _) => None,
    };
    let masked = mask.is_some() || arguments.regions.is_some();
    if arguments.preserve_outside_mask.is_some() && !masked {
        return Err(Failure::invalid("preserve_outside_mask", "preserve_outside_mask needs mask or regions."));
    }
    let task = Task::Edit {
        prompt: arguments.prompt,
        images,
        mask,
        regions: arguments.regions.unwrap_or_default(),
        preserve_outside_mask: masked && arguments.preserve_outside_mask.unwrap_or(true),
        analyze_first: arguments.analyze_first.unwrap_or_default(),
    };
    let special = Wishes { input_fidelity: arguments.input_fidelity, ..Wishes::default() };
    arguments.making.perform(call, task, special, said).await
}
