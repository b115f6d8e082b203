"""ONNX files, made elsewhere: read within bounds without any library, run by ONNX Runtime.

Reading knows nothing of ONNX Runtime, and opening nothing of what a model is for: `classifier` alone does.
"""
