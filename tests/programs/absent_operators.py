"""Stand-ins for two operators that torchvision from a registry lacks beside torch for the CPU; imported before it."""

import torch

_BOXES = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
for name in ("nms", "qnms"):
    torch.library.define(f"torchvision::{name}", _BOXES)
