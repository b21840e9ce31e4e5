//! AVIF: headers by our own walk over the boxes, pixels by rav1d, writing by ravif, or, with the feature `avif-fast`, by
//! libaom.

mod boxes;
#[cfg(feature = "avif-fast")]
mod by_libaom;
#[cfg(not(feature = "avif-fast"))]
mod by_ravif;
mod canvas;
mod planes;

use std::borrow::Cow;

use common::{Failure, Format};
use moxcms::{CicpColorPrimaries, CicpProfile, ColorProfile, MatrixCoefficients, TransferCharacteristics};

#[cfg(feature = "avif-fast")]
pub(super) use self::by_libaom::{chroma, encode, encode_planes};
#[cfg(not(feature = "avif-fast"))]
pub(super) use self::by_ravif::{chroma, encode, encode_planes};
use self::{
    boxes::{Boxes, Fields, Meta},
    canvas::{Canvas, Matrix},
};
use super::{Decoded, unreadable, unsupported};
use crate::engine::{
    Stop,
    probe::{ColorKind, Header, Probe},
};

/// What an auxiliary picture has to say to be alpha.
const ALPHA: [&[u8]; 2] = [b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", b"urn:mpeg:hevc:2015:auxid:1"];

/// Whether the brands of a file that begins with `ftyp` say AVIF.
pub(crate) fn is_avif(input: &[u8]) -> bool {
    let Some((kind, content)) = Boxes::new(input).next() else { return false };
    let brands = content.get(..4).into_iter().chain(content.get(8..).unwrap_or_default().chunks_exact(4));
    kind == *b"ftyp" && brands.take(64).any(|brand| brand == b"avif" || brand == b"avis")
}

/// The size that property `ispe` says.
fn size_of(meta: &Meta<'_>, id: u64) -> Option<(u32, u32)> {
    let mut fields = Fields(meta.property(id, *b"ispe")?.get(4..)?);
    Some((u32::try_from(fields.uint(4)?).ok()?, u32::try_from(fields.uint(4)?).ok()?))
}

/// The pictures that `id` consists of: itself, or the tiles of a grid.
fn tiles(meta: &Meta<'_>, id: u64) -> Vec<u64> {
    let grid = meta.item(id).is_some_and(|item| item.kind == *b"grid");
    if grid { meta.to(*b"dimg", id).collect() } else { vec![id] }
}

/// The picture that is the alpha of `id`.
fn alpha_of(meta: &Meta<'_>, id: u64) -> Option<u64> {
    meta.from(*b"auxl", id).find(|from| {
        let kind = meta.property(*from, *b"auxC").and_then(|content| content.get(4..)).unwrap_or_default();
        ALPHA.iter().any(|alpha| kind.starts_with(alpha))
    })
}

/// EXIF's number for how the file says the picture is to be turned; its EXIF does not count.
fn orientation(meta: &Meta<'_>, id: u64) -> u8 {
    let first = |kind| meta.property(id, kind).and_then(<[u8]>::first);
    let turns = first(*b"irot").map_or(0, |turns| turns & 3);
    match (turns, first(*b"imir").map(|axis| axis & 1)) {
        (0, None) => 1,
        (1, None) => 8,
        (2, None) => 3,
        (_, None) => 6,
        (0, Some(1)) | (2, Some(0)) => 2,
        (0, Some(_)) | (2, Some(_)) => 4,
        (1, Some(0)) | (3, Some(1)) => 5,
        _ => 7,
    }
}

/// What property `colr` says with numbers: primaries, transfer, matrix, full range.
fn numbers(meta: &Meta<'_>, id: u64) -> Option<[u64; 4]> {
    let mut properties = meta.properties_of(id).filter(|(kind, _)| kind == b"colr");
    let mut fields = Fields(properties.find_map(|(_, content)| content.strip_prefix(b"nclx"))?);
    Some([fields.uint(2)?, fields.uint(2)?, fields.uint(2)?, fields.uint(1)? >> 7])
}

/// The profile that is embedded, or one that says what the numbers say where that is not sRGB.
fn profile<'a>(meta: &Meta<'a>, id: u64) -> (Option<Cow<'a, [u8]>>, bool) {
    let mut properties = meta.properties_of(id).filter(|(kind, _)| kind == b"colr");
    let embedded =
        properties.find_map(|(_, content)| content.strip_prefix(b"prof").or_else(|| content.strip_prefix(b"rICC")));
    if let Some(embedded) = embedded {
        return (Some(Cow::Borrowed(embedded)), true);
    }
    let made = numbers(meta, id).filter(|[primaries, ..]| !matches!(primaries, 1 | 2)).and_then(
        |[primaries, transfer, ..]| {
            // The curve of television is meant to be shown as sRGB is.
            let transfer = if matches!(transfer, 1 | 2 | 6 | 14 | 15) { 13 } else { transfer };
            let numbers = CicpProfile {
                color_primaries: CicpColorPrimaries::try_from(u8::try_from(primaries).ok()?).ok()?,
                transfer_characteristics: TransferCharacteristics::try_from(u8::try_from(transfer).ok()?).ok()?,
                matrix_coefficients: MatrixCoefficients::Identity,
                full_range: true,
            };
            ColorProfile::new_from_cicp(numbers).encode().ok()
        },
    );
    (made.map(Cow::Owned), false)
}

/// Reads the boxes in front of the pixels.
pub(super) fn header(input: &[u8]) -> Result<Header<'_>, Failure> {
    let broken = || unreadable(Format::Avif);
    let meta = Meta::read(input).ok_or_else(broken)?;
    let id = meta.primary;
    let kind = meta.item(id).map(|item| item.kind).ok_or_else(broken)?;
    if !matches!(&kind, b"av01" | b"grid") {
        let name: String =
            kind.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(|byte| char::from(*byte)).collect();
        return Err(unsupported(&format!("AVIF that holds a picture of kind {name} cannot be read here.")));
    }
    let (width, height) = size_of(&meta, id).ok_or_else(broken)?;
    let first = tiles(&meta, id).first().copied().ok_or_else(broken)?;
    // The third byte of av1C: tier, high bit depth, twelve bit, monochrome.
    let flags = meta.property(first, *b"av1C").and_then(|content| content.get(2)).copied().ok_or_else(broken)?;
    let bit_depth = if flags & 0x40 == 0 {
        8
    } else if flags & 0x20 == 0 {
        10
    } else {
        12
    };
    let exif = meta.from(*b"cdsc", id).find_map(|from| {
        let item = meta.item(from).filter(|item| item.kind == *b"Exif")?;
        let bytes = meta.bytes(item)?;
        // In front stands how far the TIFF structure is away.
        let skip = usize::try_from(Fields(&bytes).uint(4)?).ok()?.checked_add(4)?;
        Some(match bytes {
            Cow::Borrowed(bytes) => Cow::Borrowed(bytes.get(skip..)?),
            Cow::Owned(bytes) => Cow::Owned(bytes.get(skip..)?.to_vec()),
        })
    });
    let (icc, has_icc) = profile(&meta, id);
    let probe = Probe {
        format: Format::Avif,
        width,
        height,
        orientation: orientation(&meta, id),
        alpha: alpha_of(&meta, id).is_some(),
        bit_depth,
        color: if flags & 0x10 == 0 { ColorKind::Rgb } else { ColorKind::Gray },
        frames: frames(input),
        has_icc,
    };
    Ok(Header { probe, exif, icc })
}

/// The pictures of a sequence: the longest track.
fn frames(input: &[u8]) -> u32 {
    let Some(movie) = Boxes::new(input).find(*b"moov") else { return 1 };
    let samples = |track: &[u8]| {
        let table = [*b"mdia", *b"minf", *b"stbl", *b"stsz"];
        let content = table.into_iter().try_fold(track, |content, kind| Boxes::new(content).find(kind))?;
        u32::try_from(Fields(content.get(8..)?).uint(4)?).ok()
    };
    Boxes::new(movie)
        .filter(|(kind, _)| kind == b"trak")
        .filter_map(|(_, track)| samples(track))
        .max()
        .unwrap_or(1)
        .max(1)
}

/// Decodes the primary picture, its alpha too.
pub(super) fn decode(input: &[u8], probe: &Probe, stop: &Stop) -> Result<Decoded, Failure> {
    let broken = || unreadable(Format::Avif);
    let meta = Meta::read(input).ok_or_else(broken)?;
    let id = meta.primary;
    let channels = if probe.color == ColorKind::Gray { 1 } else { 3 } + usize::from(probe.alpha);
    let mut canvas = Canvas::new(probe.width, probe.height, channels, probe.bit_depth > 8);
    let said = numbers(&meta, id);
    each_tile(&meta, id, probe, stop, |frame, at| {
        let own = Matrix { number: frame.matrix, full_range: frame.full_range };
        let matrix = said.map_or(own, |[_, _, number, full]| Matrix { number: number as u32, full_range: full == 1 });
        canvas.draw(frame, matrix, at)
    })?;
    if let Some(alpha) = alpha_of(&meta, id) {
        each_tile(&meta, alpha, probe, stop, |frame, at| canvas.draw_alpha(frame, at))?;
        if meta.to(*b"prem", id).any(|to| to == alpha) {
            canvas.unweight();
        }
    }
    Ok(Decoded { image: canvas.image()?, damage: None })
}

/// Decodes every tile of `id` and hands it on with its place; together they cover the picture.
fn each_tile(
    meta: &Meta<'_>,
    id: u64,
    probe: &Probe,
    stop: &Stop,
    mut draw: impl FnMut(&planes::Frame, (usize, usize)) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let broken = || unreadable(Format::Avif);
    let item = meta.item(id).ok_or_else(broken)?;
    let tiles = tiles(meta, id);
    let (rows, columns) = if item.kind == *b"grid" {
        // Version, flags, rows - 1, columns - 1; the size stands in ispe, too.
        let bytes = meta.bytes(item).ok_or_else(broken)?;
        let [_, _, rows, columns, ..] = *bytes else { return Err(broken()) };
        (usize::from(rows) + 1, usize::from(columns) + 1)
    } else {
        (1, 1)
    };
    if tiles.len() != rows * columns {
        return Err(broken());
    }
    let (width, height) = (probe.width as usize, probe.height as usize);
    let mut covered = (0, 0);
    for (number, tile) in tiles.iter().enumerate() {
        stop.check()?;
        let item = meta.item(*tile).filter(|item| item.kind == *b"av01").ok_or_else(broken)?;
        let data = meta.bytes(item).ok_or_else(broken)?;
        // A tile may stick out of the picture a little, and all are of one size.
        let most =
            if tiles.len() == 1 { probe.stored_size().pixels() } else { probe.stored_size().pixels().max(1 << 20) };
        let frame = planes::decode(&data, most, stop)?;
        let at = ((number % columns) * frame.width, (number / columns) * frame.height);
        if at.0 >= width || at.1 >= height {
            return Err(broken());
        }
        draw(&frame, at)?;
        covered = (at.0 + frame.width, at.1 + frame.height);
    }
    if covered.0 < width || covered.1 < height { Err(broken()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use common::recipe::{Metadata, Output};
    use image::DynamicImage;

    use super::*;
    use crate::engine::{Options, fixtures, pixels};

    #[test]
    fn exif_is_kept_where_it_is_asked_for() {
        let jpeg = fixtures::with_exif(&fixtures::file(fixtures::photo(40, 30), Format::Jpeg), 6);
        for (metadata, kept) in [(Metadata::Keep, true), (Metadata::Strip, false)] {
            let output = Output { format: Some(Format::Avif), metadata, ..Output::default() };
            let recipe = common::Recipe { steps: Vec::new(), output };
            let made = fixtures::engine().transform(&jpeg, &recipe, &Options::default(), &fixtures::stop()).unwrap();
            let exif = header(&made.bytes).unwrap().exif;
            assert_eq!(exif.is_some(), kept);
            // The pixels are upright, and nothing turns them again.
            let again = fixtures::transform(&made.bytes, "[]", Some(Format::Png)).unwrap();
            assert_eq!((again.facts.width, again.facts.height), (30, 40));
            if let Some(exif) = exif {
                assert_eq!(crate::engine::metadata::orientation_of(&exif), 1);
            }
        }
    }

    #[test]
    fn a_job_that_is_stopped_does_not_wait_for_its_picture() {
        let file = fixtures::file(fixtures::photo(2000, 2000), Format::Avif);
        let meta = Meta::read(&file).unwrap();
        let data = meta.bytes(meta.item(meta.primary).unwrap()).unwrap();
        assert_eq!(planes::decode(&data, 4_000_000, &fixtures::stop()).unwrap().width, 2000);
        let stop = fixtures::stop();
        stop.cancel();
        let failure = planes::decode(&data, 4_000_000, &stop).err().unwrap();
        assert_eq!(failure.kind, common::FailureKind::Cancelled);
    }

    #[test]
    fn pixels_come_back() {
        let photo = DynamicImage::from(fixtures::photo(97, 61));
        let disc = DynamicImage::from(fixtures::disc(80));
        for (image, floor) in [(photo, 40.0), (disc.clone(), 30.0)] {
            let file = fixtures::file(image.clone(), Format::Avif);
            let probe = fixtures::engine().probe(&file).unwrap();
            assert_eq!(
                (probe.width, probe.height, probe.alpha),
                (image.width(), image.height(), image.color().has_alpha())
            );
            assert_eq!((probe.frames, probe.orientation, probe.bit_depth), (1, 1, 10));
            let made = fixtures::transform(&file, "[]", Some(Format::Png)).unwrap();
            let back = pixels::narrow(fixtures::decoded(&made.bytes));
            let flat = |image| pixels::flatten(image, common::recipe::Color::WHITE);
            let psnr = fixtures::psnr(&flat(back), &flat(image));
            assert!(psnr > floor, "{psnr:.1} dB");
        }
    }
}
