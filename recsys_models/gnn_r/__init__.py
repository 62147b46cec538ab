"""GNN-R, the fused graph network: convolution for nodes, attention for relations."""
