"""The answer to a pair: which run stands for it, who is helped, and what to do next."""
