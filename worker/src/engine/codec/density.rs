//! Dots per inch, noted in a file that is already written.

use common::Format;

/// An inch in metres.
const INCH: f64 = 0.0254;

/// Where the unit of the density stands in a file that begins with SOI and a JFIF segment (JFIF 1.02, p. 5).
const JFIF_UNIT: usize = 13;

/// The end of the IHDR chunk of a PNG: signature, length, name, 13 bytes, checksum.
const AFTER_IHDR: usize = 33;

/// Notes `dpi` in `file`, where its format has a place for it and our encoders leave it free; says whether it did.
pub(crate) fn note(file: &mut Vec<u8>, format: Format, dpi: u16) -> bool {
    match format {
        Format::Jpeg => {
            let [high, low] = dpi.to_be_bytes();
            if file.get(6..11) != Some(b"JFIF\0") {
                return false;
            }
            let Some(place) = file.get_mut(JFIF_UNIT..JFIF_UNIT + 5) else { return false };
            place.copy_from_slice(&[1, high, low, high, low]);
        }
        Format::Png => {
            // Per metre, as pHYs counts (PNG 3rd ed., §11.3.4.3).
            let per_metre = (f64::from(dpi) / INCH).round() as u32;
            let mut chunk = b"pHYs".to_vec();
            chunk.extend(per_metre.to_be_bytes());
            chunk.extend(per_metre.to_be_bytes());
            chunk.push(1);
            let checksum = crc32fast::hash(&chunk);
            let length = 9_u32.to_be_bytes();
            if file.len() < AFTER_IHDR {
                return false;
            }
            file.splice(AFTER_IHDR..AFTER_IHDR, length.into_iter().chain(chunk).chain(checksum.to_be_bytes()));
        }
        _ => return false,
    }
    true
}

#[cfg(test)]
mod tests {
    use common::{Recipe, recipe::Output};

    use super::*;
    use crate::engine::{Options, fixtures};

    #[test]
    fn readers_find_the_density() {
        for (format, held) in [(Format::Jpeg, true), (Format::Png, true), (Format::Webp, false)] {
            for dpi in [1, 300, 9999] {
                let output = Output { format: Some(format), dpi: Some(dpi), ..Output::default() };
                let recipe = Recipe { steps: Vec::new(), output };
                let source = fixtures::png(fixtures::photo(40, 30));
                let made =
                    fixtures::engine().transform(&source, &recipe, &Options::default(), &fixtures::stop()).unwrap();
                assert_eq!(made.ignored.iter().any(|line| line.starts_with("dpi")), !held, "{format:?}");
                assert_eq!(made.facts.bytes, made.bytes.len() as u64);
                match format {
                    Format::Jpeg => {
                        let [high, low] = dpi.to_be_bytes();
                        assert_eq!(made.bytes[JFIF_UNIT..JFIF_UNIT + 5], [1, high, low, high, low]);
                    }
                    Format::Png => {
                        let reader = png::Decoder::new(std::io::Cursor::new(&made.bytes)).read_info().unwrap();
                        let dims = reader.info().pixel_dims.unwrap();
                        assert_eq!(dims.xppu, (f64::from(dpi) * 39.370_079).round() as u32);
                    }
                    _ => {}
                }
                assert_eq!(fixtures::decoded(&made.bytes).width(), 40);
            }
        }
    }
}
