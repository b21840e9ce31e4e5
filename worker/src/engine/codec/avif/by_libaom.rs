//! Writing by libaom (the feature `avif-fast`): several times as fast as ravif, and to be built with cmake and nasm. What
//! it allocates is owned by [`Encoder`] and [`Frame`], whose `Drop` frees it on every path.

use std::{ffi::c_int, ptr::NonNull};

use avif_serialize::{Aviffy, constants::MatrixCoefficients};
use common::Failure;
use image::{DynamicImage, RgbImage};
use libaom_sys as c;

use crate::engine::{
    Stop, pixels,
    planes::{Chroma, Plane, Planes},
};

/// The fastest that there is for single pictures.
const SPEED: c_int = 9;

/// The quality from which colour is kept at full resolution.
const FULL_CHROMA_FROM: u8 = 90;

/// The resolution of colour in a file of this quality; it is written from planes.
pub(in super::super) fn chroma(quality: u8) -> Option<Chroma> {
    Some(if quality < FULL_CHROMA_FROM { Chroma::Half } else { Chroma::Full })
}

/// Writes RGB or RGBA of 8 bits, with `exif` as an item of its own.
pub(in super::super) fn encode(
    image: &DynamicImage,
    quality: u8,
    exif: Option<&[u8]>,
    stop: &Stop,
) -> Result<Vec<u8>, Failure> {
    let unexpected = || pixels::unexpected("pixels that AVIF cannot hold");
    let chroma = chroma(quality).unwrap_or(Chroma::Full);
    let DynamicImage::ImageRgba8(buffer) = image else {
        return write(&Planes::of(image, chroma).ok_or_else(unexpected)?, None, quality, exif, stop);
    };
    let (width, height) = buffer.dimensions();
    let colors = RgbImage::from_raw(width, height, buffer.pixels().flat_map(|p| [p.0[0], p.0[1], p.0[2]]).collect());
    let colors = colors.and_then(|colors| Planes::of(&colors.into(), chroma)).ok_or_else(unexpected)?;
    let alpha = buffer.pixels().map(|pixel| pixel.0[3]).collect();
    // Alpha is a gray picture of its own.
    let alpha = Planes { size: colors.size, luma: Plane::whole(alpha, colors.size), chroma: None };
    write(&colors, Some(&alpha), quality, exif, stop)
}

/// Writes planes.
pub(in super::super) fn encode_planes(
    planes: &Planes,
    quality: u8,
    exif: Option<&[u8]>,
    stop: &Stop,
) -> Result<Vec<u8>, Failure> {
    write(planes, None, quality, exif, stop)
}

fn write(
    planes: &Planes,
    alpha: Option<&Planes>,
    quality: u8,
    exif: Option<&[u8]>,
    stop: &Stop,
) -> Result<Vec<u8>, Failure> {
    let color = compress(planes, quality, stop)?;
    let alpha = alpha.map(|alpha| compress(alpha, quality, stop)).transpose()?;
    let half = planes.sampling() == Chroma::Half;
    let mut file = Aviffy::new();
    file.set_matrix_coefficients(MatrixCoefficients::Bt601)
        .set_full_color_range(true)
        .set_monochrome(planes.chroma.is_none())
        .set_chroma_subsampling((half, half))
        .set_seq_profile(profile(planes) as u8);
    if let Some(exif) = exif {
        file.set_exif(exif.to_vec());
    }
    Ok(file.to_vec(&color, alpha.as_deref(), planes.size.width, planes.size.height, 8))
}

/// 1 for colour at full resolution (AV1 §6.4.1).
fn profile(planes: &Planes) -> u32 {
    u32::from(planes.chroma.is_some() && planes.sampling() == Chroma::Full)
}

/// The quantiser of libaom, 0 to 63, that a quality of 1 to 100 has in ravif: they are to mean the same.
fn quantizer(quality: u8) -> u32 {
    let share = f32::from(quality.clamp(1, 100)) / 100.0;
    let factor = if share >= 0.82 {
        (1.0 - share) * 2.6
    } else if share > 0.25 {
        1.0 - 0.125 - share * 0.5
    } else {
        1.0 - share
    };
    (factor * 63.0).round() as u32
}

/// The planes as AV1.
fn compress(planes: &Planes, quality: u8, stop: &Stop) -> Result<Vec<u8>, Failure> {
    stop.check()?;
    let refused = || pixels::unexpected("libaom refused the picture");
    let frame = Frame::of(planes).ok_or_else(refused)?;
    let data = Encoder::open(planes, quality).and_then(|mut encoder| encoder.encode(&frame)).ok_or_else(refused)?;
    stop.check()?;
    Ok(data)
}

/// A picture that libaom allocated; freed by `Drop`.
struct Frame(NonNull<c::aom_image_t>);

#[expect(unsafe_code, reason = "libaom is C")]
impl Frame {
    fn of(planes: &Planes) -> Option<Self> {
        let format = if profile(planes) == 1 { c::AOM_IMG_FMT_I444 } else { c::AOM_IMG_FMT_I420 };
        let size = planes.size;
        // SAFETY: without a picture to write to, the call allocates one; alignment 16 is a power of two.
        let image = unsafe { c::aom_img_alloc(std::ptr::null_mut(), format, size.width, size.height, 16) };
        let mut frame = Self(NonNull::new(image)?);
        // SAFETY: just allocated and whole; nobody else knows it.
        let image = unsafe { frame.0.as_mut() };
        image.range = c::AOM_CR_FULL_RANGE;
        image.monochrome = c_int::from(planes.chroma.is_none());
        let half = if profile(planes) == 1 { size } else { Chroma::Half.size(size) };
        let colors = planes.chroma.as_ref().map_or([None, None], |[cb, cr]| [Some(cb), Some(cr)]);
        let parts = [(Some(&planes.luma), size), (colors[0], half), (colors[1], half)];
        for (((plane, size), to), stride) in parts.into_iter().zip(image.planes).zip(image.stride) {
            let (width, stride) = (size.width as usize, usize::try_from(stride).ok()?);
            let mut rows = plane.map(Plane::rows);
            if to.is_null() || stride < width {
                return None;
            }
            for y in 0..size.height as usize {
                // SAFETY: the call allocated this plane of `size.height` rows (of colour, half of the picture's rounded
                // up, or all) of `stride` bytes, of which at least `width` belong to the row.
                let row = unsafe { std::slice::from_raw_parts_mut(to.add(y * stride), width) };
                match &mut rows {
                    Some(rows) => row.copy_from_slice(rows.next()?.get(..width)?),
                    None => row.fill(128),
                }
            }
        }
        Some(frame)
    }
}

#[expect(unsafe_code, reason = "libaom is C")]
impl Drop for Frame {
    fn drop(&mut self) {
        // SAFETY: allocated by `aom_img_alloc`, and freed only here.
        unsafe { c::aom_img_free(self.0.as_ptr()) };
    }
}

/// An encoder for one picture; closed by `Drop`.
struct Encoder(Box<c::aom_codec_ctx_t>);

#[expect(unsafe_code, reason = "libaom is C")]
impl Encoder {
    fn open(planes: &Planes, quality: u8) -> Option<Self> {
        // SAFETY: asks for a static description.
        let kind = unsafe { c::aom_codec_av1_cx() };
        let mut settings = std::mem::MaybeUninit::<c::aom_codec_enc_cfg_t>::uninit();
        // SAFETY: `kind` is what the line above says; the settings are valid for writing.
        let made = unsafe { c::aom_codec_enc_config_default(kind, settings.as_mut_ptr(), c::AOM_USAGE_ALL_INTRA) };
        if made != c::AOM_CODEC_OK {
            return None;
        }
        // SAFETY: written by the call above, which succeeded.
        let mut settings = unsafe { settings.assume_init() };
        (settings.g_w, settings.g_h) = (planes.size.width, planes.size.height);
        (settings.g_threads, settings.g_limit, settings.g_lag_in_frames) = (1, 1, 0);
        (settings.g_profile, settings.monochrome) = (profile(planes), u32::from(planes.chroma.is_none()));
        settings.rc_end_usage = c::AOM_Q;
        let version = c_int::try_from(c::AOM_ENCODER_ABI_VERSION).ok()?;
        // SAFETY: a plain struct of numbers and pointers, for which all bits zero is a value.
        let mut encoder = Box::new(unsafe { std::mem::zeroed::<c::aom_codec_ctx_t>() });
        // SAFETY: the context is valid for writing, `settings` were made for this kind and live through the call.
        if unsafe { c::aom_codec_enc_init_ver(&raw mut *encoder, kind, &raw const settings, 0, version) }
            != c::AOM_CODEC_OK
        {
            return None;
        }
        let mut encoder = Self(encoder);
        let quantizer = c_int::try_from(quantizer(quality)).ok()?;
        let range = c_int::try_from(c::AOM_CR_FULL_RANGE).ok()?;
        let set = encoder.set(c::AOME_SET_CPUUSED, SPEED)
            && encoder.set(c::AOME_SET_CQ_LEVEL, quantizer)
            && encoder.set(c::AV1E_SET_COLOR_RANGE, range);
        set.then_some(encoder)
    }

    fn set(&mut self, control: c::aome_enc_control_id, value: c_int) -> bool {
        let Ok(control) = c_int::try_from(control) else { return false };
        // SAFETY: the context is open; each of the controls that `open` sets takes one int (libaom's aomcx.h).
        unsafe { c::aom_codec_control(&raw mut *self.0, control, value) == c::AOM_CODEC_OK }
    }

    fn encode(&mut self, frame: &Frame) -> Option<Vec<u8>> {
        let mut data = Vec::new();
        // The picture, then its end.
        for image in [frame.0.as_ptr().cast_const(), std::ptr::null()] {
            // SAFETY: the context is open; the picture is whole, of the size and kind that it was opened for, and lives
            // through the call.
            if unsafe { c::aom_codec_encode(&raw mut *self.0, image, 0, 1, 0) } != c::AOM_CODEC_OK {
                return None;
            }
            let mut place: c::aom_codec_iter_t = std::ptr::null();
            // SAFETY: the context is open, and `place` null or what the last call left.
            while let Some(packet) = unsafe { c::aom_codec_get_cx_data(&raw mut *self.0, &raw mut place).as_ref() } {
                if packet.kind == c::AOM_CODEC_CX_FRAME_PKT {
                    // SAFETY: of this kind, the packet holds a frame.
                    let frame = unsafe { packet.data.frame };
                    // SAFETY: libaom keeps these bytes until the next call that encodes.
                    data.extend_from_slice(unsafe { std::slice::from_raw_parts(frame.buf.cast::<u8>(), frame.sz) });
                }
            }
        }
        (!data.is_empty()).then_some(data)
    }
}

#[expect(unsafe_code, reason = "libaom is C")]
impl Drop for Encoder {
    fn drop(&mut self) {
        // SAFETY: open, and closed only here.
        unsafe { c::aom_codec_destroy(&raw mut *self.0) };
    }
}
