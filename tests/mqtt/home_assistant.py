"""What Home Assistant takes as a device's discovery, as strictly as it does: an unknown key is refused.

Written from https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload and the pages of each platform.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Text = Annotated[str, Field(min_length=1)]
Topic = Annotated[str, Field(pattern=r"^[^+#]+$", max_length=65535)]
Template = Annotated[str, Field(pattern=r"\{\{.*\}\}")]
UniqueId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+$")]
DISCOVERY_TOPIC = r"homeassistant/device/([a-zA-Z0-9_-]+/)?[a-zA-Z0-9_-]+/config"
"""Its `TOPIC_MATCHER`, for devices."""


class Strict(BaseModel):
    """Knows no other keys."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Device(Strict):
    """`device`: at least one identifier."""

    identifiers: Annotated[list[Text], Field(min_length=1)]
    name: Text
    manufacturer: Text
    model: Text
    sw_version: Text


class Origin(Strict):
    """`origin`."""

    name: Text
    sw_version: Text


class Availability(Strict):
    """One of `availability`; `online` and `offline` are its defaults."""

    topic: Topic


class Entity(Strict):
    """What all platforms want."""

    name: Text
    unique_id: UniqueId


class Sensor(Entity):
    """https://www.home-assistant.io/integrations/sensor.mqtt/."""

    platform: Literal["sensor"]
    state_topic: Topic
    value_template: Template
    unit_of_measurement: Text | None = None
    state_class: Literal["measurement", "total", "total_increasing"] | None = None
    entity_category: Literal["diagnostic"] | None = None
    expire_after: Annotated[int, Field(gt=0)] | None = None
    icon: Annotated[str, Field(pattern="^mdi:")] | None = None


class BinarySensor(Entity):
    """https://www.home-assistant.io/integrations/binary_sensor.mqtt/."""

    platform: Literal["binary_sensor"]
    state_topic: Topic
    value_template: Template


class EventEntity(Entity):
    """https://www.home-assistant.io/integrations/event.mqtt/."""

    platform: Literal["event"]
    state_topic: Topic
    event_types: Annotated[list[Text], Field(min_length=1)]


class Image(Entity):
    """https://www.home-assistant.io/integrations/image.mqtt/."""

    platform: Literal["image"]
    image_topic: Topic
    content_type: Literal["image/jpeg"]


AnyEntity = Annotated[Sensor | BinarySensor | EventEntity | Image, Field(discriminator="platform")]


class Discovery(Strict):
    """The whole message."""

    device: Device
    origin: Origin
    availability: Annotated[list[Availability], Field(min_length=1)]
    availability_mode: Literal["all", "any", "latest"]
    components: Annotated[dict[Text, AnyEntity], Field(min_length=1)]
