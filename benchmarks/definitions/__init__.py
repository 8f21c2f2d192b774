"""What a large app's definitions cost: checking, publishing unchanged, changing one, serving."""
