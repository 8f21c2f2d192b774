"""Pictures: what somebody brought, written anew, and small.

Nothing of the original reaches a browser: the pixels are read and written again, so that neither
places, cameras nor anything else that hides in pictures goes along. Source: reference platform,
section 1.5.
"""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

from PIL import Image, ImageOps

from kartoteka_runtime.security.upload_checks import UploadRefused
from kartoteka_runtime.storage.stored_files import Thumbnail

THUMBNAIL_PIXELS = 144  # of each side
_MOST_PIXELS = 40_000_000  # of a picture: 160 MB while it is worked on
_MOST_SIDE = 30_000
_FORMATS = ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP")
Image.MAX_IMAGE_PIXELS = None  # larger ones than ours are refused before a pixel is read


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it is kept: ``content`` of a media type, and its thumbnail."""

    content: bytes
    media_type: str
    extension: str
    thumbnail: Thumbnail
    small: bytes


def read_picture(content: bytes, name: str) -> Picture:
    """Return a picture written anew, which takes long and much memory: call it in a thread.

    ``name`` is what it is called when it is refused.

    Raises:
        UploadRefused: It is no picture, or one that would take too much memory.
    """
    try:
        opened = Image.open(io.BytesIO(content), formats=_FORMATS)
        width, height = opened.size
        if width * height > _MOST_PIXELS or max(width, height) > _MOST_SIDE:
            raise UploadRefused(
                "upload.too_many_pixels", name=name, megapixels=str(_MOST_PIXELS // 1_000_000)
            )
        opened.load()  # of many frames, the first
        picture = _plain(ImageOps.exif_transpose(opened))
    except UploadRefused:
        raise
    except Exception as error:  # whatever a damaged picture makes a decoder raise
        raise UploadRefused("upload.not_an_image", name=name) from error
    size = (THUMBNAIL_PIXELS, THUMBNAIL_PIXELS)
    small = _written(ImageOps.fit(picture, size, Image.Resampling.LANCZOS), quality=85)
    whole = _written(picture, quality=90)
    media_type, extension = _kind(picture)
    thumbnail = Thumbnail(media_type, base64.b64encode(small).decode())
    return Picture(whole, media_type, extension, thumbnail, small)


def _plain(picture: Image.Image) -> Image.Image:
    """Return the pixels in the only two ways in which they are written: with alpha or without."""
    has_alpha = "A" in picture.getbands() or "transparency" in picture.info
    return picture.convert("RGBA" if has_alpha else "RGB")


def _kind(picture: Image.Image) -> tuple[str, str]:
    """Return media type and extension: JPEG, but for what shows through."""
    return ("image/png", "png") if picture.mode == "RGBA" else ("image/jpeg", "jpg")


def _written(picture: Image.Image, *, quality: int) -> bytes:
    made = io.BytesIO()
    bare = Image.new(picture.mode, picture.size)  # has nothing but the pixels
    bare.paste(picture)
    if picture.mode == "RGBA":
        bare.save(made, "PNG", optimize=False)
    else:
        bare.save(made, "JPEG", quality=quality)
    return made.getvalue()
