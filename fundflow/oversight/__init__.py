"""What auditors take home of one application: the whole of its evidence, to be checked without fundflow."""
