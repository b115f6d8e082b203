"""Pictures and videos from files and folders: every frame of them, in order."""
