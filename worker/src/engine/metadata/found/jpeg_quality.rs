//! With what quality a JPEG was written: its quantisation tables against those that libjpeg makes from the examples of
//! ITU T.81 §K.1.

use super::Quality;

/// The examples, in zigzag order as tables stand in a file.
const LIGHT: [u16; 64] = [
    16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40, 26, 24, 22, 22, 24, 49, 35, 37, 29, 40, 58, 51, 61,
    60, 57, 51, 56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87, 95, 98, 103, 104, 103, 62, 77, 113,
    121, 112, 100, 120, 92, 101, 103, 99,
];
const COLOUR: [u16; 64] = [
    17, 18, 18, 24, 21, 24, 47, 26, 26, 47, 99, 66, 56, 66, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99,
];

/// The tables of a file, by their number: 0 is that of light, 1 that of colour, wherever anybody looked.
#[derive(Default)]
pub(super) struct Tables([Option<[u16; 64]>; 2]);

impl Tables {
    /// Reads a DQT segment, which may hold several.
    pub(super) fn add(&mut self, mut payload: &[u8]) {
        while let Some((kind, rest)) = payload.split_first() {
            let wide = kind >> 4 != 0;
            let length = if wide { 128 } else { 64 };
            let Some(bytes) = rest.get(..length) else { return };
            let mut table = [0; 64];
            if wide {
                table.iter_mut().zip(bytes.as_chunks::<2>().0).for_each(|(to, from)| *to = u16::from_be_bytes(*from));
            } else {
                table.iter_mut().zip(bytes).for_each(|(to, from)| *to = u16::from(*from));
            }
            if let Some(place) = self.0.get_mut(usize::from(kind & 15)) {
                *place = Some(table);
            }
            payload = rest.get(length..).unwrap_or_default();
        }
    }

    /// The quality whose tables are nearest; `None` where the file has no table.
    pub(super) fn quality(&self) -> Option<Quality> {
        let [light, colour] = &self.0;
        let light = light.as_ref()?;
        let pairs = || {
            let colour = colour.iter().flat_map(|colour| colour.iter().zip(&COLOUR));
            light.iter().zip(&LIGHT).chain(colour)
        };
        // The higher the quality, the smaller every single value: so is the sum, and a search by halves finds it.
        let sum: u32 = pairs().map(|(value, _)| u32::from(*value)).sum();
        let sum_at = |quality| pairs().map(|(_, example)| u32::from(scaled(*example, quality))).sum::<u32>();
        let (mut low, mut high) = (1, 100);
        while low < high {
            let middle = u8::midpoint(low, high);
            if sum_at(middle) <= sum {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        let distance = |quality: &u8| -> u32 {
            pairs().map(|(value, example)| u32::from(value.abs_diff(scaled(*example, *quality)))).sum()
        };
        let estimate = [low, low.saturating_sub(1).max(1)].into_iter().min_by_key(distance)?;
        let exact = distance(&estimate) == 0;
        Some(Quality { estimate, plus_minus: if exact { 0 } else { spread(light, estimate) } })
    }
}

/// What libjpeg makes of a value at a quality (`jpeg_quality_scaling`, `jpeg_add_quant_table`).
fn scaled(value: u16, quality: u8) -> u16 {
    let quality = u32::from(quality);
    let percent = if quality < 50 { 5000 / quality.max(1) } else { 200 - 2 * quality };
    u16::try_from(((u32::from(value) * percent + 50) / 100).clamp(1, 255)).unwrap_or(255)
}

/// How far the single values are from the estimate: nine of ten are nearer.
fn spread(light: &[u16; 64], estimate: u8) -> u8 {
    let mut far: Vec<u8> =
        light.iter().zip(&LIGHT).map(|(value, example)| far_off(*value, *example, estimate)).collect();
    far.sort_unstable();
    far.get(57).copied().unwrap_or(100).max(1)
}

/// How far the quality that a single value speaks of is from the estimate.
fn far_off(value: u16, example: u16, estimate: u8) -> u8 {
    if scaled(example, estimate) == value {
        return 0;
    }
    let percent = u32::from(value) * 100 / u32::from(example);
    let quality = if percent > 100 { 5000 / percent } else { (200 - percent) / 2 };
    u8::try_from(quality.clamp(1, 100)).unwrap_or(100).abs_diff(estimate)
}
