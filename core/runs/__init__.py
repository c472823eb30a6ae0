"""The whole story without a screen: plan, fit, evaluate, keep; and what jobs do."""
