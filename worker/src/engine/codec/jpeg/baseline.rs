//! The decoder for plain JPEG files: entropy-coded data to planes of N/8 of the size.

use common::Failure;

use super::{
    bits::Bits,
    entropy::{self, Block, Run, State, Wanted},
    frame::{Component, Frame},
    idct::{LANES, Row, Scale, inverse},
    scan::Scan,
    table::{AcTable, DcTable},
};
use crate::engine::{
    Stop,
    level::{Level, Work},
    planes::Plane,
};

/// Natural place (row of frequencies * 8 + column) of each coefficient in zigzag order (ITU T.81 §A.3.6).
pub(super) const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21,
    28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54,
    47, 55, 62, 63,
];

/// What a scan gave.
pub(super) struct Pixels {
    /// One plane a channel.
    pub(super) planes: Vec<Plane>,
    /// Whether all of the data was sound, and all of the picture there.
    pub(super) sound: bool,
    /// Whether the file ends as it should.
    pub(super) complete: bool,
}

/// Where a channel's coefficients and samples go.
struct Channel {
    scale: Scale,
    /// Blocks in a row, a multiple of [`LANES`].
    blocks: usize,
    /// Rows of blocks in a row of MCUs.
    rows: usize,
    /// Where its coefficients begin.
    start: usize,
}

impl Channel {
    /// Coefficients in a row of blocks.
    fn coefficients(&self) -> usize {
        self.scale.across * self.scale.down * self.blocks
    }

    fn end(&self) -> usize {
        self.start + self.rows * self.coefficients()
    }
}

/// Decodes the channels of `frame` to `scales`. What cannot be decoded is grey. `None`: there is no data at all.
///
/// # Errors
/// What `stop` says.
pub(super) fn decode(
    frame: &Frame<'_>,
    scales: &[Scale],
    level: Level,
    stop: &Stop,
) -> Result<Option<Pixels>, Failure> {
    let scan = Scan::new(frame.data);
    if scan.is_empty() {
        return Ok(None);
    }
    let (columns, rows) = frame.mcus();
    let channels = channels(frame, scales, columns);
    let end = channels.last().map_or(0, Channel::end);
    // What is not needed goes behind the rest.
    let spare = channels.iter().map(|channel| channel.end() - channel.start).max().unwrap_or(0);
    let tables: Vec<(DcTable, AcTable, Wanted)> = frame
        .components
        .iter()
        .zip(&channels)
        .map(|(component, channel)| {
            (DcTable::new(&component.dc), AcTable::new(&component.ac), wanted(component, channel, end))
        })
        .collect();
    let blocks = blocks(frame, &channels, &tables);
    let planes = channels
        .iter()
        .map(|channel| vec![0; rows * channel.rows * channel.blocks * channel.scale.across * channel.scale.down])
        .collect();
    let reader = Reader::new(&scan, frame.restart_interval);
    let coefficients = vec![0_i16; end + spare];
    let mut work = Rows { reader, blocks: &blocks, channels: &channels, columns, coefficients, end, planes };
    for row in 0..rows {
        stop.check()?;
        level.run(DecodeRow(&mut work, row));
        if work.reader.over() {
            work.leave_grey(row + 1);
            break;
        }
    }
    let Rows { reader, planes, .. } = work;
    let sound = reader.sound() && scan.in_order && (frame.restart_interval > 0 || scan.intervals() == 1);
    let planes = planes.into_iter().zip(&channels).zip(&frame.components);
    let planes = planes.map(|((samples, channel), component)| plane(frame, component, channel, samples)).collect();
    Ok(Some(Pixels { planes, sound, complete: scan.complete }))
}

fn channels(frame: &Frame<'_>, scales: &[Scale], columns: usize) -> Vec<Channel> {
    let mut start = 0;
    let channels = frame.components.iter().zip(scales).map(|(component, scale)| {
        let blocks = (columns * component.across).next_multiple_of(LANES);
        let channel = Channel { scale: *scale, blocks, rows: component.down, start };
        start = channel.end();
        channel
    });
    channels.collect()
}

fn wanted(component: &Component<'_>, channel: &Channel, spare: usize) -> Wanted {
    let Scale { across, down } = channel.scale;
    let mut wanted = Wanted { places: [0; 64], steps: component.quantizer.map(i32::from), last: 0 };
    for ((place, natural), k) in wanted.places.iter_mut().zip(ZIGZAG).zip(0_u32..) {
        let (u, v) = (usize::from(natural % 8), usize::from(natural / 8));
        let needed = u < across && v < down;
        if needed {
            wanted.last = k;
        }
        // Counted from a block's first coefficient.
        *place = if needed { (v * across + u) * channel.blocks } else { spare - channel.start } as u32;
    }
    wanted
}

fn blocks<'a>(frame: &Frame<'_>, channels: &[Channel], tables: &'a [(DcTable, AcTable, Wanted)]) -> Vec<Block<'a>> {
    let mut blocks = Vec::new();
    let parts = frame.components.iter().zip(channels).zip(tables).enumerate();
    for (number, ((component, channel), (dc, ac, wanted))) in parts {
        for down in 0..component.down {
            for across in 0..component.across {
                let base = channel.start + down * channel.coefficients() + across;
                blocks.push(Block { component: number, base, step: component.across, dc, ac, wanted });
            }
        }
    }
    blocks
}

/// What is decoded row by row.
struct Rows<'a> {
    reader: Reader<'a>,
    blocks: &'a [Block<'a>],
    channels: &'a [Channel],
    /// MCUs in a row.
    columns: usize,
    /// Of one row of MCUs; behind `end` goes what is not needed.
    coefficients: Vec<i16>,
    end: usize,
    planes: Vec<Vec<u8>>,
}

impl Rows<'_> {
    /// The rows of MCUs from `row` on, of which there are no data.
    fn leave_grey(&mut self, row: usize) {
        for (channel, plane) in self.channels.iter().zip(&mut self.planes) {
            let start = row * channel.rows * channel.blocks * channel.scale.across * channel.scale.down;
            plane.get_mut(start..).unwrap_or_default().fill(128);
        }
    }
}

/// Decodes the row of MCUs with this number.
struct DecodeRow<'a, 'b>(&'a mut Rows<'b>, usize);

impl Work for DecodeRow<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self(rows, row) = self;
        if let Some(coefficients) = rows.coefficients.get_mut(..rows.end) {
            coefficients.fill(0);
        }
        rows.reader.read_row(rows.blocks, rows.columns, &mut rows.coefficients);
        for (channel, plane) in rows.channels.iter().zip(&mut rows.planes) {
            transform(channel, &rows.coefficients, row, plane);
        }
    }
}

/// Samples of one row of blocks for each row of blocks in the row of MCUs `row`.
#[inline(always)]
fn transform(channel: &Channel, coefficients: &[i16], row: usize, plane: &mut [u8]) {
    let Scale { across, down } = channel.scale;
    let samples = channel.blocks * across * down;
    for part in 0..channel.rows {
        let start = channel.start + part * channel.coefficients();
        let from = coefficients.get(start..start + channel.coefficients());
        let at = (row * channel.rows + part) * samples;
        if let (Some(coefficients), Some(to)) = (from, plane.get_mut(at..at + samples)) {
            inverse(&Row { coefficients, blocks: channel.blocks }, channel.scale, to);
        }
    }
}

/// The part of a channel's samples that is picture, fractions included: the rest fills up the last MCUs.
fn plane(frame: &Frame<'_>, component: &Component<'_>, channel: &Channel, samples: Vec<u8>) -> Plane {
    let (most_across, most_down) = frame.mcu();
    let side = |pixels: usize, part: usize, whole: usize, scale: usize| {
        let samples = (pixels * part).div_ceil(whole) * scale;
        (samples.div_ceil(8) as u32, (pixels * part * scale) as f64 / (whole * 8) as f64)
    };
    let (width, across) = side(frame.width, component.across, most_across, channel.scale.across);
    let (height, down) = side(frame.height, component.down, most_down, channel.scale.down);
    let stride = channel.blocks * channel.scale.across;
    Plane { samples, stride, width, height, picture: (0.0, 0.0, across, down) }
}

/// Reads MCUs row by row and goes from one restart interval to the next (ITU T.81 §F.2.1.3).
struct Reader<'a> {
    scan: &'a Scan,
    /// The interval that is read.
    interval: usize,
    /// MCUs in an interval.
    length: usize,
    /// MCUs of this interval still to be read.
    left: usize,
    state: State<'a>,
    /// Bytes from the start of this interval to the end of all data.
    data: usize,
    /// Bits in this interval.
    end: usize,
    /// Whether this interval had fewer MCUs than it should.
    lost: bool,
    sound: bool,
}

impl<'a> Reader<'a> {
    fn new(scan: &'a Scan, restart_interval: usize) -> Self {
        let state = State { bits: Bits::new(&[]), predictions: [0; 3], damaged: false };
        let length = if restart_interval == 0 { usize::MAX } else { restart_interval };
        let mut reader =
            Self { scan, interval: 0, length, left: length, state, data: 0, end: 0, lost: false, sound: true };
        reader.open(0);
        reader
    }

    fn open(&mut self, interval: usize) {
        let there = self.scan.interval(interval);
        let (data, end) = there.unwrap_or_default();
        self.sound &= !self.state.damaged && there.is_some();
        self.state = State { bits: Bits::new(data), predictions: [0; 3], damaged: false };
        (self.interval, self.data, self.end) = (interval, data.len(), end);
        (self.left, self.lost) = (self.length, there.is_none());
    }

    #[inline(always)]
    fn read_row(&mut self, blocks: &[Block<'_>], columns: usize, coefficients: &mut [i16]) {
        let mut column = 0;
        while column < columns {
            if self.left == 0 {
                self.open(self.interval + 1);
            }
            let next = column + self.left.min(columns - column);
            if !self.lost {
                let run = Run { blocks, columns: column..next, data: self.data, end: self.end };
                self.lost = entropy::decode(&run, &mut self.state, coefficients) < next;
                self.sound &= !self.lost;
            }
            self.left -= next - column;
            column = next;
        }
    }

    /// Whether nothing more can come.
    fn over(&self) -> bool {
        self.lost && (self.length == usize::MAX || self.interval + 1 >= self.scan.intervals())
    }

    fn sound(&self) -> bool {
        self.sound && !self.state.damaged
    }
}
