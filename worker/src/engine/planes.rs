//! A picture as its JPEG or WebP file holds it: one plane a channel, colour at half the resolution or less. What only
//! changes size never needs to become RGB.

use common::Failure;
use fast_image_resize::{
    ResizeOptions, Resizer,
    images::{TypedCroppedImage, TypedImage, TypedImageRef},
    pixels::U8,
};
use image::{DynamicImage, GrayImage, RgbImage};

use super::{
    Stop,
    limits::Size,
    orient,
    pixels::unexpected,
    step::resize::Resampling,
    window::{Area, Window},
    ycbcr,
};

/// One channel: samples of 8 bits, row by row.
#[derive(Clone, Debug)]
pub(crate) struct Plane {
    pub(crate) samples: Vec<u8>,
    /// Samples from one row to the next.
    pub(crate) stride: usize,
    /// Samples in a row that are picture, the last perhaps in part.
    pub(crate) width: u32,
    /// Rows that are picture, the last perhaps in part.
    pub(crate) height: u32,
    /// The part that is picture: left, top, width, height in samples. Fractions count: 581 rows may hold 580.5.
    pub(crate) picture: Area,
}

/// Luma and, unless it is gray, Cb and Cr of JFIF: full range, Rec. 601, samples in the middle of what they stand for.
#[derive(Clone, Debug)]
pub(crate) struct Planes {
    /// Pixels of the picture.
    pub(crate) size: Size,
    pub(crate) luma: Plane,
    pub(crate) chroma: Option<[Plane; 2]>,
}

/// The resolution of colour.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Chroma {
    /// A sample for each pixel (4:4:4).
    Full,
    /// A sample for two by two pixels (4:2:0).
    Half,
}

impl Chroma {
    /// Samples for a picture of `size`.
    pub(crate) fn size(self, size: Size) -> Size {
        match self {
            Self::Full => size,
            Self::Half => Size::new(size.width.div_ceil(2), size.height.div_ceil(2)),
        }
    }

    fn divisor(self) -> f64 {
        if self == Self::Half { 2.0 } else { 1.0 }
    }
}

impl Plane {
    /// A plane of which all is picture.
    pub(crate) fn whole(samples: Vec<u8>, size: Size) -> Self {
        let picture = (0.0, 0.0, f64::from(size.width), f64::from(size.height));
        Self { samples, stride: size.width as usize, width: size.width, height: size.height, picture }
    }

    /// The rows, each of `width` samples.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &[u8]> {
        let width = self.width as usize;
        self.samples.chunks(self.stride.max(1)).take(self.height as usize).filter_map(move |row| row.get(..width))
    }

    /// Samples across and down.
    pub(crate) fn size(&self) -> Size {
        Size::new(self.width, self.height)
    }

    /// As a gray picture of its samples.
    pub(crate) fn into_gray(self) -> Result<GrayImage, Failure> {
        let Size { width, height } = self.size();
        GrayImage::from_raw(width, height, self.tight()).ok_or_else(|| unexpected("a plane of another size"))
    }

    /// The samples that are picture, and no others.
    pub(crate) fn tight(mut self) -> Vec<u8> {
        orient::tighten(&mut self.samples, self.width as usize, self.height as usize, self.stride);
        self.samples
    }

    fn turned(self, orientation: u8, stop: &Stop) -> Result<Self, Failure> {
        if !(2..=8).contains(&orientation) {
            return Ok(self);
        }
        let size = self.size();
        let (w, h) = (f64::from(self.width), f64::from(self.height));
        let shape = (self.width as usize, self.height as usize, self.stride);
        let samples = orient::turned_samples(self.samples, shape, orientation, stop)?;
        let size = if orient::swaps_sides(orientation) { size.swapped() } else { size };
        let picture = orient::turned_part(self.picture, w, h, orientation);
        Ok(Self { picture, ..Self::whole(samples, size) })
    }

    /// Resamples `area`, in parts of the picture, to `across` by `down` samples; they may be fractions, and are rounded
    /// up to `size`.
    fn resized(
        &self,
        resizer: &mut Resizer,
        area: Area,
        (across, down): (f64, f64),
        size: Size,
        resampling: Resampling,
    ) -> Result<Self, Failure> {
        let (left, top, width, height) = self.picture;
        let (left, top) = (left + area.0 * width, top + area.1 * height);
        // The last samples may stand for more than there is; then they get the same from less.
        let fit = |length: f64, start: f64, all: u32| length.min(f64::from(all) - start);
        let width = fit(area.2 * width * f64::from(size.width) / across, left, self.width);
        let height = fit(area.3 * height * f64::from(size.height) / down, top, self.height);
        let failed = |error: &dyn std::fmt::Display| Failure::internal(&format_args!("resizing a plane: {error}"));
        // The rows behind the last are no picture, yet a row is as long as it is.
        let rows = u32::try_from(self.samples.len() / self.stride.max(1)).unwrap_or(u32::MAX);
        let stride = u32::try_from(self.stride).unwrap_or(u32::MAX);
        let all = TypedImageRef::<U8>::from_buffer(stride, rows, &self.samples).map_err(|error| failed(&error))?;
        let source = TypedCroppedImage::from_ref(&all, 0, 0, self.width, self.height.min(rows))
            .map_err(|error| failed(&error))?;
        let mut samples = vec![0; size.width as usize * size.height as usize];
        let mut to =
            TypedImage::<U8>::from_buffer(size.width, size.height, &mut samples).map_err(|error| failed(&error))?;
        let options = ResizeOptions::new().resize_alg(resampling.algorithm()).crop(left, top, width, height);
        resizer.resize_typed(&source, &mut to, &options).map_err(|error| failed(&error))?;
        let picture = (0.0, 0.0, across, down);
        Ok(Self { picture, ..Self::whole(samples, size) })
    }
}

impl Planes {
    /// Turns the picture upright and as `window` wants, cuts out what that shows and brings it to its size.
    pub(crate) fn seen_through(
        self,
        window: &Window,
        orientation: u8,
        chroma: Chroma,
        stop: &Stop,
    ) -> Result<Self, Failure> {
        let (size, area, orientation) = (window.size, window.parts(), orient::then(orientation, window.turn));
        let mut resizer = Resizer::new();
        let mut resized = |plane: Plane, chroma: Chroma| {
            stop.check()?;
            let divisor = chroma.divisor();
            let sides = (f64::from(size.width) / divisor, f64::from(size.height) / divisor);
            let plane = plane.turned(orientation, stop)?;
            if area == (0.0, 0.0, 1.0, 1.0) && plane.picture == (0.0, 0.0, sides.0, sides.1) {
                let picture = plane.picture;
                return Ok(Plane { picture, ..Plane::whole(plane.tight(), chroma.size(size)) });
            }
            plane.resized(&mut resizer, area, sides, chroma.size(size), window.resampling)
        };
        let luma = resized(self.luma, Chroma::Full)?;
        let chroma = match self.chroma {
            Some([cb, cr]) => Some([resized(cb, chroma)?, resized(cr, chroma)?]),
            None => None,
        };
        Ok(Self { size, luma, chroma })
    }

    /// The resolution of colour; full where there is none.
    pub(crate) fn sampling(&self) -> Chroma {
        match &self.chroma {
            Some([cb, _]) if (cb.width, cb.height) != (self.size.width, self.size.height) => Chroma::Half,
            _ => Chroma::Full,
        }
    }

    /// The planes of gray or RGB of 8 bits; `None` for other kinds of pixels.
    pub(crate) fn of(image: &DynamicImage, chroma: Chroma) -> Option<Self> {
        let size = Size::new(image.width(), image.height());
        match image {
            DynamicImage::ImageLuma8(buffer) => {
                Some(Self { size, luma: Plane::whole(buffer.as_raw().clone(), size), chroma: None })
            }
            DynamicImage::ImageRgb8(buffer) => {
                let halve = chroma == Chroma::Half;
                let [y, cb, cr] = ycbcr::from_rgb(buffer.as_raw(), size.width as usize, size.height as usize, halve);
                let colors = [cb, cr].map(|samples| Plane::whole(samples, chroma.size(size)));
                Some(Self { size, luma: Plane::whole(y, size), chroma: Some(colors) })
            }
            _ => None,
        }
    }

    /// As gray or RGB of 8 bits. The planes must be of the picture's size, or half of it.
    pub(crate) fn to_image(&self) -> Result<DynamicImage, Failure> {
        let Size { width, height } = self.size;
        let wrong = || unexpected("planes of another size");
        let Some([cb, cr]) = &self.chroma else {
            let samples = self.luma.rows().flatten().copied().collect();
            return GrayImage::from_raw(width, height, samples).map(DynamicImage::from).ok_or_else(wrong);
        };
        let whole = (0.0, 0.0, 1.0, 1.0);
        let sides = (f64::from(width), f64::from(height));
        let mut resizer = Resizer::new();
        let mut full = |plane: &Plane| plane.resized(&mut resizer, whole, sides, self.size, Resampling::BILINEAR);
        let grown = if self.sampling() == Chroma::Half { Some((full(cb)?, full(cr)?)) } else { None };
        let (cb, cr) = grown.as_ref().map_or((cb, cr), |(cb, cr)| (cb, cr));
        let mut samples = Vec::with_capacity(width as usize * height as usize * 3);
        for ((y, cb), cr) in self.luma.rows().zip(cb.rows()).zip(cr.rows()) {
            ycbcr::to_rgb(y, cb, cr, &mut samples);
        }
        RgbImage::from_raw(width, height, samples).map(DynamicImage::from).ok_or_else(wrong)
    }
}
