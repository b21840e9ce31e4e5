//! A picture on its way through the engine.

use std::borrow::Cow;

use common::Failure;
use image::DynamicImage;

use super::{limits::Size, planes::Planes};

/// Pixels, or planes as long as nothing needs pixels.
pub(crate) enum Picture {
    /// Gray or RGB, with or without alpha.
    Pixels(DynamicImage),
    /// As a lossy encoder takes them.
    Planes(Planes),
}

impl Picture {
    pub(crate) fn size(&self) -> Size {
        match self {
            Self::Pixels(image) => Size::new(image.width(), image.height()),
            Self::Planes(planes) => planes.size,
        }
    }

    /// As pixels.
    pub(crate) fn into_pixels(self) -> Result<DynamicImage, Failure> {
        match self {
            Self::Pixels(image) => Ok(image),
            Self::Planes(planes) => planes.to_image(),
        }
    }

    /// A look at it as pixels.
    pub(crate) fn pixels(&self) -> Result<Cow<'_, DynamicImage>, Failure> {
        match self {
            Self::Pixels(image) => Ok(Cow::Borrowed(image)),
            Self::Planes(planes) => planes.to_image().map(Cow::Owned),
        }
    }
}
