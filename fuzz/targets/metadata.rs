//! EXIF, XMP, IPTC, profiles: reported, and kept in results, which are readable again.
#![no_main]

use common::{
    Format, Section,
    recipe::{ColorSpace, Metadata, Output},
};
use worker::engine::{Engine, PreviewKind};

const SECTIONS: [Section; 6] = [Section::Basic, Section::Exif, Section::Gps, Section::Xmp, Section::Iptc, Section::Icc];

libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    fuzz::mutate(data, size, max_size, seed, 0)
});

libfuzzer_sys::fuzz_target!(init: fuzz::ready("metadata"), |data: &[u8]| {
    drop(fuzz::engine().inspect(data, &SECTIONS, PreviewKind::None, &fuzz::stop()));
    if Engine::is_enough(data) {
        drop(fuzz::engine().inspect_start(data, data.len() as u64, &SECTIONS, &fuzz::stop()));
    }
    for (number, metadata) in [Metadata::Keep, Metadata::KeepCopyright, Metadata::StripGps].into_iter().enumerate() {
        // Each format that holds metadata is written by one of them, chosen by the file.
        let formats = [Format::Jpeg, Format::Png, Format::Webp, Format::Tiff];
        let format = formats[(data.len() + number) % formats.len()];
        let output = Output { metadata, color: ColorSpace::Keep, dpi: Some(300), ..fuzz::output(format) };
        let Ok(made) = fuzz::transform(data, r#"[{"op":"resize","width":5}]"#, output) else { continue };
        let again = fuzz::engine().inspect(&made.bytes, &SECTIONS, PreviewKind::None, &fuzz::stop());
        let report = again.unwrap_or_else(|failure| panic!("what was written is not read: {failure}")).report;
        let place = report.gps.filter(|_| metadata != Metadata::Keep);
        assert!(place.is_none(), "a place got through {metadata:?}: {place:?}");
    }
});
