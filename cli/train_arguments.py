"""Tables of the options of `train`: the model, how it is fitted, and its teachers."""

from ..train.options import APPLICATIONS, CLASS_WEIGHTS, SCHEDULES
from .arguments import OptionTable, positive, whole_number

MODEL: OptionTable = {
    "width": {"type": float, "help": "multiply the preset's filters by this (default: 1)"},
    "extra_layers": {"type": int, "metavar": "N", "help": "number of additional convolutions (default: 0)"},
    "dropout": {
        "type": float,
        "metavar": "SHARE",
        "help": "share of the features that is dropped before the last layer (default: 0)",
    },
    "weights": {
        "metavar": "imagenet|random|FILE",
        "help": f"what {', '.join(APPLICATIONS)} begin with: imagenet, from Keras's cache or downloaded into it; "
        "random; or a .weights.h5, .h5 or .keras file of the same network (default: imagenet)",
    },
}
# These two are of FitOptions.
FITTING: OptionTable = {
    "epochs": {"type": positive, "help": "passes over the training images"},
    "batch_size": {"type": positive, "metavar": "N", "help": "images per step"},
    "learning_rate": {"type": float, "metavar": "RATE", "help": "highest learning rate of the schedule"},
    "schedule": {"choices": SCHEDULES, "help": "of the learning rate; cosine starts with a warm-up (default: cosine)"},
    "weight_decay": {"type": float, "metavar": "X", "help": "weight decay of AdamW"},
    "label_smoothing": {
        "type": float,
        "metavar": "SHARE",
        "help": "share of a label's probability that is spread over all classes",
    },
    "ema": {"type": float, "metavar": "MOMENTUM", "help": "end with an exponential moving average of the weights"},
    "augmentation": {
        "type": float,
        "metavar": "X",
        "help": "how far images are rotated, zoomed and shifted: 1 is 10 degrees, 10 %% and 2 pixels of 28; 0 is off",
    },
    "flip": {"action": "store_true", "help": "mirror half of the images, left to right, at random"},
    "crop": {
        "type": float,
        "metavar": "SHARE",
        "help": "cut out a window of at least this share of the area, at random, and resize it to the image; 1 is off",
    },
    "crop_ratio": {
        "type": float,
        "metavar": "R",
        "help": "how much wider or higher than the image a --crop may be, from 1 (default: 4/3)",
    },
    "colour": {
        "type": float,
        "metavar": "X",
        "help": "change brightness, contrast and saturation by factors from 1-X to 1+X; 0 is off",
    },
    "class_weights": {
        "choices": CLASS_WEIGHTS,
        "help": "weigh each image by the inverse frequency of its class",
    },
    "frozen_epochs": {
        "type": whole_number,
        "metavar": "N",
        "help": "epochs before the others in which only the head of a pretrained network learns",
    },
    "fine_tuning_rate": {
        "type": float,
        "metavar": "RATE",
        "help": "highest learning rate once all layers learn (default after frozen epochs: a tenth of --learning-rate)",
    },
    "patience": {
        "type": positive,
        "metavar": "EPOCHS",
        "help": "stop after this many epochs without a better validation accuracy",
    },
    "validation_share": {
        "type": float,
        "metavar": "SHARE",
        "help": "share of the training images that is held out for validation (default: 1/12)",
    },
    "quantization_epochs": {
        "type": positive,
        "metavar": "N",
        "help": "epochs of quantization-aware training (int8) at the end",
    },
}
TEACHING: OptionTable = {
    "distill_weight": {"type": float, "metavar": "SHARE", "help": "weight of the distillation loss (default: 0.9)"},
    "temperature": {
        "type": float,
        "metavar": "T",
        "help": "temperature of the distillation: divides the logits of both models (default: 4)",
    },
}
