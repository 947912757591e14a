"""Decision meetings: prepared as a batch, read letter by letter, released by a second person, carried out at once."""
