"""An asset apart from any orchestrator: its code, what it may read, its checks, and making a version again."""
