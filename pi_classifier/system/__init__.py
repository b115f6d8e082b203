"""The machine under the daemon: its processor, its boot configuration, its service manager."""
