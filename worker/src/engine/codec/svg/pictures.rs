//! Pictures that an SVG holds within itself: read by our own decoders, under their own limits.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use common::Format;
use resvg::usvg::{ImageHrefResolver, ImageKind};

use crate::engine::{Stop, codec, pixels, sniff};

/// What all of them may have together, in pixels.
const MAX_PIXELS: u64 = 8_000_000;

/// The pictures of one drawing.
pub(super) struct Pictures<'a> {
    stop: &'a Stop,
    pixels: AtomicU64,
    left_out: AtomicBool,
}

impl<'a> Pictures<'a> {
    pub(super) fn new(stop: &'a Stop) -> Self {
        Self { stop, pixels: AtomicU64::new(0), left_out: AtomicBool::new(false) }
    }

    /// Whether any could not be shown.
    pub(super) fn left_out(&self) -> bool {
        self.left_out.load(Ordering::Relaxed)
    }

    /// What resvg asks for pictures. What is not in the drawing itself is never looked for.
    pub(super) fn resolver(&self) -> ImageHrefResolver<'_> {
        let note = |image: Option<ImageKind>| {
            if image.is_none() {
                self.left_out.store(true, Ordering::Relaxed);
            }
            image
        };
        ImageHrefResolver {
            resolve_data: Box::new(move |_, data, _| note(self.png(&data))),
            resolve_string: Box::new(move |_, _| note(None)),
        }
    }

    /// The picture as a plain PNG, which is all that resvg then has to read.
    fn png(&self, data: &[u8]) -> Option<ImageKind> {
        self.stop.check().ok()?;
        // A drawing in a drawing would start all counting anew.
        let format = sniff::known(data).filter(|format| *format != Format::Svg)?;
        let header = codec::header(format, data).ok()?;
        let size = header.probe.stored_size();
        let all = self.pixels.fetch_add(size.pixels(), Ordering::Relaxed).saturating_add(size.pixels());
        if size.pixels() == 0 || all > MAX_PIXELS {
            return None;
        }
        let decoded = codec::decode(data, &header, self.stop).ok()?;
        let image = pixels::narrow(pixels::encode_linear(decoded.image));
        let png = codec::encode_pixels(&image, &codec::Encoding::png(), self.stop).ok()?;
        Some(ImageKind::PNG(Arc::new(png)))
    }
}
