//! Text that was read, as Markdown: headings by the height of lines, lists by their signs, paragraphs by the room between.

use common::reading::{Reading, TextLine};

/// Lines so much higher than most are headings of the first and second degree; longer ones are only large.
const FIRST: f64 = 1.7;
const SECOND: f64 = 1.3;
const LONGEST_HEADING: usize = 80;

/// Room between lines of one paragraph, in heights of a line.
const WITHIN: f64 = 0.9;

const BULLETS: [char; 7] = ['•', '·', '●', '▪', '*', '–', '-'];

/// What `reading` says, as Markdown. Of a page that does not stand upright only the lists are told.
pub(crate) fn of(reading: &Reading) -> String {
    let upright = reading.rotation == 0;
    let usual = usual_height(&reading.lines);
    let mut text = String::new();
    let mut before: Option<(&TextLine, Kind)> = None;
    for line in &reading.lines {
        let kind = if upright { kind(line, usual) } else { Kind::of(&line.text) };
        if let Some((above, above_kind)) = before {
            text.push('\n');
            let apart = upright && gap(above, line).is_none_or(|gap| gap > WITHIN * usual);
            if apart || kind != above_kind || matches!(kind, Kind::Heading(_)) {
                text.push('\n');
            }
        }
        match kind {
            Kind::Heading(degree) => text.push_str(&format!("{} {}", "#".repeat(degree), line.text.trim())),
            Kind::Bullet => text.push_str(&format!("- {}", line.text.trim().trim_start_matches(BULLETS).trim())),
            Kind::Plain => text.push_str(&escaped(line.text.trim())),
        }
        before = Some((line, kind));
    }
    text
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Kind {
    Heading(usize),
    Bullet,
    Plain,
}

impl Kind {
    fn of(text: &str) -> Self {
        let mut letters = text.trim().chars();
        let (first, second) = (letters.next(), letters.next());
        let marked = first.is_some_and(|first| BULLETS.contains(&first));
        // A minus before a number is no bullet.
        let is_list =
            marked && second.is_some_and(|second| second == ' ' || (second.is_alphabetic() && first != Some('-')));
        if is_list { Self::Bullet } else { Self::Plain }
    }
}

fn kind(line: &TextLine, usual: f64) -> Kind {
    let (height, letters) = (f64::from(line.frame.height), line.text.chars().count());
    match Kind::of(&line.text) {
        Kind::Plain if letters <= LONGEST_HEADING && height >= FIRST * usual => Kind::Heading(1),
        Kind::Plain if letters <= LONGEST_HEADING && height >= SECOND * usual => Kind::Heading(2),
        kind => kind,
    }
}

/// The height of most letters: long lines count for more.
fn usual_height(lines: &[TextLine]) -> f64 {
    let mut heights: Vec<(u32, usize)> =
        lines.iter().map(|line| (line.frame.height, line.text.chars().count().max(1))).collect();
    heights.sort_unstable();
    let all: usize = heights.iter().map(|(_, letters)| letters).sum();
    let mut seen = 0;
    for (height, letters) in heights {
        seen += letters;
        if seen * 2 >= all {
            return f64::from(height.max(1));
        }
    }
    1.0
}

/// Pixels between two lines; `None` where the second is not below the first: in another column.
fn gap(above: &TextLine, below: &TextLine) -> Option<f64> {
    let bottom = above.frame.y + above.frame.height;
    if below.frame.y + below.frame.height <= above.frame.y {
        return None;
    }
    Some(f64::from(below.frame.y) - f64::from(bottom))
}

/// What Markdown would take for a sign of its own at the start of a line.
fn escaped(text: &str) -> String {
    let signs = ['#', '>', '`', '+', '|', '='];
    if text.starts_with(signs) { format!("\\{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use common::recipe::Region;

    use super::*;

    fn line(text: &str, y: u32, height: u32) -> TextLine {
        let frame = Region { x: 10, y, width: 200, height };
        TextLine { text: text.into(), confidence: 0.9, frame, quad: Vec::new(), words: Vec::new() }
    }

    fn reading(lines: Vec<TextLine>) -> Reading {
        Reading { lines, ..Reading::default() }
    }

    #[test]
    fn headings_lists_and_paragraphs_are_told_apart() {
        let page = reading(vec![
            line("Annual report", 0, 60),
            line("The year was good and the", 100, 20),
            line("next one will be better.", 125, 20),
            line("What we did", 190, 30),
            line("• built", 240, 20),
            line("- sold", 265, 20),
            line("-5 degrees", 290, 20),
            line("# 7", 400, 20),
        ]);
        let wanted = "# Annual report\n\nThe year was good and the\nnext one will be better.\n\n## What we did\n\n- built\n- sold\n\n\
            -5 degrees\n\n\\# 7";
        assert_eq!(of(&page), wanted);
    }

    #[test]
    fn another_column_is_another_paragraph() {
        let page = reading(vec![line("left one", 0, 20), line("left two", 25, 20), line("right one", 0, 20)]);
        assert_eq!(of(&page), "left one\nleft two\n\nright one");
        assert_eq!(of(&reading(Vec::new())), "");
    }
}
