"""The programs that `prepare` writes. `make programs` writes this file."""

OPERATORS = frozenset(
    {
        "ops.prim.RaiseException",
        "ops.quantized.add",
        "ops.quantized.add_relu",
        "ops.quantized.cat",
        "ops.quantized.conv2d",
        "ops.quantized.conv2d_relu",
        "ops.quantized.hardswish",
        "ops.quantized.linear",
        "ops.quantized.mul",
        "torch.adaptive_avg_pool2d",
        "torch.avg_pool2d",
        "torch.chunk",
        "torch.contiguous",
        "torch.dequantize",
        "torch.flatten",
        "torch.floordiv",
        "torch.gt",
        "torch.hardsigmoid",
        "torch.int_repr",
        "torch.len",
        "torch.max_pool2d",
        "torch.mean",
        "torch.ne",
        "torch.size",
        "torch.transpose",
        "torch.view",
    }
)
"""Whatever they call."""

PROGRAMS = {
    "mobilenet_v2": "b3b8344d8a624eac2013ccf39a533ea3174a8549b5844612c75074261b1adf80",
    "mobilenet_v3_large": "5fc84d10d12debe7172a8e0f774e5c5a9edc9956fcad784c4783390b1c4243a4",
    "resnet18": "f5e2c30e8876bceab3a4359f083515c3009e63989f70ba3842fc11230335e031",
    "resnet50": "19542d96c1eea2f31687e6ce2bbafbc23ed8d8e7c51aba0fe695ac2e8c41842a",
    "resnext101_32x8d": "e4fa805465b21d58a408286d5a24b654f8da3e59f9ffb8602ad02d21cac9ad38",
    "inception_v3": "13188e5f728eea237e6983a3f87c58d650336ad8b3862261a1a6c6343e27efba",
    "googlenet": "84d0748bbc82312ba7305e508dda6e8e93db7dfc7681a610065bd71a318ef61e",
    "shufflenet_v2_x0_5": "28ee29b16867ab29c7774a53690127c9d7119f48ec0ea9b590dce12fc85b9f0b",
    "shufflenet_v2_x1_0": "52d1f28d0d7db5b900c6867788155d67b377d93bedc4e046127201d22abe90f7",
    "shufflenet_v2_x1_5": "054a9d3e9b62ab287cf7b948345f16c5310feced7632a039a88349882b1dc4bb",
    "shufflenet_v2_x2_0": "829df34a65e141e1549c8eca870250f39aebf3ceadadfbfe9996ece82a1cd25f",
    "demo": "d4fd6272443fd86f7c2fc25931a0c232c420c8410ea42ded227ba0792f1ebb28",
}
"""The fingerprint of each, by the name of its architecture; and that of the demonstration model."""

WITH_FEATURES = {
    "mobilenet_v2": "5418a88940196c0d86101c3e81e67ef9d5099839aa2d025546d38bd2a0f74a17",
}
"""Of those that give features beside the logits: what `train` writes."""
