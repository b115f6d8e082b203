"""Tests on a whole machine: a Debian guest with a real camera driver and a real systemd."""
