//! Animated PNG: every frame is encoded as a PNG of its own, whose pixels are then put behind each other.

use common::Failure;
use image::RgbaImage;

use super::Part;
use crate::engine::{codec::png, pixels};

/// How often it is shown.
pub(super) fn plays(input: &[u8]) -> u32 {
    let control = png::chunks(input).find(|(kind, _)| kind == b"acTL");
    control.and_then(|(_, data)| data.get(4..)?.first_chunk().copied()).map_or(0, u32::from_be_bytes)
}

#[derive(Default)]
pub(super) struct File {
    /// The header chunk of the first frame, which has the size of the picture.
    header: Vec<u8>,
    /// Chunks of all frames.
    body: Vec<u8>,
    frames: u32,
    /// The number of the next chunk that wants one.
    next: u32,
}

impl File {
    pub(super) fn add(&mut self, patch: RgbaImage, part: Part, delay: u32) -> Result<(), Failure> {
        let single = png::encode(&patch.into())?;
        let mut control = Vec::with_capacity(26);
        for number in [self.number(), part.width, part.height, part.x, part.y] {
            control.extend(number.to_be_bytes());
        }
        // Thousandths of a second where they fit, else whole ones.
        let (numerator, denominator) =
            u16::try_from(delay).map_or((u16::try_from(delay / 1000).unwrap_or(u16::MAX), 1), |delay| (delay, 1000));
        control.extend(numerator.to_be_bytes());
        control.extend(u16::to_be_bytes(denominator));
        // Stays when the next one comes, and replaces what was there.
        control.extend([0, 0]);
        chunk(&mut self.body, *b"fcTL", &control);
        for (kind, data) in png::chunks(&single) {
            match &kind {
                b"IHDR" if self.frames == 0 => self.header = data.to_vec(),
                // Depth and kind of pixels must be those of the first frame.
                b"IHDR" if data.get(8..) != self.header.get(8..) => {
                    return Err(pixels::unexpected("frames of different kinds"));
                }
                b"IDAT" if self.frames == 0 => chunk(&mut self.body, kind, data),
                b"IDAT" => {
                    let number = self.number().to_be_bytes();
                    chunk(&mut self.body, *b"fdAT", &[&number, data].concat());
                }
                _ => {}
            }
        }
        self.frames += 1;
        Ok(())
    }

    pub(super) fn bytes(&self) -> usize {
        self.body.len()
    }

    pub(super) fn finish(self, plays: u32) -> Result<Vec<u8>, Failure> {
        let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
        chunk(&mut file, *b"IHDR", &self.header);
        chunk(&mut file, *b"acTL", &[self.frames.to_be_bytes(), plays.to_be_bytes()].concat());
        file.extend(self.body);
        chunk(&mut file, *b"IEND", &[]);
        Ok(file)
    }

    fn number(&mut self) -> u32 {
        self.next += 1;
        self.next - 1
    }
}

fn chunk(file: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) {
    file.extend((data.len() as u32).to_be_bytes());
    let start = file.len();
    file.extend(kind);
    file.extend(data);
    let sum = crc32fast::hash(file.get(start..).unwrap_or_default());
    file.extend(sum.to_be_bytes());
}
