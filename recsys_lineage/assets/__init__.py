"""Assets without an orchestrator: their code, inputs, checks, materialization and reproduction."""
