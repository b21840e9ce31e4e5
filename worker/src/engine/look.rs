//! The pixels of pictures that are only looked at, within the limits and the memory of the engine.

use common::{Facts, Failure, Warning};
use image::DynamicImage;

use super::{
    Engine, Stop, codec,
    limits::Size,
    metadata, plan,
    probe::{self, Header},
    step::Notes,
    upright,
};

/// A picture as it looks: upright, in sRGB.
pub(crate) struct Seen {
    pub(crate) image: DynamicImage,
    pub(crate) facts: Facts,
    /// What the caller should know of the file.
    pub(crate) warnings: Vec<Warning>,
}

impl Engine {
    /// Shows the pictures in `inputs` to `look`, which may use `beside` more bytes for pictures of these sizes.
    ///
    /// # Errors
    /// `unsupported_format`, `image_unreadable`, `too_large`, what `stop` or `look` says; failures of a file name the
    /// argument beside it.
    pub(crate) fn look<T>(
        &self,
        inputs: &[(&'static str, &[u8])],
        beside: impl FnOnce(&[Size]) -> u64,
        stop: &Stop,
        look: impl FnOnce(Vec<Seen>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut headers = Vec::with_capacity(inputs.len());
        for (argument, input) in inputs {
            headers.push(probe::read(input, self.limits()).map_err(|failure| failure.argument(*argument))?);
        }
        let sizes: Vec<Size> = headers.iter().map(|header| header.probe.upright_size()).collect();
        let pictures = headers.iter().zip(inputs).map(|(header, (_, input))| memory(input, header));
        // One request for all of them: a job that holds one picture must not wait for room for the next.
        let need = pictures.fold(beside(&sizes), u64::saturating_add);
        let _share = self.budget().take(need, stop)?;
        let mut seen = Vec::with_capacity(inputs.len());
        for (header, (argument, input)) in headers.iter().zip(inputs) {
            let mut notes = Notes::default();
            let image = upright::upright_srgb(input, header, stop, &mut notes)
                .map_err(|failure| failure.argument(*argument))?;
            seen.push(Seen { image, facts: facts(input, header), warnings: notes.warnings });
        }
        look(seen)
    }
}

fn memory(input: &[u8], header: &Header<'_>) -> u64 {
    let (probe, scratch) = (&header.probe, codec::scratch_bytes(input, &header.probe));
    plan::memory(input.len(), probe, scratch, &common::Recipe::default(), &[], probe.format)
}

fn facts(input: &[u8], header: &Header<'_>) -> Facts {
    let probe = header.probe;
    let (width, height) = probe.upright();
    Facts {
        width,
        height,
        format: probe.format,
        bytes: input.len() as u64,
        sha256: metadata::hashes::sha256(input),
        alpha: probe.alpha,
        bit_depth: probe.bit_depth,
    }
}
