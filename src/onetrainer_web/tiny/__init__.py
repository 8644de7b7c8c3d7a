"""The embedded default: a tiny text-to-image model in SD 1.x architecture, its pictures, and how it is trained."""
