//! Kinds of pixels: looking at them, and turning one kind into another.

use std::fmt;

use common::{Failure, Format, recipe::Color};
use image::{DynamicImage, ImageBuffer, LumaA, Pixel, Rgb, Rgba};

/// A sample of a channel: 8 or 16 bits.
pub(crate) trait Sample: image::Primitive + 'static {
    /// The largest value, which stands for 1.
    const MAX: f32;
    /// How many values there are.
    const LEVELS: usize;

    /// 0 to [`Self::MAX`].
    fn float(self) -> f32;
    /// Rounds, and brings into range what lies outside; not-a-number is 0.
    fn from_float(value: f32) -> Self;
    /// 0 to [`Self::LEVELS`] - 1.
    fn index(self) -> usize;
    /// The sample for 8 bits.
    fn from_u8(value: u8) -> Self;
}

impl Sample for u8 {
    const MAX: f32 = 255.0;
    const LEVELS: usize = 256;

    fn float(self) -> f32 {
        f32::from(self)
    }

    fn from_float(value: f32) -> Self {
        // `as` saturates on floats.
        (value + 0.5) as Self
    }

    fn index(self) -> usize {
        usize::from(self)
    }

    fn from_u8(value: u8) -> Self {
        value
    }
}

impl Sample for u16 {
    const MAX: f32 = 65_535.0;
    const LEVELS: usize = 65_536;

    fn float(self) -> f32 {
        f32::from(self)
    }

    fn from_float(value: f32) -> Self {
        (value + 0.5) as Self
    }

    fn index(self) -> usize {
        usize::from(self)
    }

    fn from_u8(value: u8) -> Self {
        Self::from(value) * 257
    }
}

/// An image buffer of pixels `P`.
pub(crate) type Buffer<P> = ImageBuffer<P, Vec<<P as Pixel>::Subpixel>>;

/// Runs `$body`, a `Result<_, Failure>`, with `$buffer` bound to the typed buffer of 8 or 16 bits. Pictures of floating
/// point do not get this far: the colour stage turns them into 16 bits.
macro_rules! each_buffer {
    ($image:expr, $buffer:ident => $body:expr) => {
        match $image {
            image::DynamicImage::ImageLuma8($buffer) => $body,
            image::DynamicImage::ImageLumaA8($buffer) => $body,
            image::DynamicImage::ImageRgb8($buffer) => $body,
            image::DynamicImage::ImageRgba8($buffer) => $body,
            image::DynamicImage::ImageLuma16($buffer) => $body,
            image::DynamicImage::ImageLumaA16($buffer) => $body,
            image::DynamicImage::ImageRgb16($buffer) => $body,
            image::DynamicImage::ImageRgba16($buffer) => $body,
            _ => Err($crate::engine::pixels::unexpected("pixels of an unknown kind")),
        }
    };
}
pub(crate) use each_buffer;

/// The channels as floats, colours weighted by alpha.
pub(crate) fn weighted<T: Sample>(pixel: &[T]) -> [f32; 4] {
    let mut result = [0.0; 4];
    result.iter_mut().zip(pixel).for_each(|(to, from)| *to = from.float());
    if pixel.len().is_multiple_of(2) {
        let last = pixel.len() - 1;
        let weight = result[last] / T::MAX;
        result.iter_mut().take(last).for_each(|color| *color *= weight);
    }
    result
}

/// The opposite of [`weighted`], for a pixel of `channels`.
pub(crate) fn unweighted<T: Sample>(mut pixel: [f32; 4], channels: usize) -> [f32; 4] {
    if channels.is_multiple_of(2) {
        let last = channels - 1;
        let weight = if pixel[last] > 0.0 { T::MAX / pixel[last] } else { 0.0 };
        pixel.iter_mut().take(last).for_each(|color| *color *= weight);
    }
    pixel
}

/// Rec. 709 luma of a pixel that may have colour and alpha.
pub(crate) fn luma_of<T: Sample>(pixel: &[T]) -> f32 {
    match pixel {
        [r, g, b, ..] => 0.2126 * r.float() + 0.7152 * g.float() + 0.0722 * b.float(),
        [value, ..] => value.float(),
        [] => 0.0,
    }
}

/// Lays `color`, as floats in the order of the channels, over `pixel`; `alpha` from 0 to 1.
pub(crate) fn over<T: Sample>(pixel: &mut [T], color: [f32; 4], alpha: f32) {
    let alpha = alpha.clamp(0.0, 1.0);
    let under = if pixel.len().is_multiple_of(2) {
        let below = pixel.last().map_or(1.0, |below| below.float() / T::MAX);
        below * (1.0 - alpha)
    } else {
        1.0 - alpha
    };
    let total = alpha + under;
    if alpha <= 0.0 || total <= 0.0 {
        return;
    }
    let has_alpha = pixel.len().is_multiple_of(2);
    let colors = if has_alpha { pixel.len() - 1 } else { pixel.len() };
    for (to, from) in pixel.iter_mut().zip(color).take(colors) {
        *to = T::from_float((from * alpha + to.float() * under) / total);
    }
    if has_alpha && let Some(last) = pixel.last_mut() {
        *last = T::from_float(total * T::MAX);
    }
}

/// Gray as equal amounts of red, green and blue, for a profile that knows only those.
pub(crate) fn with_colour(image: DynamicImage) -> DynamicImage {
    match image {
        DynamicImage::ImageLuma8(_) => image.into_rgb8().into(),
        DynamicImage::ImageLumaA8(_) => image.into_rgba8().into(),
        DynamicImage::ImageLuma16(_) => image.into_rgb16().into(),
        DynamicImage::ImageLumaA16(_) => image.into_rgba16().into(),
        colour => colour,
    }
}

/// Our own mistake: something that an earlier stage should have ruled out.
pub(crate) fn unexpected(what: &str) -> Failure {
    Failure::internal(&format_args!("unexpected in the engine: {what}"))
}

/// Our own mistake: an encoder refused pixels that were made to fit it.
pub(crate) fn encoder_failed(error: &dyn fmt::Display) -> Failure {
    Failure::internal(&format_args!("encoder: {error}"))
}

/// Whether the pixels `P` have an alpha channel, which then is the last.
pub(crate) fn has_alpha<P: Pixel>() -> bool {
    P::CHANNEL_COUNT % 2 == 0
}

/// Whether the samples have more than 8 bits.
pub(crate) fn is_wide(image: &DynamicImage) -> bool {
    image.color().bytes_per_pixel() != image.color().channel_count()
}

/// Whether any pixel is less than opaque.
pub(crate) fn is_transparent(image: &DynamicImage) -> bool {
    fn any<P: Pixel>(buffer: &Buffer<P>) -> bool
    where
        P::Subpixel: Sample,
    {
        let channels = usize::from(P::CHANNEL_COUNT);
        has_alpha::<P>()
            && buffer
                .as_raw()
                .chunks_exact(channels)
                .any(|pixel| pixel.last().is_some_and(|a| a.float() < P::Subpixel::MAX))
    }
    each_buffer!(image, buffer => Ok(any(buffer))).unwrap_or(false)
}

/// How light what can be seen is, from 0 to 1: the mean of the luma, weighted by alpha.
pub(crate) fn visible_light(image: &DynamicImage) -> f32 {
    fn mean<P: Pixel>(buffer: &Buffer<P>) -> Result<f32, Failure>
    where
        P::Subpixel: Sample,
    {
        let alpha = |pixel: &[P::Subpixel]| {
            pixel.last().filter(|_| pixel.len().is_multiple_of(2)).map_or(1.0, |alpha| alpha.float() / P::Subpixel::MAX)
        };
        let (sum, weight) = buffer.pixels().fold((0.0f64, 0.0f64), |(sum, weight), pixel| {
            let (pixel, alpha) = (pixel.channels(), alpha(pixel.channels()));
            (sum + f64::from(luma_of(pixel) / P::Subpixel::MAX * alpha), weight + f64::from(alpha))
        });
        Ok((sum / weight.max(1e-9)) as f32)
    }
    each_buffer!(image, buffer => mean(buffer)).unwrap_or(0.0)
}

/// Lays the picture on `background`, whose alpha does not count; nothing is left of the alpha channel.
pub(crate) fn flatten(image: DynamicImage, background: Color) -> DynamicImage {
    let gray = background.rgba[0] == background.rgba[1] && background.rgba[1] == background.rgba[2];
    match image {
        DynamicImage::ImageLumaA8(buffer) if gray => {
            let flat = lay(buffer.as_raw(), 2, background);
            rebuild::<image::Luma<u8>>(&buffer, flat)
        }
        DynamicImage::ImageLumaA16(buffer) if gray => {
            let flat = lay(buffer.as_raw(), 2, background);
            rebuild::<image::Luma<u16>>(&buffer, flat)
        }
        image @ (DynamicImage::ImageLumaA8(_) | DynamicImage::ImageRgba8(_)) => {
            let buffer = image.into_rgba8();
            let flat = lay(buffer.as_raw(), 4, background);
            rebuild::<Rgb<u8>>(&buffer, flat)
        }
        image @ (DynamicImage::ImageLumaA16(_) | DynamicImage::ImageRgba16(_)) => {
            let buffer = image.into_rgba16();
            let flat = lay(buffer.as_raw(), 4, background);
            rebuild::<Rgb<u16>>(&buffer, flat)
        }
        opaque => opaque,
    }
}

/// The samples of pixels of `channels`, laid on `background`, without alpha.
fn lay<T: Sample>(samples: &[T], channels: usize, background: Color) -> Vec<T> {
    let under = background.rgba.map(|value| T::from_u8(value).float());
    let mut flat = Vec::with_capacity(samples.len() / channels * (channels - 1));
    for pixel in samples.chunks_exact(channels) {
        let Some((alpha, colors)) = pixel.split_last() else { continue };
        let alpha = alpha.float() / T::MAX;
        flat.extend(
            colors.iter().zip(under).map(|(color, under)| T::from_float(color.float() * alpha + under * (1.0 - alpha))),
        );
    }
    flat
}

fn rebuild<P>(
    like: &ImageBuffer<impl Pixel<Subpixel = P::Subpixel>, Vec<P::Subpixel>>,
    samples: Vec<P::Subpixel>,
) -> DynamicImage
where
    P: Pixel,
    DynamicImage: From<Buffer<P>>,
{
    // The samples were made for this very size; an empty picture would mean they were not.
    ImageBuffer::from_raw(like.width(), like.height(), samples).map_or_else(DynamicImage::default, DynamicImage::from)
}

/// Turns the picture into a kind that can show `color` beside it: with alpha for a transparent colour, with colour for
/// a coloured one.
pub(crate) fn able_to_show(image: DynamicImage, color: Color) -> DynamicImage {
    let [r, g, b, a] = color.rgba;
    let alpha = image.color().has_alpha() || a < 255;
    let gray = !image.color().has_color() && (a == 0 || (r == g && g == b));
    as_kind(image, !gray, alpha)
}

/// Turns the picture into a kind on which `color` can be painted: that needs no alpha, however thin the paint.
pub(crate) fn able_to_take(image: DynamicImage, color: Color) -> DynamicImage {
    let [r, g, b, _] = color.rgba;
    able_to_show(image, Color { rgba: [r, g, b, 255] })
}

/// The picture with or without colour and alpha, of the same depth. Alpha must not be lost silently: flatten first.
fn as_kind(image: DynamicImage, color: bool, alpha: bool) -> DynamicImage {
    if image.color().has_color() == color && image.color().has_alpha() == alpha {
        return image;
    }
    match (is_wide(&image), color, alpha) {
        (false, false, false) => image.into_luma8().into(),
        (false, false, true) => image.into_luma_alpha8().into(),
        (false, true, false) => image.into_rgb8().into(),
        (false, true, true) => image.into_rgba8().into(),
        (true, false, false) => image.into_luma16().into(),
        (true, false, true) => image.into_luma_alpha16().into(),
        (true, true, false) => image.into_rgb16().into(),
        (true, true, true) => image.into_rgba16().into(),
    }
}

/// The pixel of kind `P` that shows `color`.
pub(crate) fn pixel_of<P: Pixel>(color: Color) -> P
where
    P::Subpixel: Sample,
{
    let [r, g, b, a] = color.rgba.map(P::Subpixel::from_u8);
    let channels: &[P::Subpixel] = match P::CHANNEL_COUNT {
        1 => &[r],
        2 => &[r, a],
        3 => &[r, g, b],
        _ => &[r, g, b, a],
    };
    *P::from_slice(channels)
}

/// A picture of 8 bits a channel.
pub(crate) fn narrow(image: DynamicImage) -> DynamicImage {
    match image {
        image if !is_wide(&image) => image,
        DynamicImage::ImageLuma16(_) => image.into_luma8().into(),
        DynamicImage::ImageLumaA16(_) => image.into_luma_alpha8().into(),
        image if image.color().has_alpha() => image.into_rgba8().into(),
        image => image.into_rgb8().into(),
    }
}

/// Turns the picture into a kind that `format` holds. Where that is none with alpha, lays it on `background`.
pub(crate) fn fit_to(format: Format, image: DynamicImage, background: Color) -> DynamicImage {
    let image = if format.holds_16_bit() { image } else { narrow(image) };
    let image = if format.holds_alpha() { image } else { flatten(image, background) };
    let (color, alpha) = (image.color().has_color(), image.color().has_alpha());
    match format {
        Format::Jpeg | Format::Png | Format::Gif | Format::Bmp => image,
        // An alpha channel that says nothing costs space; the encoders would leave it out, too.
        Format::Webp | Format::Avif => {
            let alpha = alpha && is_transparent(&image);
            as_kind(image, true, alpha)
        }
        Format::Tiff => as_kind(image, color || alpha, alpha),
        Format::Ico => as_kind(image, true, true),
        _ => as_kind(image, true, alpha),
    }
}

/// Turns linear light in floating point into sRGB of 16 bits; what is brighter than white becomes white.
pub(crate) fn encode_linear(image: DynamicImage) -> DynamicImage {
    fn encode(value: f32) -> u16 {
        let value = value.clamp(0.0, 1.0);
        let coded = if value <= 0.003_130_8 { value * 12.92 } else { 1.055 * value.powf(1.0 / 2.4) - 0.055 };
        u16::from_float(coded * u16::MAX as f32)
    }
    match image {
        DynamicImage::ImageRgb32F(buffer) => {
            let samples = buffer.iter().map(|value| encode(*value)).collect();
            build::<Rgb<u16>>(buffer.width(), buffer.height(), samples)
        }
        DynamicImage::ImageRgba32F(buffer) => {
            let samples = buffer
                .chunks_exact(4)
                .flat_map(|p| [encode(p[0]), encode(p[1]), encode(p[2]), u16::from_float(p[3] * u16::MAX as f32)])
                .collect();
            build::<Rgba<u16>>(buffer.width(), buffer.height(), samples)
        }
        other => other,
    }
}

fn build<P>(width: u32, height: u32, samples: Vec<P::Subpixel>) -> DynamicImage
where
    P: Pixel,
    DynamicImage: From<Buffer<P>>,
{
    ImageBuffer::from_raw(width, height, samples).map_or_else(DynamicImage::default, DynamicImage::from)
}

/// A gray picture with the luma of each pixel, Rec. 709 weights on the sRGB values; alpha stays.
pub(crate) fn gray(image: &DynamicImage) -> Option<DynamicImage> {
    fn luma<T: Sample>(r: T, g: T, b: T) -> T {
        T::from_float(0.2126 * r.float() + 0.7152 * g.float() + 0.0722 * b.float())
    }
    fn with_alpha<T: Sample>(pixel: &[T]) -> [T; 2] {
        [luma(pixel[0], pixel[1], pixel[2]), pixel[3]]
    }
    let (width, height) = (image.width(), image.height());
    Some(match image {
        DynamicImage::ImageRgb8(buffer) => {
            build::<image::Luma<u8>>(width, height, buffer.pixels().map(|Rgb([r, g, b])| luma(*r, *g, *b)).collect())
        }
        DynamicImage::ImageRgb16(buffer) => {
            build::<image::Luma<u16>>(width, height, buffer.pixels().map(|Rgb([r, g, b])| luma(*r, *g, *b)).collect())
        }
        DynamicImage::ImageRgba8(buffer) => {
            build::<LumaA<u8>>(width, height, buffer.as_raw().chunks_exact(4).flat_map(with_alpha).collect())
        }
        DynamicImage::ImageRgba16(buffer) => {
            build::<LumaA<u16>>(width, height, buffer.as_raw().chunks_exact(4).flat_map(with_alpha).collect())
        }
        _ => return None,
    })
}
