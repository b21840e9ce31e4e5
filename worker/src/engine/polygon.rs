//! Filled outlines with smooth edges.

/// Rows of points to a row of pixels.
const LINES: u32 = 4;

/// How much of each pixel of row `y` lies inside the outline: the first column, and shares from 0 to 1. Inside is
/// where a line crosses the outline an odd number of times.
pub(crate) fn row(points: &[(f32, f32)], y: u32, width: u32) -> (u32, Vec<f32>) {
    let edges = || points.iter().zip(points.iter().cycle().skip(1));
    let mut spans = Vec::new();
    for line in 0..LINES {
        let at = y as f32 + (line as f32 + 0.5) / LINES as f32;
        let mut crossings: Vec<f32> = edges()
            .filter(|((_, y1), (_, y2))| (*y1 <= at) != (*y2 <= at))
            .map(|((x1, y1), (x2, y2))| x1 + (at - y1) / (y2 - y1) * (x2 - x1))
            .collect();
        crossings.sort_by(f32::total_cmp);
        for pair in crossings.chunks_exact(2) {
            if let [from, to] = pair {
                spans.push((from.clamp(0.0, width as f32), to.clamp(0.0, width as f32)));
            }
        }
    }
    let first = spans.iter().map(|(from, _)| from.floor() as u32).min().unwrap_or_default();
    let last = spans.iter().map(|(_, to)| to.ceil() as u32).max().unwrap_or_default();
    let mut shares = vec![0.0; last.saturating_sub(first) as usize];
    for (from, to) in spans {
        for x in from.floor() as u32..to.ceil() as u32 {
            let inside = to.min(x as f32 + 1.0) - from.max(x as f32);
            if let Some(share) = shares.get_mut((x - first) as usize) {
                *share += inside.max(0.0) / LINES as f32;
            }
        }
    }
    (first, shares)
}

#[cfg(test)]
mod tests {
    use super::row;

    #[test]
    fn the_area_of_an_outline_is_covered() {
        for (points, area) in [
            (vec![(2.0, 3.0), (12.0, 3.0), (12.0, 8.0), (2.0, 8.0)], 50.0),
            (vec![(0.0, 0.0), (20.0, 0.0), (0.0, 20.0)], 200.0),
            (vec![(1.25, 1.5), (6.75, 1.5), (6.75, 4.0), (1.25, 4.0)], 13.75),
        ] {
            let covered: f32 = (0..30).map(|y| row(&points, y, 40).1.iter().sum::<f32>()).sum();
            assert!((covered - area).abs() < 0.02 * area, "{covered} {area}");
        }
        let (first, shares) = row(&[(2.0, 3.0), (12.0, 3.0), (12.0, 8.0), (2.0, 8.0)], 5, 40);
        assert_eq!((first, shares.len()), (2, 10));
        assert!(row(&[(2.0, 3.0), (12.0, 3.0), (12.0, 8.0)], 25, 40).1.is_empty());
    }

    #[test]
    fn what_sticks_out_is_cut_off() {
        let (first, shares) = row(&[(-50.0, 0.0), (500.0, 0.0), (500.0, 9.0), (-50.0, 9.0)], 4, 7);
        assert_eq!((first, shares.len()), (0, 7));
    }
}
