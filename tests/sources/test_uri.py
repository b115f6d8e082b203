"""Which source a URI names."""

from pathlib import Path

import pytest

from pi_classifier.config.schema import CameraSettings
from pi_classifier.errors import ConfigError
from pi_classifier.sources.files.folder import Folder
from pi_classifier.sources.files.picture import Picture
from pi_classifier.sources.files.video import Video
from pi_classifier.sources.synthetic import Synthetic
from pi_classifier.sources.uri import source_for
from tests.sources.test_files import make_folder, write_picture


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("synthetic:", Synthetic),
        ("synthetic", Synthetic),
        ("synthetic:7", Synthetic),
        ("file:{}/a.mp4", Video),
        ("{}/a.mp4", Video),
        ("{}/b.jpg", Picture),
        ("file:{}", Folder),
    ],
)
def test_uri_names_the_source(tmp_path: Path, source: str, kind: type) -> None:
    """Protects the source URIs: each kind by its scheme, a bare path by what lies there."""
    make_folder(tmp_path)
    assert isinstance(source_for(CameraSettings(source=source.format(tmp_path))), kind)


@pytest.mark.parametrize("source", ["v4l2:/dev/video7", "/dev/video7", "v4l2:7", "7"])
def test_uri_of_a_camera_needs_no_camera_yet(source: str) -> None:
    """Protects a start before the camera is plugged in: the source looks for its node when it is opened."""
    assert str(source_for(CameraSettings(source=source))) == "V4L2 camera /dev/video7"


@pytest.mark.parametrize("source", ["nowhere.mp4", "file:/nowhere", "gopher://host", "v4l2:{}/b.jpg", "synthetic:red"])
def test_uri_of_nothing(tmp_path: Path, source: str) -> None:
    """Protects from a typing error: what does not exist is refused by name before anything starts."""
    write_picture(tmp_path / "b.jpg")
    source = source.format(tmp_path)
    with pytest.raises(ConfigError) as refusal:
        source_for(CameraSettings(source=source))
    assert source in str(refusal.value)


def test_password_is_the_services_credential(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects cameras of the service: a bare name is a credential, and where it is none, both remedies are named."""
    camera = CameraSettings(source="rtsp://camera/", username="admin", password_file="garden-password")  # noqa: S106 - its name
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    with pytest.raises(ConfigError, match="LoadCredential=garden-password:FILE, or name the file by its whole path"):
        source_for(camera)
    (tmp_path / "garden-password").write_text("secret")
    assert str(source_for(camera)) == "network camera rtsp://camera/"
