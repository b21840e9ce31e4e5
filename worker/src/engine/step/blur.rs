//! `blur`: Gaussian.

use common::{Failure, recipe::Blur};
use image::DynamicImage;

use super::{Context, Notes};
use crate::engine::{
    gauss,
    planes::{Chroma, Plane, Planes},
};

pub(super) fn apply(
    step: &Blur,
    image: DynamicImage,
    context: &Context<'_>,
    notes: &mut Notes,
) -> Result<DynamicImage, Failure> {
    notes.applied(format!("blur sigma {}", step.sigma));
    gauss::blurred(image, step.sigma, context.stop)
}

/// The same, without a detour over RGB: blurring does not mix channels.
pub(super) fn apply_to_planes(
    step: &Blur,
    planes: Planes,
    context: &Context<'_>,
    notes: &mut Notes,
) -> Result<Planes, Failure> {
    notes.applied(format!("blur sigma {}", step.sigma));
    // A sample of halved colour is two pixels wide.
    let colors = if planes.sampling() == Chroma::Half { step.sigma / 2.0 } else { step.sigma };
    let blurred = |plane: Plane, sigma| {
        let (picture, size) = (plane.picture, plane.size());
        let soft = gauss::blurred(plane.into_gray()?.into(), sigma, context.stop)?;
        Ok::<_, Failure>(Plane { picture, ..Plane::whole(soft.into_luma8().into_raw(), size) })
    };
    let luma = blurred(planes.luma, step.sigma)?;
    let chroma = match planes.chroma {
        Some([cb, cr]) => Some([blurred(cb, colors)?, blurred(cr, colors)?]),
        None => None,
    };
    Ok(Planes { luma, chroma, ..planes })
}

#[cfg(test)]
mod tests {
    use image::{GrayImage, Luma};

    use super::*;
    use crate::engine::fixtures;

    /// The definition, in f64, with repeated edges.
    fn reference(source: &GrayImage, sigma: f64) -> DynamicImage {
        let radius = (4.0 * sigma).ceil() as i64;
        let bell = |d: i64| (-0.5 * (d as f64 / sigma).powi(2)).exp();
        let sum: f64 = (-radius..=radius).map(bell).sum();
        let (w, h) = source.dimensions();
        let at = |x: i64, y: i64| {
            f64::from(source.get_pixel(x.clamp(0, i64::from(w) - 1) as u32, y.clamp(0, i64::from(h) - 1) as u32).0[0])
        };
        let sideways: Vec<f64> = (0..i64::from(h))
            .flat_map(|y| (0..i64::from(w)).map(move |x| (x, y)))
            .map(|(x, y)| (-radius..=radius).map(|d| bell(d) / sum * at(x + d, y)).sum())
            .collect();
        GrayImage::from_fn(w, h, |x, y| {
            let row = |d: i64| (i64::from(y) + d).clamp(0, i64::from(h) - 1) as usize * w as usize + x as usize;
            Luma([(-radius..=radius).map(|d| bell(d) / sum * sideways[row(d)]).sum::<f64>().round() as u8])
        })
        .into()
    }

    #[test]
    fn agrees_with_the_definition() {
        // Hard edges: the worst case.
        let source = GrayImage::from_fn(130, 110, |x, y| Luma([if (x / 13 + y / 17) % 2 == 0 { 230 } else { 20 }]));
        for (sigma, floor) in
            [(0.3, 48.0), (1.0, 48.0), (2.5, 48.0), (8.0, 48.0), (19.0, 48.0), (22.0, 38.0), (40.0, 38.0)]
        {
            let ours = fixtures::run(source.clone(), &format!(r#"[{{"op":"blur","sigma":{sigma}}}]"#));
            let reached = fixtures::psnr(&ours, &reference(&source, sigma));
            println!("sigma {sigma}: {reached:.1} dB");
            assert!(reached > floor, "sigma {sigma}: {reached:.1} dB");
        }
    }

    #[test]
    fn invisible_colours_do_not_bleed() {
        for sigma in [2, 30] {
            let result =
                fixtures::run(fixtures::disc(100), &format!(r#"[{{"op":"blur","sigma":{sigma}}}]"#)).into_rgba8();
            for pixel in result.pixels().filter(|pixel| pixel.0[3] > 8) {
                assert!(pixel.0[0] >= 235 && pixel.0[1] <= 12, "sigma {sigma}: {pixel:?}");
            }
        }
    }

    #[test]
    fn small_pictures_and_large_sigmas_get_along() {
        for (width, height) in [(1, 1), (1, 40), (40, 1), (3, 2)] {
            let result = fixtures::run(fixtures::photo(width, height), r#"[{"op":"blur","sigma":250}]"#);
            assert_eq!((result.width(), result.height()), (width, height));
        }
    }
}
