//! Ready-made sizes and formats for usual places.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Fit, Focus, Output, Recipe, Resize, Step};
use crate::Format;

/// What a picture is for. Sizes as the places themselves recommend them.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Preset {
    /// At most 1920 pixels a side, WebP.
    Web,
    /// At most 320 pixels a side, WebP.
    Thumbnail,
    /// 400 x 400, cropped to what catches the eye.
    Avatar,
    /// 1080 x 1080 JPEG, cropped.
    InstagramSquare,
    /// 1080 x 1350 JPEG, cropped.
    InstagramPortrait,
    /// 1080 x 1920 JPEG, cropped.
    InstagramStory,
    /// 1600 x 900 JPEG of at most 5 MB, cropped.
    XPost,
    /// 1584 x 396 JPEG of at most 8 MB, cropped.
    LinkedinBanner,
    /// 1280 x 720 JPEG of at most 2 MB, cropped.
    YoutubeThumbnail,
    /// 1200 x 630 JPEG of at most 600 KB, cropped.
    OgImage,
    /// As large as an A4 page at 300 dots per inch, upright or across as the picture is; JPEG of quality 95.
    #[serde(rename = "print_a4_300dpi")]
    PrintA4,
    /// At most 1600 pixels a side and 1 MB, JPEG.
    Email,
}

impl Preset {
    /// Every preset.
    pub const ALL: [Self; 12] = [
        Self::Web,
        Self::Thumbnail,
        Self::Avatar,
        Self::InstagramSquare,
        Self::InstagramPortrait,
        Self::InstagramStory,
        Self::XPost,
        Self::LinkedinBanner,
        Self::YoutubeThumbnail,
        Self::OgImage,
        Self::PrintA4,
        Self::Email,
    ];

    /// Its name, as arguments spell it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Thumbnail => "thumbnail",
            Self::Avatar => "avatar",
            Self::InstagramSquare => "instagram_square",
            Self::InstagramPortrait => "instagram_portrait",
            Self::InstagramStory => "instagram_story",
            Self::XPost => "x_post",
            Self::LinkedinBanner => "linkedin_banner",
            Self::YoutubeThumbnail => "youtube_thumbnail",
            Self::OgImage => "og_image",
            Self::PrintA4 => "print_a4_300dpi",
            Self::Email => "email",
        }
    }

    /// The steps, which come after the caller's own, and the output settings, which stand behind the caller's.
    #[must_use]
    pub fn recipe(self) -> Recipe {
        let jpeg = Output { format: Some(Format::Jpeg), quality: Some(90), ..Output::default() };
        let webp = Output { format: Some(Format::Webp), ..Output::default() };
        let small = |max_bytes| Output { max_bytes: Some(max_bytes), ..jpeg.clone() };
        let (resize, output) = match self {
            Self::Web => (within(1920, 1920), webp),
            Self::Thumbnail => (within(320, 320), Output { quality: Some(75), ..webp }),
            Self::Avatar => (cropped(400, 400), Output::default()),
            Self::InstagramSquare => (cropped(1080, 1080), jpeg),
            Self::InstagramPortrait => (cropped(1080, 1350), jpeg),
            Self::InstagramStory => (cropped(1080, 1920), jpeg),
            Self::XPost => (cropped(1600, 900), small(5_000_000)),
            Self::LinkedinBanner => (cropped(1584, 396), small(8_000_000)),
            Self::YoutubeThumbnail => (cropped(1280, 720), small(2_000_000)),
            Self::OgImage => (cropped(1200, 630), small(600_000)),
            Self::PrintA4 => (
                Resize { upscale: true, match_orientation: true, ..within(2480, 3508) },
                Output { quality: Some(95), dpi: Some(300), ..jpeg },
            ),
            Self::Email => (within(1600, 1600), Output { quality: Some(80), ..small(1_000_000) }),
        };
        Recipe { steps: vec![Step::Resize(resize)], output }
    }
}

fn within(width: u32, height: u32) -> Resize {
    Resize { width: Some(width), height: Some(height), ..Resize::default() }
}

fn cropped(width: u32, height: u32) -> Resize {
    Resize { fit: Fit::Cover, gravity: Focus::Smart, ..within(width, height) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema;

    #[test]
    fn every_preset_is_a_recipe_that_a_caller_could_write() {
        let names = schema::of::<Preset>()["enum"].as_array().unwrap().clone();
        assert_eq!(names.len(), Preset::ALL.len());
        for (preset, name) in Preset::ALL.into_iter().zip(names) {
            assert_eq!((preset.name(), serde_json::to_value(preset).unwrap()), (name.as_str().unwrap(), name.clone()));
            let recipe = preset.recipe();
            Recipe::check_steps(&recipe.steps).unwrap();
            let steps = serde_json::to_value(&recipe.steps).unwrap();
            assert_eq!(Recipe::parse_steps(&steps).unwrap(), recipe.steps, "{name}");
        }
    }

    #[test]
    fn the_callers_own_settings_come_first() {
        let own = Output { format: Some(Format::Png), quality: Some(50), ..Output::default() };
        let both = own.clone().or(Preset::OgImage.recipe().output);
        assert_eq!((both.format, both.quality, both.max_bytes), (Some(Format::Png), Some(50), Some(600_000)));
        assert_eq!(own.clone().or(Output::default()), own);
    }
}
