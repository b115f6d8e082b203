"""The tutorial's loop."""

from pathlib import Path
from typing import Any

from benchmarks.loops.camera import Camera
from benchmarks.loops.loop_figures import TOP_K, Figures, Task
from benchmarks.loops.stopwatch import Stopwatch


class TutorialLoop:
    """The tutorial's loop, line by line; the printing of its top ten is left out."""

    def __init__(self, name: str, state: Path | None) -> None:
        # Here, for the other contenders shall not carry them; ours before torchvision, for its guard lets the import
        # work. It would also spare the tutorial torch's compiler, which torchvision imports.
        import torch._dynamo.utils  # noqa: PLC0415, I001
        from pi_classifier.prepare.quantise import quantised, untrained  # noqa: PLC0415
        from pi_classifier.prepare.torchvision_models import ARCHITECTURES  # noqa: PLC0415
        from torchvision import transforms  # noqa: PLC0415

        torch.set_num_threads(1)
        torch.backends.quantized.engine = "qnnpack"
        architecture = ARCHITECTURES[name]
        net = quantised(architecture, torch.load(state, weights_only=True), state) if state else untrained(architecture)
        self._net: Any = torch.jit.script(net)
        self._preprocess = transforms.Compose(
            [transforms.ToTensor(), transforms.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])]
        )
        self._no_grad: Any = torch.no_grad

    def run(self, task: Task, camera: Camera) -> Figures:
        """Do a task."""
        watch = Stopwatch(task)
        net, frames = watch.timed(self._net), 0
        with self._no_grad():
            while not watch.done:
                captured_at, pixels = camera.read()
                image = pixels.copy()  # cv2.VideoCapture.read gives a new array
                image = image[:, :, [2, 1, 0]]
                input_tensor = self._preprocess(image)
                input_batch = input_tensor.unsqueeze(0)
                output = net(input_batch)
                if task.top_k:
                    top = list(enumerate(output[0].softmax(dim=0)))
                    top.sort(key=lambda x: x[1], reverse=True)
                    _ = [(index, value.item()) for index, value in top[:TOP_K]]
                frames += 1
                watch.frame(captured_at)
        return watch.figures(frames, {"overrun": camera.overrun})
