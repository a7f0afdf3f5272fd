"""Transfer learning: pretrained backbones, and the stages in which they are trained."""
