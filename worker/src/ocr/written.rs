//! What was read, as callers get it: lines in order, with their places in the picture as it was.

use common::{
    Warning,
    reading::{Reading, TextLine, Word},
    recipe::Region,
};

use super::{
    Read, detect, order,
    page::Page,
    recognise::Said,
    slanted::{Point, Slanted, bounds},
};
use crate::engine::Size;

/// Lines that are less likely than this are noise.
const LEAST: f32 = 0.5;
/// Text that was looked for at less than this share of its size may have been missed.
const SMALL: f32 = 0.4;

/// The lines of `page`, whose picture of `size` is larger than the page by `factor`.
pub(super) fn written(page: &Page, said: &[Said], words: bool, size: Size, factor: f32) -> Read {
    let lines: Vec<(Slanted, &Said)> = page
        .found
        .places
        .iter()
        .copied()
        .zip(said)
        .filter(|(_, said)| said.score >= LEAST && !said.text.trim().is_empty())
        .collect();
    let back = |points: [Point; 4]| points.map(|point| page.before(point).map(|at| at * factor));
    let places: Vec<Slanted> = lines.iter().map(|(place, _)| *place).collect();
    let mut reading = Reading { rotation: page.rotation, ..Reading::default() };
    for row in order::rows(&places) {
        let row: Vec<&(Slanted, &Said)> = row.iter().filter_map(|index| lines.get(*index)).collect();
        if !reading.text.is_empty() {
            reading.text.push('\n');
        }
        let texts: Vec<&str> = row.iter().map(|(_, said)| said.text.trim()).collect();
        reading.text.push_str(&texts.join(" "));
        for (place, said) in row {
            let quad = back(place.quad());
            reading.lines.push(TextLine {
                text: said.text.trim().to_owned(),
                confidence: rounded(said.score),
                frame: frame(&quad, size),
                quad: corners(&quad),
                words: if words { self::words(place, said, &back) } else { Vec::new() },
            });
        }
    }
    reading.confidence = confidence(&lines);
    let scale = page.found.scale / factor;
    Read { warnings: warnings(&reading, scale, page.found.too_many), reading }
}

fn warnings(reading: &Reading, scale: f32, too_many: bool) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if scale < SMALL {
        let text = format!(
            "The picture is large: text was looked for at {:.0} % of its size, and small text may be missing. Crop it into \
             parts of at most 2000 pixels a side to read all of it.",
            scale * 100.0
        );
        warnings.push(Warning::new("small_text_may_be_missing", text));
    }
    if too_many {
        let text = format!("Only the {} largest places that look like text were read.", detect::MOST_LINES);
        warnings.push(Warning::new("too_many_lines", text));
    }
    if reading.confidence.is_some_and(|confidence| confidence < super::DOUBTFUL) {
        let text = "The text may be wrong, or in a script that cannot be read here.";
        warnings.push(Warning::new("low_confidence", text));
    }
    warnings
}

/// The mean of the lines, weighted by their letters.
fn confidence(lines: &[(Slanted, &Said)]) -> Option<f32> {
    let letters = |said: &Said| said.places.len() as f32;
    let all: f32 = lines.iter().map(|(_, said)| letters(said)).sum();
    let sum: f32 = lines.iter().map(|(_, said)| said.score * letters(said)).sum();
    (all > 0.0).then(|| rounded(sum / all))
}

fn rounded(score: f32) -> f32 {
    (score * 1000.0).round() / 1000.0
}

/// The words of a line, each from half-way before its first letter to half-way behind its last.
fn words(place: &Slanted, said: &Said, back: &dyn Fn([Point; 4]) -> [Point; 4]) -> Vec<Word> {
    let letters: Vec<(char, f32)> = said.text.chars().zip(said.places.iter().copied()).collect();
    let middle = |one: usize, other: usize| match (letters.get(one), letters.get(other)) {
        (Some(one), Some(other)) => f32::midpoint(one.1, other.1),
        (None, _) => 0.0,
        (_, None) => 1.0,
    };
    let mut words = Vec::new();
    let mut start = 0;
    for end in 0..=letters.len() {
        if letters.get(end).is_some_and(|(letter, _)| !letter.is_whitespace()) {
            continue;
        }
        if end > start {
            // A space stands where the gap is: half of it belongs to neither word.
            let (from, to) = (middle(start.wrapping_sub(1), start), middle(end - 1, end));
            let quad = [place.at(from, 0.0), place.at(to, 0.0), place.at(to, 1.0), place.at(from, 1.0)];
            let text = letters.get(start..end).unwrap_or_default().iter().map(|(letter, _)| *letter).collect();
            words.push(Word { text, quad: corners(&back(quad)) });
        }
        start = end + 1;
    }
    words
}

fn corners(quad: &[Point; 4]) -> Vec<i32> {
    quad.iter().flatten().map(|at| at.round() as i32).collect()
}

/// The rectangle around `quad`, within the picture.
fn frame(quad: &[Point; 4], size: Size) -> Region {
    let [left, top, right, bottom] = bounds(quad);
    let within = |at: f32, most: u32| (at.round().max(0.0) as u32).min(most);
    let (x, y) = (within(left, size.width - 1), within(top, size.height - 1));
    let (right, bottom) = (within(right, size.width), within(bottom, size.height));
    Region { x, y, width: right.saturating_sub(x).max(1), height: bottom.saturating_sub(y).max(1) }
}
