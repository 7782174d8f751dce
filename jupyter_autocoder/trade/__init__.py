"""Trading by words, the pure part: what a sentence means, and what an order is."""
