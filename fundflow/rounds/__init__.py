"""Windows and rounds: what money is offered, for what, until when, under which workflow."""
