//! Masks for models: where a picture may change, and whether a result is as transparent as was promised.

use common::{Failure, FailureKind, Format, recipe::Region};
use image::{DynamicImage, GrayImage, ImageBuffer, Luma, LumaA, Pixel, Rgba, RgbaImage, imageops::FilterType};

use super::{Engine, Stop, codec, codec::Encoding, limits::Size, pixels, plan, probe, step::Notes, upright};

/// A picture of which a part was put back.
pub struct Kept {
    /// The file.
    pub bytes: Vec<u8>,
    /// The share of what was put back that had come to look otherwise, 0 to 1.
    pub outside_changed: f64,
}

/// The difference of a channel, of 255, that is more than a model's repainting of the same.
const VISIBLE: u8 = 48;

impl Engine {
    /// A mask of `width` by `height` pixels as PNG: transparent where the picture may change, opaque where it stays.
    ///
    /// `mask` says so by its transparency or, where it has none, by white on black. It is stretched to the size.
    ///
    /// # Errors
    /// What is wrong with the file; `invalid_argument` for a mask that lets nothing change; or what `stop` says.
    pub fn edit_mask(&self, mask: &[u8], width: u32, height: u32, stop: &Stop) -> Result<Vec<u8>, Failure> {
        let header = probe::read(mask, self.limits())?;
        self.limits().check_result(Size::new(width, height), "mask")?;
        let scratch = codec::scratch_bytes(mask, &header.probe);
        let made = u64::from(width) * u64::from(height) * 8;
        let need = plan::memory(mask.len(), &header.probe, scratch, &Default::default(), &[], Format::Png);
        let _share = self.budget().take(need.saturating_add(made), stop)?;
        let image = upright::upright_srgb(mask, &header, stop, &mut Notes::default())?;
        let kept = kept(&image);
        drop(image);
        stop.check()?;
        let kept = scaled_to(Size::new(width, height), kept);
        if kept.pixels().all(|pixel| pixel.0[0] == u8::MAX) {
            return Err(Failure::new(FailureKind::InvalidArgument, "The mask lets nothing change.")
                .allowed(
                    "a picture that is transparent where the image may change; or white there, and black elsewhere",
                )
                .next("Paint white what may change, or leave the mask out."));
        }
        let made = RgbaImage::from_fn(width, height, |x, y| Rgba([0, 0, 0, kept.get_pixel(x, y).0[0]]));
        codec::encode_pixels(&made.into(), &Encoding::png(), stop)
    }

    /// A mask of the size of `of`, upright: white in `regions`, where the picture may change, and black elsewhere.
    ///
    /// # Errors
    /// What is wrong with the file; `invalid_argument` for regions that lie outside it.
    pub fn mask_of_regions(&self, of: &[u8], regions: &[Region], stop: &Stop) -> Result<Vec<u8>, Failure> {
        let size = probe::read(of, self.limits())?.probe.upright_size();
        let _share = self.budget().take(size.pixels() * 2, stop)?;
        let mut mask = GrayImage::new(size.width, size.height);
        for (index, region) in regions.iter().enumerate() {
            if region.x >= size.width || region.y >= size.height {
                let message =
                    format!("The region begins outside the image, which has {} × {} pixels.", size.width, size.height);
                return Err(Failure::invalid(format!("regions[{index}]"), message)
                    .allowed(format!("x below {}, y below {}", size.width, size.height))
                    .next("Give boxes in pixels of the first image."));
            }
            for y in region.y..region.y.saturating_add(region.height).min(size.height) {
                for x in region.x..region.x.saturating_add(region.width).min(size.width) {
                    mask.put_pixel(x, y, Luma([u8::MAX]));
                }
            }
        }
        codec::encode_pixels(&mask.into(), &Encoding::png(), stop)
    }

    /// `made` where `mask` is transparent, and `original` elsewhere; as large as `made` and of its format. `None` where the
    /// two have different shapes, so that nothing of one belongs to a place of the other.
    ///
    /// # Errors
    /// What is wrong with a file, or what `stop` says.
    pub fn keep_outside(
        &self,
        original: &[u8],
        made: &[u8],
        mask: &[u8],
        stop: &Stop,
    ) -> Result<Option<Kept>, Failure> {
        let files = [original, made, mask];
        let headers = [
            probe::read(original, self.limits())?,
            probe::read(made, self.limits())?,
            probe::read(mask, self.limits())?,
        ];
        let (old, new) = (headers[0].probe.upright_size(), headers[1].probe.upright_size());
        if !have_one_shape(old, new) || !headers[1].probe.format.writable() {
            return Ok(None);
        }
        let each = files.iter().zip(&headers).map(|(file, header)| {
            let scratch = codec::scratch_bytes(file, &header.probe);
            plan::memory(file.len(), &header.probe, scratch, &Default::default(), &[], Format::Png)
        });
        let scaled = new.pixels() * 12;
        let _share = self.budget().take(each.fold(scaled, u64::saturating_add), stop)?;
        let pixels_of = |file: &[u8], header| upright::upright_srgb(file, header, stop, &mut Notes::default());
        let [old_header, new_header, mask_header] = &headers;
        let old = scaled_to(new, pixels_of(original, old_header)?.into_rgba8());
        let kept = scaled_to(new, kept(&pixels_of(mask, mask_header)?));
        let mut image = pixels_of(made, new_header)?.into_rgba8();
        stop.check()?;
        let (mut outside, mut changed) = (0u64, 0u64);
        for ((pixel, old), Luma([kept])) in image.pixels_mut().zip(old.pixels()).zip(kept.pixels()) {
            if *kept == u8::MAX {
                outside += 1;
                changed += u64::from(pixel.0.iter().zip(old.0).any(|(new, old)| new.abs_diff(old) > VISIBLE));
            }
            let kept = u32::from(*kept);
            for (new, old) in pixel.0.iter_mut().zip(old.0) {
                *new = ((u32::from(*new) * (255 - kept) + u32::from(old) * kept + 127) / 255) as u8;
            }
        }
        let format = new_header.probe.format;
        let image = pixels::fit_to(format, narrowed(image), common::recipe::Color::WHITE);
        let encoding = Encoding { format, quality: 95, lossless: true, progressive: false };
        let bytes = codec::encode_pixels(&image, &encoding, stop)?;
        Ok(Some(Kept { bytes, outside_changed: changed as f64 / outside.max(1) as f64 }))
    }

    /// Whether anything can be seen through a picture: an alpha channel alone is a promise.
    ///
    /// # Errors
    /// What is wrong with the file, or what `stop` says.
    pub fn is_transparent(&self, image: &[u8], stop: &Stop) -> Result<bool, Failure> {
        let header = probe::read(image, self.limits())?;
        if !header.probe.alpha {
            return Ok(false);
        }
        let scratch = codec::scratch_bytes(image, &header.probe);
        let need = plan::memory(image.len(), &header.probe, scratch, &Default::default(), &[], Format::Png);
        let _share = self.budget().take(need, stop)?;
        let image = upright::upright_srgb(image, &header, stop, &mut Notes::default())?;
        Ok(pixels::is_transparent(&image))
    }
}

/// Whether one picture is the other scaled, but for what rounding to whole pixels does.
fn have_one_shape(one: Size, other: Size) -> bool {
    let (one, other) = (f64::from(one.width) / f64::from(one.height), f64::from(other.width) / f64::from(other.height));
    (one / other - 1.0).abs() < 0.02
}

fn scaled_to<P>(size: Size, image: ImageBuffer<P, Vec<u8>>) -> ImageBuffer<P, Vec<u8>>
where
    P: Pixel<Subpixel = u8> + 'static,
{
    if image.dimensions() == (size.width, size.height) {
        return image;
    }
    image::imageops::resize(&image, size.width, size.height, FilterType::CatmullRom)
}

/// Without an alpha channel that says nothing.
fn narrowed(image: RgbaImage) -> DynamicImage {
    let image = DynamicImage::from(image);
    if pixels::is_transparent(&image) { image } else { image.into_rgb8().into() }
}

/// How much of each pixel stays: 255 all of it.
fn kept(image: &DynamicImage) -> GrayImage {
    let by_alpha = pixels::is_transparent(image);
    let image = image.to_luma_alpha8();
    let stays = |LumaA([light, alpha]): &LumaA<u8>| if by_alpha { *alpha } else { u8::MAX - light };
    GrayImage::from_fn(image.width(), image.height(), |x, y| Luma([stays(image.get_pixel(x, y))]))
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;
    use crate::engine::fixtures::{decoded, disc, engine, file, photo, png, stop};

    fn black_white() -> image::RgbImage {
        image::RgbImage::from_fn(40, 20, |x, _| if x < 20 { Rgb([255; 3]) } else { Rgb([0; 3]) })
    }

    #[test]
    fn white_may_change_and_black_stays() {
        for bytes in [png(black_white()), file(black_white(), Format::Jpeg)] {
            let made = decoded(&engine().edit_mask(&bytes, 40, 20, &stop()).unwrap()).to_rgba8();
            assert_eq!((made.dimensions(), made.get_pixel(2, 3).0[3], made.get_pixel(37, 3).0[3]), ((40, 20), 0, 255));
        }
    }

    #[test]
    fn transparency_counts_where_there_is_any() {
        let made = decoded(&engine().edit_mask(&png(disc(30)), 30, 30, &stop()).unwrap()).to_rgba8();
        assert_eq!((made.get_pixel(0, 0).0[3], made.get_pixel(15, 15).0[3]), (0, 255));
        // White and opaque all over would be everything; with an alpha channel that is full, it counts as black and white.
        let white = RgbaImage::from_pixel(8, 8, Rgba([255; 4]));
        let made = decoded(&engine().edit_mask(&png(white), 8, 8, &stop()).unwrap()).to_rgba8();
        assert!(made.pixels().all(|pixel| pixel.0[3] == 0));
    }

    #[test]
    fn is_stretched_to_the_picture() {
        let made = decoded(&engine().edit_mask(&png(black_white()), 1000, 500, &stop()).unwrap()).to_rgba8();
        let alpha = |x| made.get_pixel(x, 250).0[3];
        assert_eq!((made.dimensions(), alpha(10), alpha(990)), ((1000, 500), 0, 255));
    }

    #[test]
    fn a_mask_that_changes_nothing_is_a_mistake() {
        let black = image::RgbImage::new(8, 8);
        let failure = engine().edit_mask(&png(black), 8, 8, &stop()).unwrap_err();
        assert_eq!(failure.kind, FailureKind::InvalidArgument);
    }

    #[test]
    fn transparency_is_looked_for_and_not_believed() {
        let see_through = |bytes: &[u8]| engine().is_transparent(bytes, &stop()).unwrap();
        assert!(see_through(&png(disc(20))));
        assert!(!see_through(&png(RgbaImage::from_pixel(8, 8, Rgba([1, 2, 3, 255])))));
        assert!(!see_through(&png(photo(8, 8))));
    }

    #[test]
    fn what_may_not_change_is_put_back_to_the_last_bit() {
        let (old, new) = (photo(40, 20), image::RgbImage::from_pixel(40, 20, Rgb([0, 0, 255])));
        let mask = engine().edit_mask(&png(black_white()), 40, 20, &stop()).unwrap();
        let whole = engine().keep_outside(&png(old.clone()), &png(new), &mask, &stop()).unwrap().unwrap();
        assert!(whole.outside_changed > 0.9, "blue is no photo");
        let whole = decoded(&whole.bytes).to_rgb8();
        for (x, y, pixel) in whole.enumerate_pixels() {
            let wanted = if x < 20 { Rgb([0, 0, 255]) } else { *old.get_pixel(x, y) };
            assert_eq!(*pixel, wanted, "{x} {y}");
        }
    }

    #[test]
    fn what_was_made_larger_is_put_together_at_that_size_and_in_its_format() {
        let (old, new) = (photo(40, 20), image::RgbImage::from_pixel(160, 80, Rgb([0, 0, 255])));
        let mask = engine().edit_mask(&png(black_white()), 40, 20, &stop()).unwrap();
        let whole = engine().keep_outside(&png(old), &file(new, Format::Jpeg), &mask, &stop()).unwrap().unwrap();
        assert!(whole.bytes.starts_with(&[0xff, 0xd8]), "a JPEG as before");
        let whole = decoded(&whole.bytes).to_rgb8();
        assert_eq!(whole.dimensions(), (160, 80));
        assert!(
            whole.get_pixel(20, 40).0[2] > 240 && whole.get_pixel(20, 40).0[0] < 15,
            "{:?}",
            whole.get_pixel(20, 40)
        );
        assert!(whole.get_pixel(150, 40).0 != [0, 0, 255]);
    }

    #[test]
    fn what_was_left_alone_is_told_from_what_was_not() {
        let old = photo(40, 20);
        let mask = engine().edit_mask(&png(black_white()), 40, 20, &stop()).unwrap();
        let good = engine().keep_outside(&png(old.clone()), &png(old), &mask, &stop()).unwrap().unwrap();
        assert!(good.outside_changed.abs() < 1e-9);
    }

    #[test]
    fn boxes_are_a_mask() {
        let region = |x, y, width, height| Region { x, y, width, height };
        let boxes = [region(0, 0, 10, 5), region(30, 10, 100, 100)];
        let mask = decoded(&engine().mask_of_regions(&png(photo(40, 20)), &boxes, &stop()).unwrap()).to_luma8();
        for (x, y, pixel) in mask.enumerate_pixels() {
            let inside = (x < 10 && y < 5) || (x >= 30 && y >= 10);
            assert_eq!(pixel.0[0], if inside { 255 } else { 0 }, "{x} {y}");
        }
        let failure = engine().mask_of_regions(&png(photo(40, 20)), &[region(40, 0, 5, 5)], &stop()).unwrap_err();
        assert_eq!(failure.argument.as_deref(), Some("regions[0]"));
    }

    #[test]
    fn pictures_of_different_shapes_do_not_belong_together() {
        let mask = engine().edit_mask(&png(black_white()), 40, 20, &stop()).unwrap();
        let made = engine().keep_outside(&png(photo(40, 20)), &png(photo(40, 40)), &mask, &stop()).unwrap();
        assert!(made.is_none());
    }
}
