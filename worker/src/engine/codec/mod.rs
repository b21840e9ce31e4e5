//! One file a format: header, decoding, encoding.

pub(crate) mod animation;
mod avif;
mod bmp;
mod by_image;
mod cmyk;
pub(crate) mod density;
mod gif;
mod ico;
mod jpeg;
mod png;
mod qoi;
mod riff;
mod svg;
mod tiff;
mod webp;

use common::{Failure, FailureKind, Format};
use image::DynamicImage;

pub(crate) use self::{
    avif::is_avif,
    jpeg::{Need, Plain},
    svg::is_svg,
};
use super::{
    Stop, foreign,
    metadata::{self, Carried},
    picture::Picture,
    pixels,
    planes::Chroma,
    probe::{ColorKind, Header, Probe},
};

/// Pixels, and whether they are all that the header promised.
pub(crate) struct Decoded {
    pub(crate) image: DynamicImage,
    /// What is wrong with the file, one sentence.
    pub(crate) damage: Option<&'static str>,
}

/// A picture in inks whose profile was used in decoding; none where there is none that fits.
pub(crate) fn decode_inks(input: &[u8], header: &Header<'_>, stop: &Stop) -> Result<Option<DynamicImage>, Failure> {
    match (&header.icc, header.probe) {
        (Some(icc), Probe { format: format @ (Format::Jpeg | Format::Tiff), color: ColorKind::Cmyk, .. }) => {
            guarded(format, || cmyk::decode(input, &header.probe, icc, stop))
        }
        _ => Ok(None),
    }
}

/// Whether all that a file says of itself, but for its pixels, is in `start`: known of JPEG only, where it stands in front
/// of the first scan.
pub(crate) fn head_is_whole(start: &[u8]) -> bool {
    start.starts_with(&[0xff, 0xd8, 0xff]) && jpeg::segments(start).any(|(code, _)| code == 0xda)
}

/// How a result is written, decided.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Encoding {
    pub(crate) format: Format,
    /// 1 to 100.
    pub(crate) quality: u8,
    pub(crate) lossless: bool,
    pub(crate) progressive: bool,
}

impl Encoding {
    /// PNG, which has no choices.
    pub(crate) fn png() -> Self {
        Self { format: Format::Png, quality: 100, lossless: false, progressive: false }
    }

    /// Whether the quality makes a difference.
    pub(crate) fn is_lossy(&self) -> bool {
        match self.format {
            Format::Jpeg | Format::Avif => true,
            Format::Webp => !self.lossless,
            _ => false,
        }
    }
}

/// Reads the header of `input`, which is of `format`.
pub(crate) fn header(format: Format, input: &[u8]) -> Result<Header<'_>, Failure> {
    guarded(format, || match format {
        Format::Jpeg => jpeg::header(input),
        Format::Png => png::header(input),
        Format::Webp => webp::header(input),
        Format::Avif => avif::header(input),
        Format::Svg => svg::header(input),
        Format::Gif => gif::header(input),
        Format::Tiff => tiff::header(input),
        Format::Bmp | Format::Ico | Format::Qoi | Format::Tga | Format::Pnm | Format::Hdr | Format::Exr => {
            by_image::header(format, input)
        }
    })
}

/// Decodes the (first) picture of `input`, as far as it goes.
///
/// # Errors
/// `image_unreadable` where no pixel can be had; what `stop` says.
pub(crate) fn decode(input: &[u8], header: &Header<'_>, stop: &Stop) -> Result<Decoded, Failure> {
    let format = header.probe.format;
    let work = || match format {
        Format::Jpeg => jpeg::decode(input, &header.probe),
        Format::Png => png::decode(input, &header.probe, stop),
        Format::Avif => avif::decode(input, &header.probe, stop),
        Format::Svg => svg::decode(input, &header.probe, stop),
        _ => by_image::decode(input, &header.probe),
    };
    let decoded = guarded(format, work)?;
    if (decoded.image.width(), decoded.image.height()) != (header.probe.width, header.probe.height) {
        return Err(unreadable(format));
    }
    Ok(decoded)
}

/// Does `work`. A decoder that panics on a hostile file has met a bad file, not a mistake of ours.
fn guarded<T>(format: Format, work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    foreign::guarded(work).unwrap_or_else(|| Err(unreadable(format)))
}

/// Bytes a pixel that decoding AVIF needs: planes of up to 16 bits, ours and the decoder's, and alpha.
pub(crate) const AVIF_SCRATCH: u64 = 20;

/// Bytes a stored pixel that decoding needs beside the pixels themselves.
pub(crate) fn scratch_bytes(input: &[u8], probe: &Probe) -> u64 {
    match probe.format {
        Format::Jpeg if probe.color == ColorKind::Cmyk => jpeg::scratch_bytes(input) + cmyk::SCRATCH_BYTES,
        Format::Jpeg => jpeg::scratch_bytes(input),
        // The rows as they are in the file, before they become numbers of 16 bits.
        Format::Png if probe.bit_depth == 16 => probe.pixel_bytes(),
        Format::Avif => AVIF_SCRATCH,
        Format::Svg => svg::scratch_bytes(input, probe),
        Format::Tiff if probe.color == ColorKind::Cmyk => probe.pixel_bytes().max(4) + cmyk::SCRATCH_BYTES,
        Format::Png | Format::Bmp | Format::Qoi | Format::Tga | Format::Pnm => 0,
        // These hold an index plane, a canvas or a strip beside the output.
        _ => probe.pixel_bytes().max(4),
    }
}

impl Encoding {
    /// The resolution of colour where this is written from planes; `None` where it needs pixels. WebP does: libwebp halves
    /// the resolution of colour in linear light, which looks better than planes that were made smaller (0.4 dB).
    pub(crate) fn planes(&self) -> Option<Chroma> {
        match self.format {
            Format::Jpeg if !self.progressive => Some(jpeg::chroma(self.quality)),
            Format::Avif => avif::chroma(self.quality),
            _ => None,
        }
    }
}

/// Encodes `picture`, planes as [`Encoding::planes`] says or pixels of a kind that the format holds (see
/// [`pixels::fit_to`]), and puts `carried` into the file.
///
/// # Errors
/// `internal` where an encoder refuses what was checked before; what `stop` says.
pub(crate) fn encode(
    picture: &Picture,
    encoding: &Encoding,
    carried: &Carried,
    stop: &Stop,
) -> Result<Vec<u8>, Failure> {
    let exif = carried.exif.as_deref();
    let file = match picture {
        // AVIF has no place for more once it is written.
        Picture::Pixels(image) if encoding.format == Format::Avif => avif::encode(image, encoding.quality, exif, stop),
        Picture::Planes(planes) if encoding.format == Format::Avif => {
            avif::encode_planes(planes, encoding.quality, exif, stop)
        }
        Picture::Pixels(image) => encode_pixels(image, encoding, stop),
        Picture::Planes(planes) => jpeg::encode_planes(planes, encoding.quality, stop),
    }?;
    metadata::embed(file, encoding.format, carried)
}

/// Encodes pixels of a kind that the format holds.
///
/// # Errors
/// As [`encode`].
pub(crate) fn encode_pixels(image: &DynamicImage, encoding: &Encoding, stop: &Stop) -> Result<Vec<u8>, Failure> {
    match encoding.format {
        Format::Jpeg => jpeg::encode(image, encoding.quality, encoding.progressive, stop),
        Format::Png => png::encode(image),
        Format::Webp => webp::encode(image, encoding.quality, encoding.lossless, stop),
        Format::Avif => avif::encode(image, encoding.quality, None, stop),
        Format::Gif => gif::encode(image),
        Format::Tiff => tiff::encode(image),
        Format::Bmp => bmp::encode(image),
        Format::Ico => ico::encode(image),
        Format::Qoi => qoi::encode(image),
        Format::Tga | Format::Pnm | Format::Hdr | Format::Exr | Format::Svg => {
            Err(pixels::unexpected("a format that cannot be written"))
        }
    }
}

/// The segments of a JPEG: marker and payload.
pub(crate) fn jpeg_segments(input: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    jpeg::segments(input)
}

/// The chunks of a PNG: type and data.
pub(crate) fn png_chunks(input: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    png::chunks(input)
}

/// The chunks of a WebP: type and data.
pub(crate) fn riff_chunks(input: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    riff::Chunks::new(input)
}

/// The failure for a file of which no picture can be made.
pub(crate) fn unreadable(format: Format) -> Failure {
    let name = format.name();
    Failure::new(FailureKind::ImageUnreadable, format!("No picture can be read from this {name} file: it is damaged."))
        .next("Check that the file is complete, for example by opening it in a viewer, and send it again.")
}

/// The failure for a variant of a known format that no decoder here knows.
fn unsupported(message: &str) -> Failure {
    Failure::new(FailureKind::UnsupportedFormat, message).next("Convert it to an ordinary JPEG or PNG first.")
}
