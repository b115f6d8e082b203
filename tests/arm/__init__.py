"""Tests on the Raspberry Pi's own instruction set: an arm64 Debian under QEMU's user emulation."""
