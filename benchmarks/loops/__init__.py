"""Of `pipeline`: the loops that it compares, the camera before them and the watch beside them."""
