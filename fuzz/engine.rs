//! What the rich metadata of the worker's tests are put into.

pub(crate) mod fixtures {
    use common::Format;
    use image::DynamicImage;

    pub(crate) fn file(image: impl Into<DynamicImage>, format: Format) -> Vec<u8> {
        crate::seeds::made(&image.into(), crate::output(format))
    }

    /// A segment behind the first marker of a JPEG.
    pub(crate) fn with_segment(jpeg: &[u8], code: u8, payload: &[u8]) -> Vec<u8> {
        let length = (payload.len() as u16 + 2).to_be_bytes();
        [&jpeg[..2], &[0xff, code], &length, payload, &jpeg[2..]].concat()
    }

    pub(crate) fn with_icc(jpeg: &[u8], icc: &[u8]) -> Vec<u8> {
        with_segment(jpeg, 0xe2, &[b"ICC_PROFILE\0\x01\x01", icc].concat())
    }
}
