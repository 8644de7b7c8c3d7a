"""Reading and writing model files. Foreign formats stop here: inside, there is one naming, that of diffusers."""
