"""The environment variables that configure the libraries, which each of them reads once, at its import."""

ENVIRONMENT = {
    # FFmpeg, OpenCV and torch's C++ side would add lines of their own to an error that is told in one.
    "OPENCV_FFMPEG_LOGLEVEL": "-8",
    "OPENCV_LOG_LEVEL": "SILENT",
    "TORCH_CPP_LOG_LEVEL": "ERROR",
    # The model's threads are QNNPACK's own pool. OpenMP and numpy's BLAS would each start as many again, for work that
    # is not done here.
    "OMP_THREAD_LIMIT": "1",
    "OPENBLAS_NUM_THREADS": "1",
    # pydantic would look through the metadata of every installed package for one that extends it.
    "PYDANTIC_DISABLE_PLUGINS": "__all__",
}
"""Quiet, no threads but the model's own, nothing searched in vain; what the user has set wins over it."""
