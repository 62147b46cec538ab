"""Recommenders on DGL and PyTorch behind one contract: arrays and frames in, arrays out."""
