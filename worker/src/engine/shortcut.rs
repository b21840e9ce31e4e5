//! The short way of a plain JPEG: decoded no larger than its first steps need, turned, cut and resized as planes, and
//! written from planes where no step needs pixels. Here alone is decided when that may be.

use common::{Failure, Format, Recipe};

use super::{
    Stop,
    codec::{Encoding, Need, Plain},
    limits::Size,
    picture::Picture,
    planes::Chroma,
    probe::Header,
    step::{self, Notes},
    window::Window,
};

/// The short way, planned.
pub(crate) struct Shortcut<'a> {
    plain: Plain<'a>,
    window: Window,
    need: Need,
    /// Whether the result is written from planes.
    to_the_end: bool,
}

impl<'a> Shortcut<'a> {
    /// Plans it, if `recipe` allows it for `input`, whose size is `source` once it is upright. `srgb`: its colours need
    /// no conversion.
    ///
    /// # Errors
    /// What the steps say of a picture of this size.
    pub(crate) fn plan(
        input: &'a [u8],
        header: &Header<'_>,
        recipe: &Recipe,
        source: Size,
        encoding: &Encoding,
        srgb: bool,
    ) -> Result<Option<Self>, Failure> {
        if header.probe.format != Format::Jpeg {
            return Ok(None);
        }
        let Some(plain) = Plain::of(input, &header.probe) else { return Ok(None) };
        let window = Window::over(&recipe.steps, source)?;
        let mut rest = recipe.steps.iter().skip(window.steps);
        let planes = encoding.planes().filter(|_| srgb && rest.all(step::takes_planes));
        if planes.is_none() && !window.resizes {
            return Ok(None);
        }
        let need = Need { scale: window.scale(recipe.output.speed), chroma: planes.unwrap_or(Chroma::Full) };
        Ok(Some(Self { plain, window, need, to_the_end: planes.is_some() }))
    }

    /// How many steps it stands for.
    pub(crate) fn steps(&self) -> usize {
        self.window.steps
    }

    /// Bytes it needs at its peak, from above.
    pub(crate) fn bytes(&self) -> u64 {
        // Turning makes a copy, resizing has one direction done; the result as planes and as pixels.
        self.plain.bytes(self.need).saturating_mul(2).saturating_add(self.window.size.pixels().saturating_mul(16))
    }

    /// Goes it. Damage is told, not refused.
    ///
    /// # Errors
    /// `image_unreadable` where there is no picture at all; what `stop` says.
    pub(crate) fn go(
        self,
        orientation: u8,
        stop: &Stop,
        notes: &mut Notes,
    ) -> Result<(Picture, Option<&'static str>), Failure> {
        let decoded = self.plain.decode(self.need, stop)?;
        let planes = decoded.planes.seen_through(&self.window, orientation, self.need.chroma, stop)?;
        notes.append(self.window.notes);
        let picture = if self.to_the_end { Picture::Planes(planes) } else { Picture::Pixels(planes.to_image()?) };
        Ok((picture, decoded.damage))
    }
}

#[cfg(test)]
mod tests {
    use image::DynamicImage;

    use super::*;
    use crate::engine::{Limits, fixtures, probe, upright};

    /// The same steps on a PNG of what another decoder makes of the JPEG, which goes the ordinary way.
    fn likeness(jpeg: &[u8], steps: &str, format: Format) -> f64 {
        let short = fixtures::transform(jpeg, steps, Some(format)).unwrap();
        let header = probe::read(jpeg, &Limits::default()).unwrap();
        let pixels = upright::upright_srgb(jpeg, &header, &fixtures::stop(), &mut Notes::default()).unwrap();
        let long = fixtures::transform(&fixtures::png(pixels), steps, Some(format)).unwrap();
        assert_eq!((short.facts.width, short.facts.height), (long.facts.width, long.facts.height), "{steps}");
        fixtures::psnr(&rgb(&short.bytes), &rgb(&long.bytes))
    }

    fn rgb(file: &[u8]) -> DynamicImage {
        fixtures::decoded(file).into_rgb8().into()
    }

    #[test]
    fn the_short_way_shows_what_the_long_way_shows() {
        let photo = fixtures::photo(411, 307);
        for orientation in [1, 3, 6, 8, 5] {
            let jpeg = fixtures::with_exif(&fixtures::file(photo.clone(), Format::Jpeg), orientation);
            for steps in [
                r#"[{"op":"resize","width":200}]"#,
                r#"[{"op":"resize","width":90,"height":90,"fit":"cover","gravity":"north_west"}]"#,
                r#"[{"op":"crop","x":31,"y":17,"width":150,"height":201},{"op":"resize","width":75}]"#,
                r#"[{"op":"resize","width":160},{"op":"crop","x":5,"y":9,"width":100,"height":80}]"#,
                r#"[{"op":"resize","width":120},{"op":"grayscale"}]"#,
                r#"[{"op":"crop","x":16,"y":8,"width":96,"height":88}]"#,
                r#"[{"op":"rotate","angle_degrees":90},{"op":"blur","sigma":2}]"#,
                r#"[{"op":"flop"},{"op":"crop","x":16,"y":9,"width":100,"height":88},{"op":"rotate","angle_degrees":270}]"#,
                r#"[{"op":"resize","width":120},{"op":"flip"},{"op":"blur","sigma":1.5},{"op":"invert"}]"#,
                r#"[{"op":"rotate","angle_degrees":180},{"op":"resize","height":101},{"op":"blur","sigma":30}]"#,
                "[]",
            ] {
                for format in [Format::Jpeg, Format::Webp, Format::Png] {
                    let psnr = likeness(&jpeg, steps, format);
                    assert!(psnr > 34.0, "orientation {orientation} {format:?} {steps}: {psnr:.1} dB");
                }
            }
        }
    }
}
