//! GIF: our own walk counts the frames; `image` decodes the first and writes.

use common::{Failure, Format};
use image::{DynamicImage, Frame, codecs::gif::GifEncoder};

use super::unreadable;
use crate::engine::{
    pixels,
    probe::{ColorKind, Header, Probe},
};

/// Speed of the quantiser, 1 (best) to 30: its default, good for photographs.
pub(super) const SPEED: i32 = 10;

/// From this alpha on a pixel is opaque: GIF knows only all or nothing.
pub(super) const OPAQUE_FROM: u8 = 128;

/// Reads the screen descriptor and walks over the blocks.
pub(super) fn header(input: &[u8]) -> Result<Header<'static>, Failure> {
    let [_, _, _, _, _, _, w0, w1, h0, h1, flags, _, _, ref blocks @ ..] = *input else {
        return Err(unreadable(Format::Gif));
    };
    let (frames, alpha) = walk(blocks.get(table_bytes(flags)..).unwrap_or_default()).unwrap_or((1, true));
    let probe = Probe {
        format: Format::Gif,
        width: u32::from(u16::from_le_bytes([w0, w1])),
        height: u32::from(u16::from_le_bytes([h0, h1])),
        orientation: 1,
        alpha,
        bit_depth: 8,
        color: ColorKind::Palette,
        frames: frames.max(1),
        has_icc: false,
    };
    Ok(Header { probe, exif: None, icc: None })
}

fn table_bytes(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << (usize::from(flags & 7) + 1) }
}

/// Counts the frames and looks for a transparent colour; `None` where there is not even one block.
fn walk(mut rest: &[u8]) -> Option<(u32, bool)> {
    let (mut frames, mut transparent) = (0_u32, false);
    loop {
        let next = match *rest {
            [0x2c, _, _, _, _, _, _, _, _, flags, ref after @ ..] => {
                frames = frames.saturating_add(1);
                // One byte of code size stands in front of the pixels.
                skip_blocks(after.get(table_bytes(flags) + 1..).unwrap_or_default())
            }
            [0x21, label, ref after @ ..] => {
                if label == 0xf9 && after.get(1).is_some_and(|flags| flags & 1 == 1) {
                    transparent = true;
                }
                skip_blocks(after)
            }
            _ => return (frames > 0).then_some((frames, transparent)),
        };
        rest = next.unwrap_or_default();
    }
}

/// Skips sub-blocks up to and including the empty one that ends them.
fn skip_blocks(mut rest: &[u8]) -> Option<&[u8]> {
    loop {
        let (length, after) = rest.split_first()?;
        rest = after.get(usize::from(*length)..)?;
        if *length == 0 {
            return Some(rest);
        }
    }
}

/// Writes one frame of at most 256 colours; alpha becomes all or nothing.
pub(super) fn encode(image: &DynamicImage) -> Result<Vec<u8>, Failure> {
    let mut rgba = image.to_rgba8();
    for pixel in rgba.pixels_mut() {
        pixel.0 = if pixel.0[3] < OPAQUE_FROM { [0; 4] } else { [pixel.0[0], pixel.0[1], pixel.0[2], 255] };
    }
    let mut output = Vec::new();
    let mut encoder = GifEncoder::new_with_speed(&mut output, SPEED);
    encoder.encode_frame(Frame::new(rgba)).map_err(|error| pixels::encoder_failed(&error))?;
    drop(encoder);
    Ok(output)
}
