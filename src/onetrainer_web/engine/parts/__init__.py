"""What families and the loop are put together of: bases of families, encoders, latents, layers."""
