"""What can be configured: the sections of config.toml, their defaults and their limits.

They live here, and not beside the classes that use them, so that reading the configuration needs neither torch nor
OpenCV: `check-config` answers at once, and a machine whose torch does not even load can still be told what is wrong.
"""

import re
from typing import Annotated, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    field_validator,
    model_validator,
)

from pi_classifier.config.address import ListenAddress
from pi_classifier.config.network_url import (
    HIDDEN,
    has_authority,
    host_and_port,
    is_network,
    server_of,
    shown,
    take_userinfo,
)
from pi_classifier.config.problems import problem

LISTEN_EXAMPLE = '"127.0.0.1:9100" or "[::1]:9100", for instance'
CAMERA_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
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
Detector = Literal["yolox_nano"]
"""Those whose weights are fetched."""


def _no_nul(text: str) -> str:
    if "\0" in text:
        raise problem("holds a NUL character", "leave it out")
    return text


def _camera_name(text: str) -> str:
    if not CAMERA_NAME.fullmatch(text):
        raise problem("is no name for a camera", "give it 1 to 64 letters, digits, '_', '.' and '-'")
    return text


def _source(text: str) -> str:
    if is_network(text):
        try:
            url, userinfo = take_userinfo(text)
            host_and_port(url)
        except ValueError as error:
            raise problem(str(error), "write it as rtsp://HOST:PORT/PATH") from None
        if userinfo:  # the layers of the configuration have moved it
            raise problem("holds a user name", "give it in username and password")
    return text


CameraName = Annotated[str, AfterValidator(_camera_name)]


def _group_name(text: str) -> str:
    if text and not CAMERA_NAME.fullmatch(text):
        raise problem("is no name for a group", "give it 1 to 64 letters, digits, '_', '.' and '-'")
    return text


GroupName = Annotated[str, AfterValidator(_group_name)]
"""Empty for none. A camera may have the same: metrics and messages have groups under a key of their own."""
Mean = Annotated[float, Field(ge=-10, le=10)]
"""Of values from 0 to 1: one of values to 255, which is the usual mistake, is beyond these bounds."""
Deviation = Annotated[float, Field(ge=0.0001, le=10)]
Cpu = Annotated[int, Field(ge=0, le=1023)]
"""Number of a processor; 1023 is the last that glibc's cpu_set_t holds."""
Source = Annotated[
    str,
    StringConstraints(min_length=1, max_length=4096, strip_whitespace=True),
    AfterValidator(_no_nul),
    AfterValidator(_source),
    PlainSerializer(lambda text: shown(text) if has_authority(text) else text, return_type=str),
]
FileName = Annotated[str, StringConstraints(min_length=1, max_length=4096), AfterValidator(_no_nul)]
"""4096 is Linux's PATH_MAX."""


def _listen_address(value: object) -> ListenAddress | None:
    if isinstance(value, ListenAddress):
        return value
    if not isinstance(value, str):
        raise problem("is no text", f"write {LISTEN_EXAMPLE}")
    try:
        return ListenAddress.parse(value) if value else None
    except ValueError as error:
        raise problem(str(error), f"write {LISTEN_EXAMPLE}") from None


Listen = Annotated[
    ListenAddress | None,
    PlainValidator(_listen_address),
    PlainSerializer(lambda address: str(address or ""), return_type=str),
]
"""An address as text, HOST:PORT; empty is None."""


def _host_name(text: str) -> str:
    try:
        return ListenAddress.parse(f"{text}:0").host.lower()
    except ValueError:
        raise problem("is no name of a machine", 'write it without a port, "pi.example.org" for instance') from None


HostName = Annotated[str, StringConstraints(min_length=1), AfterValidator(_host_name)]


SECRETS = ("password",)
"""Keys whose values are never shown. Not pydantic's SecretStr: to import it takes a hundredth of a start."""
ADDRESSES = ("url",)
"""Keys of whose values no more is shown than whom they lead to."""


class Section(BaseModel):
    """A table of config.toml. An unknown key is an error; values do not change once read."""

    # TOML knows infinity and no number; nothing here does.
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class CameraSettings(Section):
    """One `[[camera]]`."""

    name: CameraName = Field("camera", description="label in logs and metrics; another [[camera]] below adds a camera")
    source: Source = Field(
        "auto", description="auto, v4l2:/dev/video0, csi:0, rtsp://HOST/PATH, file:PATH, synthetic:, or a bare path"
    )
    width: int = Field(
        224, ge=16, le=8192, description="pixels asked of the camera, which may round; unless given, a detector's own"
    )
    height: int = Field(224, ge=16, le=8192, description="pixels")
    fps: float = Field(36.0, gt=0, le=1000, description="frames a second asked of the camera")
    group: GroupName = Field("", description="cameras of the same group are brought together in time; empty: none")
    max_fps: float = Field(0.0, ge=0, le=1000, description="frames a second for the model at most; 0: as many as come")
    username: str = Field("", max_length=256, description="for a network camera that asks for one")
    password: str = Field("", max_length=256, repr=False, description="and its password; better, a file of it:")
    password_file: str = Field(
        "", max_length=4096, description="readable by this user alone; a bare name: the service's credential"
    )
    transport: Literal["tcp", "udp"] = Field("tcp", description="of RTSP: tcp loses nothing, udp never waits")
    frozen_seconds: float = Field(
        10.0,
        ge=0,
        le=3600,
        description="a network camera with the same picture for so long is down; 0: it is not",
    )

    @model_validator(mode="after")
    def _one_password(self) -> Self:
        if self.password_file and self.password:
            raise problem("has a password and a password_file", "give one of them")
        return self


def _number_or_auto(
    value: object, validated: ValidatorFunctionWrapHandler, what: str, most: int
) -> int | Literal["auto"]:
    """In place of the two complaints that a union has."""
    try:
        number: int | Literal["auto"] = validated(value)
    except ValidationError:
        number = 0
    if number != "auto" and not 1 <= number <= most:
        raise problem(f"is no number of {what}", f'give 1 to {most}, or "auto"')
    return number


def is_onnx(weights: str) -> bool:
    """Whether these are an ONNX file, which is known by its name: its content has no mark at its head."""
    return weights.lower().endswith(".onnx")


def is_tflite(weights: str) -> bool:
    """Whether these are a TFLite file from elsewhere, a detector."""
    return weights.lower().endswith(".tflite")


class ModelSettings(Section):
    """`[model]`."""

    name: Literal[Architecture, Detector] = Field(
        "mobilenet_v2", description="architecture, as torchvision calls it, or the detector yolox_nano"
    )
    weights: FileName = Field(
        "default",
        description="default, a state dict, bundle or .onnx file, demo (drawn scenes), untrained (random)",
    )
    labels: str = Field(
        "", max_length=4096, description="of an .onnx file: a file with a label a line; empty: those inside it"
    )
    mean: tuple[Mean, ...] = Field((), description="of an .onnx file, of RGB in 0 to 1; empty: ImageNet's, or its own")
    std: tuple[Deviation, ...] = Field((), description="and what that is divided by")
    runtime: Literal["torchscript", "litert", "onnx", "auto"] = Field(
        "torchscript",
        description="of bundles; auto is LiteRT where it is installed and has a program; .onnx files: onnx",
    )
    engine: Literal["qnnpack"] = Field("qnnpack", description="TorchScript's quantised engine")
    activations: Literal["auto", "quint8", "qint8"] = Field(
        "auto", description="of TorchScript: qint8 where torch has XNNPACK (aarch64), else quint8"
    )
    threads: int | Literal["auto"] = Field(
        "auto", description="compute threads, 1 to 256; auto leaves one core for capture: 3 on a Raspberry Pi"
    )
    workers: int | Literal["auto"] = Field(
        "auto",
        description="models at once, a thread each, 1 to 64; auto: one a camera, up to threads",
    )
    top_k: int = Field(5, ge=1, le=1000, description="classes named for each frame")
    unknown: bool = Field(True, description="of own classes: whether what is like none of them is called unknown")

    @field_validator("labels")
    @classmethod
    def _labels_file(cls, value: str) -> str:
        return _no_nul(value)

    @field_validator("mean", "std")
    @classmethod
    def _of_three_channels(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if len(value) not in (0, 3):
            raise problem("is not of three channels", "give three numbers, for R, G and B, or none")
        return value

    @field_validator("threads", mode="wrap")
    @classmethod
    def _in_range(cls, value: object, validated: ValidatorFunctionWrapHandler) -> int | Literal["auto"]:
        return _number_or_auto(value, validated, "threads", 256)

    @field_validator("workers", mode="wrap")
    @classmethod
    def _workers_in_range(cls, value: object, validated: ValidatorFunctionWrapHandler) -> int | Literal["auto"]:
        return _number_or_auto(value, validated, "workers", 64)


def is_published_detector(model: ModelSettings) -> bool:
    """Whether these name a detector whose weights are fetched."""
    return model.weights == "default" and model.name in get_args(Detector)


class DetectSettings(Section):
    """`[detect]`."""

    decoder: Literal["auto", "ultralytics", "end-to-end", "yolox", "nanodet", "ssd", "torchvision"] = Field(
        "auto", description="how a detector's outputs are read; auto: as its file and their shapes tell"
    )
    confidence: float = Field(0.3, ge=0, le=1, description="the least of an object that is told")
    iou: float = Field(
        0.45, ge=0, le=1, description="intersection over union above which two boxes of a label are one object"
    )
    max_detections: int = Field(100, ge=1, le=1000, description="objects told of one picture, the best")


Fraction = Annotated[float, Field(ge=0, le=1)]
Corners = tuple[tuple[Fraction, Fraction], ...]
MOST_CORNERS = 100


def _polygon(value: object, validated: ValidatorFunctionWrapHandler) -> Corners:
    """In the place of a complaint for each number."""
    try:
        corners: Corners = validated(value)
    except ValidationError:
        corners = ()
    if not 3 <= len(corners) <= MOST_CORNERS:
        raise problem("is no polygon", f"give 3 to {MOST_CORNERS} corners, each as [x, y] from 0 to 1")
    return corners


Polygon = Annotated[Corners, WrapValidator(_polygon)]
"""Corners, x and y each, as fractions of the picture's width and height, from its upper left corner."""
WHOLE: Corners = ((0, 0), (1, 0), (1, 1), (0, 1))
DOORSTEP = [[0.1, 0.5], [0.6, 0.5], [0.6, 1], [0.1, 1]]


class ObjectSettings(Section):
    """One `[[object]]`: what a detector's objects of one label have to be to count."""

    label: str = Field("", max_length=1000, description="one of the model's", examples=["person"])
    confidence: Fraction = Field(0.0, description="the least; 0: that of [detect]", examples=[0.5])
    min_area: Fraction = Field(0.0, description="of its box, as a part of the picture's", examples=[0.01])
    max_area: Fraction = Field(1.0, description="the same at most")


class ZoneSettings(Section):
    """One `[[zone]]`: a named part of a camera's picture."""

    name: CameraName = Field("zone", description="label in events", examples=["doorstep"])
    camera: CameraName = Field("camera", description="whose picture")
    polygon: Polygon = Field(
        WHOLE, description="corners x, y in 0 to 1; the middle of a box's lower edge decides", examples=[DOORSTEP]
    )
    labels: tuple[str, ...] = Field((), max_length=1000, description="objects that count in it; empty: all")


class MaskSettings(Section):
    """One `[[mask]]`: a part of a camera's picture in which no object counts."""

    camera: CameraName = Field("camera", description="whose picture")
    polygon: Polygon = Field(WHOLE, description="as a zone's", examples=[[[0, 0], [1, 0], [1, 0.2], [0, 0.2]]])
    labels: tuple[str, ...] = Field((), max_length=1000, description="objects that it hides; empty: all")


class LogSettings(Section):
    """`[log]`."""

    destination: Literal["auto", "stdout", "journal"] = Field(
        "auto", description="stdout (a line an interval), journal (events), or auto: the journal when systemd runs it"
    )
    interval_seconds: float = Field(
        1.0, ge=0.1, le=3600, description="of the line on stdout, the rate, and the status that systemctl shows"
    )
    summary_seconds: float = Field(60.0, ge=0, description="journal: a summary this often; 0 never")
    format: Literal["text", "json"] = Field(
        "text", description="of the line on stdout: text, or json, one object a line"
    )


class SteadinessSettings(Section):
    """`[steadiness]`: when a label, or a watch, starts and stops."""

    tau: float = Field(0.4, gt=0, le=60, description="seconds over which probabilities are smoothed")
    enter: float = Field(0.5, gt=0, le=1, description="smoothed probability from which on a label or a watch starts")
    leave: float = Field(0.3, ge=0, le=1, description="smoothed probability below which it stops; not above enter")
    hold: float = Field(0.5, ge=0, le=3600, description="seconds for which a change is followed by no other")

    @model_validator(mode="after")
    def _leaves_below_enter(self) -> Self:
        if self.leave > self.enter:
            raise problem(f"leaves at {self.leave:g} what enters at {self.enter:g}", "set leave to no more than enter")
        return self


class WatchSettings(Section):
    """One `[[watch]]`: several classes that are one thing."""

    name: CameraName = Field("watch", description="label in logs and metrics", examples=["bottle"])
    labels: tuple[str, ...] = Field(
        (), max_length=1000, description="classes of the model that it sums", examples=[["water bottle", "pop bottle"]]
    )
    zone: str = Field("", max_length=64, description="of a detector: the [[zone]] that it looks at; empty: everywhere")


class MetricsSettings(Section):
    """`[metrics]`."""

    listen: Listen = Field(ListenAddress("0.0.0.0", 9100), description='HOST:PORT; "" turns the metrics off')  # noqa: S104
    labels: tuple[str, ...] = Field(
        (), description="classes counted by name in label_predictions_total; empty: own classes, if few"
    )


class WebSettings(Section):
    """`[web]`: the live page and the HTTP API."""

    listen: Listen = Field(
        None, description='HOST:PORT of the live page and the HTTP API, such as "127.0.0.1:8080"; "" turns them off'
    )
    auth: Literal["token", "none"] = Field(
        "token", description="who may see them: token (required beyond this machine), or none (everybody who connects)"
    )
    token_file: str = Field(
        "", max_length=4096, description="holds the token, readable by this user alone; empty: the service's credential"
    )
    allowed_hosts: tuple[HostName, ...] = Field(
        (), max_length=64, description="names, beyond this machine's own, under which browsers may ask for it"
    )
    pictures: bool = Field(True, description="whether pictures are shown; else labels alone")
    collect: str = Field(
        "",
        max_length=4096,
        description="folder of own classes, for which the page /collect takes pictures; empty: no such page",
    )

    @field_validator("collect")
    @classmethod
    def _is_a_path(cls, text: str) -> str:
        return _no_nul(text)

    @model_validator(mode="after")
    def _collects_what_it_shows(self) -> Self:
        if self.collect and not self.pictures:
            raise problem("collects pictures and shows none", 'set pictures = true, or collect = ""')
        return self


def _broker_host(text: str) -> str:
    return _host_name(text) if text else ""


def _node_name(text: str) -> str:
    if text and not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", text):
        raise problem("is no name for a node", "give it 1 to 64 letters, digits, '_' and '-'")
    return text


def _topic(text: str) -> str:
    levels = text.split("/") if text else []
    if not all(levels) or any(char in text for char in "+#\0"):
        raise problem("is no topic", 'write it as "homeassistant"')
    return text


class MqttSettings(Section):
    """`[mqtt]`: events and states to a broker, and to Home Assistant."""

    host: Annotated[str, AfterValidator(_broker_host)] = Field(
        "", description="name or address of the broker; empty: there is none"
    )
    port: int = Field(0, ge=0, le=65535, description="0: 8883 with tls, else 1883")
    tls: bool = Field(False, description="whether the connection is encrypted")
    ca_file: str = Field("", max_length=4096, description="PEM, who is trusted; empty: who this machine trusts")
    certificate_file: str = Field("", max_length=4096, description="PEM, of this client; empty: none")
    key_file: str = Field("", max_length=4096, description="PEM, its key; empty: it is in certificate_file")
    username: str = Field("", max_length=256, description="empty: nobody in particular")
    password_file: str = Field(
        "", max_length=4096, description="readable by this user alone; a bare name: the service's credential"
    )
    node: Annotated[str, AfterValidator(_node_name)] = Field(
        "", description="this machine's name in topics; empty: the username, or else its host name"
    )
    discovery: Annotated[str, AfterValidator(_topic)] = Field(
        "homeassistant", max_length=256, description="where Home Assistant looks for devices; empty: it is not told"
    )
    snapshots: bool = Field(False, description="whether pictures of what has begun are sent, too")

    @model_validator(mode="after")
    def _files_are_used(self) -> Self:
        if not self.tls and (self.ca_file or self.certificate_file or self.key_file):
            raise problem("names files for TLS, which is off", "set tls = true")
        if self.key_file and not self.certificate_file:
            raise problem("has a key_file and no certificate_file", "name both")
        if self.password_file and not self.username:
            raise problem("has a password_file and no username", "give both")
        return self


def _hook_url(text: str) -> str:
    if not text:
        return ""
    remedy = "write it as https://HOST/PATH, an '@' behind the host as %40"
    if not text.isascii() or not text.isprintable() or " " in text:
        raise problem("has characters that no URL has", "write those as %20 and the like, the host in ASCII")
    if text.partition("://")[0].lower() not in ("http", "https"):
        raise problem("is no URL of a web server", remedy)
    try:
        url, userinfo = take_userinfo(text)
        host_and_port(url)
    except ValueError as error:
        raise problem(str(error), remedy) from None
    if userinfo:
        raise problem("holds a user name", "leave it out: the signature says who sends")
    return text


HookUrl = Annotated[
    str,
    StringConstraints(max_length=4096, strip_whitespace=True),
    AfterValidator(_hook_url),
    PlainSerializer(lambda url: f"{server_of(url)}/{HIDDEN}" if url else "", return_type=str),
]
"""Whoever knows the path may be let in by it."""
HookEvent = Literal["started", "stopped", "camera_down", "camera_up", "group", "summary", "totals"]


class WebhookSettings(Section):
    """One `[[webhook]]`: a web server that is told of events."""

    name: CameraName = Field("webhook", description="label in logs and metrics", examples=["house"])
    url: HookUrl = Field(
        "",
        repr=False,
        description="where events are posted; its path is not shown",
        examples=["https://example.org/hook"],
    )
    secret_file: str = Field(
        "",
        max_length=4096,
        description="holds whsec_..., readable by this user alone; a bare name: the service's credential",
        examples=["/etc/pi-classifier/house-secret"],
    )
    events: tuple[HookEvent, ...] = Field(
        ("started", "stopped", "camera_down", "camera_up"),
        min_length=1,
        description="kinds of them; group, summary and totals are there, too",
    )
    ca_file: str = Field("", max_length=4096, description="PEM, who is trusted; empty: who this machine trusts")

    @property
    def is_encrypted(self) -> bool:
        """Whether it is asked by TLS."""
        return self.url.lower().startswith("https:")

    @model_validator(mode="after")
    def _trusts_whom_it_asks(self) -> Self:
        if self.ca_file and self.url and not self.is_encrypted:
            raise problem("has a ca_file, and its url is not encrypted", "make it https://")
        return self


class RunSettings(Section):
    """`[run]`."""

    frames: int = Field(0, ge=0, le=10**12, description="stop after this many predictions; 0 never stops")
    in_step: bool = Field(
        False, description="take all cameras' frames at one moment, whether or not the model keeps up with each"
    )
    nice: int = Field(0, ge=-20, le=19, description="scheduling priority; below 0 needs privileges")
    cpus: tuple[Cpu, ...] = Field((), description="processors to run on, by number; empty: all")


class Settings(Section):
    """The whole configuration."""

    camera: tuple[CameraSettings, ...] = Field((CameraSettings(),), min_length=1, max_length=64)
    model: ModelSettings = ModelSettings()
    detect: DetectSettings = DetectSettings()
    log: LogSettings = LogSettings()
    steadiness: SteadinessSettings = SteadinessSettings()
    watch: tuple[WatchSettings, ...] = Field((), max_length=64)
    object: tuple[ObjectSettings, ...] = Field((), max_length=1000)
    zone: tuple[ZoneSettings, ...] = Field((), max_length=256)
    mask: tuple[MaskSettings, ...] = Field((), max_length=256)
    metrics: MetricsSettings = MetricsSettings()
    web: WebSettings = WebSettings()
    mqtt: MqttSettings = MqttSettings()
    webhook: tuple[WebhookSettings, ...] = Field((), max_length=64)
    run: RunSettings = RunSettings()

    def with_camera_size(self, width: int, height: int) -> Self:
        """The same, but that this size, in pixels, is asked of cameras of which none is configured."""
        size = {"width": width, "height": height}
        cameras = tuple(
            one if one.model_fields_set & size.keys() else one.model_copy(update=size) for one in self.camera
        )
        return self.model_copy(update={"camera": cameras})

    def watches_of(self, camera: str) -> list[WatchSettings]:
        """A camera's watches: one that looks at a zone is of the zone's camera alone."""
        camera_of = {zone.name: zone.camera for zone in self.zone}
        return [watch for watch in self.watch if not watch.zone or camera_of[watch.zone] == camera]

    @property
    def groups(self) -> dict[str, list[str]]:
        """The names of the cameras of each group, by its own."""
        groups: dict[str, list[str]] = {}
        for camera in self.camera:
            if camera.group:
                groups.setdefault(camera.group, []).append(camera.name)
        return groups

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        named: dict[str, tuple[str, list[str]]] = {
            "camera": ("cameras", [one.name for one in self.camera]),
            "watch": ("watches", [one.name for one in self.watch]),
            "zone": ("zones", [one.name for one in self.zone]),
            "webhook": ("webhooks", [one.name for one in self.webhook]),
        }
        for section, (kinds, names) in named.items():
            for name in names:
                if names.count(name) > 1:
                    raise problem(f"two {kinds} are called '{name}'", f"give each [[{section}]] a name of its own")
        return self

    @model_validator(mode="after")
    def _regions_are_of_cameras(self) -> Self:
        cameras = [one.name for one in self.camera]
        for section, tables in (("zone", self.zone), ("mask", self.mask)):
            for one in tables:
                if one.camera not in cameras:
                    raise problem(
                        f"a [[{section}]] is of the camera '{one.camera}', which there is not", "name another"
                    )
        zones = [one.name for one in self.zone]
        for watch in self.watch:
            if watch.zone and watch.zone not in zones:
                raise problem(
                    f"the watch '{watch.name}' looks at the zone '{watch.zone}', which there is not", "add it"
                )
        return self

    @model_validator(mode="after")
    def _objects_differ(self) -> Self:
        labels = [one.label for one in self.object]
        for one in self.object:
            if not one.label:
                raise problem("an [[object]] has no label", 'give it one: label = "person"')
            if labels.count(one.label) > 1:
                raise problem(f"two [[object]] are of '{one.label}'", "make one of them")
            if one.min_area > one.max_area:
                raise problem(f"no '{one.label}' has a min_area above its max_area", "swap them")
        return self

    @model_validator(mode="after")
    def _groups_have_several_cameras(self) -> Self:
        for group, cameras in self.groups.items():
            if len(cameras) == 1:
                raise problem(
                    f"'{cameras[0]}' is the only camera of the group '{group}'",
                    f'give another [[camera]] group = "{group}" as well, or take it away here',
                )
        return self

    @model_validator(mode="after")
    def _watches_have_labels(self) -> Self:
        for watch in self.watch:
            if not watch.labels:
                raise problem(f"the watch '{watch.name}' has no labels", 'give it some: labels = ["water bottle"]')
        return self

    @model_validator(mode="after")
    def _webhooks_lead_somewhere(self) -> Self:
        for one in self.webhook:
            if not one.url:
                raise problem(f"the webhook '{one.name}' has no url", 'give it one: url = "https://HOST/PATH"')
            # Where no value is shown.
            if one.secret_file.startswith("whsec_"):
                raise problem(f"the webhook '{one.name}' has its secret in the place of a file's name", "name a file")
            if not one.secret_file:
                raise problem(
                    f"the webhook '{one.name}' has no secret_file",
                    "name the file with what its messages are signed with",
                )
        return self
