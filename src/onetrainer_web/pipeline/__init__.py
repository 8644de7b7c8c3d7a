"""Data for training: which pictures, in which order, cropped how, and encoded once."""
