//! Contact sheets: what came of the pictures of a batch, at a glance.

use ab_glyph::{Font, FontRef, PxScaleFont, ScaleFont, point};
use common::{
    Failure, Format, Recipe, Step,
    recipe::{Color, Fit, Output, Resize},
};
use image::{Rgb, RgbImage, imageops};

use super::{
    Engine, Options, Preview, PreviewKind, Stop, codec,
    codec::Encoding,
    lettering::{self, lay_out},
    limits::Size,
    pixels::{flatten, narrow, over},
    preview,
    step::resize,
};

/// The largest picture on a sheet.
const LARGE: Size = Size { width: 320, height: 240 };

/// The same where there are many.
const SMALL: Size = Size { width: 168, height: 126 };

/// As many have room at the large size: four in a row.
const FEW: usize = 12;

const GAP: u32 = 8;
const LINE: u32 = 20;

const PAPER: Rgb<u8> = Rgb([255; 3]);
const INK: Rgb<u8> = Rgb([40; 3]);
const PALE: Rgb<u8> = Rgb([120; 3]);
const RED: Rgb<u8> = Rgb([190, 30, 30]);

/// What stands in one place of a contact sheet.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    /// The place in the batch, from 0; people are shown it from 1.
    pub index: u32,
    /// The name of the result, or of the file where there is none.
    pub name: String,
    /// How it ended: `ok`, `skipped`, or the code of a failure.
    pub status: String,
    /// Whether it failed: the place is crossed out.
    pub failed: bool,
    /// What [`Engine::thumbnail`] made of the result.
    pub thumbnail: Option<Vec<u8>>,
}

/// A drawn contact sheet.
#[derive(Clone, Debug)]
pub struct ContactSheet {
    /// A JPEG file.
    pub jpeg: Vec<u8>,
    /// The same for a reply, where asked for.
    pub preview: Option<Preview>,
}

impl Engine {
    /// A small JPEG of a picture. It takes the short way of JPEG files that become smaller, as every resize does.
    ///
    /// # Errors
    /// What is wrong with the file, or what `stop` says.
    pub fn thumbnail(&self, input: &[u8], stop: &Stop) -> Result<Vec<u8>, Failure> {
        let resize =
            Resize { width: Some(LARGE.width), height: Some(LARGE.height), fit: Fit::Inside, ..Resize::default() };
        let output = Output { format: Some(Format::Jpeg), quality: Some(90), ..Output::default() };
        let recipe = Recipe { steps: vec![Step::Resize(resize)], output };
        Ok(self.transform_with(input, &[], &recipe, &Options::default(), stop)?.bytes)
    }

    /// Draws a contact sheet of at least one cell.
    ///
    /// # Errors
    /// What `stop` says, or `internal` for a thumbnail that is none.
    pub fn contact_sheet(&self, cells: &[Cell], kind: PreviewKind, stop: &Stop) -> Result<ContactSheet, Failure> {
        let (columns, place) = if cells.len() > FEW { (8, SMALL) } else { (cells.len().clamp(1, 4), LARGE) };
        let font = lettering::font(LINE)?;
        let rows = cells.len().div_ceil(columns);
        let whole = |count: usize, side: u32| count as u32 * (side + GAP) + GAP;
        let below = place.height + 2 * LINE;
        let mut sheet = RgbImage::from_pixel(whole(columns, place.width), whole(rows, below), PAPER);
        for (at, cell) in cells.iter().enumerate() {
            stop.check()?;
            let corner = (whole(at % columns, place.width), whole(at / columns, below));
            self.picture(&mut sheet, cell, corner, place, stop)?;
            let line = |number: u32| (corner.0, corner.1 + place.height + number * LINE);
            let most = place.width as f32;
            let caption = clipped(&font, &format!("{}  {}", cell.index + 1, cell.name), most);
            write(&mut sheet, &font, &caption, line(0), INK);
            let color = if cell.failed { RED } else { PALE };
            write(&mut sheet, &font, &clipped(&font, &cell.status, most), line(1), color);
        }
        let sheet = sheet.into();
        let encoding = Encoding { format: Format::Jpeg, quality: 85, lossless: false, progressive: false };
        let jpeg = codec::encode_pixels(&sheet, &encoding, stop)?;
        Ok(ContactSheet { jpeg, preview: preview::make(&sheet, None, kind, stop)? })
    }

    /// The picture in the middle of its place, or a frame where there is none.
    fn picture(
        &self,
        sheet: &mut RgbImage,
        cell: &Cell,
        (left, top): (u32, u32),
        place: Size,
        stop: &Stop,
    ) -> Result<(), Failure> {
        let Some(thumbnail) = &cell.thumbnail else {
            frame(sheet, (left, top), place, cell.failed);
            return Ok(());
        };
        let small = self.look(
            &[("thumbnail", thumbnail)],
            |_| 0,
            stop,
            |seen| {
                let seen = seen.into_iter().next().ok_or_else(|| Failure::internal(&"a thumbnail got lost"))?;
                let size = within(Size::new(seen.image.width(), seen.image.height()), place);
                Ok(flatten(narrow(resize::scaled(&seen.image, size, stop)?), Color::WHITE).into_rgb8())
            },
        )?;
        let (left, top) = (left + (place.width - small.width()) / 2, top + (place.height - small.height()) / 2);
        imageops::replace(sheet, &small, left.into(), top.into());
        Ok(())
    }
}

/// As large as fits into `place`; what is smaller stays.
fn within(from: Size, place: Size) -> Size {
    let scale = (f64::from(place.width) / f64::from(from.width)).min(f64::from(place.height) / f64::from(from.height));
    if scale >= 1.0 {
        return from;
    }
    let side = |side: u32, most: u32| ((f64::from(side) * scale).round() as u32).clamp(1, most);
    Size::new(side(from.width, place.width), side(from.height, place.height))
}

/// An empty place: pale, and crossed out in red if the picture failed.
fn frame(sheet: &mut RgbImage, (left, top): (u32, u32), place: Size, failed: bool) {
    let (fill, line) = if failed { (Rgb([252, 232, 232]), RED) } else { (Rgb([242; 3]), Rgb([200; 3])) };
    for y in 0..place.height {
        for x in 0..place.width {
            let edge = x < 2 || y < 2 || x + 2 >= place.width || y + 2 >= place.height;
            let diagonal = x * place.height / place.width;
            let crossed = failed && (diagonal.abs_diff(y) <= 1 || diagonal.abs_diff(place.height - 1 - y) <= 1);
            sheet.put_pixel(left + x, top + y, if edge || crossed { line } else { fill });
        }
    }
}

/// `text` on one line, its middle left out where it is too wide: both ends of a file's name say something.
fn clipped<F: Font>(font: &PxScaleFont<F>, text: &str, most: f32) -> String {
    let letters: Vec<char> = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    let width = |text: &str| lay_out(font, text, f32::MAX).width;
    let whole: String = letters.iter().collect();
    if width(&whole) <= most {
        return whole;
    }
    // No more letters than could ever stand there, whatever the name is like.
    let mut kept = letters.len().min(most as usize);
    loop {
        kept = kept.saturating_sub(1);
        let (head, tail) = (kept.div_ceil(2), kept / 2);
        let short: String = letters[..head].iter().chain(&['…']).chain(&letters[letters.len() - tail..]).collect();
        if kept == 0 || width(&short) <= most {
            return short;
        }
    }
}

fn write(sheet: &mut RgbImage, font: &PxScaleFont<FontRef<'static>>, text: &str, (x, y): (u32, u32), color: Rgb<u8>) {
    let color = color.0.map(|channel| f32::from(channel) / 255.0);
    let layout = lay_out(font, text, f32::MAX);
    let base = y as f32 + font.ascent();
    for (id, at) in layout.lines.iter().flat_map(|line| &line.glyphs) {
        let glyph = id.with_scale_and_position(font.scale(), point(x as f32 + at, base));
        let Some(outline) = font.font.outline_glyph(glyph) else { continue };
        let bounds = outline.px_bounds();
        let (left, top) = (bounds.min.x as i64, bounds.min.y as i64);
        outline.draw(|x, y, share| {
            let place = (u32::try_from(left + i64::from(x)), u32::try_from(top + i64::from(y)));
            if let (Ok(x), Ok(y)) = place
                && let Some(pixel) = sheet.get_pixel_mut_checked(x, y)
            {
                over(&mut pixel.0, [color[0], color[1], color[2], 1.0], share);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fixtures::{decoded, engine, photo, png, stop};

    fn sheet(cells: &[Cell]) -> RgbImage {
        let sheet = engine().contact_sheet(cells, PreviewKind::None, &stop()).unwrap();
        assert!(sheet.preview.is_none());
        decoded(&sheet.jpeg).to_rgb8()
    }

    #[test]
    fn pictures_stand_in_their_places_and_failures_are_crossed_out() {
        let blue = engine().thumbnail(&png(RgbImage::from_pixel(900, 400, Rgb([0, 0, 255]))), &stop()).unwrap();
        let ok = Cell { name: "a.png".into(), status: "ok".into(), thumbnail: Some(blue), ..Cell::default() };
        let failed =
            Cell { index: 1, name: "b.png".into(), status: "image_unreadable".into(), failed: true, thumbnail: None };
        let drawn = sheet(&[ok.clone(), failed]);
        assert_eq!(drawn.dimensions(), (2 * 328 + 8, 240 + 40 + 16));
        let near = |at: (u32, u32), color: [u8; 3]| {
            let seen = drawn.get_pixel(at.0, at.1).0;
            assert!(seen.iter().zip(color).all(|(seen, color)| seen.abs_diff(color) < 25), "{at:?}: {seen:?}");
        };
        near((168, 128), [0, 0, 255]);
        near((168, 20), [255; 3]);
        near((336 + 160, 8 + 30), [252, 232, 232]);
        let [red, green, _] = drawn.get_pixel(336 + 160, 8 + 120).0;
        assert!(red > green + 60, "crossed out: {red} {green}");
        let dark =
            |x: std::ops::Range<u32>| x.filter(|x| (248..288).any(|y| drawn.get_pixel(*x, y).0[1] < 120)).count();
        assert!(dark(8..328) > 20 && dark(336..656) > 60, "{} {}", dark(8..328), dark(336..656));
        assert_eq!(sheet(&vec![ok; 48]).dimensions(), (8 * 176 + 8, 6 * 174 + 8));
    }

    #[test]
    fn long_names_lose_their_middle_and_stay_in_their_place() {
        let font = lettering::font(LINE).unwrap();
        let name = format!("holiday{}sunset.jpg", "-and-so-on".repeat(400));
        let short = clipped(&font, &name, 168.0);
        assert!(short.starts_with("hol") && short.ends_with(".jpg") && short.contains('…'), "{short}");
        assert!(lay_out(&font, &short, f32::MAX).width <= 168.0);
        assert_eq!(clipped(&font, "a\nb", 168.0), "a b");
    }

    #[test]
    fn a_preview_is_within_its_limits() {
        let thumbnail = engine().thumbnail(&png(photo(640, 480)), &stop()).unwrap();
        let cell = Cell { name: "a.png".into(), status: "ok".into(), thumbnail: Some(thumbnail), ..Cell::default() };
        let sheet = engine().contact_sheet(&vec![cell; 48], PreviewKind::Preview, &stop()).unwrap();
        let preview = sheet.preview.unwrap();
        assert!(preview.width <= 1024 && preview.bytes.len() <= 75_000, "{}", preview.bytes.len());
    }
}
