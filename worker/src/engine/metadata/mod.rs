//! What a file tells about its picture beside the pixels.

mod directories;
mod exif_values;
pub(super) mod hashes;
pub(super) mod icc;

pub(super) use self::exif_values::{gps, parse, values};

/// The EXIF orientation in a TIFF structure, 1 to 8; 1 where there is none.
pub(super) fn orientation_of(exif: &[u8]) -> u8 {
    image::metadata::Orientation::from_exif_chunk(exif).map_or(1, image::metadata::Orientation::to_exif)
}
