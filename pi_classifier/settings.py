"""What can be configured: the sections of config.toml, their defaults and their limits.

They live here, and not beside the classes that use them, so that reading the configuration needs neither torch nor
OpenCV: `check-config` answers at once, and a machine whose torch does not even load can still be told what is wrong.
"""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

CameraName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
Architecture = Literal[
    "mobilenet_v2",
    "mobilenet_v3_large",
    "resnet18",
    "resnet50",
    "resnext101_32x8d",
    "inception_v3",
    "googlenet",
    "shufflenet_v2_x0_5",
    "shufflenet_v2_x1_0",
    "shufflenet_v2_x1_5",
    "shufflenet_v2_x2_0",
]
"""The tutorial's table."""
Source = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]


class Section(BaseModel):
    """A table of config.toml. An unknown key is an error; values do not change once read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class CameraSettings(Section):
    """One `[[camera]]`."""

    name: CameraName = Field("camera", description="label in logs and metrics")
    source: Source = Field("auto", description="auto, v4l2:/dev/video0, csi:0, file:PATH, synthetic:, or a bare path")
    width: int = Field(224, ge=16, le=8192, description="pixels asked of the camera; the driver may round")
    height: int = Field(224, ge=16, le=8192)
    fps: float = Field(36.0, gt=0, le=1000, description="frames a second asked of the camera")


class ModelSettings(Section):
    """`[model]`."""

    name: Architecture = "mobilenet_v2"
    weights: str = Field(
        "default", min_length=1, description="default, a state dict or prepared file, or untrained (random)"
    )
    engine: Literal["qnnpack"] = "qnnpack"
    activations: Literal["auto", "quint8", "qint8"] = Field(
        "auto", description="qint8 where torch has XNNPACK (aarch64), else quint8"
    )
    threads: int | Literal["auto"] = Field(
        "auto", description="compute threads; auto leaves one core for capture: 3 on a Raspberry Pi"
    )
    top_k: int = Field(5, ge=1, le=1000, description="classes named for each frame")

    @field_validator("threads")
    @classmethod
    def _in_range(cls, threads: int | Literal["auto"]) -> int | Literal["auto"]:
        if threads != "auto" and not 1 <= threads <= 256:
            raise ValueError("should be auto or 1 to 256")
        return threads


class LogSettings(Section):
    """`[log]`."""

    destination: Literal["auto", "stdout", "journal"] = Field(
        "auto", description="a line an interval on stdout, or events to the journal; auto is as systemd runs it or not"
    )
    interval_seconds: float = Field(1.0, ge=0.1, le=3600, description="of the rate, the line and systemd's status")
    summary_seconds: float = Field(60.0, ge=0, description="journal: a summary this often; 0 never")
    label_hold_seconds: float = Field(3.0, ge=0, description="journal: a label is told once it was the best so long")
    format: Literal["text", "json"] = "text"


class MetricsSettings(Section):
    """`[metrics]`."""

    listen: Annotated[str, StringConstraints(pattern=r"^$|^.*:\d{1,5}$")] = Field(
        "0.0.0.0:9100",
        description='HOST:PORT; "" turns the metrics off',
    )
    labels: tuple[str, ...] = Field((), description="classes counted by name in label_predictions_total")

    @field_validator("listen")
    @classmethod
    def _in_range(cls, listen: str) -> str:
        if listen and not 0 <= int(listen.rpartition(":")[2]) <= 65535:
            raise ValueError("the port should be 0 to 65535")
        return listen


class RunSettings(Section):
    """`[run]`."""

    frames: int = Field(0, ge=0, description="stop after this many predictions; 0 never stops")
    nice: int = Field(0, ge=-20, le=19, description="scheduling priority; below 0 needs privileges")
    cpus: tuple[int, ...] = Field((), description="processors to run on, by number; empty: all")


class Settings(Section):
    """The whole configuration."""

    camera: tuple[CameraSettings, ...] = Field((CameraSettings(),), min_length=1)
    model: ModelSettings = ModelSettings()
    log: LogSettings = LogSettings()
    metrics: MetricsSettings = MetricsSettings()
    run: RunSettings = RunSettings()

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [camera.name for camera in self.camera]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two cameras are called {name!r}; give each [[camera]] a name of its own")
        return self
