//! Text as lines of glyphs: which words stand in which line, and where each glyph goes.

use ab_glyph::{Font, FontRef, GlyphId, PxScale, PxScaleFont, ScaleFont};
use common::Failure;
use unicode_bidi::BidiInfo;

use super::pixels::unexpected;

/// Open Sans, see `fonts/README.md`.
pub(crate) static FONT: &[u8] = include_bytes!("../../fonts/OpenSans.ttf");

/// The font at a height of `size` pixels a line.
///
/// # Errors
/// `internal` if the file that comes with the program is damaged.
pub(crate) fn font(size: u32) -> Result<PxScaleFont<FontRef<'static>>, Failure> {
    let font = FontRef::try_from_slice(FONT).map_err(|_| unexpected("a font that cannot be read"))?;
    Ok(font.into_scaled(PxScale::from(size as f32)))
}

/// A line: glyphs from left to right, each with its left edge.
pub(crate) struct Line {
    pub(crate) glyphs: Vec<(GlyphId, f32)>,
    pub(crate) width: f32,
}

/// Text that was laid out.
pub(crate) struct Layout {
    pub(crate) lines: Vec<Line>,
    /// The width of the widest line.
    pub(crate) width: f32,
    /// Characters that the font does not have.
    pub(crate) missing: usize,
}

/// Breaks `text` into lines of at most `most` pixels where there are spaces, and within a word where there is no
/// other way.
pub(crate) fn lay_out<F: Font>(font: &PxScaleFont<F>, text: &str, most: f32) -> Layout {
    let mut lines = Vec::new();
    let mut missing = 0;
    for paragraph in text.lines() {
        for line in broken(font, paragraph, most) {
            let line = placed(font, &in_order(&line));
            missing += line.glyphs.iter().filter(|(id, _)| id.0 == 0).count();
            lines.push(line);
        }
    }
    let width = lines.iter().map(|line| line.width).fold(0.0, f32::max);
    Layout { lines, width, missing }
}

/// What takes no room of its own, such as the joiners and selectors of emoji, is left out with the control characters.
fn is_silent(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

fn advance<F: Font>(font: &PxScaleFont<F>, letter: char) -> f32 {
    if is_silent(letter) { 0.0 } else { font.h_advance(font.glyph_id(letter)) }
}

fn broken<F: Font>(font: &PxScaleFont<F>, paragraph: &str, most: f32) -> Vec<String> {
    let space = advance(font, ' ');
    let mut lines = Vec::new();
    let (mut line, mut width) = (String::new(), 0.0);
    for word in paragraph.split_whitespace() {
        let length: f32 = word.chars().map(|letter| advance(font, letter)).sum();
        if !line.is_empty() {
            if width + space + length <= most {
                line.push(' ');
                width += space;
            } else {
                lines.push(std::mem::take(&mut line));
                width = 0.0;
            }
        }
        if length <= most {
            line.push_str(word);
            width += length;
            continue;
        }
        for letter in word.chars() {
            let length = advance(font, letter);
            if width + length > most && !line.is_empty() {
                lines.push(std::mem::take(&mut line));
                width = 0.0;
            }
            line.push(letter);
            width += length;
        }
    }
    lines.push(line);
    lines
}

/// The line from left to right, as the Unicode bidirectional algorithm orders it.
fn in_order(line: &str) -> String {
    let info = BidiInfo::new(line, None);
    info.paragraphs.iter().map(|paragraph| info.reorder_line(paragraph, paragraph.range.clone())).collect()
}

fn placed<F: Font>(font: &PxScaleFont<F>, line: &str) -> Line {
    let mut glyphs = Vec::new();
    let mut at = 0.0;
    let mut last: Option<GlyphId> = None;
    for letter in line.chars().filter(|letter| !is_silent(*letter)) {
        let id = font.glyph_id(letter);
        at += last.map_or(0.0, |last| font.kern(last, id));
        glyphs.push((id, at));
        at += font.h_advance(id);
        last = Some(id);
    }
    Line { glyphs, width: at }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str, most: f32) -> Vec<String> {
        text.lines().flat_map(|paragraph| broken(&font(20).unwrap(), paragraph, most)).collect()
    }

    #[test]
    fn lines_break_at_spaces_and_in_words_that_are_too_long() {
        assert_eq!(lines("one two", 1000.0), ["one two"]);
        assert_eq!(lines("one two\n\nthree", 1000.0), ["one two", "", "three"]);
        assert_eq!(lines("one   two", 45.0), ["one", "two"]);
        let parts = lines("abcdefghij", 40.0);
        assert!(parts.len() > 1 && parts.concat() == "abcdefghij", "{parts:?}");
        assert_eq!(lines("abc", 0.5), ["a", "b", "c"], "one letter a line is the least");
    }

    #[test]
    fn no_line_is_wider_than_asked() {
        let font = font(24).unwrap();
        let text = "The quick brown fox jumps over the lazy dog and Donaudampfschifffahrtsgesellschaftskapitän";
        for most in [60.0, 150.0, 400.0] {
            let layout = lay_out(&font, text, most);
            assert!(layout.width <= most + 0.01 && layout.lines.len() > 2, "{} {}", layout.width, layout.lines.len());
            assert_eq!(layout.missing, 0);
        }
    }

    #[test]
    fn hebrew_runs_from_right_to_left_and_what_is_missing_is_counted() {
        assert_eq!(in_order("abc"), "abc");
        assert_eq!(in_order("שלום"), "םולש");
        assert_eq!(in_order("12 שלום"), "םולש 12");
        let font = font(24).unwrap();
        assert_eq!(lay_out(&font, "שלום Ωμέγα Привет ñ", 1e6).missing, 0);
        assert_eq!(lay_out(&font, "\u{1f468}\u{200d}\u{1f469}\u{fe0f} 日本", 1e6).missing, 4);
        assert!(lay_out(&font, "", 100.0).lines.is_empty());
    }
}
