"""Group features: what models learn from: interactions, profiles, item relations and sequences."""
