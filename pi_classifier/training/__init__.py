"""Own classes: from folders of pictures to a bundle. Only commands import it, and nothing that runs with a camera."""
