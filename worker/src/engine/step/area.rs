//! Parts of a picture: the regions that a caller names, brought into it.

use common::{Failure, recipe::Region};

use crate::engine::limits::Size;

/// A part of a picture, at least one pixel; `right` and `bottom` are the first that do not belong to it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Area {
    pub(super) left: u32,
    pub(super) top: u32,
    pub(super) right: u32,
    pub(super) bottom: u32,
}

impl Area {
    /// All of a picture.
    pub(super) fn whole(size: Size) -> Self {
        Self { left: 0, top: 0, right: size.width, bottom: size.height }
    }

    /// What of `region` lies in a picture of `size`.
    ///
    /// # Errors
    /// `invalid_argument` where nothing does: the caller meant something that is not there.
    pub(super) fn of(region: &Region, size: Size, path: &str) -> Result<Self, Failure> {
        let area = Self {
            left: region.x,
            top: region.y,
            right: region.x.saturating_add(region.width).min(size.width),
            bottom: region.y.saturating_add(region.height).min(size.height),
        };
        if area.left >= area.right || area.top >= area.bottom {
            return Err(Failure::invalid(
                path,
                format!("The region lies outside the picture, which has {size} pixels here."),
            )
            .allowed(format!("x below {}, y below {}", size.width, size.height))
            .next("Regions count in pixels of the picture as it is at this step."));
        }
        Ok(area)
    }

    pub(super) fn width(self) -> u32 {
        self.right - self.left
    }

    pub(super) fn height(self) -> u32 {
        self.bottom - self.top
    }
}
