//! Rectangles that may lie at any angle.

/// A point in pixels.
pub(super) type Point = [f32; 2];

/// A rectangle around a middle, whose width runs along `(ux, uy)`, a vector of length one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slanted {
    pub(super) middle: Point,
    pub(super) width: f32,
    pub(super) height: f32,
    pub(super) ux: f32,
    pub(super) uy: f32,
}

impl Slanted {
    /// The smallest one around `points`; `None` where they lie on a line.
    pub(super) fn around(points: &[Point]) -> Option<Self> {
        let hull = hull(points);
        if hull.len() < 3 {
            return None;
        }
        let mut best: Option<Self> = None;
        for (index, from) in hull.iter().enumerate() {
            let to = hull.get(index + 1).or(hull.first()).copied().unwrap_or(*from);
            let found = Self::along(&hull, *from, to);
            if let Some(found) = found
                && best.is_none_or(|best| found.area() < best.area())
            {
                best = Some(found);
            }
        }
        best.map(Self::pointing_right)
    }

    /// The smallest one with a side along the line from `from` to `to`.
    fn along(hull: &[Point], from: Point, to: Point) -> Option<Self> {
        let (dx, dy) = (to[0] - from[0], to[1] - from[1]);
        let length = dx.hypot(dy);
        if length < 1e-6 {
            return None;
        }
        let (ux, uy) = (dx / length, dy / length);
        let (mut low, mut high) = ([f32::MAX; 2], [f32::MIN; 2]);
        for [x, y] in hull {
            for (axis, at) in [x * ux + y * uy, y * ux - x * uy].into_iter().enumerate() {
                low[axis] = low[axis].min(at);
                high[axis] = high[axis].max(at);
            }
        }
        let (along, across) = ((low[0] + high[0]) / 2.0, (low[1] + high[1]) / 2.0);
        let middle = [along * ux - across * uy, along * uy + across * ux];
        Some(Self { middle, width: high[0] - low[0], height: high[1] - low[1], ux, uy })
    }

    /// The same rectangle with its width along what is nearest to the horizontal.
    fn pointing_right(mut self) -> Self {
        for _ in 0..4 {
            if self.ux >= std::f32::consts::FRAC_1_SQRT_2 - 1e-4 {
                break;
            }
            (self.ux, self.uy) = (-self.uy, self.ux);
            std::mem::swap(&mut self.width, &mut self.height);
        }
        self
    }

    pub(super) fn area(&self) -> f32 {
        self.width * self.height
    }

    /// Whether text in it stands upright, letter by letter or turned by a quarter.
    pub(super) fn is_tall(&self) -> bool {
        self.height >= 1.5 * self.width
    }

    /// Grown by as much on each side as polygons are by this ratio of area to circumference.
    pub(super) fn grown(self, ratio: f32) -> Self {
        let more = self.area() * ratio / (self.width + self.height).max(1e-6);
        Self { width: self.width + more, height: self.height + more, ..self }
    }

    /// In a picture that is larger by these factors, which are nearly the same.
    pub(super) fn scaled(self, fx: f32, fy: f32) -> Self {
        let (along, across) = ((self.ux * fx).hypot(self.uy * fy), (self.uy * fx).hypot(self.ux * fy));
        let (dx, dy) = (self.ux * fx / along, self.uy * fy / along);
        let middle = [self.middle[0] * fx, self.middle[1] * fy];
        Self { middle, width: self.width * along, height: self.height * across, ux: dx, uy: dy }
    }

    /// The point at these shares of width and height, which run from 0 to 1.
    pub(super) fn at(&self, along: f32, across: f32) -> Point {
        let (a, b) = ((along - 0.5) * self.width, (across - 0.5) * self.height);
        [self.middle[0] + a * self.ux - b * self.uy, self.middle[1] + a * self.uy + b * self.ux]
    }

    /// Its corners, clockwise from the upper left.
    pub(super) fn quad(&self) -> [Point; 4] {
        [self.at(0.0, 0.0), self.at(1.0, 0.0), self.at(1.0, 1.0), self.at(0.0, 1.0)]
    }

    /// Whether it holds the point.
    pub(super) fn holds(&self, x: f32, y: f32) -> bool {
        let (dx, dy) = (x - self.middle[0], y - self.middle[1]);
        (dx * self.ux + dy * self.uy).abs() <= self.width / 2.0 + 0.01
            && (dy * self.ux - dx * self.uy).abs() <= self.height / 2.0 + 0.01
    }
}

/// Left, top, right and bottom of `points`.
pub(super) fn bounds(points: &[Point]) -> [f32; 4] {
    points.iter().fold([f32::MAX, f32::MAX, f32::MIN, f32::MIN], |[left, top, right, bottom], [x, y]| {
        [left.min(*x), top.min(*y), right.max(*x), bottom.max(*y)]
    })
}

/// The convex hull, by Andrew's monotone chain.
fn hull(points: &[Point]) -> Vec<Point> {
    let mut sorted = points.to_vec();
    sorted.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
    sorted.dedup();
    if sorted.len() < 3 {
        return sorted;
    }
    let mut hull = half(sorted.iter());
    hull.extend(half(sorted.iter().rev()));
    hull
}

fn half<'a>(points: impl Iterator<Item = &'a Point>) -> Vec<Point> {
    let turn = |o: Point, a: Point, b: Point| (a[0] - o[0]) * (b[1] - o[1]) - (a[1] - o[1]) * (b[0] - o[0]);
    let mut chain: Vec<Point> = Vec::new();
    for point in points {
        while let [.., before, last] = chain[..]
            && turn(before, last, *point) <= 0.0
        {
            chain.pop();
        }
        chain.push(*point);
    }
    chain.pop();
    chain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_rectangle_is_found_at_any_angle() {
        for degrees in [-40.0f32, -10.0, 0.0, 3.0, 30.0] {
            let (uy, ux) = degrees.to_radians().sin_cos();
            let drawn = Slanted { middle: [200.0, 150.0], width: 120.0, height: 20.0, ux, uy };
            let points: Vec<Point> =
                (0..=60).flat_map(|i| (0..=10).map(move |j| drawn.at(i as f32 / 60.0, j as f32 / 10.0))).collect();
            let found = Slanted::around(&points).unwrap();
            assert!((found.width - 120.0).abs() < 0.1 && (found.height - 20.0).abs() < 0.1, "{degrees}: {found:?}");
            assert!((found.uy.atan2(found.ux).to_degrees() - degrees).abs() < 0.1, "{degrees}: {found:?}");
            assert!(found.holds(200.0, 150.0) && !found.holds(200.0, 250.0));
        }
    }

    #[test]
    fn points_on_a_line_have_none() {
        assert!(Slanted::around(&[[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]]).is_none());
        assert!(Slanted::around(&[]).is_none());
    }

    #[test]
    fn scaling_moves_the_corners() {
        let one = Slanted { middle: [10.0, 20.0], width: 8.0, height: 4.0, ux: 1.0, uy: 0.0 };
        let [corner, ..] = one.scaled(2.0, 3.0).quad();
        assert_eq!(corner, [12.0, 54.0]);
    }
}
