//! Writing of baseline JPEG (ITU T.81 §F.1) with Huffman tables made for the picture, all channels in one scan: what
//! every decoder reads, and a cut file still has its colours.

mod fdct;
mod huffman;
mod scan;

use common::Failure;

use self::{
    fdct::{Channel, Quantizer, Transform},
    huffman::Code,
};
use crate::engine::{
    Stop,
    level::Level,
    pixels::unexpected,
    planes::{Chroma, Planes},
};

/// Writes planes whose colour is at full resolution, or half.
///
/// # Errors
/// What `stop` says.
pub(in super::super) fn encode_planes(planes: &Planes, quality: u8, stop: &Stop) -> Result<Vec<u8>, Failure> {
    encode_at(planes, quality, Level::detect(), stop)
}

pub(super) fn encode_at(planes: &Planes, quality: u8, level: Level, stop: &Stop) -> Result<Vec<u8>, Failure> {
    let side = |side: u32| u16::try_from(side).map_err(|_| unexpected("a picture that is too large for JPEG"));
    let size = (side(planes.size.width)?, side(planes.size.height)?);
    // Blocks of luma in an MCU, across and down.
    let factor = if planes.chroma.is_some() && planes.sampling() == Chroma::Half { 2 } else { 1 };
    let mcu = 8 * factor;
    let mcus = (usize::from(size.0).div_ceil(mcu), usize::from(size.1).div_ceil(mcu));
    let quantizers = [Quantizer::luma(quality), Quantizer::chroma(quality)];
    let [luma, chroma] = &quantizers;
    let mut channels = Vec::with_capacity(3);
    let parts = [Some((&planes.luma, luma, factor))].into_iter();
    let colors = planes.chroma.iter().flatten().map(|plane| Some((plane, chroma, 1)));
    for (plane, quantizer, factor) in parts.chain(colors).flatten() {
        stop.check()?;
        channels.push(level.run(Transform { plane, quantizer, factor, mcus }));
    }
    stop.check()?;
    let codes = level.run(scan::Count { channels: &channels, mcus });
    let mut file = Vec::with_capacity(4096 + channels.iter().map(Channel::coefficients).sum::<usize>() / 8);
    head(&mut file, size, &channels, &quantizers, &codes);
    stop.check()?;
    level.run(scan::Write { file: &mut file, channels: &channels, mcus, codes: &codes });
    file.extend([0xff, 0xd9]);
    Ok(file)
}

/// The codes of luma and of colour, each for DC and AC.
type Codes = [[Code; 2]; 2];

/// Everything in front of the entropy-coded data.
fn head(
    file: &mut Vec<u8>,
    (width, height): (u16, u16),
    channels: &[Channel],
    quantizers: &[Quantizer; 2],
    codes: &Codes,
) {
    // One table of each kind where there is no colour.
    let kinds = channels.len().min(2);
    let count = channels.len() as u8;
    file.extend([0xff, 0xd8]);
    segment(file, 0xe0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0");
    for (number, quantizer) in (0_u8..).zip(quantizers).take(kinds) {
        segment(file, 0xdb, &[&[number], &quantizer.steps[..]].concat());
    }
    let [h1, h0] = height.to_be_bytes();
    let [w1, w0] = width.to_be_bytes();
    let mut frame = vec![8, h1, h0, w1, w0, count];
    let mut scan = vec![count];
    for (number, channel) in (0_u8..).zip(channels) {
        let factor = channel.factor as u8;
        let table = number.min(1);
        frame.extend([number + 1, factor << 4 | factor, table]);
        scan.extend([number + 1, table << 4 | table]);
    }
    scan.extend([0, 63, 0]);
    segment(file, 0xc0, &frame);
    for (number, kinds) in (0_u8..).zip(codes).take(kinds) {
        for (class, code) in (0_u8..).zip(kinds) {
            segment(file, 0xc4, &[&[class << 4 | number], &code.counts[..], &code.symbols].concat());
        }
    }
    segment(file, 0xda, &scan);
}

fn segment(file: &mut Vec<u8>, code: u8, payload: &[u8]) {
    // The longest are Huffman tables of 273 bytes.
    let length = (payload.len() + 2) as u16;
    file.extend([0xff, code]);
    file.extend(length.to_be_bytes());
    file.extend(payload);
}
