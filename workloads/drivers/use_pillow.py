"""pillow: draw, filter, resize, and take pictures through PNG, JPEG, WebP, GIF and TIFF."""

import io

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont, features


def picture():
    image = Image.new("RGB", (320, 240), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((20, 20, 140, 120), fill=(200, 30, 30))
    draw.ellipse((160, 60, 300, 200), fill=(30, 60, 200), outline="black", width=3)
    draw.text((30, 160), "Lockstep", fill="black", font=ImageFont.load_default(24))
    return image


def through(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    out.seek(0)
    again = Image.open(out)
    again.load()
    assert again.format == kind and again.size == image.size
    return again.convert("RGB")


def codecs(image):
    for kind, options in (("PNG", {}), ("TIFF", {"compression": "tiff_lzw"}), ("WEBP", {"lossless": True}), ("BMP", {})):
        assert ImageChops.difference(through(image, kind, **options), image).getbbox() is None, kind
    for kind, options in (("JPEG", {"quality": 90}), ("WEBP", {"quality": 90})):
        off = ImageChops.difference(through(image, kind, **options), image).convert("L")
        assert sum(i * n for i, n in enumerate(off.histogram())) / (320 * 240) < 4, kind
    print("codecs", [name for name in ("jpg", "zlib", "libtiff") if features.check_codec(name)])


def animation():
    frames = [Image.new("P", (32, 32), n) for n in range(5)]
    for n, frame in enumerate(frames):
        frame.putpalette([n * 40] * 768)
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=50)
    out.seek(0)
    again = Image.open(out)
    seen = []
    for n in range(again.n_frames):
        again.seek(n)
        seen.append(again.convert("RGB").getpixel((5, 5)))
    assert seen == [(n * 40,) * 3 for n in range(5)], seen
    print("gif", seen)


def pixels(image):
    assert image.getpixel((30, 30)) == (200, 30, 30) and image.getpixel((230, 130)) == (30, 60, 200)
    small = image.resize((80, 60), Image.Resampling.LANCZOS)
    assert small.getpixel((20, 15)) == (200, 30, 30)
    turned = image.rotate(90, expand=True)
    assert turned.size == (240, 320)
    assert turned.rotate(-90, expand=True).tobytes() == image.tobytes()
    blurred = image.filter(ImageFilter.GaussianBlur(4))
    assert blurred.getpixel((80, 70)) == (200, 30, 30)
    print("pixels", sum(i * n for i, n in enumerate(image.convert("L").histogram())) // 10000)


image = picture()
codecs(image)
animation()
pixels(image)
