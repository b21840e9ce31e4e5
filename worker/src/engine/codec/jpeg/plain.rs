//! Plain JPEG files, decoded to no more than is needed of them.

use common::{Failure, Format};

use super::{
    super::unreadable,
    baseline,
    frame::{Component, Frame},
    idct::Scale,
};
use crate::engine::{
    Stop,
    level::Level,
    limits::Size,
    planes::{Chroma, Planes},
    probe::Probe,
};

/// A plain JPEG: one of those that our own decoder reads.
pub(crate) struct Plain<'a>(Frame<'a>);

/// What is needed of a picture.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Need {
    /// The least scale; 1 or more is all there is.
    pub(crate) scale: f64,
    /// The resolution of colour, in relation to what is needed of luma.
    pub(crate) chroma: Chroma,
}

/// Planes, and whether they are all that the file promised.
pub(crate) struct DecodedPlanes {
    pub(crate) planes: Planes,
    /// What is wrong with the file, one sentence.
    pub(crate) damage: Option<&'static str>,
}

impl<'a> Plain<'a> {
    /// `None` for files that only the general decoder reads.
    pub(crate) fn of(input: &'a [u8], probe: &Probe) -> Option<Self> {
        let frame = Frame::parse(input)?;
        let same = (frame.width, frame.height) == (probe.width as usize, probe.height as usize);
        same.then_some(Self(frame))
    }

    /// Bytes that decoding takes at its peak, estimated from above.
    pub(crate) fn bytes(&self, need: Need) -> u64 {
        let scales = self.scales(need);
        let (mcus_across, mcus_down) = self.0.mcus();
        let blocks = self.0.components.iter().zip(scales).map(|(component, scale)| {
            let down = mcus_down * component.down * scale.down;
            ((mcus_across * component.across).next_multiple_of(8) * scale.across).saturating_mul(down) as u64
        });
        // The data without its stuffing; coefficients of a row of MCUs, and tables.
        blocks.sum::<u64>() + self.0.data.len() as u64 + (self.0.width as u64) * 256 + (1 << 20)
    }

    /// Decodes as far as it goes.
    ///
    /// # Errors
    /// `image_unreadable` where there is no data at all; what `stop` says.
    pub(crate) fn decode(&self, need: Need, stop: &Stop) -> Result<DecodedPlanes, Failure> {
        self.decode_at(need, Level::detect(), stop)
    }

    pub(super) fn decode_at(&self, need: Need, level: Level, stop: &Stop) -> Result<DecodedPlanes, Failure> {
        let scales = self.scales(need);
        let pixels = baseline::decode(&self.0, &scales, level, stop)?.ok_or_else(|| unreadable(Format::Jpeg))?;
        let damage = match (pixels.complete, pixels.sound) {
            (true, true) => None,
            (false, _) => Some(super::CUT),
            (true, false) => Some(super::DAMAGED),
        };
        let size = Size::new(self.0.width as u32, self.0.height as u32);
        let mut planes = pixels.planes.into_iter();
        let luma = planes.next().ok_or_else(|| unreadable(Format::Jpeg))?;
        let chroma = planes.next().zip(planes.next()).map(|(cb, cr)| [cb, cr]);
        Ok(DecodedPlanes { planes: Planes { size, luma, chroma }, damage })
    }

    /// The scale of each channel.
    fn scales(&self, need: Need) -> Vec<Scale> {
        let luma = [1, 2, 3, 4, 6, 8].into_iter().find(|n| *n as f64 >= need.scale * 8.0).unwrap_or(8);
        let of = |(number, component): (usize, &Component<'_>)| {
            if number == 0 {
                return Scale { across: luma, down: luma };
            }
            let (most_across, most_down) = self.0.mcu();
            // What a channel lacks in resolution it may have in scale.
            let side = |ratio: usize| match need.chroma {
                Chroma::Full => (luma * ratio).min(8),
                Chroma::Half => (luma * ratio).div_ceil(2).min(8),
            };
            Scale::at_least(side(most_across / component.across), side(most_down / component.down))
        };
        self.0.components.iter().enumerate().map(of).collect()
    }
}
