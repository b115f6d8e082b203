"""TFLite's model files, which are data: made of a `Program`, and read back into one and verified before LiteRT sees it.

It needs neither LiteRT nor the FlatBuffers package, so that a machine can prepare for another, and a start stays quick.
"""
