//! ICO, a Windows icon: read and written by `image`.

use common::Failure;
use image::{DynamicImage, ImageEncoder, codecs::ico::IcoEncoder};

use crate::engine::pixels;

/// Writes 8 bits a channel.
pub(super) fn encode(image: &DynamicImage) -> Result<Vec<u8>, Failure> {
    let mut output = Vec::new();
    IcoEncoder::new(&mut output)
        .write_image(image.as_bytes(), image.width(), image.height(), image.color().into())
        .map_err(|error| pixels::encoder_failed(&error))?;
    Ok(output)
}
