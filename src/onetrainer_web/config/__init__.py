"""What a run is: OneTrainer's configuration format as frozen models, read, checked, explained and written."""
