//! `flip`: mirror top to bottom.

use common::Failure;
use image::DynamicImage;

use super::{Context, Notes};
use crate::engine::orient;

pub(super) fn apply(image: DynamicImage, context: &Context<'_>, notes: &mut Notes) -> Result<DynamicImage, Failure> {
    notes.applied("flip");
    orient::turned(image, orient::FLIP, context.stop)
}

#[cfg(test)]
mod tests {
    use crate::engine::fixtures;

    #[test]
    fn twice_is_nothing_and_both_are_half_a_turn() {
        let photo = fixtures::photo(41, 67);
        let once = fixtures::run(photo.clone(), r#"[{"op":"flip"}]"#).into_rgb8();
        assert_eq!(once, image::imageops::flip_vertical(&photo));
        let once = fixtures::run(photo.clone(), r#"[{"op":"flop"}]"#).into_rgb8();
        assert_eq!(once, image::imageops::flip_horizontal(&photo));
        for twice in [r#"[{"op":"flip"},{"op":"flip"}]"#, r#"[{"op":"flop"},{"op":"flop"}]"#] {
            assert_eq!(fixtures::run(photo.clone(), twice).into_rgb8(), photo);
        }
        let both = fixtures::run(photo.clone(), r#"[{"op":"flip"},{"op":"flop"}]"#).into_rgb8();
        assert_eq!(both, image::imageops::rotate180(&photo));
    }
}
