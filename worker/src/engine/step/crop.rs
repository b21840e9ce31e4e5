//! `crop`: a rectangle that lies inside the picture, or an error that says how large the picture is.

use common::{
    Failure,
    recipe::{Crop, Focus},
};
use image::DynamicImage;

use super::{Context, Notes};
use crate::engine::{limits::Size, saliency};

/// A rectangle in pixels.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Rectangle {
    pub(crate) x: u32,
    pub(crate) y: u32,
    pub(crate) size: Size,
}

/// Works out what is cut out of a picture of size `from`; `hold` says where in the spare room, as fractions.
///
/// # Errors
/// `invalid_argument` where the rectangle is not wholly inside.
pub(super) fn rectangle(step: &Crop, from: Size, (gx, gy): (f64, f64), path: &str) -> Result<Rectangle, Failure> {
    let size = match (step.ratio(), step.width, step.height) {
        (Some(ratio), ..) => largest(ratio, from),
        (None, Some(width), Some(height)) => Size::new(width, height),
        _ => return Err(Failure::invalid(path, "The crop rectangle is not complete.")),
    };
    let outside = || {
        let asked = match (step.x, step.y) {
            (Some(x), Some(y)) => format!("{size} at {x},{y}"),
            _ => size.to_string(),
        };
        Failure::invalid(path, format!("The crop of {asked} lies outside the picture, which has {from} pixels here."))
            .allowed(format!("x + width at most {}, y + height at most {}", from.width, from.height))
            .next("Make the rectangle smaller or move it; image_metadata tells the size of a picture.")
    };
    if size.width > from.width || size.height > from.height || size.width == 0 || size.height == 0 {
        return Err(outside());
    }
    let (spare_x, spare_y) = (from.width - size.width, from.height - size.height);
    let at = |spare: u32, gravity: f64| (f64::from(spare) * gravity).round() as u32;
    let x = step.x.unwrap_or_else(|| at(spare_x, gx));
    let y = step.y.unwrap_or_else(|| at(spare_y, gy));
    if x > spare_x || y > spare_y {
        return Err(outside());
    }
    Ok(Rectangle { x, y, size })
}

/// The largest size of a ratio inside `from`.
fn largest((wide, high): (f64, f64), from: Size) -> Size {
    let (w, h) = (f64::from(from.width), f64::from(from.height));
    let side = |length: f64, most: u32| (length.round() as u32).clamp(1, most.max(1));
    if w * high > h * wide {
        Size::new(side(h * wide / high, from.width), from.height)
    } else {
        Size::new(from.width, side(w * high / wide, from.height))
    }
}

/// What is cut out of a picture of size `from`, and a note of it; `hold` as in [`rectangle`].
///
/// # Errors
/// As [`rectangle`].
pub(crate) fn decide(
    step: &Crop,
    from: Size,
    hold: (f64, f64),
    path: &str,
    notes: &mut Notes,
) -> Result<Rectangle, Failure> {
    let rectangle = rectangle(step, from, hold, path)?;
    let Rectangle { x, y, size } = rectangle;
    if size == from {
        notes.ignored(format!("crop ({path}): it keeps the whole picture of {from}"));
    } else {
        notes.applied(format!("crop {from} -> {size} at {x},{y}"));
    }
    Ok(rectangle)
}

/// Whether the picture itself must be asked what to keep.
pub(crate) fn asks_the_picture(step: &Crop) -> bool {
    step.gravity == Focus::Smart && step.x.is_none()
}

pub(super) fn apply(
    step: &Crop,
    image: DynamicImage,
    path: &str,
    context: &Context<'_>,
    notes: &mut Notes,
) -> Result<DynamicImage, Failure> {
    let from = Size::new(image.width(), image.height());
    let mut hold = step.gravity.fractions();
    if asks_the_picture(step) {
        let window = rectangle(step, from, hold, path)?.size;
        hold =
            context.hold(path, || saliency::hold(&image, (window.width.into(), window.height.into()), context.stop))?;
    }
    let Rectangle { x, y, size } = decide(step, from, hold, path, notes)?;
    if size == from {
        return Ok(image);
    }
    Ok(image.crop_imm(x, y, size.width, size.height))
}

#[cfg(test)]
mod tests {
    use common::FailureKind;

    use super::*;
    use crate::engine::fixtures;

    #[test]
    fn rectangles() {
        for (json, x, y, width, height) in [
            (r#"{"x":3,"y":5,"width":10,"height":20}"#, 3, 5, 10, 20),
            (r#"{"width":10,"height":20}"#, 45, 15, 10, 20),
            (r#"{"width":10,"height":20,"gravity":"south_east"}"#, 90, 30, 10, 20),
            (r#"{"aspect":"1:1"}"#, 25, 0, 50, 50),
            (r#"{"aspect":"1:1","gravity":"west"}"#, 0, 0, 50, 50),
            (r#"{"aspect":"4:1"}"#, 0, 13, 100, 25),
            (r#"{"aspect":"100000:1"}"#, 0, 25, 100, 1),
        ] {
            let step: Crop = serde_json::from_str(json).unwrap();
            let expected = Rectangle { x, y, size: Size::new(width, height) };
            assert_eq!(
                rectangle(&step, Size::new(100, 50), step.gravity.fractions(), "steps[0]").unwrap(),
                expected,
                "{json}"
            );
        }
    }

    #[test]
    fn what_lies_outside_is_refused_with_the_real_size() {
        for json in [
            r#"{"x":91,"y":0,"width":10,"height":10}"#,
            r#"{"x":0,"y":45,"width":10,"height":10}"#,
            r#"{"x":65535,"y":65535,"width":65535,"height":65535}"#,
            r#"{"width":101,"height":1}"#,
        ] {
            let step: Crop = serde_json::from_str(json).unwrap();
            let failure = rectangle(&step, Size::new(100, 50), step.gravity.fractions(), "steps[3]").unwrap_err();
            assert_eq!(failure.kind, FailureKind::InvalidArgument);
            assert_eq!(failure.argument.as_deref(), Some("steps[3]"));
            assert!(failure.message.contains("100x50"), "{failure}");
        }
    }

    #[test]
    fn pixels_are_those_of_the_rectangle() {
        let photo = fixtures::photo(60, 40);
        let result = fixtures::run(photo.clone(), r#"[{"op":"crop","x":7,"y":9,"width":20,"height":10}]"#).into_rgb8();
        assert_eq!(result.dimensions(), (20, 10));
        assert!(result.enumerate_pixels().all(|(x, y, pixel)| pixel == photo.get_pixel(x + 7, y + 9)));
    }
}
