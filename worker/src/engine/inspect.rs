//! What is known of a picture; pixels are decoded only for the hashes of what it looks like and for a preview.

use common::{
    Facts, Failure, Section,
    report::{Basic, Hashes, Report},
};

use super::{
    Engine, Inspection, PreviewKind, Stop, metadata, pipeline, plan, preview,
    probe::{self, Header},
    step::Notes,
};

impl Engine {
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
        let probe = header.probe;
        let (width, height) = probe.upright();
        let facts = Facts {
            width,
            height,
            format: probe.format,
            bytes: input.len() as u64,
            sha256: metadata::hashes::sha256(input),
            alpha: probe.alpha,
            bit_depth: probe.bit_depth,
        };
        let wants = |section| sections.contains(&section);
        let mut report = Report::default();
        if wants(Section::Basic) {
            report.basic = Some(basic(&header, &facts));
        }
        if let Some(exif) = header.exif.as_deref().filter(|_| wants(Section::Exif) || wants(Section::Gps))
            && let Some(exif) = metadata::parse(exif)
        {
            report.exif = wants(Section::Exif).then(|| metadata::values(&exif)).filter(|values| !values.is_empty());
            report.gps = if wants(Section::Gps) { metadata::gps(&exif) } else { None };
        }
        if wants(Section::Icc) {
            report.icc = header.icc.as_deref().map(metadata::icc::report);
        }
        let mut notes = Notes::default();
        let mut small = None;
        if wants(Section::Hashes) || preview != PreviewKind::None {
            let need = plan::memory(
                input.len(),
                &probe,
                pipeline::decoder_bytes(input, &probe),
                &Default::default(),
                &[],
                probe.format,
            );
            let _share = self.budget().take(need, stop)?;
            let image = pipeline::upright_srgb(input, &header, stop, &mut notes)?;
            if wants(Section::Hashes) {
                let (perceptual, thumbhash) = metadata::hashes::visual(&image, stop)?;
                report.hashes = Some(Hashes { sha256: facts.sha256.clone(), perceptual, thumbhash });
            }
            small = preview::make(&image, preview, stop)?;
        }
        Ok(Inspection { facts, report, warnings: notes.warnings, preview: small })
    }
}

fn basic(header: &Header<'_>, facts: &Facts) -> Basic {
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
    }
}
