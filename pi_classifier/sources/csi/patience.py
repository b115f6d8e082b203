"""How long a CSI camera may take, and what to look at when it takes longer."""

SILENCE_SECONDS = 2.0
"""A camera that completes no picture for so long is taken for lost."""
START_SECONDS = 8.0
"""The first picture may take longer: libcamera tries every mode of the sensor before it starts."""
REMEDY = "check its cable, and 'pi-classifier boot-config status'"
