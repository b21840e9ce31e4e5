//! WebP: headers by our own walk, pixels read by `image`, written by libwebp.
//!
//! The one file of the engine with unsafe code: libwebp is C. What it allocates is owned by [`Picture`] and
//! [`Output`], whose `Drop` frees it on every path.

use std::{
    borrow::Cow,
    ffi::{c_int, c_void},
};

use common::{Failure, Format};
use image::DynamicImage;
use libwebp_sys as c;

use super::{riff::Chunks, unreadable};
use crate::engine::{
    Stop,
    metadata::orientation_of,
    pixels,
    probe::{ColorKind, Header, Probe},
};

/// Reads the chunks but for the pixels.
pub(super) fn header(input: &[u8]) -> Result<Header<'_>, Failure> {
    let (mut size, mut alpha, mut frames) = (None, false, 0_u32);
    let (mut exif, mut icc) = (None, None);
    for (kind, data) in Chunks::new(input) {
        match &kind {
            b"VP8X" => {
                if let [flags, _, _, _, w0, w1, w2, h0, h1, h2, ..] = *data {
                    alpha = flags & 0x10 != 0;
                    let side = |bytes: [u8; 3]| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0]) + 1;
                    size = Some((side([w0, w1, w2]), side([h0, h1, h2])));
                }
            }
            b"VP8 " => size = size.or_else(|| lossy_size(data)),
            b"VP8L" => {
                if let [0x2f, b0, b1, b2, b3, ..] = *data {
                    let bits = u32::from_le_bytes([b0, b1, b2, b3]);
                    alpha |= bits >> 28 & 1 == 1;
                    size = size.or(Some(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1)));
                }
            }
            b"ANMF" => frames = frames.saturating_add(1),
            b"ICCP" => icc = Some(data),
            b"EXIF" => exif = Some(data.strip_prefix(b"Exif\0\0").unwrap_or(data)),
            _ => {}
        }
    }
    let (width, height) = size.ok_or_else(|| unreadable(Format::Webp))?;
    let probe = Probe {
        format: Format::Webp,
        width,
        height,
        orientation: exif.map_or(1, orientation_of),
        alpha,
        bit_depth: 8,
        color: ColorKind::Rgb,
        frames: frames.max(1),
        has_icc: icc.is_some(),
    };
    Ok(Header { probe, exif: exif.map(Cow::Borrowed), icc: icc.map(Cow::Borrowed) })
}

/// The size in the frame header of a key frame (RFC 6386 §9.1).
fn lossy_size(data: &[u8]) -> Option<(u32, u32)> {
    let [_, _, _, 0x9d, 0x01, 0x2a, w0, w1, h0, h1, ..] = *data else { return None };
    let side = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
    Some((side(w0, w1), side(h0, h1)))
}

/// Writes RGB or RGBA of 8 bits.
pub(super) fn encode(image: &DynamicImage, quality: u8, lossless: bool, stop: &Stop) -> Result<Vec<u8>, Failure> {
    let (bytes, channels) = match image {
        DynamicImage::ImageRgb8(buffer) => (buffer.as_raw(), 3),
        DynamicImage::ImageRgba8(buffer) => (buffer.as_raw(), 4),
        _ => return Err(pixels::unexpected("pixels that WebP cannot hold")),
    };
    let mut picture = Picture::new((image.width(), image.height()), lossless).ok_or_else(refused)?;
    picture.import(bytes, channels)?;
    write(picture, quality, lossless, stop)
}

fn refused() -> Failure {
    pixels::unexpected("libwebp refused its settings")
}

fn write(mut picture: Picture, quality: u8, lossless: bool, stop: &Stop) -> Result<Vec<u8>, Failure> {
    let mut config = c::WebPConfig::new().map_err(|()| refused())?;
    config.lossless = c_int::from(lossless);
    // For lossless files this is effort, not quality; 75 is what cwebp takes.
    config.quality = if lossless { 75.0 } else { f32::from(quality.clamp(1, 100)) };
    // Boxed, because libwebp keeps the addresses until the picture is encoded.
    let mut output = Output::new();
    let mut token = Box::new(stop.clone());
    let done = picture.encode(&config, &mut output, &mut token);
    drop(picture);
    stop.check()?;
    if !done {
        return Err(pixels::unexpected("libwebp could not encode"));
    }
    Ok(output.to_vec())
}

/// A picture whose planes libwebp allocated.
struct Picture(Box<c::WebPPicture>);

/// The file that libwebp writes into memory that it allocated.
struct Output(Box<c::WebPMemoryWriter>);

#[expect(unsafe_code, reason = "libwebp is C")]
impl Picture {
    fn new((width, height): (u32, u32), lossless: bool) -> Option<Self> {
        let mut picture = c::WebPPicture::new().ok()?;
        picture.width = c_int::try_from(width).ok()?;
        picture.height = c_int::try_from(height).ok()?;
        picture.use_argb = c_int::from(lossless);
        Some(Self(Box::new(picture)))
    }

    /// Copies the pixels in.
    fn import(&mut self, bytes: &[u8], channels: c_int) -> Result<(), Failure> {
        let (width, height) = (self.0.width, self.0.height);
        let expected = i64::from(width) * i64::from(height) * i64::from(channels);
        let stride = width.checked_mul(channels).filter(|_| i64::try_from(bytes.len()) == Ok(expected));
        let Some(stride) = stride else { return Err(pixels::unexpected("a picture of another size")) };
        let import = if channels == 4 { c::WebPPictureImportRGBA } else { c::WebPPictureImportRGB };
        // SAFETY: the picture was initialised by `WebPPicture::new` and is exclusively borrowed. `bytes` holds
        // exactly `height` rows of `stride` bytes, checked above, and libwebp only reads them during this call. The
        // planes it allocates belong to the picture and are freed by `Drop`.
        let imported = unsafe { import(&raw mut *self.0, bytes.as_ptr(), stride) };
        if imported == 0 { Err(pixels::unexpected("libwebp could not import the pixels")) } else { Ok(()) }
    }

    /// Whether all went well; `false` also where `stop` said so.
    fn encode(&mut self, config: &c::WebPConfig, output: &mut Output, stop: &mut Box<Stop>) -> bool {
        self.0.writer = Some(c::WebPMemoryWrite);
        self.0.custom_ptr = (&raw mut *output.0).cast::<c_void>();
        self.0.progress_hook = Some(go_on);
        self.0.user_data = (&raw mut **stop).cast::<c_void>();
        // SAFETY: config and picture are initialised and valid for the call. `WebPMemoryWrite` is given the memory
        // writer it expects, `go_on` the token it expects; both outlive the call, being borrowed from the caller, and
        // nobody else touches them while it runs.
        let done = unsafe { c::WebPEncode(config, &raw mut *self.0) };
        // The addresses must not outlive what they point to.
        self.0.custom_ptr = std::ptr::null_mut();
        self.0.user_data = std::ptr::null_mut();
        done != 0
    }
}

#[expect(unsafe_code, reason = "libwebp is C")]
impl Drop for Picture {
    fn drop(&mut self) {
        // SAFETY: initialised in `new`; freeing the planes of a picture that has none is allowed.
        unsafe { c::WebPPictureFree(&raw mut *self.0) };
    }
}

/// Called by libwebp now and then: 0 ends the encoding.
#[expect(unsafe_code, reason = "libwebp is C")]
extern "C" fn go_on(_percent: c_int, picture: *const c::WebPPicture) -> c_int {
    // SAFETY: libwebp hands back the picture that `Picture::encode` gave it, alive for the whole call.
    let data = unsafe { (*picture).user_data }.cast::<Stop>();
    // SAFETY: `Picture::encode` stored the address of a `Stop` that outlives the encoding; it is only read. `check`
    // does not panic.
    let stop = unsafe { data.as_ref() };
    c_int::from(stop.is_none_or(|stop| stop.check().is_ok()))
}

#[expect(unsafe_code, reason = "libwebp is C")]
impl Output {
    fn new() -> Self {
        let mut writer = Box::new(c::WebPMemoryWriter { mem: std::ptr::null_mut(), size: 0, max_size: 0, pad: [0; 1] });
        // SAFETY: a valid, exclusively borrowed writer; the call only sets its fields.
        unsafe { c::WebPMemoryWriterInit(&raw mut *writer) };
        Self(writer)
    }

    fn to_vec(&self) -> Vec<u8> {
        if self.0.mem.is_null() {
            return Vec::new();
        }
        // SAFETY: libwebp has written `size` bytes at `mem`, which stays allocated until `Drop`.
        unsafe { std::slice::from_raw_parts(self.0.mem, self.0.size) }.to_vec()
    }
}

#[expect(unsafe_code, reason = "libwebp is C")]
impl Drop for Output {
    fn drop(&mut self) {
        // SAFETY: initialised in `new`; clearing an empty writer is allowed.
        unsafe { c::WebPMemoryWriterClear(&raw mut *self.0) };
    }
}
