"""The operating system and the machine: systemd, processor, firmware, files. No part of it knows a frame."""
