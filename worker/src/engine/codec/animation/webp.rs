//! Animated WebP: every frame is encoded as a WebP of its own, whose pixels are then put behind each other.

use common::Failure;
use image::{DynamicImage, RgbaImage};

use super::Part;
use crate::engine::{
    Stop,
    codec::{Encoding, riff::Chunks, webp},
    pixels,
};

/// How often it is shown.
pub(super) fn plays(input: &[u8]) -> u32 {
    let control = Chunks::new(input).find(|(kind, _)| kind == b"ANIM");
    control
        .and_then(|(_, data)| data.get(4..)?.first_chunk().copied())
        .map_or(0, |count| u16::from_le_bytes(count).into())
}

/// The part with its corner at even numbers, because halves of them are stored.
pub(super) fn even(part: Part) -> Part {
    let (left, up) = (part.x % 2, part.y % 2);
    Part { x: part.x - left, y: part.y - up, width: part.width + left, height: part.height + up }
}

#[derive(Default)]
pub(super) struct File {
    /// Size of the picture, which is that of the first frame.
    size: Option<(u32, u32)>,
    body: Vec<u8>,
}

impl File {
    pub(super) fn add(
        &mut self,
        patch: RgbaImage,
        part: Part,
        delay: u32,
        encoding: &Encoding,
        stop: &Stop,
    ) -> Result<(), Failure> {
        self.size.get_or_insert((part.width, part.height));
        let opaque = patch.pixels().all(|pixel| pixel.0[3] == 255);
        let patch = DynamicImage::from(patch);
        let patch = if opaque { patch.into_rgb8().into() } else { patch };
        let single = webp::encode(&patch, encoding.quality, encoding.lossless, stop)?;
        let mut frame = Vec::with_capacity(single.len() + 16);
        for number in [part.x / 2, part.y / 2, part.width - 1, part.height - 1, delay.min(0xff_ffff)] {
            let [a, b, c, _] = number.to_le_bytes();
            frame.extend([a, b, c]);
        }
        // Replaces what was there, and stays when the next one comes.
        frame.push(2);
        for (kind, data) in Chunks::new(&single).filter(|(kind, _)| matches!(kind, b"ALPH" | b"VP8 " | b"VP8L")) {
            chunk(&mut frame, kind, data);
        }
        chunk(&mut self.body, *b"ANMF", &frame);
        Ok(())
    }

    pub(super) fn bytes(&self) -> usize {
        self.body.len()
    }

    pub(super) fn finish(self, plays: u32, alpha: bool) -> Result<Vec<u8>, Failure> {
        let (width, height) = self.size.ok_or_else(|| pixels::unexpected("an animation without frames"))?;
        // Animated, perhaps with alpha; then three bytes of nothing.
        let mut extended = vec![if alpha { 0x12 } else { 0x02 }, 0, 0, 0];
        for side in [width - 1, height - 1] {
            let [a, b, c, _] = side.to_le_bytes();
            extended.extend([a, b, c]);
        }
        let [low, high] = u16::try_from(plays).unwrap_or(u16::MAX).to_le_bytes();
        let mut content = b"WEBP".to_vec();
        chunk(&mut content, *b"VP8X", &extended);
        chunk(&mut content, *b"ANIM", &[0, 0, 0, 0, low, high]);
        content.extend(self.body);
        let mut file = Vec::with_capacity(content.len() + 8);
        chunk(&mut file, *b"RIFF", &content);
        Ok(file)
    }
}

fn chunk(file: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) {
    file.extend(kind);
    file.extend((data.len() as u32).to_le_bytes());
    file.extend(data);
    if !data.len().is_multiple_of(2) {
        file.push(0);
    }
}
