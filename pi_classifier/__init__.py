"""Names what a camera sees: a quantised MobileNetV2 on every frame, for a Raspberry Pi that runs for months."""

__version__ = "0.1.0"
