//! What differs, gathered into rectangles: pixels into cells, cells that touch into pieces, pieces that nearly touch
//! into one.

use common::{
    Failure,
    comparison::{Change, Severity},
    recipe::Region,
};

use super::perceive::Map;
use crate::engine::Stop;

/// The most parts that are told.
pub(super) const MOST: usize = 50;

/// Cells along the longer side: what is nearer than a cell belongs together.
const CELLS: u32 = 160;

/// What was found.
pub(super) struct Found {
    pub(super) changes: Vec<Change>,
    /// Parts beyond [`MOST`].
    pub(super) more: u64,
}

/// The sums over a part.
#[derive(Clone, Copy)]
struct Part {
    left: u32,
    top: u32,
    /// The last column and row within.
    right: u32,
    bottom: u32,
    count: u64,
    sum: f64,
    most: f32,
}

impl Part {
    fn pixel(x: u32, y: u32, difference: f32) -> Self {
        Self { left: x, top: y, right: x, bottom: y, count: 1, sum: f64::from(difference), most: difference }
    }

    fn and(self, other: Self) -> Self {
        Self {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
            count: self.count + other.count,
            sum: self.sum + other.sum,
            most: self.most.max(other.most),
        }
    }

    /// Whether the rectangles overlap or are at most `gap` apart.
    fn touches(&self, other: &Self, gap: u32) -> bool {
        self.left <= other.right.saturating_add(gap)
            && other.left <= self.right.saturating_add(gap)
            && self.top <= other.bottom.saturating_add(gap)
            && other.top <= self.bottom.saturating_add(gap)
    }

    fn change(&self, pixels: f64) -> Change {
        let mean = self.sum / self.count.max(1) as f64;
        let share = self.count as f64 / pixels.max(1.0);
        Change {
            frame: Region {
                x: self.left,
                y: self.top,
                width: self.right - self.left + 1,
                height: self.bottom - self.top + 1,
            },
            severity: severity(mean, share),
            share: super::rounded(share),
            mean_difference: super::rounded(mean),
            max_difference: super::rounded(f64::from(self.most)),
        }
    }
}

/// A strong difference of some size is high, and so is a large part that differs clearly.
fn severity(mean: f64, share: f64) -> Severity {
    match (mean, share) {
        _ if mean >= 0.5 && share >= 0.0005 => Severity::High,
        _ if mean >= 0.2 && share >= 0.02 => Severity::High,
        _ if mean >= 0.2 || share >= 0.01 => Severity::Medium,
        _ => Severity::Low,
    }
}

/// The parts of `map` that differ, the worst first.
pub(super) fn find(map: &Map, stop: &Stop) -> Result<Found, Failure> {
    let side = (map.width.max(map.height) / CELLS).max(4);
    let mut parts = pieces(cells(map, side, stop)?, map.width.div_ceil(side) as usize, stop)?;
    merge(&mut parts, side, stop)?;
    // By what differs altogether: how much of it, and how strongly.
    parts.sort_by(|a, b| b.sum.total_cmp(&a.sum).then((a.top, a.left).cmp(&(b.top, b.left))));
    let pixels = f64::from(map.width) * f64::from(map.height);
    let mut changes: Vec<Change> = parts.iter().take(MOST).map(|part| part.change(pixels)).collect();
    // What counts as worse stands first.
    changes.sort_by_key(|change| std::cmp::Reverse(change.severity));
    Ok(Found { changes, more: parts.len().saturating_sub(MOST) as u64 })
}

/// The sums of square cells, row by row.
fn cells(map: &Map, side: u32, stop: &Stop) -> Result<Vec<Option<Part>>, Failure> {
    let columns = map.width.div_ceil(side) as usize;
    let mut cells: Vec<Option<Part>> = vec![None; columns * map.height.div_ceil(side) as usize];
    for y in 0..map.height {
        stop.check()?;
        for x in 0..map.width {
            let difference = map.at(x, y);
            if difference > 0.0
                && let Some(cell) = cells.get_mut((y / side) as usize * columns + (x / side) as usize)
            {
                let pixel = Part::pixel(x, y, difference);
                *cell = Some(cell.map_or(pixel, |cell| cell.and(pixel)));
            }
        }
    }
    Ok(cells)
}

/// Cells that touch, together.
fn pieces(mut cells: Vec<Option<Part>>, columns: usize, stop: &Stop) -> Result<Vec<Part>, Failure> {
    let (mut parts, mut open) = (Vec::new(), Vec::new());
    for start in 0..cells.len() {
        let Some(mut part) = cells[start].take() else { continue };
        stop.check()?;
        open.push(start);
        while let Some(at) = open.pop() {
            let (x, y) = (at % columns, at / columns);
            for row in y.saturating_sub(1)..=y + 1 {
                for column in x.saturating_sub(1)..(x + 2).min(columns) {
                    let next = row * columns + column;
                    if let Some(cell) = cells.get_mut(next).and_then(Option::take) {
                        part = part.and(cell);
                        open.push(next);
                    }
                }
            }
        }
        parts.push(part);
    }
    Ok(parts)
}

/// Joins rectangles that overlap or nearly touch, until none do.
fn merge(parts: &mut Vec<Part>, gap: u32, stop: &Stop) -> Result<(), Failure> {
    loop {
        let before = parts.len();
        let mut at = 0;
        while at < parts.len() {
            stop.check()?;
            let mut part = parts[at];
            // The joined one is larger and may touch more of them; those before it wait for the next round.
            while let Some(behind) = parts[at + 1..].iter().position(|other| part.touches(other, gap)) {
                part = part.and(parts.swap_remove(at + 1 + behind));
            }
            parts[at] = part;
            at += 1;
        }
        if parts.len() == before {
            return Ok(());
        }
    }
}
