//! What a job may use at most, checked from headers before a single pixel is allocated.

use std::time::Duration;

use common::{Failure, FailureKind, Format};

/// The longest side of any picture that is read, in pixels.
pub(crate) const MAX_SIDE: u32 = 65_500;

/// The largest picture of AV1's highest level (6.0); what shows pictures need not show larger ones, and writing one that
/// is larger takes minutes in which it cannot be stopped.
const MAX_AVIF_PIXELS: u64 = 35_651_584;
const MAX_AVIF_SIDE: u32 = 16_384;

/// The largest colour profile that is looked at, in bytes.
pub(crate) const MAX_ICC_BYTES: usize = 4 * 1024 * 1024;

/// The most scans of a progressive JPEG: each costs a pass over all pixels, however small it is in the file.
pub(crate) const MAX_SCANS: usize = 100;

/// What the engine may use at most.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Jobs at once; 0 is taken as 1.
    pub threads: usize,
    /// Width times height of any picture read or made.
    pub max_pixels: u64,
    /// Size of a file that is read.
    pub max_file_bytes: u64,
    /// Frames of an animation or pages.
    pub max_frames: u32,
    /// Memory of all jobs together, estimated.
    pub max_memory_bytes: u64,
    /// Time of one job, waiting included.
    pub timeout: Duration,
}

impl Default for Limits {
    /// Two threads, 100 megapixels, 100 MB a file, 500 frames, 2 GiB of memory, 120 seconds.
    fn default() -> Self {
        Self {
            threads: 2,
            max_pixels: 100_000_000,
            max_file_bytes: 100 * 1024 * 1024,
            max_frames: 500,
            max_memory_bytes: 2 * 1024 * 1024 * 1024,
            timeout: Duration::from_secs(120),
        }
    }
}

/// Width and height in pixels.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Size {
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl Size {
    pub(crate) const fn new(width: u32, height: u32) -> Self {
        Self { width, height }
    }

    pub(crate) fn pixels(self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    pub(crate) fn swapped(self) -> Self {
        Self::new(self.height, self.width)
    }
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

impl Limits {
    /// Checks the size of a file.
    pub(crate) fn check_file(&self, bytes: usize) -> Result<(), Failure> {
        if bytes as u64 > self.max_file_bytes {
            let (have, most) = (bytes as u64 / 1_048_576, self.max_file_bytes / 1_048_576);
            return Err(too_large(format!("The file has {have} MB."))
                .allowed(format!("{most} MB (setting MAX_FILE_MB)"))
                .next("Use a smaller file, or ask the operator to raise MAX_FILE_MB."));
        }
        Ok(())
    }

    /// Checks the size that a header claims.
    pub(crate) fn check_source(&self, size: Size, frames: u32) -> Result<(), Failure> {
        if size.width == 0 || size.height == 0 {
            return Err(Failure::new(FailureKind::ImageUnreadable, "The picture claims to have no pixels."));
        }
        if size.width > MAX_SIDE || size.height > MAX_SIDE {
            return Err(too_large(format!("The picture has {size} pixels."))
                .allowed(format!("sides of at most {MAX_SIDE} pixels"))
                .next("Use a smaller picture."));
        }
        if size.pixels() > self.max_pixels {
            return Err(self.too_many_pixels(format!("The picture has {size} pixels.")));
        }
        if frames > self.max_frames {
            return Err(too_large(format!("The picture has {frames} frames."))
                .allowed(format!("{} frames (setting MAX_FRAMES)", self.max_frames))
                .next("Use a shorter animation, or ask the operator to raise MAX_FRAMES."));
        }
        Ok(())
    }

    /// Checks the size that a step would make.
    pub(crate) fn check_result(&self, size: Size, path: &str) -> Result<(), Failure> {
        if size.width > MAX_SIDE || size.height > MAX_SIDE || size.pixels() > self.max_pixels {
            return Err(self.too_many_pixels(format!("This step would make {size} pixels.")).argument(path));
        }
        Ok(())
    }

    /// Checks whether `format` can hold a picture of `size`.
    pub(crate) fn check_output(size: Size, format: Format) -> Result<(), Failure> {
        let (most, pixels) = match format {
            Format::Webp => (16_383, u64::MAX),
            Format::Avif => (MAX_AVIF_SIDE, MAX_AVIF_PIXELS),
            Format::Ico => (256, u64::MAX),
            _ => return Ok(()),
        };
        if size.width <= most && size.height <= most && size.pixels() <= pixels {
            return Ok(());
        }
        // A square that is allowed.
        let most = u64::from(most).min(pixels.isqrt());
        let name = format.name();
        Err(too_large(format!("The result has {size} pixels, more than {name} can hold."))
            .argument("output_format")
            .allowed(format!("at most {most}x{most} pixels for {name}"))
            .next(format!(
                r#"Add the step {{"op":"resize","width":{most},"height":{most}}}, or choose another format."#
            )))
    }

    fn too_many_pixels(&self, message: String) -> Failure {
        let most = self.max_pixels / 1_000_000;
        too_large(message)
            .allowed(format!("{most} megapixels (setting MAX_MEGAPIXELS), sides of at most {MAX_SIDE} pixels"))
            .next("Use a smaller picture, or ask the operator to raise MAX_MEGAPIXELS.")
    }
}

fn too_large(message: String) -> Failure {
    Failure::new(FailureKind::TooLarge, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_says_what_would_be_accepted() {
        let limits = Limits::default();
        for failure in [
            limits.check_file(usize::MAX).unwrap_err(),
            limits.check_source(Size::new(60_000, 60_000), 1).unwrap_err(),
            limits.check_source(Size::new(65_501, 1), 1).unwrap_err(),
            limits.check_source(Size::new(1, 1), 501).unwrap_err(),
            limits.check_result(Size::new(20_000, 20_000), "steps[1]").unwrap_err(),
            Limits::check_output(Size::new(16_384, 1), Format::Webp).unwrap_err(),
            Limits::check_output(Size::new(1, 257), Format::Ico).unwrap_err(),
            Limits::check_output(Size::new(16_385, 1), Format::Avif).unwrap_err(),
            Limits::check_output(Size::new(6000, 6000), Format::Avif).unwrap_err(),
        ] {
            assert_eq!(failure.kind, FailureKind::TooLarge);
            assert!(failure.allowed.is_some() && failure.next.is_some(), "{failure}");
        }
        let empty = limits.check_source(Size::new(0, 5), 1).unwrap_err();
        assert_eq!(empty.kind, FailureKind::ImageUnreadable);
    }

    #[test]
    fn the_bounds_themselves_are_accepted() {
        let limits = Limits::default();
        limits.check_source(Size::new(10_000, 10_000), 500).unwrap();
        limits.check_source(Size::new(65_500, 1), 1).unwrap();
        Limits::check_output(Size::new(256, 256), Format::Ico).unwrap();
        Limits::check_output(Size::new(8192, 4352), Format::Avif).unwrap();
        Limits::check_output(Size::new(16_383, 16_383), Format::Webp).unwrap();
    }
}
