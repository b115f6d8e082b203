"""Tests of ONNX files and of what runs them."""
