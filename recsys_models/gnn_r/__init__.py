"""The fused graph network: convolution for nodes, attention for relations."""
