//! The decoder against zune-jpeg and against its own larger scales, and under storms of damage.

use image::RgbImage;
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions};
use zune_jpeg::JpegDecoder;

use super::plain::{DecodedPlanes, Need, Plain};
use crate::engine::{
    fixtures,
    level::Level,
    limits::Size,
    planes::{Chroma, Plane},
};

const SAMPLINGS: [SamplingFactor; 4] =
    [SamplingFactor::F_1_1, SamplingFactor::F_2_1, SamplingFactor::F_1_2, SamplingFactor::F_2_2];

const ALL: Need = Need { scale: 1.0, chroma: Chroma::Full };

/// A JPEG of `photo`; `sampling` `None` is gray.
fn jpeg(photo: &RgbImage, sampling: Option<SamplingFactor>, quality: u8, restart: u16, optimized: bool) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, quality);
    encoder.set_restart_interval(restart);
    encoder.set_sampling_factor(sampling.unwrap_or(SamplingFactor::F_1_1));
    // Colour would get a scan for each channel, and a restart interval a panic.
    encoder.set_optimized_huffman_tables(optimized && sampling.is_none() && restart == 0);
    let (width, height) = (photo.width() as u16, photo.height() as u16);
    match sampling {
        Some(_) => encoder.encode(photo.as_raw(), width, height, ColorType::Rgb).unwrap(),
        None => {
            let gray: Vec<u8> = photo.as_raw().iter().step_by(3).copied().collect();
            encoder.encode(&gray, width, height, ColorType::Luma).unwrap();
        }
    }
    file
}

fn ours(file: &[u8], need: Need, level: Level) -> Option<DecodedPlanes> {
    let header = super::header(file).ok()?;
    let plain = Plain::of(file, &header.probe)?;
    plain.decode_at(need, level, &fixtures::stop()).ok()
}

/// Samples of zune-jpeg: YCbCr or gray, colour at full resolution.
fn zune(file: &[u8], out: ColorSpace) -> Vec<u8> {
    let options = DecoderOptions::new_fast().jpeg_set_out_colorspace(out);
    JpegDecoder::new_with_options(ZCursor::new(file), options).decode().unwrap()
}

fn worst<'a>(plane: &Plane, other: impl Iterator<Item = &'a u8>) -> u8 {
    plane.rows().flatten().zip(other).map(|(one, other)| one.abs_diff(*other)).max().unwrap()
}

#[test]
fn planes_are_those_of_zune_jpeg() {
    let mut compared = 0;
    for (number, (width, height)) in sizes().into_iter().enumerate() {
        let photo = fixtures::photo(width, height);
        for sampling in SAMPLINGS.map(Some).into_iter().chain([None]) {
            let quality = [35, 75, 92, 100][number % 4];
            let restart = [0, 1, 3, 7, 0][number % 5];
            let file = jpeg(&photo, sampling, quality, restart, number % 2 == 0);
            let about = format!("{width}x{height} {sampling:?} quality {quality} restart {restart}");
            let out = if sampling.is_none() { ColorSpace::Luma } else { ColorSpace::YCbCr };
            let reference = zune(&file, out);
            let channels = if sampling.is_none() { 1 } else { 3 };
            for level in [Level::PORTABLE, Level::detect()] {
                let Some(decoded) = ours(&file, ALL, level) else { panic!("not ours: {about}") };
                assert_eq!(decoded.damage, None, "{about}");
                let planes = decoded.planes;
                assert_eq!((planes.size, planes.chroma.is_some()), (Size::new(width, height), channels == 3));
                let of = |channel: usize| reference.iter().skip(channel).step_by(channels);
                assert!(worst(&planes.luma, of(0)) <= 1, "{about}");
                if sampling == Some(SamplingFactor::F_1_1) {
                    let [cb, cr] = &planes.chroma.unwrap();
                    assert!(worst(cb, of(1)) <= 1 && worst(cr, of(2)) <= 1, "{about}");
                }
                compared += 1;
            }
        }
    }
    assert!(compared > 500);
}

/// Every size from 1 to 33 in each direction, with many of the other.
fn sizes() -> Vec<(u32, u32)> {
    let mut sizes: Vec<(u32, u32)> = (1..=33).map(|width| (width, 1 + width * 7 % 33)).collect();
    sizes.extend((1..=33).map(|height| (1 + height * 5 % 33, height)));
    sizes.extend([(100, 75), (161, 97), (64, 48)]);
    sizes
}

/// The means of squares of `n` by `n` samples.
fn shrunk(plane: &Plane, n: usize) -> Vec<f64> {
    let rows: Vec<&[u8]> = plane.rows().collect();
    let mut means = Vec::new();
    for block in rows.chunks_exact(n) {
        for left in (0..plane.width as usize / n * n).step_by(n) {
            let sum: u32 = block.iter().flat_map(|row| &row[left..left + n]).map(|value| u32::from(*value)).sum();
            means.push(f64::from(sum) / (n * n) as f64);
        }
    }
    means
}

#[test]
fn scales_between_keep_the_mean_of_each_block() {
    let photo = fixtures::photo(256, 192);
    for sampling in SAMPLINGS.map(Some).into_iter().chain([None]) {
        let file = jpeg(&photo, sampling, 90, 0, true);
        let full = shrunk(&ours(&file, ALL, Level::detect()).unwrap().planes.luma, 8);
        for n in [3, 6] {
            let need = Need { scale: n as f64 / 8.0, chroma: Chroma::Full };
            let planes = ours(&file, need, Level::detect()).unwrap().planes;
            assert_eq!((planes.luma.width, planes.luma.height), (32 * n as u32, 24 * n as u32));
            let means = shrunk(&planes.luma, n);
            let worst = means.iter().zip(&full).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(worst < 0.6, "{sampling:?} {n}/8: {worst}");
        }
    }
}

#[test]
fn smaller_scales_are_the_full_size_made_smaller() {
    let photo = fixtures::photo(256, 192);
    for sampling in SAMPLINGS.map(Some).into_iter().chain([None]) {
        let file = jpeg(&photo, sampling, 90, 5, true);
        let full = ours(&file, ALL, Level::detect()).unwrap().planes.luma;
        for n in [2, 4, 8] {
            let need = Need { scale: 1.0 / n as f64, chroma: Chroma::Half };
            let small = ours(&file, need, Level::detect()).unwrap().planes;
            assert_eq!((small.luma.width, small.luma.height), (256 / n as u32, 192 / n as u32), "{sampling:?}");
            let means = shrunk(&full, n);
            let values: Vec<f64> = small.luma.rows().flatten().map(|value| f64::from(*value)).collect();
            assert_eq!(values.len(), means.len());
            let error = values.iter().zip(&means).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / values.len() as f64;
            let psnr = 10.0 * (255.0 * 255.0 / error.max(1e-9)).log10();
            // At one sample a block, both are the mean; above, a cut spectrum rings a little.
            assert!(psnr > if n == 8 { 50.0 } else { 38.0 }, "{sampling:?} 1/{n}: {psnr:.1} dB");
        }
    }
}

#[test]
fn damage_gives_the_same_on_every_level_and_never_more_than_there_is() {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % below as u64) as usize
    };
    let mut told = 0;
    for round in 0..400 {
        let photo = fixtures::photo(40 + round % 37, 30 + round % 29);
        let sampling = SAMPLINGS.get(random(5)).copied();
        let mut file = jpeg(&photo, sampling, 30 + (round % 70) as u8, (round % 4) as u16, false);
        if round % 3 == 0 {
            file.truncate(200 + random(file.len() - 200));
        }
        for _ in 0..random(6) {
            let at = random(file.len());
            file[at] ^= 1 << random(8);
        }
        let need = Need { scale: [1.0, 0.5, 0.25, 0.125][random(4)], chroma: [Chroma::Full, Chroma::Half][random(2)] };
        let (portable, wide) = (ours(&file, need, Level::PORTABLE), ours(&file, need, Level::detect()));
        assert_eq!(portable.is_some(), wide.is_some(), "round {round}");
        let (Some(portable), Some(wide)) = (portable, wide) else { continue };
        told += usize::from(portable.damage.is_some());
        assert_eq!(portable.damage, wide.damage, "round {round}");
        assert_eq!(portable.planes.luma.samples, wide.planes.luma.samples, "round {round}");
        for (one, other) in portable.planes.chroma.iter().flatten().zip(wide.planes.chroma.iter().flatten()) {
            assert_eq!(one.samples, other.samples, "round {round}");
        }
    }
    assert!(told > 60, "{told}: damage is noticed");
}
