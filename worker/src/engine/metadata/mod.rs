//! What a file tells about its picture beside the pixels: read, and chosen for a result.
//!
//! Reading: [`found`] walks over the file once, and each kind has a file that turns it into text. Writing: [`carried`]
//! decides what goes along, [`kept_exif`], [`xmp`] and [`iptc`] take out of their kind what may stay, [`embed()`] puts it
//! into the encoded file.

mod carried;
mod directories;
mod embed;
mod exif_values;
mod fields;
mod found;
pub(super) mod hashes;
pub(super) mod icc;
mod iptc;
mod kept_exif;
#[cfg(test)]
mod tests;
mod tiff;
mod xmp;

pub(super) use self::{
    carried::{Carried, Target, carry, kept_profile},
    embed::embed,
    exif_values::{gps, parse, values},
    found::{Found, find, tiff_profile},
    iptc::values as iptc_values,
    tiff::short as tiff_short,
    xmp::{place, values as xmp_values},
};

/// The EXIF orientation in a TIFF structure, 1 to 8; 1 where there is none.
pub(super) fn orientation_of(exif: &[u8]) -> u8 {
    image::metadata::Orientation::from_exif_chunk(exif).map_or(1, image::metadata::Orientation::to_exif)
}
