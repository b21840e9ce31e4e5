//! What is known of a picture; pixels are decoded only for the hashes of what it looks like and for a preview.

use common::{
    Facts, Failure, Section,
    report::{Basic, Hashes, Report},
};

use super::{
    Engine, Inspection, PreviewKind, Stop, codec,
    metadata::{self, Found},
    plan, preview,
    probe::{self, Header},
    step::Notes,
    upright,
};

impl Engine {
    /// How many bytes of a file are worth looking at before all of it is fetched: most cameras need less than the first,
    /// those that add previews and depths less than the others.
    pub const STARTS: [u64; 3] = [32 << 10, 192 << 10, 640 << 10];

    /// Whether `start`, the first bytes of a file, is enough for [`Engine::inspect_start`].
    #[must_use]
    pub fn is_enough(start: &[u8]) -> bool {
        codec::head_is_whole(start)
    }

    /// Reports the `sections` of a file of `bytes` bytes, of which `start` is enough; none of its hashes.
    ///
    /// # Errors
    /// `unsupported_format`, `image_unreadable`, `too_large`, or what `stop` says.
    pub fn inspect_start(
        &self,
        start: &[u8],
        bytes: u64,
        sections: &[Section],
        stop: &Stop,
    ) -> Result<Inspection, Failure> {
        self.limits().check_file(usize::try_from(bytes).unwrap_or(usize::MAX))?;
        let header = probe::read(start, self.limits())?;
        stop.check()?;
        let facts = facts(&header, bytes);
        let report = report(start, &header, &facts, sections);
        Ok(Inspection { facts, report, warnings: Vec::new(), preview: None })
    }

    /// Reports the `sections` of `input`.
    ///
    /// Hashes and a preview decode the pixels; all else comes from the header.
    ///
    /// # Errors
    /// `unsupported_format`, `image_unreadable`, `too_large`, or what `stop` says.
    pub fn inspect(
        &self,
        input: &[u8],
        sections: &[Section],
        preview: PreviewKind,
        stop: &Stop,
    ) -> Result<Inspection, Failure> {
        let header = probe::read(input, self.limits())?;
        stop.check()?;
        let (mut facts, probe) = (facts(&header, input.len() as u64), header.probe);
        facts.sha256 = metadata::hashes::sha256(input);
        let mut report = report(input, &header, &facts, sections);
        let wants = |section| sections.contains(&section);
        let mut notes = Notes::default();
        let mut small = None;
        if wants(Section::Hashes) || preview != PreviewKind::None {
            let need = plan::memory(
                input.len(),
                &probe,
                codec::scratch_bytes(input, &probe),
                &Default::default(),
                &[],
                probe.format,
            );
            let _share = self.budget().take(need, stop)?;
            let image = upright::upright_srgb(input, &header, stop, &mut notes)?;
            if wants(Section::Hashes) {
                let (perceptual, thumbhash) = metadata::hashes::visual(&image, stop)?;
                report.hashes = Some(Hashes { sha256: facts.sha256.clone(), perceptual, thumbhash });
            }
            small = preview::make(&image, None, preview, stop)?;
        }
        Ok(Inspection { facts, report, warnings: notes.warnings, preview: small })
    }
}

fn facts(header: &Header<'_>, bytes: u64) -> Facts {
    let probe = header.probe;
    let (width, height) = probe.upright();
    let (format, alpha, bit_depth) = (probe.format, probe.alpha, probe.bit_depth);
    Facts { width, height, format, bytes, sha256: String::new(), alpha, bit_depth }
}

/// All but the hashes.
fn report(input: &[u8], header: &Header<'_>, facts: &Facts, sections: &[Section]) -> Report {
    let wants = |section| sections.contains(&section);
    let mut report = Report::default();
    let found = metadata::find(input, header);
    if wants(Section::Basic) {
        report.basic = Some(basic(header, &found, facts));
    }
    if let Some(exif) = found.exif.as_deref().filter(|_| wants(Section::Exif) || wants(Section::Gps))
        && let Some(exif) = metadata::parse(exif)
    {
        report.exif = wants(Section::Exif).then(|| metadata::values(&exif)).filter(|values| !values.is_empty());
        report.gps = if wants(Section::Gps) { metadata::gps(&exif) } else { None };
    }
    if let Some(packet) = found.xmp.as_deref() {
        if wants(Section::Xmp) {
            report.xmp = Some(metadata::xmp_values(packet)).filter(|values| !values.is_empty());
        }
        if report.gps.is_none() && wants(Section::Gps) {
            report.gps = metadata::place(packet);
        }
    }
    if let Some(iptc) = found.iptc.as_deref().filter(|_| wants(Section::Iptc)) {
        report.iptc = Some(metadata::iptc_values(iptc)).filter(|values| !values.is_empty());
    }
    if wants(Section::Icc) {
        report.icc = header.icc.as_deref().map(metadata::icc::report);
    }
    report
}

fn basic(header: &Header<'_>, found: &Found<'_>, facts: &Facts) -> Basic {
    let probe = header.probe;
    Basic {
        format: probe.format,
        media_type: probe.format.media_type().to_owned(),
        width: facts.width,
        height: facts.height,
        stored_width: probe.width,
        stored_height: probe.height,
        bytes: facts.bytes,
        color_type: probe.color.name().to_owned(),
        bit_depth: probe.bit_depth,
        alpha: probe.alpha,
        frames: (probe.frames > 1).then_some(probe.frames),
        orientation: probe.orientation,
        dpi_x: found.density.map(|(across, _)| across),
        dpi_y: found.density.map(|(_, down)| down),
        chroma_sampling: found.chroma.clone(),
        progressive: found.progressive,
        estimated_quality: found.quality.map(|quality| quality.estimate),
        quality_plus_minus: found.quality.map(|quality| quality.plus_minus),
        c2pa: found.c2pa,
    }
}

#[cfg(test)]
mod tests {
    use common::Format;

    use super::*;
    use crate::engine::fixtures;

    fn inspected(input: &[u8], sections: &[Section]) -> Report {
        fixtures::engine().inspect(input, sections, PreviewKind::None, &fixtures::stop()).unwrap().report
    }

    #[test]
    fn exif_and_place_of_a_jpeg() {
        let jpeg = fixtures::with_exif(&fixtures::file(fixtures::photo(60, 40), Format::Jpeg), 6);
        let report = inspected(&jpeg, &Section::ALL);
        let basic = report.basic.unwrap();
        assert_eq!((basic.width, basic.height, basic.stored_width, basic.stored_height), (40, 60, 60, 40));
        assert_eq!((basic.orientation, basic.bit_depth, basic.color_type.as_str()), (6, 8, "rgb"));
        let gps = report.gps.unwrap();
        assert!((gps.latitude - -48.858_333).abs() < 1e-5, "{gps:?}");
        assert!((gps.longitude - -2.294_444).abs() < 1e-5, "{gps:?}");
        assert_eq!(gps.altitude_m, Some(-35.0));
        let exif = report.exif.unwrap();
        assert!(exif.keys().all(|tag| !tag.starts_with("GPS")), "{exif:?}");
        let hashes = report.hashes.unwrap();
        assert_eq!((hashes.sha256.len(), hashes.perceptual.len()), (64, 16));
        assert!(!hashes.thumbhash.is_empty() && report.icc.is_none());
    }

    #[test]
    fn the_start_of_a_jpeg_says_the_same_as_all_of_it() {
        let photo = fixtures::photo(900, 700);
        let jpeg = fixtures::with_exif(&fixtures::file(photo.clone(), Format::Jpeg), 6);
        let sections: Vec<Section> = Section::ALL.into_iter().filter(|section| *section != Section::Hashes).collect();
        let start = &jpeg[..2000];
        assert!(Engine::is_enough(start) && !Engine::is_enough(&jpeg[..300]));
        let (engine, stop) = (fixtures::engine(), fixtures::stop());
        let some = engine.inspect_start(start, jpeg.len() as u64, &sections, &stop).unwrap();
        let all = engine.inspect(&jpeg, &sections, PreviewKind::None, &stop).unwrap();
        assert_eq!((some.facts.bytes, some.facts.width, some.facts.sha256.as_str()), (jpeg.len() as u64, 700, ""));
        assert_eq!(serde_json::to_value(&some.report).unwrap(), serde_json::to_value(&all.report).unwrap());
        // Others keep metadata behind the pixels.
        assert!(!Engine::is_enough(&fixtures::file(photo, Format::Png)[..2000]));
    }

    #[test]
    fn only_what_was_asked_for() {
        let report = inspected(&fixtures::png(fixtures::photo(6, 4)), &[Section::Basic]);
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json.as_object().unwrap().keys().collect::<Vec<_>>(), ["basic"]);
    }

    #[test]
    fn headers_are_enough_for_all_but_hashes() {
        // A picture of which nothing can be decoded behind the header.
        let jpeg = fixtures::file(fixtures::photo(600, 400), Format::Jpeg);
        let cut = &jpeg[..700];
        let basic = inspected(cut, &[Section::Basic, Section::Exif, Section::Gps, Section::Icc]).basic.unwrap();
        assert_eq!((basic.width, basic.height), (600, 400));
    }

    #[test]
    fn copies_look_alike_and_others_do_not() {
        let photo = fixtures::photo(300, 200);
        let bits = |image: image::DynamicImage, format| {
            let hashes = inspected(&fixtures::file(image, format), &[Section::Hashes]).hashes.unwrap();
            u64::from_str_radix(&hashes.perceptual, 16).unwrap()
        };
        let one = bits(photo.clone().into(), Format::Png);
        let copy = bits(image::DynamicImage::from(photo.clone()).thumbnail(150, 150), Format::Jpeg);
        let other = bits(image::imageops::rotate90(&photo).into(), Format::Png);
        assert!((one ^ copy).count_ones() <= 6);
        assert!((one ^ other).count_ones() > 12);
    }
}
