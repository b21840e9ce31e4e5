//! The rows around one, each blurred sideways once: added up they are that row, blurred both ways.

/// A sample on its way through the sums.
pub(super) trait Term: Copy + Default {
    /// Its share at `weight`.
    fn times(self, weight: Self) -> Self;
    /// The sum; two samples, and all shares together, have room.
    fn plus(self, other: Self) -> Self;
}

pub(super) struct Ring<T> {
    /// The kernel from its middle outwards.
    weights: Vec<T>,
    /// What every sum starts with.
    start: T,
    channels: usize,
    /// Samples of a row.
    stride: usize,
    /// Rows of the picture.
    height: usize,
    lines: Vec<T>,
    /// Rows that were loaded.
    loaded: usize,
    padded: Vec<T>,
    /// The row that was added up.
    pub(super) row: Vec<T>,
}

impl<T: Term> Ring<T> {
    /// For a picture of `height` rows, 1 at least, of `stride` samples.
    pub(super) fn new(weights: Vec<T>, start: T, channels: usize, stride: usize, height: usize) -> Self {
        let radius = weights.len().saturating_sub(1);
        let lines = vec![T::default(); (2 * radius + 1) * stride];
        let padded = vec![T::default(); stride + 2 * radius * channels];
        Self { weights, start, channels, stride, height, lines, loaded: 0, padded, row: vec![T::default(); stride] }
    }

    fn radius(&self) -> usize {
        self.weights.len().saturating_sub(1)
    }

    /// The number of the row that is to be loaded before row `y` can be added up.
    pub(super) fn next(&self, y: usize) -> Option<usize> {
        (self.loaded <= (y + self.radius()).min(self.height - 1)).then_some(self.loaded)
    }

    /// Loads a row: `fill` writes its samples.
    #[inline(always)]
    pub(super) fn load(&mut self, fill: impl FnOnce(&mut [T])) {
        let (radius, channels, stride) = (self.radius(), self.channels, self.stride);
        let (margin, end) = (radius * channels, radius * channels + stride);
        fill(self.padded.get_mut(margin..end).unwrap_or_default());
        // Beyond the edge the picture goes on with its outermost pixels.
        for step in (0..margin).step_by(channels) {
            self.padded.copy_within(margin..margin + channels, step);
            self.padded.copy_within(end - channels..end, end + step);
        }
        let slot = self.loaded % (2 * radius + 1) * stride;
        if let Some(line) = self.lines.get_mut(slot..slot + stride) {
            let from = |start: usize| self.padded.get(start..).unwrap_or_default();
            let pair = |distance: usize| (from(margin - distance * channels), from(margin + distance * channels));
            add_up(line, self.start, &self.weights, &(0..=radius).map(pair).collect::<Vec<_>>());
        }
        self.loaded += 1;
    }

    /// Adds up the rows around row `y`.
    #[inline(always)]
    pub(super) fn add_up(&mut self, y: usize) {
        let (radius, last) = (self.radius(), self.height - 1);
        let line = |y: usize| self.lines.get(y % (2 * radius + 1) * self.stride..).unwrap_or_default();
        let pair = |distance| (line(y.saturating_sub(distance)), line((y + distance).min(last)));
        add_up(&mut self.row, self.start, &self.weights, &(0..=radius).map(pair).collect::<Vec<_>>());
    }
}

/// Adds up two rows for each weight, but one for the first.
#[inline(always)]
fn add_up<T: Term>(to: &mut [T], start: T, weights: &[T], pairs: &[(&[T], &[T])]) {
    let Some(((middle, weights), ((here, _), pairs))) = weights.split_first().zip(pairs.split_first()) else { return };
    for (to, here) in to.iter_mut().zip(*here) {
        *to = start.plus(here.times(*middle));
    }
    // Four at once, so that the sum is not fetched and put away so often.
    let ((fours, rest), (pairs, pairs_left)) = (weights.as_chunks::<4>(), pairs.as_chunks::<4>());
    for (weights, pairs) in fours.iter().zip(pairs) {
        add(to, weights, pairs);
    }
    for (weight, pair) in rest.iter().zip(pairs_left) {
        add(to, &[*weight], &[*pair]);
    }
}

#[inline(always)]
fn add<T: Term, const N: usize>(to: &mut [T], weights: &[T; N], pairs: &[(&[T], &[T]); N]) {
    let length = to.len();
    // Cut to one length, which is then known to be enough.
    let mut rows = [(&[] as &[T], &[] as &[T]); N];
    for (row, (one, other)) in rows.iter_mut().zip(pairs) {
        let (Some(one), Some(other)) = (one.get(..length), other.get(..length)) else { return };
        *row = (one, other);
    }
    for (at, to) in to.iter_mut().enumerate() {
        let mut sum = *to;
        for ((one, other), weight) in rows.iter().zip(weights) {
            sum = sum.plus(one[at].plus(other[at]).times(*weight));
        }
        *to = sum;
    }
}
