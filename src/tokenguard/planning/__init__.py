"""From findings to a plan that is proven: what is wanted, how it comes about, and what else would come of it."""
