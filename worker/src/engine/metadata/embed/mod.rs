//! Puts metadata into a file that has been encoded without any. One file a format.

mod jpeg;
mod png;
mod tiff;
mod webp;

use common::{Failure, Format};

use super::{super::pixels, carried::Carried};

/// `file` with `carried` in it.
///
/// # Errors
/// `internal` where our own encoder has written something else than it should.
pub(crate) fn embed(file: Vec<u8>, format: Format, carried: &Carried) -> Result<Vec<u8>, Failure> {
    if carried.is_empty() {
        return Ok(file);
    }
    let embedded = match format {
        Format::Jpeg => jpeg::embed(&file, carried),
        Format::Png => png::embed(&file, carried),
        Format::Webp => webp::embed(&file, carried),
        Format::Tiff => tiff::embed(file, carried),
        // Its encoder has written all that it holds.
        Format::Avif => Some(file),
        _ => None,
    };
    embedded.ok_or_else(|| pixels::unexpected("metadata that the file has no place for"))
}
