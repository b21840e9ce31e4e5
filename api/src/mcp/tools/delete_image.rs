//! `delete_image`: remove stored images for good.

use common::{Failure, FailureKind};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{About, Entry};
use crate::{
    Scope,
    mcp::{
        dispatch::Call,
        own_image::own_image,
        reply::{self, DeletedFacts, Reply},
    },
};

#[derive(Debug, Deserialize, JsonSchema)]
struct Arguments {
    /// The image to delete: its image_id (img_…), or at least 6 letters of its beginning.
    image: Option<String>,
    /// Several images to delete, in the same way. Instead of image.
    #[schemars(length(min = 1, max = 100))]
    images: Option<Vec<String>>,
}

pub(super) fn entry() -> Entry {
    let about = About {
        name: "delete_image",
        title: "Delete stored images",
        description: "Deletes stored images for good: the bytes, the links to them, and their place in list_images. It cannot \
            be undone, so ask the user first. Images made from them stay and show their parent as deleted; so do files \
            written with save_to, and originals in folders. A job still running that needs a deleted image fails with \
            not_found. Deleting what is not there fails with not_found.",
        needs: &[Scope::Write],
        works: false,
        read_only: false,
        destructive: true,
        idempotent: true,
        open_world: false,
    };
    Entry::new::<Arguments, DeletedFacts>(about, |call, arguments| {
        Box::pin(async move { run(call, super::read(arguments)?).await })
    })
}

async fn run(call: &Call, arguments: Arguments) -> Result<Reply, Failure> {
    let named: Vec<(String, String)> = match (arguments.image, arguments.images) {
        (Some(image), None) => vec![("image".to_owned(), image)],
        (None, Some(images)) => {
            images.into_iter().enumerate().map(|(index, image)| (format!("images[{index}]"), image)).collect()
        }
        (Some(_), Some(_)) => {
            return Err(Failure::invalid("images", "image and images are both given.").next("Give one of them."));
        }
        (None, None) => {
            return Err(
                Failure::invalid("image", "No image is given.").allowed("an image_id (img_…), or images: a list")
            );
        }
    };
    let (mut found, mut missing, mut last) = (Vec::new(), Vec::new(), None);
    // All are looked up first: what cannot be told apart deletes nothing.
    for (argument, text) in named {
        match own_image(call, &text, &argument).await {
            Ok(record) => found.push(record.id),
            Err(failure) if failure.kind == FailureKind::NotFound => {
                missing.push(text);
                last = Some(failure);
            }
            Err(failure) => return Err(failure),
        }
    }
    let mut deleted = Vec::new();
    for id in found {
        deleted.extend(call.shared.stores.delete_image(&call.caller.user, &id).await?);
    }
    match last {
        Some(failure) if deleted.is_empty() => Err(failure),
        _ => reply::deleted(&deleted, missing),
    }
}
