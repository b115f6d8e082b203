"""What cameras send, decoded to BGR."""

import cv2
import numpy as np
import pytest

from pi_classifier.sources.pixel_formats import COMPRESSED, CONVERSIONS, decoder

WIDTH, HEIGHT = 32, 24
YUV = {"YUYV": cv2.COLOR_BGR2YUV_YUYV, "UYVY": cv2.COLOR_BGR2YUV_UYVY, "YU12": cv2.COLOR_BGR2YUV_I420}


def picture() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """A smooth picture, which every format can carry: blue rises to the right, red downwards."""
    pixels = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    pixels[:, :, 0] = np.linspace(40, 220, WIDTH).astype(np.uint8)
    pixels[:, :, 2] = np.linspace(40, 220, HEIGHT).astype(np.uint8)[:, None]
    return pixels


def encoded(code: str, pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> bytes:
    """The picture as a camera would send it."""
    if code in COMPRESSED:
        return cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 98])[1].tobytes()
    if code == "NV12":
        planes = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2YUV_I420)).reshape(-1)
        luma, u, v = np.split(planes, [WIDTH * HEIGHT, WIDTH * HEIGHT * 5 // 4])
        return luma.tobytes() + np.stack([u, v], axis=1).tobytes()
    if code in YUV:
        return cv2.cvtColor(pixels, YUV[code]).tobytes()
    if code == "GREY":
        return cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY).tobytes()
    return (pixels[:, :, ::-1] if code == "RGB3" else pixels).tobytes()


@pytest.mark.parametrize("code", [*CONVERSIONS, *COMPRESSED])
def test_format_is_decoded_to_the_picture(code: str) -> None:
    """Protects colours: each pixel format gives back the picture that went in."""
    pixels = picture()
    out = np.empty_like(pixels)
    data = np.frombuffer(encoded(code, pixels), np.uint8)
    assert decoder(code, WIDTH, HEIGHT, 0)(data, out)
    grey = cv2.cvtColor(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    expected = grey if code == "GREY" else pixels
    assert np.abs(out.astype(int) - expected).max() <= 16


@pytest.mark.parametrize("code", ["YUYV", "GREY", "BGR3"])
def test_padded_rows_are_cut(code: str) -> None:
    """Protects from slanted pictures: a driver may pad every row to its stride."""
    pixels = picture()
    packed = np.frombuffer(encoded(code, pixels), np.uint8).reshape(HEIGHT, -1)
    stride = packed.shape[1] + 16
    padded = np.pad(packed, ((0, 0), (0, 16))).reshape(-1)
    plain, out = np.empty_like(pixels), np.empty_like(pixels)
    assert decoder(code, WIDTH, HEIGHT, packed.shape[1])(packed.reshape(-1), plain)
    assert decoder(code, WIDTH, HEIGHT, stride)(padded, out)
    assert np.array_equal(out, plain)


@pytest.mark.parametrize("code", ["YU12", "NV12"])
def test_padded_planes_are_cut(code: str) -> None:
    """Protects planar formats: the rows of chroma are padded too, by half as much where the planes are apart."""
    pixels = picture()
    data = np.frombuffer(encoded(code, pixels), np.uint8)
    luma, chroma = data[: WIDTH * HEIGHT].reshape(HEIGHT, WIDTH), data[WIDTH * HEIGHT :]
    rows = chroma.reshape(-1, WIDTH // 2 if code == "YU12" else WIDTH)
    padding = 16
    padded = np.concatenate(
        [
            np.pad(luma, ((0, 0), (0, padding))).reshape(-1),
            np.pad(rows, ((0, 0), (0, padding // 2 if code == "YU12" else padding))).reshape(-1),
        ]
    )
    plain, out = np.empty_like(pixels), np.empty_like(pixels)
    assert decoder(code, WIDTH, HEIGHT, WIDTH)(data, plain)
    assert decoder(code, WIDTH, HEIGHT, WIDTH + padding)(padded, out)
    assert np.array_equal(out, plain)


@pytest.mark.parametrize("code", [*CONVERSIONS, *COMPRESSED])
@pytest.mark.parametrize("keep", [0, 1, 100, 0.7])
def test_short_frame_is_damaged(code: str, keep: float) -> None:
    """Protects from half a frame, which USB cameras do send: it is damaged, and not decoded as far as it goes."""
    data = encoded(code, picture())
    short = np.frombuffer(data[: int(keep if keep >= 1 else keep * len(data))], np.uint8)
    assert not decoder(code, WIDTH, HEIGHT, 0)(short, np.empty((HEIGHT, WIDTH, 3), np.uint8))


def test_jpeg_of_another_size_is_damaged() -> None:
    """Protects the buffers: a JPEG that is not of the negotiated size is not taken."""
    data = np.frombuffer(encoded("MJPG", picture()), np.uint8)
    assert not decoder("MJPG", 16, 16, 0)(data, np.empty((16, 16, 3), np.uint8))


def test_jpeg_that_claims_an_enormous_size_is_damaged() -> None:
    """Protects the capture thread: OpenCV raises for such a header, where it gives nothing for other damage."""
    jpeg = bytearray(encoded("MJPG", picture()))
    header = jpeg.index(b"\xff\xc0")  # start of frame: length, precision, then height and width
    jpeg[header + 5 : header + 9] = b"\xff\xdc\xff\xdc"
    data = np.frombuffer(bytes(jpeg), np.uint8)
    assert not decoder("MJPG", WIDTH, HEIGHT, 0)(data, np.empty((HEIGHT, WIDTH, 3), np.uint8))


def test_jpeg_with_padding_behind_its_end_is_good() -> None:
    """Protects cameras that pad their JPEGs to a round size."""
    data = np.frombuffer(encoded("MJPG", picture()) + bytes(100), np.uint8)
    assert decoder("MJPG", WIDTH, HEIGHT, 0)(data, np.empty((HEIGHT, WIDTH, 3), np.uint8))
