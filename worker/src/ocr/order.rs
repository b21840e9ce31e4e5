//! The order in which a person reads lines: columns first where there are any, then rows.

use super::slanted::{Slanted, bounds};

/// Deeper cuts than this are no columns.
const DEEPEST: u32 = 12;

/// A line on its page, which was sheared until lines are level.
#[derive(Clone, Copy)]
struct Block {
    index: usize,
    left: f32,
    right: f32,
    middle: f32,
    height: f32,
}

impl Block {
    fn width(&self) -> f32 {
        self.right - self.left
    }
}

/// Rows of places in reading order; what stands in one row is read from left to right.
pub(super) fn rows(places: &[Slanted]) -> Vec<Vec<usize>> {
    let slope = slope(places);
    let blocks = places.iter().enumerate().map(|(index, place)| {
        let [left, top, right, bottom] = bounds(&place.quad());
        let middle = (top + bottom) / 2.0 - slope * (left + right) / 2.0;
        Block { index, left, right, middle, height: place.height.min(place.width) }
    });
    let rows = ordered(blocks.collect(), 0);
    rows.into_iter().map(|row| row.into_iter().map(|block| block.index).collect()).collect()
}

/// The slope of the page: the median of its lines, weighted by their width.
fn slope(places: &[Slanted]) -> f32 {
    let mut slopes: Vec<(f32, f32)> = places.iter().map(|place| (place.uy / place.ux.max(1e-3), place.width)).collect();
    slopes.sort_by(|a, b| a.0.total_cmp(&b.0));
    let half = slopes.iter().map(|(_, width)| width).sum::<f32>() / 2.0;
    let mut passed = 0.0;
    let middle = slopes.iter().find(|(_, width)| {
        passed += width;
        passed >= half
    });
    middle.map_or(0.0, |(slope, _)| *slope)
}

fn ordered(blocks: Vec<Block>, depth: u32) -> Vec<Vec<Block>> {
    if depth < DEEPEST {
        let cut = columns(&blocks).map(|(_, left, right)| (left, right)).or_else(|| above_columns(&blocks));
        if let Some((first, second)) = cut {
            let mut rows = ordered(first, depth + 1);
            rows.extend(ordered(second, depth + 1));
            return rows;
        }
    }
    in_rows(blocks)
}

/// Cuts at the widest gap that runs from top to bottom, unless both sides go together like the cells of a table.
fn columns(blocks: &[Block]) -> Option<(f32, Vec<Block>, Vec<Block>)> {
    if blocks.len() < 6 {
        return None;
    }
    let line = median(blocks.iter().map(|block| block.height));
    let mut best: Option<(f32, Vec<Block>, Vec<Block>)> = None;
    for (from, to) in gaps(blocks.iter().map(|block| (block.left, block.right)).collect()) {
        let gap = to - from;
        if gap < 0.6 * line || best.as_ref().is_some_and(|(widest, ..)| gap <= *widest) {
            continue;
        }
        let (left, right): (Vec<Block>, Vec<Block>) = blocks.iter().partition(|block| block.right <= from + 1e-3);
        if left.len() < 3 || right.len() < 3 {
            continue;
        }
        let is_prose = |side: &[Block]| median(side.iter().map(Block::width)) >= 8.0 * line;
        let (few, many) = if left.len() <= right.len() { (&left, &right) } else { (&right, &left) };
        let level = |block: &&Block| many.iter().any(|other| (block.middle - other.middle).abs() < 0.3 * line);
        let together = few.iter().filter(level).count() as f32 / few.len() as f32;
        if (is_prose(&left) && is_prose(&right)) || together < 0.4 {
            best = Some((gap, left, right));
        }
    }
    best
}

/// Cuts at a gap that runs from left to right where there are columns above or below it.
fn above_columns(blocks: &[Block]) -> Option<(Vec<Block>, Vec<Block>)> {
    if blocks.len() < 7 {
        return None;
    }
    let spans = blocks.iter().map(|block| (block.middle - 0.28 * block.height, block.middle + 0.28 * block.height));
    let mut best: Option<(usize, f32, Vec<Block>, Vec<Block>)> = None;
    for (from, to) in gaps(spans.collect()) {
        let middle = f32::midpoint(from, to);
        let (upper, lower): (Vec<Block>, Vec<Block>) = blocks.iter().partition(|block| block.middle < middle);
        let in_columns = |part: &[Block]| if columns(part).is_some() { part.len() } else { 0 };
        let (count, gap) = (in_columns(&upper) + in_columns(&lower), to - from);
        if count > 0 && best.as_ref().is_none_or(|best| (count, gap) > (best.0, best.1)) {
            best = Some((count, gap, upper, lower));
        }
    }
    best.map(|(_, _, upper, lower)| (upper, lower))
}

/// Stretches that no span touches.
fn gaps(mut spans: Vec<(f32, f32)>) -> Vec<(f32, f32)> {
    spans.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut gaps = Vec::new();
    let mut end = f32::MAX;
    for (from, to) in spans {
        if from > end {
            gaps.push((end, from));
        }
        end = if end == f32::MAX { to } else { end.max(to) };
    }
    gaps
}

fn in_rows(mut blocks: Vec<Block>) -> Vec<Vec<Block>> {
    blocks.sort_by(|a, b| a.middle.total_cmp(&b.middle));
    let mut rows: Vec<Vec<Block>> = Vec::new();
    for block in blocks {
        let fits = |row: &&mut Vec<Block>| {
            let height = median(row.iter().map(|other| other.height)).min(block.height);
            let apart = |other: &Block| {
                let shared = other.right.min(block.right) - other.left.max(block.left);
                shared < 0.3 * other.width().min(block.width())
            };
            (block.middle - mean(row)).abs() < 0.5 * height && row.iter().all(apart)
        };
        match rows.iter_mut().rev().take(3).find(fits) {
            Some(row) => row.push(block),
            None => rows.push(vec![block]),
        }
    }
    rows.sort_by(|a, b| mean(a).total_cmp(&mean(b)));
    for row in &mut rows {
        row.sort_by(|a, b| a.left.total_cmp(&b.left));
    }
    rows
}

fn mean(row: &[Block]) -> f32 {
    row.iter().map(|block| block.middle).sum::<f32>() / row.len().max(1) as f32
}

fn median(values: impl Iterator<Item = f32>) -> f32 {
    let mut values: Vec<f32> = values.collect();
    values.sort_by(f32::total_cmp);
    let half = values.len() / 2;
    match (values.get(half.wrapping_sub(1)), values.get(half)) {
        (Some(lower), Some(upper)) if values.len().is_multiple_of(2) => f32::midpoint(*lower, *upper),
        (_, Some(middle)) => *middle,
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(left: f32, top: f32, width: f32) -> Slanted {
        Slanted { middle: [left + width / 2.0, top + 10.0], width, height: 20.0, ux: 1.0, uy: 0.0 }
    }

    #[test]
    fn columns_are_read_one_after_the_other() {
        let mut places: Vec<Slanted> = (0u8..5).map(|row| line(500.0, f32::from(row) * 30.0 + 100.0, 400.0)).collect();
        places.extend((0u8..5).map(|row| line(0.0, f32::from(row) * 30.0 + 100.0, 400.0)));
        places.push(line(0.0, 0.0, 900.0));
        let order: Vec<usize> = rows(&places).into_iter().flatten().collect();
        assert_eq!(order, [10, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4], "the title, the left column, the right one");
    }

    #[test]
    fn tables_are_read_row_by_row() {
        let cell = |at: u8| line(f32::from(at % 3) * 300.0, f32::from(at / 3) * 40.0, 60.0);
        let places: Vec<Slanted> = (0..12).rev().map(cell).collect();
        let order = rows(&places);
        assert_eq!(order, [[11, 10, 9], [8, 7, 6], [5, 4, 3], [2, 1, 0]]);
    }

    #[test]
    fn a_slanted_page_keeps_its_rows() {
        let (uy, ux) = 4f32.to_radians().sin_cos();
        let at =
            |x: f32, y: f32| Slanted { middle: [x * ux - y * uy, x * uy + y * ux], width: 350.0, height: 20.0, ux, uy };
        let places = [at(900.0, 40.0), at(200.0, 40.0), at(900.0, 0.0), at(200.0, 0.0)];
        assert_eq!(rows(&places), [[3, 2], [1, 0]]);
        assert!(rows(&[]).is_empty());
    }
}
