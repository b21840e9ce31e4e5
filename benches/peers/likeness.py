"""How near a result is to what comes out without any short cut."""

import numpy
import pyvips
from scipy.ndimage import gaussian_filter
from skimage.metrics import structural_similarity


def reference(picture, how):
    """The picture without short cuts: everything decoded, Lanczos over all pixels."""
    image = pyvips.Image.new_from_file(str(picture)).autorot()
    if image.interpretation == "srgb" and image.get_typeof("icc-profile-data"):
        image = image.icc_transform("srgb")
    if how == "t4":
        # libvips cuts its bell off where it is a fifth of its height; this is the bell itself.
        channels = image.rot90().numpy().astype(numpy.float32)
        blurred = numpy.stack([gaussian_filter(channels[..., at], 2, truncate=4) for at in range(3)], axis=-1)
        return pyvips.Image.new_from_array(numpy.ascontiguousarray(blurred.round().clip(0, 255).astype(numpy.uint8)))
    scale = min(1.0, how / image.width)
    alpha = image.hasalpha()
    image = image.premultiply() if alpha else image
    image = image.resize(scale, kernel="lanczos3")
    return image.unpremultiply() if alpha else image


def pixels(image):
    image = image.flatten(background=255) if image.hasalpha() else image
    image = image.colourspace("srgb").cast("uchar")
    return image.numpy().astype(float)


def likeness(path, expected):
    """PSNR in dB over all channels, SSIM of luma (Wang et al. 2004)."""
    found = pixels(pyvips.Image.new_from_file(str(path)))
    height, width = (min(a, b) for a, b in zip(found.shape[:2], expected.shape[:2]))
    found, expected = found[:height, :width], expected[:height, :width]
    error = numpy.mean((found - expected) ** 2)
    luma = lambda image: image @ [0.299, 0.587, 0.114]
    ssim = structural_similarity(luma(found), luma(expected), data_range=255, gaussian_weights=True, sigma=1.5)
    return (99.0 if error == 0 else 10 * numpy.log10(255**2 / error)), ssim
