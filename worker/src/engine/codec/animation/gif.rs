//! Animated GIF, written by the `gif` crate.

use common::Failure;
use gif::{DisposalMethod, Encoder, Frame, Repeat};
use image::RgbaImage;

use super::Part;
use crate::engine::{
    codec::gif::{OPAQUE_FROM, SPEED},
    pixels,
};

/// How often it is shown: once, unless an extension that Netscape invented tells how often it is repeated.
pub(super) fn plays(input: &[u8]) -> u32 {
    const EXTENSION: &[u8] = b"NETSCAPE2.0\x03\x01";
    let Some(at) = memchr::memmem::find(input, EXTENSION) else { return 1 };
    match input.get(at + EXTENSION.len()..).and_then(|rest| rest.first_chunk::<2>()) {
        Some([0, 0]) | None => 0,
        Some(count) => u32::from(u16::from_le_bytes(*count)) + 1,
    }
}

/// A pixel is seen or it is not.
pub(super) fn all_or_nothing(image: &mut RgbaImage) {
    for pixel in image.pixels_mut() {
        pixel.0 = if pixel.0[3] < OPAQUE_FROM { [0; 4] } else { [pixel.0[0], pixel.0[1], pixel.0[2], 255] };
    }
}

/// Makes transparent what is the same already in `seen`: long runs of one number are short in the file.
pub(super) fn leave_out_what_is_seen(patch: &mut RgbaImage, seen: &RgbaImage, part: Part) {
    for (x, y, pixel) in patch.enumerate_pixels_mut() {
        if pixel == seen.get_pixel(part.x + x, part.y + y) {
            pixel.0 = [0; 4];
        }
    }
}

pub(super) struct File {
    encoder: Encoder<Vec<u8>>,
}

impl File {
    pub(super) fn new(width: u32, height: u32, plays: u32) -> Result<Self, Failure> {
        let mut encoder = Encoder::new(Vec::new(), side(width)?, side(height)?, &[]).map_err(failed)?;
        match plays {
            0 => encoder.set_repeat(Repeat::Infinite).map_err(failed)?,
            1 => {}
            more => {
                let times = u16::try_from(more - 1).unwrap_or(u16::MAX);
                encoder.set_repeat(Repeat::Finite(times)).map_err(failed)?;
            }
        }
        Ok(Self { encoder })
    }

    pub(super) fn add(&mut self, patch: RgbaImage, part: Part, delay: u32, clear: bool) -> Result<(), Failure> {
        let mut samples = patch.into_raw();
        let mut frame = Frame::from_rgba_speed(side(part.width)?, side(part.height)?, &mut samples, SPEED);
        (frame.left, frame.top) = (side(part.x)?, side(part.y)?);
        // Hundredths of a second.
        frame.delay = u16::try_from(delay.saturating_add(5) / 10).unwrap_or(u16::MAX);
        frame.dispose = if clear { DisposalMethod::Background } else { DisposalMethod::Keep };
        self.encoder.write_frame(&frame).map_err(failed)
    }

    pub(super) fn bytes(&self) -> usize {
        self.encoder.get_ref().len()
    }

    pub(super) fn finish(self) -> Result<Vec<u8>, Failure> {
        self.encoder.into_inner().map_err(|error| pixels::encoder_failed(&error))
    }
}

fn side(pixels: u32) -> Result<u16, Failure> {
    u16::try_from(pixels).map_err(|error| Failure::internal(&error))
}

fn failed(error: gif::EncodingError) -> Failure {
    pixels::encoder_failed(&error)
}
