//! The caller's own images, by id or by the beginning of one.

use common::{Failure, FailureKind, ImageId, ImageRecord, Named, schema::clip};

use super::{dispatch::Call, resources};

/// What names an image of the caller's.
const ALLOWED: &str =
    "an image_id (img_…), or at least 6 letters of its beginning behind img_ if no other image has it";

/// The caller's own image that `text` names. `argument` is its name in failures.
///
/// # Errors
/// `not_found`, with the ids that come near; `invalid_argument` where several images begin like that.
pub(super) async fn own_image(call: &Call, text: &str, argument: &str) -> Result<ImageRecord, Failure> {
    let (images, user) = (&call.shared.stores.images, &call.caller.user);
    let id = resources::id_of(text.trim());
    let text = id.as_ref().map_or(text, ImageId::as_str);
    match images.named(user, text).await? {
        Named::One(id) => {
            let record = images.get(user, &id).await?.ok_or_else(|| no_such_image(text, &[]).argument(argument))?;
            // The janitor comes for it; whoever begins with it now may lose it in the middle.
            let over = images.expires_at(&record).is_some_and(|at| at <= call.shared.stores.clock.now_ms());
            if over { Err(expired(&id).argument(argument)) } else { Ok(record) }
        }
        Named::Several(ids) => {
            let message = format!("Several of your images begin with \"{}\".", clip(text));
            Err(Failure::invalid(argument, message)
                .allowed(listed(&ids))
                .next("Give the whole image_id of one of them."))
        }
        Named::None(_) if !text.trim().to_ascii_lowercase().starts_with(ImageId::PREFIX) => {
            Err(Failure::invalid(argument, format!("\"{}\" is no image_id.", clip(text))).allowed(ALLOWED))
        }
        Named::None(near) => Err(no_such_image(text, &near).argument(argument)),
    }
}

fn no_such_image(text: &str, near: &[ImageId]) -> Failure {
    let failure =
        Failure::new(FailureKind::NotFound, format!("There is no image \"{}\".", clip(text))).allowed(ALLOWED);
    match near {
        [] => failure.next("Call list_images for the ids there are."),
        near => failure.next(format!("Did you mean {}? Else call list_images for the ids there are.", listed(near))),
    }
}

fn expired(id: &ImageId) -> Failure {
    Failure::new(FailureKind::NotFound, format!("The time for which {id} is kept (IMAGE_TTL_DAYS) is over."))
        .next("Call list_images for the images there are, or give the original again.")
}

fn listed(ids: &[ImageId]) -> String {
    ids.iter().map(ImageId::as_str).collect::<Vec<_>>().join(", ")
}
