//! `text`: words on top.

use ab_glyph::{Font, FontRef, PxScaleFont, ScaleFont, point};
use common::{
    Failure,
    recipe::{Color, Text},
};
use image::{DynamicImage, Pixel};

use super::{Context, Notes};
use crate::engine::{
    Stop,
    lettering::{self, Layout},
    limits::Size,
    pixels::{Buffer, Sample, able_to_take, each_buffer, over, pixel_of},
};

pub(super) fn apply(
    step: &Text,
    image: DynamicImage,
    path: &str,
    context: &Context<'_>,
    notes: &mut Notes,
) -> Result<DynamicImage, Failure> {
    if step.opacity == 0.0 || step.text.trim().is_empty() {
        notes.ignored(format!("text ({path}): there is nothing to see"));
        return Ok(image);
    }
    let size = Size::new(image.width(), image.height());
    let height = step.size.unwrap_or_else(|| (size.height / 16).max(12));
    let font = lettering::font(height)?;
    let layout = lettering::lay_out(&font, &step.text, room(step, size));
    let block = Block::of(step, &layout, height as f32, size);
    if layout.missing > 0 {
        notes.warn(
            "text_characters_missing",
            format!("{path}: {} character(s) are not in the font and are drawn as boxes.", layout.missing),
        );
    }
    if block.sticks_out_of(size) {
        notes.warn("text_cut_off", format!("{path}: the text does not fit into the picture of {size}."));
    }
    notes.applied(format!("text of {} line(s), size {height}", layout.lines.len()));
    let color = step.color.unwrap_or(Color::WHITE);
    let image = able_to_take(image, color);
    let mut image = match step.background {
        Some(background) => able_to_take(image, background),
        None => image,
    };
    each_buffer!(&mut image, buffer => {
        if let Some(background) = step.background {
            fill(buffer, &block, &Paint::of(background, step.opacity), context.stop)?;
        }
        write(buffer, &font, &layout, &block, &Paint::of(color, step.opacity), context.stop)
    })?;
    Ok(image)
}

/// How wide a line may be.
fn room(step: &Text, size: Size) -> f32 {
    let free = match step.x {
        Some(x) => size.width.saturating_sub(x),
        None => size.width.saturating_sub(step.margin.saturating_mul(2)),
    };
    let free = if free == 0 { size.width } else { free };
    step.max_width.unwrap_or(free) as f32
}

/// Where the text goes, in pixels of the picture.
struct Block {
    left: f32,
    top: f32,
    width: f32,
    /// Of one line.
    line: f32,
    lines: usize,
    /// Where a line sits in the width of the block: 0 is left, 1 is right.
    align: f32,
}

impl Block {
    fn of(step: &Text, layout: &Layout, line: f32, size: Size) -> Self {
        let lines = layout.lines.len();
        let (width, height) = (layout.width, line * lines as f32);
        if let (Some(x), Some(y)) = (step.x, step.y) {
            return Self { left: x as f32, top: y as f32, width, line, lines, align: 0.0 };
        }
        let (gx, gy) = step.gravity.fractions();
        let at = |side: u32, length: f32, gravity: f64| {
            let spare = side as f32 - length;
            let margin = (step.margin as f32).min((spare / 2.0).max(0.0));
            (margin + (spare - 2.0 * margin) * gravity as f32).round()
        };
        let (left, top) = (at(size.width, width, gx), at(size.height, height, gy));
        Self { left, top, width, line, lines, align: gx as f32 }
    }

    fn height(&self) -> f32 {
        self.line * self.lines as f32
    }

    fn sticks_out_of(&self, size: Size) -> bool {
        let (right, bottom) = (self.left + self.width, self.top + self.height());
        self.left < -0.5 || self.top < -0.5 || right > size.width as f32 + 0.5 || bottom > size.height as f32 + 0.5
    }
}

struct Paint {
    color: Color,
    alpha: f32,
}

impl Paint {
    fn of(color: Color, opacity: f32) -> Self {
        Self { color, alpha: f32::from(color.rgba[3]) / 255.0 * opacity }
    }

    /// The colour in the order of the channels.
    fn channels<P: Pixel>(&self) -> [f32; 4]
    where
        P::Subpixel: Sample,
    {
        let mut channels = [0.0; 4];
        channels.iter_mut().zip(pixel_of::<P>(self.color).channels()).for_each(|(to, from)| *to = from.float());
        channels
    }
}

/// The box behind the letters, a quarter of a line larger at either side.
fn fill<P: Pixel>(buffer: &mut Buffer<P>, block: &Block, paint: &Paint, stop: &Stop) -> Result<(), Failure>
where
    P::Subpixel: Sample,
{
    let more = (block.line / 4.0).round();
    let range = |from: f32, length: f32, most: u32| {
        let end = ((from + length + more).ceil().max(0.0) as u32).min(most);
        ((from - more).max(0.0) as u32).min(end)..end
    };
    let color = paint.channels::<P>();
    for y in range(block.top, block.height(), buffer.height()) {
        stop.check()?;
        for x in range(block.left, block.width, buffer.width()) {
            over(buffer.get_pixel_mut(x, y).channels_mut(), color, paint.alpha);
        }
    }
    Ok(())
}

fn write<P: Pixel>(
    buffer: &mut Buffer<P>,
    font: &PxScaleFont<FontRef<'static>>,
    layout: &Layout,
    block: &Block,
    paint: &Paint,
    stop: &Stop,
) -> Result<(), Failure>
where
    P::Subpixel: Sample,
{
    let (width, height) = (i64::from(buffer.width()), i64::from(buffer.height()));
    let color = paint.channels::<P>();
    for (index, line) in layout.lines.iter().enumerate() {
        let left = block.left + (block.width - line.width) * block.align;
        let base = block.top + block.line * index as f32 + font.ascent();
        for (id, at) in &line.glyphs {
            stop.check()?;
            let glyph = id.with_scale_and_position(font.scale(), point(left + at, base));
            let Some(outline) = font.font.outline_glyph(glyph) else { continue };
            let bounds = outline.px_bounds();
            let (from_x, from_y) = (bounds.min.x as i64, bounds.min.y as i64);
            if from_x >= width || from_y >= height || bounds.max.x < 0.0 || bounds.max.y < 0.0 {
                continue;
            }
            outline.draw(|x, y, share| {
                let place = (u32::try_from(from_x + i64::from(x)), u32::try_from(from_y + i64::from(y)));
                if let (Ok(x), Ok(y)) = place
                    && let Some(pixel) = buffer.get_pixel_mut_checked(x, y)
                {
                    over(pixel.channels_mut(), color, share * paint.alpha);
                }
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use image::{ColorType, Rgb, RgbImage};

    use super::*;
    use crate::engine::fixtures;

    fn black(width: u32, height: u32) -> RgbImage {
        RgbImage::from_pixel(width, height, Rgb([0; 3]))
    }

    /// The rectangle that holds all ink: left, top, right, bottom.
    fn ink(image: &RgbImage) -> (u32, u32, u32, u32) {
        let lit = || image.enumerate_pixels().filter(|(_, _, pixel)| pixel.0[0] > 40);
        let xs = || lit().map(|(x, ..)| x);
        let ys = || lit().map(|(_, y, _)| y);
        (xs().min().unwrap(), ys().min().unwrap(), xs().max().unwrap(), ys().max().unwrap())
    }

    #[test]
    fn lands_where_gravity_says() {
        for (gravity, left, top) in [
            ("north_west", true, true),
            ("north_east", false, true),
            ("south_west", true, false),
            ("south_east", false, false),
        ] {
            let step = format!(r#"[{{"op":"text","text":"Hello","size":30,"margin":10,"gravity":"{gravity}"}}]"#);
            let result = fixtures::run(black(300, 200), &step).into_rgb8();
            let (x1, y1, x2, y2) = ink(&result);
            assert!(if left { (9..20).contains(&x1) } else { (280..292).contains(&x2) }, "{gravity} {x1} {x2}");
            assert!(if top { (10..25).contains(&y1) } else { (170..191).contains(&y2) }, "{gravity} {y1} {y2}");
            assert!(x2 - x1 < 100 && y2 - y1 < 30);
        }
        let step = r#"[{"op":"text","text":"Hello","size":30,"x":100,"y":50}]"#;
        let (x1, y1, ..) = ink(&fixtures::run(black(300, 200), step).into_rgb8());
        assert!((100..105).contains(&x1) && (54..62).contains(&y1), "{x1} {y1}");
        let step = r#"[{"op":"text","text":"Hello","size":30,"gravity":"center"}]"#;
        let (x1, _, x2, _) = ink(&fixtures::run(black(300, 200), step).into_rgb8());
        assert!((x1 + x2).abs_diff(299) <= 4, "{x1} {x2}");
    }

    #[test]
    fn has_the_size_and_the_colour_that_were_asked_for() {
        // By Pillow 13 with the same font, x-height 535 and cap height 714 of 1000: an H at 2048/2789 of 100 pixels
        // a line is 52.4 pixels high.
        let step = r##"[{"op":"text","text":"H","size":100,"color":"#ff8000","gravity":"center"}]"##;
        let result = fixtures::run(black(200, 200), step).into_rgb8();
        let (_, top, _, bottom) = ink(&result);
        assert!((52..=54).contains(&(bottom - top + 1)), "{}", bottom - top + 1);
        assert!(result.pixels().any(|pixel| pixel.0 == [255, 128, 0]));
        let thin = r#"[{"op":"text","text":"H","size":100,"opacity":0.5,"gravity":"center"}]"#;
        assert!(fixtures::run(black(200, 200), thin).into_rgb8().pixels().all(|pixel| pixel.0[0] <= 128));
    }

    #[test]
    fn wraps_and_stays_within_its_width() {
        let step = r#"[{"op":"text","text":"one two three four five six","size":20,"max_width":90,"x":20,"y":5}]"#;
        let result = fixtures::run(black(300, 200), step).into_rgb8();
        let (x1, _, x2, y2) = ink(&result);
        assert!(x1 >= 20 && x2 <= 111 && y2 > 50, "{x1} {x2} {y2}");
    }

    #[test]
    fn a_box_lies_behind() {
        let step = r#"[{"op":"text","text":"Hi","size":40,"color":"black","background":"white","gravity":"center"}]"#;
        let result = fixtures::run(black(200, 100), step).into_rgb8();
        let white = result.pixels().filter(|pixel| pixel.0[0] == 255).count();
        assert!((1_200..6_000).contains(&white), "{white}");
        assert_eq!(result.get_pixel(1, 1).0, [0; 3]);
    }

    #[test]
    fn nothing_panics() {
        let long = "word ".repeat(399);
        for text in [
            "",
            " \t ",
            "😀👨‍👩‍👧",
            "שלום עולם",
            "مرحبا بالعالم",
            "e\u{301}\u{301}\u{301}",
            "\u{202e}abc",
            &long,
            "日本語",
            "\r\n\u{0}x",
        ] {
            for size in [4, 40, 2000] {
                for image in
                    [black(40, 30).into(), fixtures::gray(1, 1), fixtures::deep(9, 50), fixtures::disc(30).into()]
                {
                    let mut step = common::recipe::Text { ..serde_json::from_str(r#"{"text":"x"}"#).unwrap() };
                    (step.text, step.size) = (text.to_owned(), Some(size));
                    let stop = fixtures::stop();
                    let context =
                        Context { format: common::Format::Png, background: None, other: None, held: None, stop: &stop };
                    let result = apply(&step, DynamicImage::clone(&image), "steps[0]", &context, &mut Notes::default());
                    assert_eq!(result.unwrap().width(), image.width(), "{text}");
                }
            }
        }
    }

    #[test]
    fn kinds_are_kept_and_what_cannot_be_written_is_told() {
        let step = r#"[{"op":"text","text":"a"}]"#;
        assert_eq!(fixtures::run(fixtures::gray(60, 60), step).color(), ColorType::L8);
        assert_eq!(fixtures::run(fixtures::deep(60, 60), step).color(), ColorType::Rgb16);
        let red = r#"[{"op":"text","text":"a","color":"red"}]"#;
        assert_eq!(fixtures::run(fixtures::gray(60, 60), red).color(), ColorType::Rgb8);
        let japanese = r#"[{"op":"text","text":"日本","size":200}]"#;
        let made = fixtures::transform(&fixtures::png(black(60, 60)), japanese, None).unwrap();
        let codes: Vec<&str> = made.warnings.iter().map(|warning| warning.code.as_str()).collect();
        assert_eq!(codes, ["text_characters_missing", "text_cut_off"]);
        for (step, argument) in [
            (r#"[{"op":"text","text":""}]"#, "steps[0].text"),
            (r#"[{"op":"text","text":"a","x":1}]"#, "steps[0]"),
            (r#"[{"op":"text","text":"a","size":2001}]"#, "steps[0].size"),
        ] {
            assert_eq!(fixtures::steps(step).unwrap_err().argument.as_deref(), Some(argument));
        }
    }
}
