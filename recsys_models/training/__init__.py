"""Training: the loop of gradient descent, its checkpoints and warm starts, and the choice of parameters."""
