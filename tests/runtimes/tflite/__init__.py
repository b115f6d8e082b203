"""Tests of `pi_classifier/runtimes/tflite/`."""
