//! The further pictures that a recipe names, such as a watermark: looked at before the first pixel is allocated.

use std::sync::Arc;

use common::{Failure, Step};
use image::DynamicImage;

use super::{
    Stop, codec,
    limits::Limits,
    plan,
    probe::{self, Header},
    step::Notes,
    upright,
};

/// Another picture, not decoded yet.
pub(crate) struct Other<'a> {
    bytes: &'a [u8],
    header: Header<'a>,
    argument: String,
}

/// The other picture of each step, if it names one. `files` holds them in the order of the steps.
///
/// # Errors
/// What is wrong with a picture, with the path of the argument that named it.
pub(crate) fn of<'a>(
    steps: &[Step],
    files: &'a [Arc<[u8]>],
    limits: &Limits,
) -> Result<Vec<Option<Other<'a>>>, Failure> {
    let mut files = files.iter();
    let other = |(index, step): (usize, &Step)| {
        if !matches!(step, Step::Watermark(_)) {
            return Ok(None);
        }
        let argument = format!("{}.image", plan::path_of(index));
        let Some(bytes) = files.next() else {
            return Err(Failure::invalid(argument, "The image to lay on top was not fetched."));
        };
        let header = probe::read(bytes, limits).map_err(|failure| failure.argument(&argument))?;
        Ok(Some(Other { bytes, header, argument }))
    };
    steps.iter().enumerate().map(other).collect()
}

impl Other<'_> {
    /// Bytes that it needs while it is decoded, turned and scaled.
    pub(crate) fn memory(&self) -> u64 {
        let probe = &self.header.probe;
        let decoder = codec::scratch_bytes(self.bytes, probe);
        let pixel = 3 * probe.pixel_bytes() + decoder;
        probe.stored_size().pixels().saturating_mul(pixel).saturating_add(self.bytes.len() as u64)
    }

    /// The picture as it looks: upright, in sRGB.
    ///
    /// # Errors
    /// What is wrong with it, or what `stop` says.
    pub(crate) fn decode(&self, stop: &Stop, notes: &mut Notes) -> Result<DynamicImage, Failure> {
        let mut own = Notes::default();
        let image = upright::upright_srgb(self.bytes, &self.header, stop, &mut own)
            .map_err(|failure| failure.argument(&self.argument))?;
        for warning in own.warnings {
            notes.warn(&warning.code, format!("{}: {}", self.argument, warning.message));
        }
        Ok(image)
    }
}
